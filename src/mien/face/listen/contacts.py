"""From how sure the network is of closed lips to lips that close: briefly, wholly, where it is surest.

It hears most of m, b and p, but is rarely certain of one, and longer half sure than the lips are shut. A threshold
that finds them all would therefore keep the lips shut too long. So the peaks of its sureness close the lips, for the
40 ms that a film's frame needs to show it, and besides them only what it is all but certain of.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.face.lips import ease

Rows = NDArray[np.float64]

AROUND: Final = 3
"""Rows before and after that decide what a peak is."""
_PEAK: Final = 0.45
_CERTAIN: Final = (0.60, 0.85)
_PROMPT: Final = (0.45, 0.65)


def closed_at_peaks(closure: Rows) -> Rows:
    """Closed lips, (n,), 0…1, where the network's closure peaks.

    closure: (n + 2 · AROUND,), from :data:`AROUND` rows before on.
    """
    closed = over(closure, *_CERTAIN)
    middle = np.arange(2, len(closure) - 2)
    here, before, after = closure[middle], closure[middle - 1], closure[middle + 1]
    top = (here > _PEAK) & (here >= before) & (here >= after)
    top &= (here > closure[middle - 2]) & (here > closure[middle + 2])
    peaks = middle[top]
    closed[peaks] = 1
    closed[np.where(before[top] >= after[top], peaks - 1, peaks + 1)] = 1
    return closed[AROUND : len(closure) - AROUND]


class PromptContacts:
    """The same without waiting: a threshold, and closed lips stay closed for a row more. Streams."""

    def __init__(self) -> None:
        self._last = 0.0

    def rows(self, sure: Rows) -> Rows:
        """Closed lips, (n,), from the network's closure, (n,)."""
        now = over(sure, *_PROMPT)
        before = np.concatenate([[self._last], now[:-1]])
        self._last = float(now[-1]) if len(now) else self._last
        return np.asarray(np.maximum(now, before), np.float64)


def over(x: Rows, low: float, high: float) -> Rows:
    """0 up to low, 1 from high on, eased between."""
    return np.asarray(ease(np.clip((x - low) / (high - low), 0.0, 1.0)), np.float64)
