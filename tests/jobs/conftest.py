"""What tests of batches stand on."""

from __future__ import annotations

import pytest

from mien import models


@pytest.fixture(scope="session")
def portrait() -> str:
    return str(models.path("astronaut"))
