"""Every test here sees Mien's own fonts and the small ones of the kit."""

from __future__ import annotations

import pytest
from tests.stage.type import kit


@pytest.fixture(autouse=True)
def small_fonts(monkeypatch: pytest.MonkeyPatch) -> None:
    kit.use(monkeypatch, kit.folder())
