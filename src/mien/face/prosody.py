"""What loudness and pitch tell the face: how wide to speak, where the stress lies, how a phrase ends, the mood."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.face.affect import CALM, Affect, Mood
from mien.face.pitch import PitchTracker
from mien.types import FloatArray

HOP: Final = 960
"""Samples of one level: a row of the face clip, 20 ms."""
PEAK_SPAN: Final = 4
"""Levels on either side that a stressed syllable tops."""
PAUSE: Final = 8
"""Quiet levels in a row that end a phrase."""

_FLOOR: Final = -70.0
_AUDIBLE: Final = -50.0
_REFRACTORY: Final = 24
_BLOCK: Final = 256  # hops that are worked on at once


@dataclass(frozen=True, slots=True)
class Accent:
    """A loud syllable. row: of its peak. strength: 0…1. lift: 0…1, how high it is spoken in the speaker's range."""

    row: int
    strength: float
    lift: float = 0.0


@dataclass(frozen=True, slots=True)
class PhraseEnd:
    """Speech stopped. row: the first quiet one. contour: -1 the pitch fell as at a full stop … 1 it rose."""

    row: int
    contour: float = 0.0


@dataclass(frozen=True, slots=True)
class Tone:
    """How the voice sounds from a row on, until the next one. Only told while somebody speaks or just did."""

    row: int
    mood: Mood


Event = Accent | PhraseEnd | Tone
"""What is heard."""


class Prosody:
    """Streams 48 kHz sound, reports events once they are sure; hop by hop, so that chunking does not matter.

    An accent at row r is known once :data:`PEAK_SPAN` + 2 more hops are heard, a phrase end after :data:`PAUSE` hops, a
    tone before its row begins.
    """

    def __init__(self) -> None:
        self._rest: list[FloatArray] = []
        self._waiting = 0
        self._levels: list[float] = []  # smoothed dB of the last hops, the newest last
        self._raw: list[float] = []
        self._hop = 0
        self._usual = -26.0
        self._quiet = PAUSE
        self._last_accent = -_REFRACTORY
        self._gains: list[float] = []
        self._tracker, self._affect = PitchTracker(), Affect()
        self._pitches: list[float] = []  # within the speaker's range, of the same hops as the levels
        self._mood = CALM

    def push(self, samples: FloatArray) -> list[Event]:
        """Hear more; returns the events that became sure."""
        self._rest.append(samples)
        self._waiting += len(samples)
        hops = self._waiting // HOP
        if not hops:
            return []
        joined = np.concatenate(self._rest)
        self._rest = [joined[hops * HOP :]]
        self._waiting -= hops * HOP
        sound = joined[: hops * HOP]
        out: list[Event] = []
        for at in range(0, len(sound), _BLOCK * HOP):
            block = sound[at : at + _BLOCK * HOP]
            voicing = self._tracker.push(block)
            for level, pitch, tilt in zip(_levels(block), voicing.pitch.tolist(), voicing.tilt.tolist(), strict=True):
                out += self._hear(level, pitch, tilt)
        return out

    def close(self) -> list[Event]:
        """Finish: what is left of the sound, then silence."""
        pad = (-self._waiting) % HOP + HOP * (PAUSE + 4)
        return self.push(np.zeros(pad, np.float32))

    def gains(self, rows: int) -> NDArray[np.float64]:
        """Remove and return the first rows' openness factors, about 0.85…1.15; 1 where nothing was heard."""
        have, self._gains = self._gains[:rows], self._gains[rows:]
        return np.array(have + [1.0] * (rows - len(have)))

    def _hear(self, level: float, pitch: float, tilt: float) -> list[Event]:
        self._raw = [*self._raw[-4:], level]
        self._levels = [*self._levels[-2 * PEAK_SPAN :], sum(self._raw) / len(self._raw)]
        hop = self._hop
        self._hop += 1
        if hop >= 2:
            loud = max(-1.0, min(1.0, (self._levels[-1] - self._usual) / 14))
            self._gains.append(1 + 0.13 * loud)
        if level > _AUDIBLE and level > self._usual - 18:
            self._usual += (level - self._usual) * 0.012
        before, self._mood = self._mood, self._affect.hear(level, pitch, tilt, audible=level > self._quietest)
        self._pitches = [*self._pitches[-2 * PEAK_SPAN :], self._mood.pitch]
        tone = Tone(hop + 1, self._mood) if self._mood != before else None
        ended = self._phrase_end(level, hop)
        peak = self._accent(hop - 2 - PEAK_SPAN)
        return [event for event in (tone, ended, peak) if event]

    @property
    def _quietest(self) -> float:
        """Level of the faintest speech, dB."""
        return max(_AUDIBLE, self._usual - 24)

    def _phrase_end(self, level: float, hop: int) -> PhraseEnd | None:
        self._quiet = self._quiet + 1 if level < self._quietest else 0
        return PhraseEnd(hop - PAUSE + 1, self._affect.contour()) if self._quiet == PAUSE and hop >= PAUSE else None

    def _accent(self, row: int) -> Accent | None:
        if len(self._levels) <= 2 * PEAK_SPAN or row - self._last_accent < _REFRACTORY:
            return None
        level = self._levels[PEAK_SPAN]
        excess = level - self._usual
        if level < max(self._levels) or level == self._levels[0] or excess < 0.5 or level < _AUDIBLE:
            return None
        self._last_accent = row
        return Accent(row, min(1.0, 0.25 + excess / 8), max(0.0, *self._pitches[1:5]))


def _levels(samples: FloatArray) -> list[float]:
    """dB relative to full scale of each hop."""
    power = np.square(samples.reshape(-1, HOP), dtype=np.float64).mean(axis=1)
    return [10 * math.log10(p) if p > 1e-7 else _FLOOR for p in power.tolist()]
