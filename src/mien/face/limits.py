"""What a face can do: how far each channel goes and how fast, and which never act together.

Speeds hold between the rows of a clip. The lips are shut after them (:func:`mien.face.lips.shut`), for a
closure that came late would be no closure; the shapes that part the lips are therefore the fastest here.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.types import ARKIT_SHAPES, SHAPE_INDEX

Rows = NDArray[np.float64]

JAW_MOST: Final = 0.80
"""Largest ``jawOpen``: 20 mm between the lips, beyond what speech asks of a jaw."""
HEAD_MOST: Final = np.array([math.radians(8), math.radians(6), math.radians(2), 0.15, 0.10, 0.15])
"""Largest yaw, pitch, roll (radians) and x, y, z (eye distances) either way."""
HEAD_SPEED: Final = np.array([math.radians(70), math.radians(70), math.radians(30), 0.4, 0.4, 0.4])
"""Fastest change of the same, per second."""

_SPEEDS: Final = (
    ("eyeLook", 60.0), ("eyeBlink", 26.0), ("eye", 8.0), ("brow", 6.0), ("cheek", 6.0), ("nose", 6.0), ("jawOpen", 9.0),
    ("jaw", 4.0), ("mouthClose", 40.0), ("mouthLowerDown", 40.0), ("mouthUpperUp", 40.0), ("mouthRoll", 40.0),
    ("mouthFunnel", 40.0), ("mouthPucker", 40.0), ("tongue", 40.0), ("mouth", 18.0),
)  # fmt: skip

SPEED: Final = np.array([next(v for p, v in _SPEEDS if name.startswith(p)) for name in ARKIT_SHAPES])
"""Fastest change of each shape, per second, in the order of :data:`mien.types.ARKIT_SHAPES`.

jawOpen 9/s is 225 mm/s, the peak of fast human speech; eyeBlink 26/s shuts a lid in 60 ms. What parts the lips reaches
40/s only while they are shut; else it keeps to :data:`OPEN_SPEED`.
"""
OPEN_SPEED: Final = 14.0
"""Fastest change of what parts the lips, per second, before they are shut: 75 mm/s by either lip."""
ROLL_SPEED: Final = 20.0
"""The same for a lip that rolls in."""

MOST: Final = np.ones(len(ARKIT_SHAPES))
MOST[SHAPE_INDEX["jawOpen"]] = MOST[SHAPE_INDEX["mouthClose"]] = JAW_MOST
"""Largest value of each shape."""
LIP_MOST: Final = 0.7
"""Largest mouthLowerDown and mouthUpperUp in speech: lips that show all of the teeth."""

_PAIRS: Final = (
    ("jawLeft", "jawRight"), ("mouthLeft", "mouthRight"),
    ("eyeLookInLeft", "eyeLookOutLeft"), ("eyeLookInRight", "eyeLookOutRight"),
    ("eyeLookUpLeft", "eyeLookDownLeft"), ("eyeLookUpRight", "eyeLookDownRight"),
)  # fmt: skip


class SpeedLimit:
    """Holds each column's change from row to row under its speed; streams, one state per column.

    speed: per second, (c,); inf = free. rate: rows a second.
    """

    def __init__(self, speed: Rows, rate: float = 50.0) -> None:
        self._step = speed / rate
        self._last: Rows | None = None

    def rows(self, wanted: Rows) -> Rows:
        """The next rows, (n, c); a value within reach passes unchanged to the bit."""
        if not len(wanted):
            return wanted
        last = wanted[0] if self._last is None else self._last
        before = np.concatenate([last[None], wanted[:-1]])
        out = np.minimum(np.maximum(wanted, before - self._step), before + self._step)
        if not np.array_equal(out, wanted):
            out = wanted.copy()
            for row in out:
                np.minimum(np.maximum(row, last - self._step, out=row), last + self._step, out=row)
                last = row
        self._last = out[-1].copy()
        return out


def soft(x: Rows, most: Rows) -> Rows:
    """Bend values that near ``most`` so that they never reach it; small ones pass nearly unchanged."""
    ratio = x / most
    return x / (1 + ratio**4) ** 0.25


def legal(shapes: Rows) -> Rows:
    """Shapes within 0…their most, opposite pairs never both, mouthClose never above jawOpen. (n, 52), a new array."""
    out = np.clip(shapes, 0, MOST)
    for a, b in _PAIRS:
        i, j = SHAPE_INDEX[a], SHAPE_INDEX[b]
        both = np.minimum(out[:, i], out[:, j])
        out[:, i] -= both
        out[:, j] -= both
    close = SHAPE_INDEX["mouthClose"]
    out[:, close] = np.minimum(out[:, close], out[:, SHAPE_INDEX["jawOpen"]])
    return out
