"""A face in a video, from a film of our own whose motion is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import mien
from mien.avatar import Avatar
from mien.transmit.motion_reader import read_motion
from mien.types import SHAPE_INDEX, FloatArray


def test_motion_comes_back_out_of_a_film(avatar: Avatar, tmp_path: Path) -> None:
    film = mien.make(avatar, text="My papa may buy a boat.", language="en", size="384", blink_rate=0.0)
    film.save(tmp_path / "film.mp4", captions="none", motion=tmp_path / "sent.json")
    report = mien.motion(video=tmp_path / "film.mp4").save(tmp_path / "seen.csv", fps=50)
    sent, seen = read_motion(tmp_path / "sent.json"), read_motion(tmp_path / "seen.csv")
    rows = min(len(sent), len(seen))
    assert report.rows == len(seen)
    assert abs(len(sent) - len(seen)) <= 3
    assert np.corrcoef(_gap(sent.shapes[:rows]), _gap(seen.shapes[:rows]))[0, 1] > 0.7
    assert (tmp_path / "seen.csv").read_text().count("\n") == len(seen) + 1


def _gap(shapes: FloatArray) -> FloatArray:
    """How open the mouth is, roughly."""
    part = {name: shapes[:, SHAPE_INDEX[name]] for name in ("jawOpen", "mouthClose", "mouthLowerDownLeft")}
    return np.asarray(25 * (part["jawOpen"] - part["mouthClose"]) + 5 * part["mouthLowerDownLeft"])
