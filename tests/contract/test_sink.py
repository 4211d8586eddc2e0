"""What every sink that writes a file promises (:class:`mien.transmit.base.Sink`)."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from mien.errors import OutputError
from mien.timeline import frame_tick
from mien.transmit.base import Sink
from mien.transmit.open import open_sink, parse_output
from mien.types import AudioChunk, VideoFrame

FPS = Fraction(25)
NAMES = ["film.mp4", "film.m4v", "film.mov", "film.webm", "film.gif", "film.webp", "film_%05d.png", "film/"]


@pytest.fixture(params=NAMES)
def target(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return f"{tmp_path}/{request.param}"


def open_one(target: str) -> Sink:
    return open_sink(parse_output(target), 64, 64, FPS, preset="fast", encoder="software")


def feed(sink: Sink, count: int) -> None:
    for k in range(count):
        start, end = frame_tick(k, FPS), frame_tick(k + 1, FPS)
        sink.video(VideoFrame(start, np.full((64, 64, 3), 5 * k, np.uint8)))
        sink.audio(AudioChunk(start, np.zeros(end - start, np.float32)))


def visible(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir() if not p.name.startswith("."))


def test_it_is_a_sink(target: str) -> None:
    sink = open_one(target)
    assert isinstance(sink, Sink)
    sink.abort()


def test_nothing_shows_before_close_and_no_debris_after(target: str, tmp_path: Path) -> None:
    sink = open_one(target)
    feed(sink, 6)
    assert visible(tmp_path) == []
    sink.close()
    assert visible(tmp_path) and not [p for p in tmp_path.iterdir() if p.name.startswith(".")]


def test_abort_leaves_nothing_and_may_be_repeated(target: str, tmp_path: Path) -> None:
    sink = open_one(target)
    feed(sink, 3)
    sink.abort()
    sink.abort()
    assert list(tmp_path.iterdir()) == []


def test_abort_after_close_keeps_the_result(target: str, tmp_path: Path) -> None:
    sink = open_one(target)
    feed(sink, 3)
    sink.close()
    there = visible(tmp_path)
    sink.abort()
    assert visible(tmp_path) == there != []


def test_a_place_that_is_not_there_is_refused(target: str, tmp_path: Path) -> None:
    with pytest.raises(OutputError):
        open_one(target.replace("/film", "/nowhere/film"))
    assert list(tmp_path.iterdir()) == []


def test_its_arguments_are_not_changed(target: str) -> None:
    sink = open_one(target)
    pixels, samples = np.full((64, 64, 3), 7, np.uint8), np.full(1920, 0.5, np.float32)
    pixels.flags.writeable = samples.flags.writeable = False
    sink.video(VideoFrame(0, pixels))
    sink.audio(AudioChunk(0, samples))
    sink.abort()
    assert (pixels == 7).all() and (samples == 0.5).all()
