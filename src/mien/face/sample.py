"""A face at any moment, from the rows of face clips.

Between two rows every channel is interpolated linearly. That keeps what holds in both rows: lips that are closed in two
neighbouring rows are closed between them (the gap is linear in the shapes), values stay within their limits, and
mouthClose stays at or below jawOpen. Before the first row the first holds, after the last row the last.
"""

from __future__ import annotations

from bisect import bisect_right
from fractions import Fraction
from typing import Final

import numpy as np

from mien.errors import UsageError
from mien.timeline import TICKS_PER_SECOND
from mien.types import FaceClip, FloatArray


def sample(clip: FaceClip, tick: int) -> tuple[FloatArray, FloatArray]:
    """Shapes, float32 (52,), and head, float32 (6,), of a clip at a tick. Raises UsageError for a clip without rows."""
    buffer = ClipBuffer()
    buffer.push(clip)
    return buffer.at(tick)


class ClipBuffer:
    """Clips that follow each other, sampled at rising ticks; memory is what was pushed and not dropped."""

    def __init__(self) -> None:
        self._clips: list[FaceClip] = []
        self._starts: list[int] = []

    def push(self, clip: FaceClip) -> None:
        """Add a clip that begins where the last one ended. One without rows changes nothing.

        Raises UsageError for a gap, an overlap or a change of rate.
        """
        if not len(clip):
            return
        if self._clips and (clip.rate != self._clips[-1].rate or abs(clip.start - self.end) > 1):
            raise UsageError(
                f"A face clip starts at tick {clip.start} and the last one ended at {self.end}.",
                hint="Push clips of one rate in order and without a gap.",
            )
        self._clips.append(clip)
        self._starts.append(clip.start)

    @property
    def end(self) -> int:
        """Tick at which the next row would be; up to here motion is known. 0 when nothing was pushed."""
        return row_tick(self._clips[-1], len(self._clips[-1])) if self._clips else 0

    @property
    def last_row(self) -> int:
        """Tick of the last row: up to here :meth:`at` does not depend on what is pushed later. -1 when empty."""
        return row_tick(self._clips[-1], len(self._clips[-1]) - 1) if self._clips else -1

    def at(self, tick: int) -> tuple[FloatArray, FloatArray]:
        """Shapes, float32 (52,), and head, float32 (6,), at a tick. Raises UsageError when nothing is held."""
        if not self._clips:
            raise UsageError("There is no face motion to sample.", hint="Push a face clip with rows first.")
        which = max(0, bisect_right(self._starts, tick) - 1)
        clip = self._clips[which]
        row = min(max(0, _row_at(clip, tick)), len(clip) - 1)
        begin = row_tick(clip, row)
        after, next_row, end = clip, row + 1, row_tick(clip, row + 1)
        if next_row == len(clip):
            if which + 1 == len(self._clips) or tick <= begin:
                return clip.shapes[row].copy(), clip.head[row].copy()
            after, next_row, end = self._clips[which + 1], 0, self._starts[which + 1]
        share = min(1.0, max(0.0, (tick - begin) / max(1, end - begin)))
        return (
            _between(clip.shapes[row], after.shapes[next_row], share),
            _between(clip.head[row], after.head[next_row], share),
        )

    def drop_before(self, tick: int) -> None:
        """Forget clips that sampling at or after this tick does not need."""
        while len(self._clips) > 1 and self._starts[1] <= tick:
            del self._clips[0], self._starts[0]


def row_tick(clip: FaceClip, row: int) -> int:
    """Tick of a row of a clip."""
    return clip.start + row * TICKS_PER_SECOND * clip.rate.denominator // clip.rate.numerator


def _row_at(clip: FaceClip, tick: int) -> int:
    """The last row at or before a tick."""
    row = int(Fraction(tick - clip.start) * clip.rate / TICKS_PER_SECOND)
    return row + 1 if row_tick(clip, row + 1) <= tick else row


_ONE: Final = np.float32(1)


def _between(a: FloatArray, b: FloatArray, share: float) -> FloatArray:
    s = np.float32(share)
    return a * (_ONE - s) + b * s
