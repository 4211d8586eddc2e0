"""How a voice sounds, hop by hop: its pitch and loudness within the speaker's own range, and a guess at the feeling.

The guess is *estimated from prosody*, and no more than that. Arousal (excited or calm) is what prosody tells with some
reliability: wide pitch movements, quick syllables, a pitch and a loudness above the speaker's own usual, and a bright
spectrum go with excitement (Scherer, "Vocal communication of emotion", 2003; Eyben et al., "The Geneva minimalistic
acoustic parameter set", 2016). Valence (pleasant or not) is hardly in it: a melodious voice leans to the pleasant side,
a flat one and a loud harsh one to the other; the estimate is kept small.

Everything is causal and relative: means and spreads of this voice are learned as it speaks, from a cautious prior, so
that figures mean something after a second or two and settle within some ten. What a voice is like all the time counts
as its own normal, more the longer it speaks; that also keeps tones of tone languages from passing for excitement.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import Final

HOPS: Final = 50
"""Hops a second."""
MOST_VALENCE: Final = 0.35

_RANGE: Final = math.log(2.4)  # usual deviation of pitch within three seconds of speech, semitones
_RATE: Final = 4.2  # usual syllables a second
_PRIOR: Final = 8.0 * HOPS  # hops for which the prior stands in for a voice's own range and rate
_OWN_SHARE: Final = 0.6  # how much of them counts as normal once it is known
_SURE: Final = 1.2 * HOPS  # voiced hops after which a voice is known well enough to show anything
_MEMORY: Final = 20.0 * HOPS  # voiced hops that the means look back
_FAR: Final = 11.0  # semitones from the mean at which a pitch is taken for an error
_SYLLABLE: Final = 2.5  # dB that the level dips between two syllables at least
_FEEL: Final = 5  # hops between two guesses at the feeling, which changes slowly
_TAIL: Final = 45  # hops before a pause in which the end of the phrase is looked for


@dataclass(frozen=True, slots=True)
class Mood:
    """How the voice sounds now. pitch, loudness: -1…1 in the speaker's own range. valence, arousal: as Emotion has it.

    All are 0 where nobody has spoken for a while.
    """

    pitch: float = 0.0
    loudness: float = 0.0
    valence: float = 0.0
    arousal: float = 0.0


CALM: Final = Mood()


class Affect:
    """Streams level, pitch and tilt of each hop of 20 ms."""

    def __init__(self) -> None:
        self._pitch, self._level, self._tilt = _Usual(2.5, 1.5), _Usual(5.0, 3.0), _Usual(4.0, 3.0)
        self._now = _Now()
        self._range, self._rate = _Habit(_RANGE), _Habit(_RATE)
        self._syllables = _Syllables()
        self._tail: deque[tuple[int, float]] = deque(maxlen=_TAIL)
        self._hop = 0
        self._silent = 10 * HOPS
        self._mood = CALM
        self._feeling = (0.0, 0.0)

    def hear(self, level: float, pitch: float, tilt: float, *, audible: bool) -> Mood:
        """Take the next hop. level: dB. pitch: Hz, 0 = not voiced. tilt: dB. audible: loud enough to be speech."""
        self._hop += 1
        st = 12 * math.log2(pitch / 100) if pitch > 0 and audible else None
        if st is not None and self._pitch.count > HOPS and abs(st - self._pitch.mean) > _FAR:
            st = None
        self._silent = 0 if audible else self._silent + 1
        beats = self._syllables.hear(level, voiced=st is not None)
        if st is not None:
            self._voiced(st, level, tilt)
        if self._silent < HOPS // 2 and self._pitch.count > HOPS // 2:
            self._rate.learn(beats)
            self._range.learn(self._now.range)
        self._mood = self._judge(st, level, beats) if self._pitch.count else CALM
        return self._mood

    @property
    def pitch(self) -> float:
        """Of the last hop, -1…1."""
        return self._mood.pitch

    def contour(self) -> float:
        """How the phrase that just ended went: -1 its pitch fell as at a full stop … 1 it rose as in a question."""
        voiced = [st for hop, st in self._tail if hop > self._hop - _TAIL]
        if len(voiced) < 8 or self._pitch.count < HOPS // 2:
            return 0.0
        end, before = _middle(voiced[-4:]), _middle(voiced[-16:-6] or voiced[:4])
        spread = self._pitch.spread
        return math.tanh(0.9 * (end - before) / spread + 0.45 * (end - self._pitch.mean) / spread)

    def _voiced(self, st: float, level: float, tilt: float) -> None:
        self._tail.append((self._hop, st))
        self._pitch.learn(st)
        self._level.learn(level)
        self._tilt.learn(tilt)
        self._now.learn(st, level, tilt)

    def _judge(self, st: float | None, level: float, beats: float) -> Mood:
        known = 1 - math.exp(-self._pitch.count / _SURE)
        fade = max(0.0, 1 - max(0, self._silent - 10) / 40)  # gone a second after the last sound
        if known * fade <= 0:
            return CALM
        before = self._mood
        high = 0.0 if st is None else math.tanh(0.6 * self._pitch.score(st))
        loud = math.tanh(0.6 * self._level.score(level)) if self._silent < 3 else 0.0
        quick = 0.30 if st is not None else 0.07
        if self._hop % _FEEL == 0:
            self._feeling = self._felt(beats)
        valence, arousal = self._feeling
        weight = known * fade
        return Mood(
            before.pitch + (weight * high - before.pitch) * quick,
            before.loudness + (weight * loud - before.loudness) * 0.18,
            before.valence + (weight * valence - before.valence) * 0.03,
            before.arousal + (weight * arousal - before.arousal) * 0.04,
        )

    def _felt(self, beats: float) -> tuple[float, float]:
        """Valence and arousal of the last seconds."""
        now = self._now
        wide = max(-2.0, min(2.0, (now.range - self._range.normal) / 0.45))
        quick = max(-2.0, min(2.0, (beats - self._rate.normal) / 1.3))
        high, loud = self._pitch.score(now.pitch), self._level.score(now.level)
        bright = self._tilt.score(now.tilt)
        arousal = math.tanh(0.34 * wide + 0.26 * quick + 0.5 * high + 0.45 * loud + 0.15 * bright)
        harsh = max(0.0, loud) * max(0.0, bright)
        return MOST_VALENCE * math.tanh(0.7 * wide - 1.2 * harsh), arousal


class _Now:
    """The last seconds of voice: short means, and how far the pitch strays (as a logarithm of semitones)."""

    def __init__(self) -> None:
        self.pitch = self.level = self.tilt = 0.0
        self._centre, self._variance = 0.0, math.exp(2 * _RANGE)
        self._count = 0

    @property
    def range(self) -> float:
        return 0.5 * math.log(self._variance + 0.05)

    def learn(self, st: float, level: float, tilt: float) -> None:
        self._count += 1
        short, long = max(1 / self._count, 1 / HOPS), max(1 / self._count, 1 / (2 * HOPS))
        self.pitch += (st - self.pitch) * short
        self.level += (level - self.level) * short
        self.tilt += (tilt - self.tilt) * short
        self._centre += (st - self._centre) * long
        stray = min((st - self._centre) ** 2, 64.0)
        self._variance += (stray - self._variance) / (2 * HOPS)


class _Usual:
    """Mean and spread of a measure over the voice heard so far, newer voice counting more; a prior for the spread."""

    def __init__(self, spread: float, least: float) -> None:
        self.count = 0
        self.mean = 0.0
        self._variance, self._least = spread**2, least

    @property
    def spread(self) -> float:
        return max(self._least, math.sqrt(self._variance))

    def learn(self, value: float) -> None:
        self.count += 1
        off = value - self.mean
        self.mean += off / min(self.count, _MEMORY)
        self._variance += (off * (value - self.mean) - self._variance) / min(self.count + HOPS, _MEMORY)

    def score(self, value: float) -> float:
        """Spreads above the mean, -3…3."""
        return max(-3.0, min(3.0, (value - self.mean) / self.spread))


class _Habit:
    """What is normal for this voice: the prior, and ever more its own mean."""

    def __init__(self, prior: float) -> None:
        self._prior = self._mean = prior
        self._count = _PRIOR

    @property
    def normal(self) -> float:
        return self._prior + (self._mean - self._prior) * _OWN_SHARE

    def learn(self, value: float) -> None:
        self._count += 1
        self._mean += (value - self._mean) / min(self._count, 6 * _PRIOR)


class _Syllables:
    """How many syllables a second: peaks of the level that a dip divides."""

    def __init__(self) -> None:
        self._smooth = -70.0
        self._top = self._low = -70.0
        self._rising = False
        self._rate = _RATE

    def hear(self, level: float, *, voiced: bool) -> float:
        """Take a hop; returns the rate of the last seconds. Pauses do not count."""
        self._smooth += (level - self._smooth) * 0.5
        beat = False
        if self._rising:
            self._top = max(self._top, self._smooth)
            if self._smooth < self._top - _SYLLABLE:
                self._rising, self._low, beat = False, self._smooth, True
        else:
            self._low = min(self._low, self._smooth)
            if self._smooth > self._low + _SYLLABLE and voiced:
                self._rising, self._top = True, self._smooth
        if voiced or beat:
            self._rate += ((HOPS if beat else 0.0) * _VOICED_SHARE - self._rate) / (2 * HOPS)
        return self._rate


_VOICED_SHARE: Final = 0.65
"""Of the time that somebody speaks, how much is voiced: only those hops are counted."""


def _middle(values: list[float]) -> float:
    ordered = sorted(values)
    return (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2
