"""How sure an alignment is: what a fit (see :class:`mien.dialogue.align.match.Stretch`) says, from 0 to 1."""

from __future__ import annotations

from typing import Final

import numpy as np

from mien.types import FloatArray

OTHER_WORDS: Final = 0.3
"""A recording whose fit is below this says other words: wrong transcripts have 0.1 ± 0.1, right ones 0.4 to 1."""

_MIDDLE, _WIDTH = 0.33, 0.05
_AROUND: Final = 25  # rows to each side that a phone's fit is averaged over
_SLOWEST: Final = 3.0


def confidence(fit: float, pace: float = 1.0) -> float:
    """0…1. pace: a length by what the speaker's pace lets expect; three times too long or too short is doubted."""
    sure = 1 / (1 + np.exp(-(fit - _MIDDLE) / _WIDTH))
    odd = max(0.0, abs(np.log(max(pace, 1e-3))) - np.log(_SLOWEST))
    return float(np.clip(sure * np.exp(-odd), 0, 1))


def smooth(fit: FloatArray) -> FloatArray:
    """Means over half a second; nan counts as nothing, 0 where there is only nan."""
    known = np.isfinite(fit)
    window = np.ones(2 * _AROUND + 1)
    total = np.convolve(np.where(known, fit, 0), window)[_AROUND : _AROUND + len(fit)]
    count = np.convolve(known.astype(float), window)[_AROUND : _AROUND + len(fit)]
    return np.where(count > 0.5, total / np.maximum(count, 1), 0).astype(np.float32)
