"""Voice activity by loudness over the noise, without a model: where none can be fetched.

It tells speech from silence and from steady noise. Music and sudden noises talk with it; Silero knows better.
"""

from __future__ import annotations

from collections import deque
from typing import Final

import numpy as np

from mien.audio.base import ROW, DetectorInfo
from mien.audio.rows import Rows
from mien.types import Activity, AudioChunk, FloatArray

_BAND: Final = (200.0, 4000.0)  # Hz: where voices are and hum and hiss are not
_FLOOR_ROWS: Final = 75  # the noise is the quietest of the last 1.5 s: every syllable has a quiet moment
_QUIETEST: Final = -60.0  # dBFS below which nothing is speech
_AT_FIRST: Final = -38.0  # dBFS: what is louder at the very beginning is speech, not noise
_FIRST_ROWS: Final = 25  # so long that is believed
_HALF: Final = 8.0  # dB over the noise where speech is as likely as not
_SLOPE: Final = 2.0  # dB
_SMOOTHING: Final = 0.5


class EnergyDetector:
    """See :class:`mien.audio.base.VoiceDetector`."""

    def __init__(self) -> None:
        self._rows = Rows()
        self._sound = np.zeros(0, np.float32)
        self._levels: deque[float] = deque([_AT_FIRST], maxlen=_FLOOR_ROWS)
        self._smooth = _AT_FIRST
        self._count = 0
        self._ready: list[float] = []

    @property
    def info(self) -> DetectorInfo:
        """Waits for the end of its row."""
        return DetectorInfo("energy", look_ahead=ROW)

    def push(self, chunk: AudioChunk) -> None:
        """The next sound."""
        self._rows.hear(chunk)
        self._listen(np.concatenate([self._sound, chunk.samples]))

    def close(self) -> None:
        """No more sound."""
        if not self._rows.closed:
            self._rows.closed = True
            self._listen(np.concatenate([self._sound, np.zeros(-len(self._sound) % ROW, np.float32)]))

    def read(self) -> Activity:
        """Rows that were not read yet."""
        ready, self._ready = self._ready, []
        return self._rows.give(np.array(ready, np.float32))

    def _listen(self, sound: FloatArray) -> None:
        count = len(sound) // ROW
        for level in _band_levels(sound[: count * ROW].reshape(count, ROW)):
            self._smooth += _SMOOTHING * (float(level) - self._smooth)
            self._levels.append(self._smooth)
            self._count += 1
            if self._count == _FIRST_ROWS:
                self._levels.popleft()
            over = self._smooth - max(min(self._levels), _QUIETEST)
            self._ready.append(1.0 / (1.0 + np.exp(min((_HALF - over) / _SLOPE, 50.0))))
        self._sound = sound[count * ROW :]


def _band_levels(rows: FloatArray) -> FloatArray:
    """dBFS of each row in the band of voices. rows: (n, 960)."""
    spectrum = np.fft.rfft(rows * np.hanning(ROW).astype(np.float32))
    low, high = (round(hertz * ROW / 48_000) for hertz in _BAND)
    power = np.square(np.abs(spectrum[:, low : high + 1])).sum(axis=1)
    levels: FloatArray = 10.0 * np.log10(power / (ROW * ROW * 3 / 16) + 1e-12)
    return levels
