"""Taking a constant offset (DC) away: it eats headroom, and no ear hears it."""

from __future__ import annotations

from typing import Final

import numpy as np

from mien.types import FloatArray

_ROW: Final = 960
_SLOWEST: Final = 200  # rows: the mean of all so far, then a time constant of four seconds, far below any voice
_TOLERATED: Final = 0.01  # -40 dBFS harms nobody: sound without an offset passes untouched


class OffsetRemover:
    """Streams mono sound at 48 kHz, held back by less than 20 ms. Chunked equals whole."""

    def __init__(self) -> None:
        self._sound = np.zeros(0, np.float32)
        self._offset = 0.0  # as followed
        self._rows = 0
        self._taken = 0.0  # as taken away at the end of the last row

    def push(self, samples: FloatArray) -> FloatArray:
        """The next sound, float32 (n,); returns whole rows of it, float32 (m,), perhaps none."""
        sound = np.concatenate([self._sound, samples])
        count = len(sound) // _ROW
        self._sound = sound[count * _ROW :]
        return self._level(sound[: count * _ROW].reshape(count, _ROW)) if count else np.zeros(0, np.float32)

    def close(self) -> FloatArray:
        """The rest: as much has then come out as went in."""
        rest, self._sound = self._sound, np.zeros(0, np.float32)
        if len(rest) and not self._rows:
            return self._level(rest[None, :])
        return rest - np.float32(self._taken)

    def _level(self, rows: FloatArray) -> FloatArray:
        ends = np.array([self._follow(float(mean)) for mean in rows.mean(axis=1, dtype=np.float64)], np.float32)
        starts = np.concatenate([[np.float32(self._taken)], ends[:-1]])
        self._taken = float(ends[-1])
        if not starts.any() and not ends.any():
            return rows.reshape(-1)
        ramp = np.linspace(0.0, 1.0, rows.shape[1], endpoint=False, dtype=np.float32)
        level: FloatArray = (rows - (starts[:, None] + (ends - starts)[:, None] * ramp)).reshape(-1)
        return level

    def _follow(self, mean: float) -> float:
        """What to take away, after a row with this mean."""
        self._rows += 1
        self._offset += (mean - self._offset) / min(self._rows, _SLOWEST)
        taken = float(np.copysign(max(abs(self._offset) - _TOLERATED, 0.0), self._offset))
        if self._rows == 1:
            self._taken = taken
        return taken
