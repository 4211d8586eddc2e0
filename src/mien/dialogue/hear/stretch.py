"""A gapless stretch of the microphone: our own voice out, speech told row by row, sound kept until it is given on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from mien import plugins
from mien.dialogue.hear.echo import FRAME, HOP, Echo
from mien.errors import MienError
from mien.types import AudioChunk, FloatArray

ROW: Final = 960
"""Ticks of a row: 20 ms."""

_HOPS: Final = ROW // HOP


@dataclass(frozen=True, slots=True)
class Row:
    """20 ms. end: tick after it. chance: of speech, 0…1, in what is not our own voice. own: share of bands that stand
    out of our echo, 0…1, where we can be heard; 1 where we cannot. level: RMS of what is not our own voice."""

    end: int
    chance: float
    own: float
    level: float

    @property
    def over_us(self) -> bool:
        """Whether our own voice may be in it."""
        return self.own < 1.0


class Stretch:
    """Streams. late: ticks of sound after a row that must have come until it is read, at most."""

    def __init__(self, start: int, detector: Any, played: Iterable[AudioChunk], *, denoise: bool) -> None:
        """start: tick of its first sample. detector: of ``mien.vad``, new. played: what is known of our voice."""
        self.echo = Echo(start)
        for chunk in played:
            self.echo.playing(chunk)
        self._detector = detector
        self._cleaner: Any = plugins.load("denoise", "wiener")() if denoise else None
        self.late = FRAME + detector.info.look_ahead + (self._cleaner.delay if self._cleaner else 0)
        self.read_until = self._detected = start
        self._own: list[float] = []
        self._sound, self._sound_at = np.zeros(0, np.float32), start

    def push(self, samples: FloatArray) -> Iterator[Row]:
        """The next sound; rows that are final. Read them all."""
        clean, own = self.echo.push(samples)
        self._sound = np.concatenate([self._sound, clean])
        self._own += own
        quiet = self._cleaner.push(clean) if self._cleaner else clean
        if len(quiet):
            self._detector.push(AudioChunk(self._detected, quiet))
            self._detected += len(quiet)
        return self._rows()

    def close(self) -> Iterator[Row]:
        """The rest of the rows."""
        self._detector.close()
        return self._rows()

    def forget(self, before: int) -> None:
        """Sound before a tick is not wanted any more."""
        if before > self._sound_at:
            self._sound = self._sound[before - self._sound_at :]
            self._sound_at = min(before, self._sound_at + len(self._sound)) if not len(self._sound) else before

    def take(self, until: int) -> AudioChunk:
        """The sound up to a tick that was not taken yet."""
        count = max(0, min(until - self._sound_at, len(self._sound)))
        taken = AudioChunk(self._sound_at, self._sound[:count].copy())
        self._sound, self._sound_at = self._sound[count:], self._sound_at + count
        return taken

    def _rows(self) -> Iterator[Row]:
        for chance in self._detector.read().probability.tolist():
            own, self._own = self._own[:_HOPS], self._own[_HOPS:]
            self.read_until += ROW
            yield Row(self.read_until, chance, sum(own) / len(own) if own else 1.0, self._level())

    def _level(self) -> float:
        """Of the row that was read last; 0 where its sound is forgotten."""
        end = self.read_until - self._sound_at
        row = self._sound[max(0, end - ROW) : max(0, end)]
        return float(np.sqrt(np.mean(row * row))) if len(row) else 0.0


def open_detector(name: str, tell: Callable[[str], None]) -> Any:
    """A voice detector by name; "auto" = silero, or energy where its network cannot be had, which ``tell`` is told."""
    if name != "auto":
        return plugins.load("vad", name)()
    try:
        return plugins.load("vad", "silero")()
    except MienError as error:
        tell(f"Speech is told from silence by loudness alone. {error}")
        return plugins.load("vad", "energy")()
