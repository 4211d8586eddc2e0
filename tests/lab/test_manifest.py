"""Only files whose stated licence allows it may teach."""

from __future__ import annotations

from pathlib import Path

import pytest

from mien.errors import InputError
from mien.lab.training.manifest import free, sources


@pytest.mark.parametrize(
    ("licence", "allowed"),
    [
        ("CC BY 4.0 (LibriSpeech test-other)", True),
        ("GRID corpus speaker 1, CC BY 4.0", True),
        ("CC0", True),
        ("Public domain", True),
        ("CC BY-NC 4.0", False),
        ("site CC BY-SA 4.0; clips CC BY-NC 4.0", False),
        ("MIT code; picture/video rights unstated", False),
        ("Apache-2.0 repo; asset rights unstated", False),
        ("CC BY 4.0; non-commercial research only", False),
        ("", False),
    ],
)
def test_licences(licence: str, allowed: bool) -> None:
    assert free(licence) is allowed


def test_only_named_free_files_under_training_count(tmp_path: Path) -> None:
    for name in ("training/a/x.flac", "training/a/y.flac", "training/b/z.mp4", "video/v.mp4"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    rows = ["name\tlicence", "training/a/x.flac\tCC BY 4.0", "training/b/*\tCC0", "video/v.mp4\tCC BY 4.0"]
    rows += ["training/a/y.flac\tCC BY-NC 4.0", "training/../video/v.mp4\tCC0", "training/c/none.wav\tCC0"]
    (tmp_path / "SOURCES.tsv").write_text("\n".join(rows))
    assert [s.path.name for s in sources(tmp_path)] == ["x.flac", "z.mp4"]


def test_no_manifest_no_data(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"SOURCES\.tsv"):
        sources(tmp_path)
