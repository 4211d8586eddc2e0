"""Two opinions of the lips made one: what the network says, and what the acoustic model takes each sound's lips for."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.face.listen.acoustics import LIPS
from mien.face.listen.heads import APERTURE, SPEAKING, WIDTH
from mien.types import FloatArray

Rows = NDArray[np.float64]

SHARE: Final = 0.45
"""What the acoustic model's opinion counts."""
_BEFORE, _AFTER = 8, 6
"""Rows over which it is averaged at most: sounds blend in a mouth."""
_SPREAD: Final = 2.5
"""Standard deviation of that average, rows."""


class Opinions:
    """Streams. look_ahead: of the network, rows; the acoustic model's opinion is averaged over as much future."""

    def __init__(self, look_ahead: int) -> None:
        after = min(_AFTER, look_ahead - 2)  # a row of the acoustic model is about the one before it
        steps = np.arange(-_BEFORE, after + 1)
        weights = np.exp(-0.5 * ((steps - min(0, after)) / _SPREAD) ** 2)
        self._weights = weights / weights.sum()
        self._late = look_ahead - 2 - after
        self._before = np.zeros((_BEFORE + after + self._late, LIPS))

    def mixed(self, answers: FloatArray, lips: Rows) -> FloatArray:
        """The network's answers, (n, HEADS), averaged with what the acoustic model says at the same rows, (n, LIPS)."""
        if not len(answers) or np.isnan(lips).any():
            return answers
        whole = np.concatenate([self._before, lips])
        self._before = whole[len(lips) :]
        windows = np.lib.stride_tricks.sliding_window_view(whole, len(self._weights), axis=0)[: len(lips)]
        spoken = np.clip(answers[:, SPEAKING], 0, 1).astype(np.float64)
        said = (windows @ self._weights) * spoken[:, None]
        out = answers.copy()
        out[:, APERTURE] += SHARE * (said[:, 0] / 10 - answers[:, APERTURE])
        out[:, WIDTH] += SHARE * (said[:, 1] / 5 - answers[:, WIDTH])
        return out
