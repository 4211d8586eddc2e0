"""Motion at another rate, and angles as quaternions: what the motion formats share."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from mien.types import ARKIT_SHAPES, GAZE_DEGREES, SHAPE_INDEX, FaceClip, FloatArray

Values = NDArray[np.float64]


class Resampler:
    """Rows at ``rate`` from clips at any one rate that follow on from each other; chunked equals whole.

    Row j lies j / rate after the first clip's start; between two rows values go linearly, after the last one it holds.
    Clips that have the rate already pass unchanged.
    """

    def __init__(self, rate: Fraction) -> None:
        self._rate = rate
        self._start: int | None = None
        self._step = Fraction(1)
        self._rows = np.zeros((0, len(ARKIT_SHAPES) + 6), np.float32)
        self._first = 0  # number of the first row that is kept
        self._done = 0

    def push(self, clip: FaceClip) -> FaceClip:
        """The rows that lie before the end of this clip's last row."""
        if self._start is None:
            self._start = clip.start
            self._step = clip.rate / self._rate
        if self._step == 1:
            return clip
        self._rows = np.concatenate([self._rows, np.concatenate([clip.shapes, clip.head], axis=1)])
        last = self._first + len(self._rows) - 1
        return self._take(int(last / self._step) + 1 if last >= 0 else 0)

    def close(self) -> FaceClip:
        """The rows that are left; the time of the last row counts to its end."""
        count = self._first + len(self._rows)
        return self._take(-int(-count // self._step)) if self._step != 1 else self._take(0)

    def _take(self, until: int) -> FaceClip:
        n, d = self._step.numerator, self._step.denominator
        at = np.arange(self._done, max(self._done, until), dtype=np.int64) * n
        low = at // d - self._first
        part = ((at % d) / d).astype(np.float32)[:, None]
        high = np.minimum(low + 1, len(self._rows) - 1)
        low = np.minimum(low, len(self._rows) - 1)
        rows = self._rows[low] + (self._rows[high] - self._rows[low]) * part
        self._done += len(at)
        keep = max(0, min(self._done * n // d - self._first, len(self._rows) - 1))
        self._rows, self._first = self._rows[keep:], self._first + keep
        shapes, head = rows[:, : len(ARKIT_SHAPES)], rows[:, len(ARKIT_SHAPES) :]
        return FaceClip(self._start or 0, np.ascontiguousarray(shapes), np.ascontiguousarray(head), self._rate)


def gaze(shapes: FloatArray) -> Values:
    """Yaw and pitch of both eyes against the head, radians: (n, 2, 2), left eye first, from shapes (n, 52)."""
    out = np.zeros((len(shapes), 2, 2))
    for eye, (side, outward) in enumerate((("Left", 1.0), ("Right", -1.0))):
        look = {d: shapes[:, SHAPE_INDEX[f"eyeLook{d}{side}"]].astype(np.float64) for d in ("In", "Out", "Up", "Down")}
        out[:, eye, 0] = outward * (look["Out"] - look["In"]) * GAZE_DEGREES["side"]
        out[:, eye, 1] = look["Down"] * GAZE_DEGREES["down"] - look["Up"] * GAZE_DEGREES["up"]
    return np.radians(out)


def quaternions(yaw: Values, pitch: Values, roll: Values, share: float = 1.0) -> Values:
    """Ry(yaw) Rx(pitch) Rz(roll) as unit quaternions x, y, z, w ≥ 0, (n, 4).

    share: this part of each turn, about the same axis.
    """
    half = np.stack([yaw, pitch, roll]) / 2
    (cy, cx, cz), (sy, sx, sz) = np.cos(half), np.sin(half)
    q = np.stack(
        [
            cy * sx * cz + sy * cx * sz,
            sy * cx * cz - cy * sx * sz,
            cy * cx * sz - sy * sx * cz,
            cy * cx * cz + sy * sx * sz,
        ],
        axis=1,
    )
    q *= np.where(q[:, 3:] < 0, -1.0, 1.0)
    if share == 1:
        return q
    sine = np.linalg.norm(q[:, :3], axis=1)
    angle = np.arctan2(sine, q[:, 3])
    axis = q[:, :3] / np.maximum(sine, 1e-12)[:, None]
    return np.concatenate([axis * np.sin(share * angle)[:, None], np.cos(share * angle)[:, None]], axis=1)
