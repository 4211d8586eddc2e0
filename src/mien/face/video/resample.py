"""Rows at the video's own times → rows of a clip at an even rate, bridging stretches where no face was seen."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Final

import numpy as np

from mien.face.video.smooth import Rows
from mien.timeline import TICKS_PER_SECOND, to_ticks

BRIDGE: Final = 0.6
"""Seconds without a face that are bridged straight; longer ones come to rest in between."""
_EASE: Final = 0.3
"""Seconds in which a face that went away comes to rest, and one that comes back leaves it."""


class Resampler:
    """Push (time, row) in order, read rows at k / rate seconds. Chunked equals whole.

    rest: (c,) what a face that is not seen comes to; NaN columns hold their last value. Before the first row the first
    is held, after the last the last.
    """

    def __init__(self, rate: Fraction, rest: Rows) -> None:
        self._rate, self._rest = rate, rest
        self._last: tuple[float, Rows] | None = None
        self._ready: list[Rows] = []
        self._count = 0

    def push(self, time: float, row: Rows) -> None:
        """A row at a time in seconds; times must rise."""
        if self._last is None:
            self._fill(time, lambda _: row)
        else:
            begin, before = self._last
            if time <= begin:
                return
            if time - begin <= BRIDGE:
                self._fill(time, lambda t: before + (row - before) * ((t - begin) / (time - begin)))
            else:
                self._fill(time, lambda t: self._away(t, begin, before, time, row))
        self._last = time, row

    def close(self, end: float) -> None:
        """Hold the last row up to ``end`` seconds (half-open)."""
        if self._last is not None:
            row = self._last[1]
            self._fill(end, lambda _: row, inclusive=False)

    def read(self) -> Rows:
        """All rows that are final and were not read yet, (n, c)."""
        ready, self._ready = self._ready, []
        return np.array(ready).reshape(-1, len(self._rest))

    def _fill(self, time: float, value: Callable[[float], Rows], *, inclusive: bool = True) -> None:
        last = to_ticks(time) - (not inclusive)
        while (tick := self._count * TICKS_PER_SECOND * self._rate.denominator // self._rate.numerator) <= last:
            self._ready.append(value(min(tick / TICKS_PER_SECOND, time)))
            self._count += 1

    def _away(self, t: float, begin: float, before: Rows, end: float, after: Rows) -> Rows:
        """Between two rows far apart: ease to rest, stay, ease to the next."""
        leave, come = _smooth((t - begin) / _EASE), _smooth((end - t) / _EASE)
        share = _smooth((t - begin) / (end - begin))
        held = before + (after - before) * share  # what has no rest drifts over
        target = np.where(np.isnan(self._rest), held, self._rest)
        if t - begin < end - t:
            return np.asarray(before + (target - before) * leave)
        return np.asarray(after + (target - after) * come)


def _smooth(x: float) -> float:
    x = min(1.0, max(0.0, x))
    return x * x * (3 - 2 * x)
