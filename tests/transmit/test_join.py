"""Films rendered in pieces and joined play as if they had been made in one."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from mien.errors import InputError
from mien.timeline import frame_tick
from mien.transmit.film import FilmSink, FilmSpec
from mien.transmit.join import join
from mien.types import AudioChunk, FloatArray, VideoFrame

COUNT = 57


def piece(path: Path, first: int, last: int, fps: Fraction, *, sound: bool = False, preset: str = "fast") -> Path:
    """Grey pictures; picture k has the level 10 + 4 k."""
    sink = FilmSink(FilmSpec(path, 64, 48, fps, preset, "software", sound=sound))
    voice = tone()[:, 0]
    for k in range(first, last):
        sink.video(VideoFrame(frame_tick(k - first, fps), np.full((48, 64, 3), 10 + 4 * k, np.uint8)))
        start, end = frame_tick(k, fps), frame_tick(k + 1, fps)
        sink.audio(AudioChunk(start, voice[start:end]))
    sink.close()
    return path


def tone() -> FloatArray:
    ticks = np.arange(200_000) / 48_000
    left = 0.3 * np.sin(2 * np.pi * (300 + 100 * ticks) * ticks)
    return np.stack([left, left], 1).astype(np.float32)


def pictures(path: Path) -> list[tuple[float, int]]:
    """Second and number of each picture."""
    with av.open(str(path)) as file:
        return [(float(f.time), round((f.to_ndarray(format="rgb24").mean() - 10) / 4)) for f in file.decode(video=0)]


def heard(path: Path) -> FloatArray:
    with av.open(str(path)) as file:
        return np.concatenate([f.to_ndarray() for f in file.decode(audio=0)], axis=1)


@pytest.mark.parametrize("ending", [".mp4", ".webm", ".mov"])
@pytest.mark.parametrize("fps", [Fraction(25), Fraction(30000, 1001)])
def test_pieces_follow_each_other_without_a_seam(tmp_path: Path, ending: str, fps: Fraction) -> None:
    cuts = [0, 19, 20, 44, COUNT]
    pieces = [piece(tmp_path / f"{k}{ending}", a, b, fps) for k, (a, b) in enumerate(pairwise(cuts))]
    whole = piece(tmp_path / f"whole{ending}", 0, COUNT, fps, sound=True)
    length = frame_tick(COUNT, fps)
    sound = (tone()[a : min(a + 30_000, length)] for a in range(0, length, 30_000))
    assert join(pieces, sound, tmp_path / f"joined{ending}", fps, "fast") == COUNT
    shown, expected = pictures(tmp_path / f"joined{ending}"), pictures(whole)
    lossy = 1 if ending == ".webm" else 0  # a fast VP9 may leave a slightly lighter picture as it was
    assert [n for _, n in shown] == pytest.approx(range(COUNT), abs=lossy) and len(expected) == COUNT
    assert [t for t, _ in shown] == pytest.approx([t for t, _ in expected], abs=0.0011)
    np.testing.assert_array_equal(heard(tmp_path / f"joined{ending}"), heard(whole))


def test_the_same_pieces_make_the_same_bytes(tmp_path: Path) -> None:
    pieces = [piece(tmp_path / "a.mp4", 0, 9, Fraction(25)), piece(tmp_path / "b.mp4", 9, 20, Fraction(25))]
    for name in ("x.mp4", "y.mp4"):
        join(pieces, [tone()[:38_400]], tmp_path / name, Fraction(25), "fast")
    assert (tmp_path / "x.mp4").read_bytes() == (tmp_path / "y.mp4").read_bytes()


def test_pieces_of_different_kinds_are_refused(tmp_path: Path) -> None:
    pieces = [
        piece(tmp_path / "a.mp4", 0, 9, Fraction(25)),
        piece(tmp_path / "b.mp4", 9, 20, Fraction(25), preset="best"),
    ]
    with pytest.raises(InputError, match=r"b\.mp4 was encoded with other settings"):
        join(pieces, [tone()[:38_400]], tmp_path / "x.mp4", Fraction(25), "fast")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.mp4", "b.mp4"]
