"""A video as a layer shows the same picture at a moment whichever moments were asked for before."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.errors import InputError
from mien.stage.layers.footage import Footage
from mien.timeline import frame_tick, to_ticks

FPS = Fraction(25)
COUNT = 60


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60 pictures, each lighter than the one before; a key frame every 12."""
    import av

    path = tmp_path_factory.mktemp("footage") / "lighter.mp4"
    with av.open(str(path), "w") as file:
        stream = file.add_stream("libx264", rate=FPS, options={"g": "12", "bf": "2", "crf": "10"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for k in range(COUNT):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 10 + 4 * k, np.uint8), format="rgb24")
            frame.pts = k
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return path


def number(footage: Footage, tick: int) -> int:
    return round((float(footage.at(tick).pixels.mean()) - 10) / 4)


def test_each_picture_in_its_time(video: Path) -> None:
    footage = Footage(video, (3, 4, 32, 24), start=1000)
    assert [number(footage, 1000 + frame_tick(k, FPS)) for k in range(COUNT)] == list(range(COUNT))
    patch = footage.at(1000)
    assert (patch.x, patch.y, patch.pixels.shape) == (3, 4, (24, 32, 3))
    assert number(footage, 0) == 0 and number(footage, to_ticks(99)) == COUNT - 1


@settings(max_examples=25, deadline=None)
@given(ticks=st.lists(st.integers(0, to_ticks(6)), min_size=1, max_size=8), loop=st.booleans())
def test_asked_in_any_order(video: Path, ticks: list[int], loop: bool) -> None:
    footage = Footage(video, (0, 0, 16, 16), loop=loop)
    for tick in ticks:
        expected = tick * 25 // 48_000
        assert number(footage, tick) == (expected % COUNT if loop else min(expected, COUNT - 1))


def test_trimmed(video: Path) -> None:
    footage = Footage(video, (0, 0, 16, 16), trim=(0.8, 1.6), loop=True)
    assert [number(footage, frame_tick(k, FPS)) for k in (0, 5, 19, 20, 39, 40)] == [20, 25, 39, 20, 39, 20]


def test_equal_pictures_have_equal_versions(video: Path) -> None:
    footage = Footage(video, (0, 0, 16, 16))
    assert footage.at(0).version == footage.at(1900).version != footage.at(1920).version


@pytest.mark.parametrize("trim", [(3.0, None), (1.0, 1.0), (1.0, 0.5)])
def test_nothing_left(video: Path, trim: tuple[float, float | None]) -> None:
    with pytest.raises(InputError, match=r"lasts 2\.4 s"):
        Footage(video, (0, 0, 16, 16), trim=trim)


def test_no_video(tmp_path: Path) -> None:
    path = tmp_path / "words.mp4"
    path.write_text("nothing")
    with pytest.raises(InputError, match="no pictures that can be read"):
        Footage(path, (0, 0, 16, 16))
