"""Motion at another rate keeps its time and its shape."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.transmit.test_motion import clip, write

from mien.transmit.motion import MotionWriter
from mien.transmit.motion_rate import Resampler, gaze, quaternions
from mien.transmit.motion_reader import read_motion
from mien.types import GAZE_DEGREES, SHAPE_INDEX, FaceClip

RATES = [Fraction(r) for r in ("1", "24", "25", "30", "50", "60", "120")] + [Fraction(30_000, 1001), Fraction(7, 3)]


def resampled(whole: FaceClip, rate: Fraction, places: list[int]) -> FaceClip:
    bounds = sorted({0, len(whole), *(p % (len(whole) + 1) for p in places)})
    sampler = Resampler(rate)
    out = [
        sampler.push(FaceClip(whole.start + a * 960, whole.shapes[a:b], whole.head[a:b], whole.rate))
        for a, b in pairwise(bounds)
    ]
    out.append(sampler.close())
    return FaceClip(
        whole.start, np.concatenate([c.shapes for c in out]), np.concatenate([c.head for c in out]), out[-1].rate
    )


@settings(max_examples=60, deadline=None)
@given(rows=st.integers(1, 90), rate=st.sampled_from(RATES), places=st.lists(st.integers(0, 90), max_size=6))
def test_values_lie_on_the_lines_between_rows_however_it_is_cut(rows: int, rate: Fraction, places: list[int]) -> None:
    whole = clip(rows, start=960)
    got = resampled(whole, rate, places)
    assert got.rate == rate
    assert len(got) == -(-rows * rate // 50)  # every moment before the end of the last row
    times, known = np.arange(len(got)) / float(rate), np.arange(rows) / 50
    for column in (0, 17, 51):
        assert np.allclose(got.shapes[:, column], np.interp(times, known, whole.shapes[:, column]), atol=1e-5)
    assert np.allclose(got.head[:, 4], np.interp(times, known, whole.head[:, 4]), atol=1e-5)


def test_the_same_rate_changes_nothing() -> None:
    whole = clip(33)
    got = resampled(whole, Fraction(50), [5, 17])
    assert np.array_equal(got.shapes, whole.shapes)
    assert np.array_equal(got.head, whole.head)


@pytest.mark.parametrize("rate", [Fraction(24), Fraction(30_000, 1001), Fraction(60)])
def test_a_file_at_another_rate_lasts_as_long(tmp_path: Path, rate: Fraction) -> None:
    sent = clip(301, start=48_000)
    target = tmp_path / "m.json"
    with MotionWriter(target, rate) as writer:
        writer.write(sent)
    back = read_motion(target)
    assert (back.rate, back.start) == (rate, 48_000)
    assert 0 <= len(back) / float(rate) - 301 / 50 < 1 / float(rate)


def test_nothing_stays_nothing(tmp_path: Path) -> None:
    assert len(read_motion(write(tmp_path / "m.json"))) == 0
    assert len(Resampler(Fraction(30)).close()) == 0


def test_eyes_turn_as_they_look() -> None:
    shapes = np.zeros((1, 52), np.float32)
    for name in ("eyeLookOutLeft", "eyeLookInRight", "eyeLookUpLeft"):
        shapes[0, SHAPE_INDEX[name]] = 0.5
    assert np.degrees(gaze(shapes)[0]) == pytest.approx(
        np.array([[GAZE_DEGREES["side"] / 2, -GAZE_DEGREES["up"] / 2], [GAZE_DEGREES["side"] / 2, 0]])
    )


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(-1.2, 1.2), min_size=3, max_size=3))
def test_quaternions_are_the_clip_s_turns(angles: list[float]) -> None:
    yaw, pitch, roll = (np.array([a]) for a in angles)
    whole = quaternions(yaw, pitch, roll)[0]
    assert matrix(whole) == pytest.approx(turn(*angles), abs=1e-9)
    third, rest = quaternions(yaw, pitch, roll, 1 / 3)[0], quaternions(yaw, pitch, roll, 2 / 3)[0]
    assert matrix(third) @ matrix(rest) == pytest.approx(turn(*angles), abs=1e-9)


def turn(yaw: float, pitch: float, roll: float) -> np.ndarray:
    """Ry(yaw) Rx(pitch) Rz(roll), as the face clip says."""
    cy, sy, cp, sp, cr, sr = (f(a) for a in (yaw, pitch, roll) for f in (np.cos, np.sin))
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    about_z = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return np.asarray(about_y @ about_x @ about_z)


def matrix(q: np.ndarray) -> np.ndarray:
    """The turn that a unit quaternion x, y, z, w makes."""
    x, y, z, w = q
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )
