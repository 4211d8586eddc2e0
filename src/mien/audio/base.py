"""The roles of listening: is somebody speaking (group ``mien.vad``), and taking noise away (``mien.denoise``)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol, runtime_checkable

from mien.types import Activity, AudioChunk, FloatArray

ROW: Final = 960
"""Ticks of a row of :class:`mien.types.Activity`: 20 ms."""


@dataclass(frozen=True, slots=True)
class DetectorInfo:
    """What a detector is. look_ahead: ticks of sound after a row that it waits for. model: file it needs, "" = none."""

    name: str
    look_ahead: int
    model: str = ""


@runtime_checkable
class VoiceDetector(Protocol):
    """Streams: push sound, read rows of activity. Chunked equals whole. One stream per instance; made cheaply.

    Rows are the detector's own opinion of each moment; :class:`mien.audio.activity.Gate` makes stretches of speech of
    them.
    """

    @property
    def info(self) -> DetectorInfo:
        """What this detector is."""
        ...

    def push(self, chunk: AudioChunk) -> None:
        """The next sound; chunks follow each other without a gap, the first may start anywhere."""
        ...

    def close(self) -> None:
        """No more sound: the rest of the rows becomes readable; the last one reaches the end. Idempotent."""
        ...

    def read(self) -> Activity:
        """All rows that are final and were not read yet, perhaps none; they follow on from the last read."""
        ...


@runtime_checkable
class Denoiser(Protocol):
    """Streams: sound in, the same sound with less noise out, sample for sample in its place. Chunked equals whole."""

    @property
    def delay(self) -> int:
        """Ticks of sound that are held back at most."""
        ...

    def push(self, samples: FloatArray) -> FloatArray:
        """The next sound, float32 (n,) at 48 kHz; returns what is final, float32 (m,), perhaps none."""
        ...

    def close(self) -> FloatArray:
        """The rest: as much has then come out as went in."""
        ...
