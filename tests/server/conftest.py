"""One server for tests that leave nothing behind; data folders of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.server.kit import Served, portrait, serving


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIEN_DATA_DIR", str(tmp_path / "data"))


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(portraits=(portrait(tmp_path_factory.mktemp("portraits")),)) as server:
        yield server
