"""Short movements: shapes over time that rise and come back, and their sum row by row."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.float64]


class Pulses:
    """A row-wise sum of short pulses, some of them ahead of the rows asked for."""

    def __init__(self) -> None:
        self._first = 0
        self._sum = np.zeros(0)

    def add(self, row: int, pulse: Rows, size: float) -> None:
        """Add ``size`` times a pulse that begins at a row; what lies before the rows taken is lost."""
        pulse = pulse[max(0, self._first - row) :]
        at = max(0, row - self._first)
        self._grow(at + len(pulse))
        self._sum[at : at + len(pulse)] += size * pulse

    def take(self, rows: int) -> Rows:
        """Remove and return the first rows."""
        self._grow(rows)
        out, self._sum = self._sum[:rows], self._sum[rows:]
        self._first += rows
        return out

    def _grow(self, length: int) -> None:
        if length > len(self._sum):
            self._sum = np.concatenate([self._sum, np.zeros(length - len(self._sum))])


def pulse(rise: int, fall: int, rebound: float) -> Rows:
    """Up in ``rise`` rows and back in ``fall``, eased, then ``rebound`` beyond rest and back."""
    after = -rebound * np.sin(np.pi * np.arange(fall) / fall) ** 2 if rebound else np.zeros(0)
    return np.concatenate([held(rise, 0, fall), after])


def held(rise: int, hold: int, fall: int) -> Rows:
    """Up in ``rise`` rows, held for ``hold``, back in ``fall``, eased."""
    up = 0.5 - 0.5 * np.cos(np.pi * np.arange(rise) / rise)
    down = 0.5 + 0.5 * np.cos(np.pi * np.arange(fall) / fall)
    return np.concatenate([up, np.ones(hold), down])
