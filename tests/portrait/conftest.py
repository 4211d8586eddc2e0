"""Faces to test with: the demo portrait, and the real ones beside the repository where they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from mien import models
from mien.portrait.find.faces import Face, choose_face
from mien.portrait.image import load_picture
from mien.types import ByteArray

MEDIA = Path(__file__).parents[3] / "shared" / "media"


@pytest.fixture(scope="session")
def astronaut_file() -> Path:
    return models.path("astronaut")


@pytest.fixture(scope="session")
def astronaut(astronaut_file: Path) -> ByteArray:
    return load_picture(astronaut_file).rgb


@pytest.fixture(scope="session")
def astronaut_face(astronaut: ByteArray) -> Face:
    return choose_face(astronaut)


@pytest.fixture(scope="session")
def portraits() -> Path:
    folder = MEDIA / "portraits"
    if not folder.is_dir():
        pytest.skip("needs the test portraits in ../shared/media/portraits, which are not part of the repository")
    return folder


@pytest.fixture
def homes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Empty data and cache folders."""
    monkeypatch.setenv("MIEN_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("MIEN_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path
