"""The demo portrait as an avatar, made once."""

from __future__ import annotations

import pytest

import mien
from mien import models
from mien.avatar import Avatar


@pytest.fixture(scope="session")
def avatar() -> Avatar:
    """The astronaut."""
    return mien.create_avatar(models.path("astronaut"))
