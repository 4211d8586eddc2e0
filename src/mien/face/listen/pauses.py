"""Pauses that are not silent: other people, music or a street go on while the voice is still.

The network and voice activity take talk in the background for talk. It is quieter than the voice, though: where the
sound keeps within a few decibels of the quietest that was heard lately, and that is not far below the voice, nobody
near speaks; nor where it is far below the voice.
"""

from __future__ import annotations

from collections import deque
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.types import FloatArray

Rows = NDArray[np.float64]

_MEMORY: Final = 100
"""Rows over which the background is the quietest: two seconds."""
_LONG_MEMORY: Final = 250
"""The same for telling how noisy a recording is: some speakers do not pause for long."""
_SMOOTHED: Final = 5
_SYLLABLE: Final = 6
"""Rows within which speech is as loud as speech at least once."""
_FAINT: Final = -5.5
"""A background more than 24 dB below the voice (natural logarithm of power) fools nobody."""
_CLEAN, _NOISY = -7.5, -4.5
"""Background of a clean recording, and of one in which it hides what lips do."""
_SILENT: Final = -4.6
"""What keeps 20 dB below the voice is no voice, whatever the background."""
_ABOVE: Final = 1.6
"""How far above the background, 7 dB, sound counts as the voice."""
_SHUTTING, _OPENING = 0.14, 0.35


class Pauses:
    """Follows the background and says where the voice pauses. Streams; each row rests on those before it alone."""

    def __init__(self) -> None:
        self._last: deque[float] = deque(maxlen=_SMOOTHED)
        self._quietest: deque[float] = deque(maxlen=_MEMORY)
        self._long: deque[float] = deque(maxlen=_LONG_MEMORY)
        self._loud: deque[float] = deque(maxlen=_SYLLABLE)
        self._open = 1.0
        self._noise = 0.0

    def rows(self, loudness: FloatArray) -> tuple[Rows, Rows]:
        """How much the mouth may move, and how much noise there is, both (n,), 0…1.

        loudness: relative to the voice's level, natural logarithm of power, (n,).
        """
        moves, noise = np.empty(len(loudness)), np.empty(len(loudness))
        for i, now in enumerate(loudness.tolist()):
            self._last.append(now)
            self._quietest.append(sum(self._last) / len(self._last))
            self._loud.append(self._quietest[-1])
            self._long.append(self._quietest[-1])
            background = min(self._quietest)
            moves[i] = self._gate(background)
            self._noise = noise[i] = min(max((min(self._long) - _CLEAN) / (_NOISY - _CLEAN), 0.0), 1.0)
        return moves, noise

    def held(self, rows: int) -> tuple[Rows, Rows]:
        """The same for rows after the end, of which nothing is known: all stays as it was."""
        return np.full(rows, self._open), np.full(rows, self._noise)

    def _gate(self, background: float) -> float:
        known = len(self._quietest) == _MEMORY and background > _FAINT
        voice = max(_SILENT, background + _ABOVE) if known else _SILENT
        step = (0.0 if max(self._loud) < voice else 1.0) - self._open
        self._open += min(max(step, -_SHUTTING), _OPENING)
        return self._open
