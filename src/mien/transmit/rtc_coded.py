"""What encoders of live streams give: one coded picture or piece of sound each, and how sound is cut for them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from mien.timeline import TICKS_PER_SECOND
from mien.types import AudioChunk, FloatArray

PICTURE_CODECS: Final = ("h264", "vp8")
SOUND_CODECS: Final = ("opus", "aac", "pcm")

_BRIDGED: Final = TICKS_PER_SECOND // 10
"""Longest gap of sound that silence fills; after a longer one the blocks begin anew."""


@dataclass(frozen=True, slots=True)
class Coded:
    """One coded picture or block of sound.

    tick: when it is shown or heard. duration: ticks. key: a receiver can begin here (always true of sound).
    due: when it may go out, seconds of ``time.monotonic``. data: H.264 in Annex B with parameter sets before every key
    picture, a VP8 frame, an Opus packet, an AAC frame without header, or int16 little-endian samples.
    """

    tick: int
    duration: int
    data: bytes
    key: bool
    due: float


class Blocks:
    """Cuts sound into blocks of one length. How it comes in pieces changes nothing; small gaps become silence."""

    def __init__(self, length: int) -> None:
        self._length = length
        self._waiting: list[FloatArray] = []
        self._count = 0
        self._start = 0
        self._due = 0.0
        self._end: int | None = None

    def push(self, chunk: AudioChunk, now: float) -> Iterator[tuple[int, FloatArray, float]]:
        """(tick, samples, due) of the blocks that are whole now. now: when the chunk's first sample may be heard."""
        chunk = self._continued(chunk)
        if not len(chunk.samples):
            return
        if not self._count:
            self._start, self._due = chunk.start, now
        self._waiting.append(chunk.samples)
        self._count += len(chunk.samples)
        self._end = chunk.end
        while self._count >= self._length:
            sound = np.concatenate(self._waiting)
            yield self._start, sound[: self._length], self._due
            self._waiting, self._count = [sound[self._length :]], self._count - self._length
            self._start += self._length
            self._due = now + (self._start - chunk.start) / TICKS_PER_SECOND

    def clear(self) -> None:
        """Forget what waits; the next chunk begins anew."""
        self._waiting, self._count, self._end = [], 0, None

    def _continued(self, chunk: AudioChunk) -> AudioChunk:
        """The chunk without what was there before, with silence for what is missing."""
        gap = 0 if self._end is None else chunk.start - self._end
        if gap == 0:
            return chunk
        assert self._end is not None
        if 0 < gap <= _BRIDGED:
            return AudioChunk(self._end, np.concatenate([np.zeros(gap, np.float32), chunk.samples]))
        if -_BRIDGED <= gap < 0:
            return AudioChunk(max(chunk.start, self._end), chunk.samples[-gap:])
        self.clear()
        return chunk
