"""Blinks, wide and narrowed eyes and gaze, read from lids and irises against the person's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mien.face.video import points as at
from mien.face.video.neutral import lid_gap
from mien.face.video.pose import Array
from mien.face.video.solve import Basis
from mien.types import SHAPE_INDEX, FloatArray

_OPEN: Final = 55
"""Percentile of the lids' opening that counts as open: above the blinks, below eyes that are torn open."""
_SHUT: Final = (0.10, 0.32)
"""Lowest and highest opening of shut lids as the net draws them, share of the open one."""
_SLACK: Final = 0.10
"""Share of the opening that trembles and lets the lid hang without being a blink."""
_FOLLOWS_DOWN: Final = 0.34
_FOLLOWS_UP: Final = 0.10
"""How much of the opening the upper lid goes along with a full look down and up."""
_WIDE: Final = 0.055
"""How much further than usual lids stand apart at eyeWide 1, eye distances."""
_WINK: Final = 0.35
"""Eyes whose blinks differ by less move together."""
_FULL: Final = 0.90
"""Closure that is already a shut eye: past it the lids touch and the net still draws them apart."""


@dataclass(frozen=True)
class EyeRange:
    """A person's own eyes. open, shut: opening of the lids, eye distances, by side. gaze: where the irises rest against
    the middle between the corners, (2,) by side."""

    open: dict[str, float]
    shut: dict[str, float]
    gaze: dict[str, Array]


def eye_range(local: Array) -> EyeRange:
    """The range seen in a stretch of un-posed landmarks (n, 478, 3)."""
    opened, shut, gaze = {}, {}, {}
    for side in at.SIDES:
        gap = lid_gap(local, side)
        opened[side] = float(np.percentile(gap, _OPEN))
        lowest = float(np.percentile(gap, 0.5))
        shut[side] = float(np.clip(lowest, _SHUT[0] * opened[side], _SHUT[1] * opened[side]))
        awake = gap >= np.median(gap)
        gaze[side] = np.median(_iris(local, side)[awake], 0)
    return EyeRange(opened, shut, gaze)


def read_eyes(local: NDArray[Any], eyes: EyeRange, basis: Basis) -> tuple[FloatArray, FloatArray]:
    """The eye shapes, float32 (n, 52), all others 0; and how far the gaze can be believed, float32 (n,), 0…1."""
    local = np.asarray(local, np.float64)
    look = np.mean([_look(local, side, eyes, basis) for side in at.SIDES], axis=0)
    out = np.zeros((len(local), len(SHAPE_INDEX)), np.float32)
    blinks, wides = {}, {}
    for side in at.SIDES:
        follows = 1 - _FOLLOWS_DOWN * np.clip(look[:, 1], 0, 1) + _FOLLOWS_UP * np.clip(-look[:, 1], 0, 1)
        usual = eyes.open[side] * np.maximum(follows, 0.5)
        gap = lid_gap(local, side)
        closed = (usual - gap) / np.maximum(usual - eyes.shut[side], 1e-6)
        blinks[side] = np.clip((closed - _SLACK) / (_FULL - _SLACK), 0, 1)
        wides[side] = np.clip((gap - usual * (1 + _SLACK)) / _WIDE, 0, 1)
    seen = np.maximum(0.02, 1 - np.mean(list(blinks.values()), axis=0) * 1.6) ** 2
    for side, blink in _together(blinks).items():
        out[:, SHAPE_INDEX[f"eyeBlink{side}"]] = blink
        out[:, SHAPE_INDEX[f"eyeWide{side}"]] = wides[side]
        outward = 1 if side == "Left" else -1
        for name, value in (
            ("Out", outward * look[:, 0]), ("In", -outward * look[:, 0]), ("Down", look[:, 1]), ("Up", -look[:, 1]),
        ):  # fmt: skip
            out[:, SHAPE_INDEX[f"eyeLook{name}{side}"]] = np.clip(value, 0, 1)
    return out, seen.astype(np.float32)


def _iris(local: Array, side: str) -> Array:
    """Iris against the middle between the corners of its eye, (n, 2)."""
    return np.asarray(local[:, at.IRIS[side], :2] - local[:, list(at.EYE_CORNERS[side]), :2].mean(1))


def _look(local: Array, side: str, eyes: EyeRange, basis: Basis) -> Array:
    """Gaze of one eye, (n, 2): to the viewer's right and down, 1 = as far as its eyeLook shape takes the iris."""
    moved = _iris(local, side) - eyes.gaze[side]
    iris = at.IRIS[side]
    to_right, to_left = ("Out", "In") if side == "Left" else ("In", "Out")

    def reach(name: str, axis: int) -> float:
        return abs(float(basis.shapes[SHAPE_INDEX[f"eyeLook{name}{side}"], iris, axis]))

    x = np.where(moved[:, 0] > 0, moved[:, 0] / reach(to_right, 0), moved[:, 0] / reach(to_left, 0))
    y = np.where(moved[:, 1] > 0, moved[:, 1] / reach("Down", 1), moved[:, 1] / reach("Up", 1))
    return np.stack([x, y], 1)


def _together(blinks: dict[str, Array]) -> dict[str, Array]:
    """Both lids as one, unless one eye winks."""
    left, right = blinks["Left"], blinks["Right"]
    wink = np.clip(np.abs(left - right) / _WINK, 0, 1) ** 2
    mean = (left + right) / 2
    return {"Left": mean + (left - mean) * wink, "Right": mean + (right - mean) * wink}
