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

AROUND: Final = 6
"""Rows before and after that decide what a peak is."""
_DIP: Final = 4
"""Rows on either side over which an opening is looked for that a closure lies between."""
_DIP_WORTH, _USUAL_DIP = 0.8, 0.15
"""What a centimetre of that counts, and how much of it there is anyway."""
_PEAK: Final = 0.40
_CERTAIN: Final = (0.60, 0.85)
_PROMPT: Final = (0.45, 0.65)


def closed_at_peaks(closure: Rows, aperture: Rows) -> Rows:
    """Closed lips, (n,), 0…1, where the network's closure peaks, the more so between two openings.

    closure: the network's, aperture: its centimetres, both (n + 2 · AROUND,) from :data:`AROUND` rows before on.
    """
    closed = over(closure, *_CERTAIN)
    sure = closure + _DIP_WORTH * (_dip(aperture) - _USUAL_DIP)
    middle = np.arange(2, len(sure) - 2)
    here, before, after = sure[middle], sure[middle - 1], sure[middle + 1]
    top = (here > _PEAK) & (here >= before) & (here >= after) & (here > sure[middle - 2]) & (here > sure[middle + 2])
    peaks = middle[top]
    closed[peaks] = 1
    closed[np.where(before[top] >= after[top], peaks - 1, peaks + 1)] = 1
    return closed[AROUND : len(sure) - AROUND]


def _dip(aperture: Rows) -> Rows:
    """How much less open each row is than the widest within :data:`_DIP` rows before and after, the smaller of both."""
    padded = np.pad(aperture, _DIP, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, _DIP).max(axis=1)
    return np.asarray(np.minimum(windows[: len(aperture)], windows[_DIP + 1 :]) - aperture, np.float64)


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
