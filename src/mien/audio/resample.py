"""Streaming change of sample rate."""

from __future__ import annotations

import numpy as np

from mien.timeline import TICKS_PER_SECOND
from mien.types import FloatArray


class Resampler:
    """Mono sound of one rate to another, piece by piece.

    soxr's linear-phase "HQ" filter: its delay is taken away, so an impulse stays where it is; the output of the whole
    stream has ``round(n · to / rate)`` samples, halves rounded up. How the input is cut does not change a bit of it.
    """

    def __init__(self, rate: int, to: int = TICKS_PER_SECOND) -> None:
        """rate, to: Hz."""
        self._stream = None
        if rate != to:
            import soxr

            self._stream = soxr.ResampleStream(rate, to, 1, dtype="float32", quality="HQ")

    def push(self, samples: FloatArray) -> FloatArray:
        """The next samples, float32 (n,); returns what is final, float32 (m,), perhaps none."""
        if self._stream is None:
            return samples
        made: FloatArray = self._stream.resample_chunk(np.ascontiguousarray(samples))
        return made

    def close(self) -> FloatArray:
        """The rest. Nothing may be pushed after it."""
        none = np.zeros(0, np.float32)
        if self._stream is None:
            return none
        made: FloatArray = self._stream.resample_chunk(none, last=True)
        return made
