"""Randomness that is a pure function of seed and time, so that motion repeats and any chunking gives the same."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

_GOLDEN: Final = 0x9E3779B97F4A7C15
_MASK: Final = (1 << 64) - 1


def uniform(seed: int, stream: str, index: int) -> float:
    """A number in [0, 1) for this seed, named stream and index (SplitMix64's finaliser)."""
    return _mix((_key(seed, stream) + index * _GOLDEN) & _MASK) / 2**64


def normal(seed: int, stream: str, index: int) -> float:
    """A bell-shaped number with mean 0 and deviation 1, never beyond ±3 (Irwin and Hall's sum of three)."""
    total = sum(uniform(seed, f"{stream}.{i}", index) for i in range(3))
    return (total - 1.5) * 2.0


def wander(seed: int, stream: str, times: Values, period: float) -> Values:
    """Smooth aimless motion in -1…1 at these times (seconds): three octaves of value noise, no period to the eye.

    period: seconds between turning points of the slowest octave, roughly.
    """
    out = np.zeros(len(times))
    for octave, (scale, weight) in enumerate(((1.0, 0.56), (0.53, 0.29), (0.24, 0.15))):
        x = times / (period * scale) + 0.37 * octave
        cell = np.floor(x)
        out += weight * _lattice(_key(seed, f"{stream}/{octave}"), cell, x - cell)
    return out


def _lattice(key: int, cell: Values, x: Values) -> Values:
    cells = cell.astype(np.int64)
    low = int(cells.min()) if len(cells) else 0
    high = int(cells.max()) + 2 if len(cells) else 1
    knots = np.array([2 * _mix((key + i * _GOLDEN) & _MASK) / 2**64 - 1 for i in range(low, high)])
    blend = x * x * x * (x * (6 * x - 15) + 10)
    left = knots[cells - low]
    out: Values = left + (knots[cells - low + 1] - left) * blend
    return out


def _mix(z: int) -> int:
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return z ^ (z >> 31)


@lru_cache(1024)
def _key(seed: int, stream: str) -> int:
    z = seed & _MASK
    for byte in stream.encode():
        z = _mix((z ^ byte) + _GOLDEN & _MASK)
    return z


class Renewals:
    """Events that follow each other by random waits from time 0 on: the same events for the same seed, always.

    wait: index → seconds from event ``index`` to the next. Keeps only the events around the time asked for.
    """

    def __init__(self, first: float, wait: Callable[[int], float]) -> None:
        self._wait = wait
        self._next = first
        self._index = 0
        self.times: list[float] = []
        self.indices: list[int] = []

    def cover(self, start: float, end: float) -> None:
        """Have every event in start…end and at least one before start (if any); forget older ones."""
        while self._next <= end:
            self.times.append(self._next)
            self.indices.append(self._index)
            self._next += self._wait(self._index)
            self._index += 1
            if len(self.times) > 1 and self.times[1] < start:
                del self.times[0], self.indices[0]
        while len(self.times) > 1 and self.times[1] < start:
            del self.times[0], self.indices[0]
