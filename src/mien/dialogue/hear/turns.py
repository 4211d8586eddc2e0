"""Who has the turn: the microphone's sound in, beginnings and ends of what a visitor says out.

Sound passes three ears: our own voice is taken out of it (:mod:`mien.dialogue.hear.echo`), a voice detector says row by
row whether somebody speaks, and this module says when that is a turn. Nothing here knows words, except that a text
that is heard meanwhile may shorten or stretch the wait (:meth:`Turns.partial`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np

from mien import config
from mien.dialogue.hear.echo import AHEAD
from mien.dialogue.hear.endings import Ending, how_it_ends
from mien.dialogue.hear.stretch import ROW, Row, Stretch, open_detector
from mien.timeline import TICKS_PER_SECOND, to_ticks
from mien.types import AudioChunk

_GAP: Final = TICKS_PER_SECOND  # a longer hole in the microphone's clock begins anew, a shorter one is silence
_LONGEST_RUN: Final = 25  # rows of speech before it counts as a turn whose sound is kept
_LOOK_BACK: Final = 8  # rows in which bands must stand out of the echo: vowels do in few, some consonants in none
_SURE: Final = 0.85  # a detector that is so sure needs half as much
_FADED: Final = 10 ** (-30 / 20)  # of how loud a turn is: detectors go on hearing speech a little behind its end
_LOUD_ROWS: Final = 100  # latest rows of speech that tell how loud it is
_RELEASE_TAIL: Final = 0.2  # seconds that are listened to after a release: people let go early


@dataclass(frozen=True, slots=True)
class TurnSettings:
    """Times in seconds, rows of 20 ms.

    silence: without speech after which a turn is over; finished, open: the same where the text so far ends like a
    sentence, or in the middle of one. pre_roll: sound before speech that a recogniser gets. longest: a turn is cut
    there. enter, leave: chances of speech at which it begins and ends. rows: of speech that make a beginning,
    rows_over: the same while our own voice plays. own: share of bands that must stand out of the echo then.
    hands_free: speech begins turns; else only :meth:`Turns.press`. barge_in: also while our own voice plays. denoise:
    take noise away before speech is looked for. vad: entry point of ``mien.vad``, "auto" = the best.
    """

    silence: float = 0.36
    finished: float = 0.24
    open: float = 0.7
    pre_roll: float = 0.3
    longest: float = 60.0
    enter: float = 0.5
    leave: float = 0.35
    rows: int = 4
    rows_over: int = 4
    own: float = 0.1
    hands_free: bool = True
    barge_in: bool = True
    denoise: bool = False
    vad: str = "auto"

    @classmethod
    def of(cls, hear: config.HearConfig, vad: str = "auto") -> TurnSettings:
        """As ``[hear]`` says; the other waits keep their proportion."""
        scale = hear.silence / cls().silence
        return cls(
            silence=hear.silence, finished=cls().finished * scale, open=max(cls().open, hear.silence),
            barge_in=hear.barge_in, denoise=hear.denoise, vad=vad,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """Somebody speaks. start: tick of the first speech. decided: tick of the microphone at which that was known.

    sound: from before it up to here. cut_in: our own voice was playing: stop it. pressed: by button.
    """

    start: int
    decided: int
    sound: AudioChunk
    cut_in: bool = False
    pressed: bool = False


@dataclass(frozen=True, slots=True)
class SpeechGoesOn:
    """sound: follows that of the last event."""

    sound: AudioChunk


@dataclass(frozen=True, slots=True)
class SpeechEnded:
    """The turn is over. start, end: ticks of first and last speech. decided: tick at which that was known.

    pressed: by button. cut: the turn was too long, or the microphone stopped.
    """

    start: int
    end: int
    decided: int
    pressed: bool = False
    cut: bool = False


TurnEvent: TypeAlias = SpeechStarted | SpeechGoesOn | SpeechEnded


class Turns:
    """One microphone. Chunked equals whole, except for where sound is cut between events. Memory is bounded.

    The same thread pushes, tells what is played, and presses. ``playing`` must know of a moment's sound before the
    microphone's sound of that moment is pushed.
    """

    def __init__(self, settings: TurnSettings | None = None, tell: Callable[[str], None] = lambda line: None) -> None:
        """tell: told in a line when speech is told from silence by loudness. Raises MissingError for a ``vad``."""
        self.settings = settings or TurnSettings()
        self._tell = tell
        self._detector: Any = open_detector(self.settings.vad, tell)  # the first one, which may take a fetch
        self._stretch: Stretch | None = None
        self._expected = 0  # tick at which the microphone goes on
        self._played: deque[AudioChunk] = deque()
        self._press_waits = self._pressed = self._speaking = False
        self._release_at: int | None = None
        self._ending: Ending = "unknown"
        self._rest()

    @property
    def speaking(self) -> bool:
        """Whether a turn is under way."""
        return self._speaking

    @property
    def echo_delay(self) -> float | None:
        """Seconds from sending our voice to hearing it in the microphone, None where it is not heard."""
        return self._stretch.echo.delay if self._stretch else None

    def playing(self, chunk: AudioChunk) -> None:
        """Our own voice, at the tick at which it is sent; best before the microphone's sound of that tick."""
        self._played.append(chunk)
        while self._played[0].end < chunk.end - AHEAD:
            self._played.popleft()
        if self._stretch:
            self._stretch.echo.playing(chunk)

    def silenced(self, tick: int) -> None:
        """What was to be played from ``tick`` on is not: the voice was cut."""
        kept = [AudioChunk(c.start, c.samples[: max(0, tick - c.start)]) for c in self._played]
        self._played = deque(c for c in kept if len(c.samples))
        if self._stretch:
            self._stretch.echo.silenced(tick)

    def partial(self, text: str) -> None:
        """What a recogniser understood of this turn so far."""
        self._ending = how_it_ends(text)

    def push(self, chunk: AudioChunk) -> list[TurnEvent]:
        """The microphone's next sound, 48 kHz. A short hole in its clock is silence; a long one ends the turn."""
        events: list[TurnEvent] = []
        samples = np.nan_to_num(chunk.samples, nan=0.0, posinf=1.0, neginf=-1.0).astype(np.float32, copy=False)
        gap = chunk.start - self._expected
        if self._stretch is None or not -_GAP <= gap <= _GAP:
            events += self._end_all()
            stretch = self._begin(chunk.start)
        else:
            stretch = self._stretch
            samples = samples[-gap:] if gap < 0 else np.concatenate([np.zeros(gap, np.float32), samples])
        self._expected = max(chunk.end, self._expected) if stretch is self._stretch else chunk.end
        self._stretch = stretch
        if self._press_waits:
            events += self.press()
        for row in stretch.push(samples):
            events += self._row(stretch, row)
        if not self._speaking:
            stretch.forget(stretch.read_until - to_ticks(self.settings.pre_roll) - _LONGEST_RUN * ROW)
        return _merged(events)

    def press(self) -> list[TurnEvent]:
        """The button is pressed: a turn begins now, whatever is heard, or goes on until the release."""
        self._release_at = None
        self._press_waits = self._stretch is None
        if self._pressed or self._stretch is None:
            return []
        self._pressed = True
        return [] if self._speaking else [self._start(self._stretch, self._stretch.read_until)]

    def release(self) -> None:
        """The button is released: the turn ends a moment later."""
        self._press_waits = False
        if self._pressed:
            self._release_at = self._expected + to_ticks(_RELEASE_TAIL)

    def close(self) -> list[TurnEvent]:
        """No more sound. What is under way ends. Idempotent."""
        events = self._end_all()
        self._stretch = None
        return _merged(events)

    def _begin(self, start: int) -> Stretch:
        detector, self._detector = self._detector, None
        detector = detector or open_detector(self.settings.vad, self._tell)
        played = [c for c in self._played if start - TICKS_PER_SECOND < c.end <= start + AHEAD]
        return Stretch(start, detector, played, denoise=self.settings.denoise)

    def _rest(self) -> None:
        """Nobody has the turn."""
        self._speaking = self._pressed = self._over_us = False
        self._release_at = None
        self._ending = "unknown"
        self._stood_out: deque[float] = deque(maxlen=_LOOK_BACK)
        self._run, self._sure = 0, 1.0
        self._last_speech = self._turn_start = 0
        self._levels: deque[float] = deque(maxlen=_LOUD_ROWS)

    def _row(self, stretch: Stretch, row: Row) -> list[TurnEvent]:
        if self._speaking:
            return self._during(stretch, row)
        settings = self.settings
        self._stood_out.append(row.own)
        allowed = settings.hands_free and (settings.barge_in or not row.over_us)
        if not allowed or row.chance < (settings.leave if self._run else settings.enter):
            self._run = 0
            return []
        if not self._run:
            self._over_us, self._sure = False, 1.0
        self._run = min(self._run + 1, _LONGEST_RUN)
        self._over_us |= row.over_us
        self._sure = min(self._sure, row.chance) if self._run > 2 else 1.0
        if self._run < (settings.rows_over if self._over_us else settings.rows):
            return []
        wanted = settings.own if self._sure < _SURE else settings.own / 2
        if row.over_us and sum(self._stood_out) < wanted * len(self._stood_out):
            return []
        return [self._start(stretch, row.end - self._run * ROW)]

    def _start(self, stretch: Stretch, start: int) -> SpeechStarted:
        known = stretch.read_until  # the row that was just read
        cut_in = self._over_us or (self._pressed and any(own < 1.0 for own in self._stood_out))
        self._speaking, self._ending = True, "unknown"
        self._turn_start, self._last_speech = start, known
        stretch.forget(start - to_ticks(self.settings.pre_roll))
        return SpeechStarted(start, known + stretch.late, stretch.take(known), cut_in, self._pressed)

    def _during(self, stretch: Stretch, row: Row) -> list[TurnEvent]:
        settings = self.settings
        events: list[TurnEvent] = [SpeechGoesOn(stretch.take(row.end))]
        if row.chance >= settings.leave and row.own >= settings.own / 2:
            self._levels.append(row.level)
            if row.level >= _FADED * float(np.percentile(self._levels, 80)):
                self._last_speech = row.end
        if self._pressed:
            over = self._release_at is not None and row.end >= self._release_at
        else:
            over = row.end - self._last_speech >= to_ticks(self._wait())
        too_long = row.end - self._turn_start >= to_ticks(settings.longest)
        if over or too_long:
            events.append(self._end(row.end + stretch.late, cut=too_long))
        return events

    def _wait(self) -> float:
        return {"finished": self.settings.finished, "open": self.settings.open}.get(self._ending, self.settings.silence)

    def _end(self, decided: int, *, cut: bool) -> SpeechEnded:
        ended = SpeechEnded(self._turn_start, self._last_speech, decided, self._pressed, cut)
        self._rest()
        return ended

    def _end_all(self) -> list[TurnEvent]:
        """What is left, when the microphone stops."""
        stretch, events = self._stretch, []
        if stretch is not None:
            for row in stretch.close():
                events += self._row(stretch, row)
            if self._speaking:
                events.append(self._end(self._expected, cut=True))
        self._rest()
        return events


def _merged(events: list[TurnEvent]) -> list[TurnEvent]:
    """The same with sound that goes on in one piece."""
    merged: list[TurnEvent] = []
    for event in events:
        last = merged[-1] if merged else None
        if isinstance(event, SpeechGoesOn) and isinstance(last, SpeechGoesOn):
            joined = np.concatenate([last.sound.samples, event.sound.samples])
            merged[-1] = SpeechGoesOn(AudioChunk(last.sound.start, joined))
        else:
            merged.append(event)
    return merged
