"""Bookkeeping that detectors share: how much sound came, which rows were read."""

from __future__ import annotations

import numpy as np

from mien.audio.base import ROW
from mien.errors import UsageError
from mien.types import Activity, AudioChunk, FloatArray


class Rows:
    """Rows of a stream of sound. start: its first tick, None before there is one. ticks: of sound so far."""

    def __init__(self) -> None:
        self.start: int | None = None
        self.ticks = 0
        self.closed = False
        self._given = 0

    def hear(self, chunk: AudioChunk) -> None:
        """More sound came. Raises UsageError for a gap, or after the end."""
        if self.closed:
            raise UsageError("This voice detector was closed.", hint="Make a new one for more sound.")
        if self.start is None:
            self.start = chunk.start
        elif chunk.start != self.start + self.ticks:
            raise UsageError(
                f"Sound goes on at tick {chunk.start}, but it ended at {self.start + self.ticks}.",
                hint="Push the chunks in order, with silence where nothing is heard.",
            )
        self.ticks += len(chunk.samples)

    @property
    def total(self) -> int:
        """How many rows the sound so far has; the last one may reach past its end."""
        return -(-self.ticks // ROW)

    @property
    def given(self) -> int:
        """How many rows were read."""
        return self._given

    def give(self, probability: FloatArray) -> Activity:
        """The next rows to read."""
        start = (self.start or 0) + self._given * ROW
        self._given += len(probability)
        return Activity(start, np.ascontiguousarray(probability, np.float32))
