"""A driver's motion made fit for a portrait."""

from __future__ import annotations

import numpy as np
import pytest

from mien.errors import UsageError
from mien.face.video.retarget import HEAD_MOST, MimicSettings, retarget
from mien.types import SHAPE_INDEX, FaceClip


def clip(**shapes: float) -> FaceClip:
    row = np.zeros((1, 52), np.float32)
    for name, value in shapes.items():
        row[0, SHAPE_INDEX[name]] = value
    return FaceClip(0, row, np.array([[0.6, -0.5, 0.4, 2.0, -2.0, 3.0]], np.float32))


def test_the_head_stays_in_what_a_picture_shows() -> None:
    moved = retarget(clip(), MimicSettings()).head[0]
    assert (np.abs(moved) <= HEAD_MOST + 1e-6).all() and (np.sign(moved) == [1, -1, 1, 1, -1, 1]).all()


def test_small_turns_pass_as_they_are() -> None:
    small = FaceClip(0, np.zeros((1, 52), np.float32), np.array([[0.05, 0.04, 0.02, 0, 0, 0]], np.float32))
    np.testing.assert_allclose(retarget(small, MimicSettings()).head, small.head, rtol=0.03)


def test_factors_move_the_face_and_leave_the_eyes() -> None:
    out = retarget(clip(mouthSmileLeft=0.4, eyeBlinkLeft=1.0, jawOpen=0.3), MimicSettings(1.5, 0.0))
    assert out.shapes[0, SHAPE_INDEX["mouthSmileLeft"]] == pytest.approx(0.6)
    assert out.shapes[0, SHAPE_INDEX["eyeBlinkLeft"]] == 1.0
    assert not out.head.any()


@pytest.mark.parametrize("value", [-0.1, 2.1, float("nan")])
def test_factors_have_a_range(value: float) -> None:
    with pytest.raises(UsageError, match="outside 0 to 2"):
        MimicSettings(expression=value)
