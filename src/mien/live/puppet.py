"""A microphone that moves the face directly, for people who speak through an avatar: no words are understood.

The voice passes through, delayed by as much as the face needs. Motion and sound are made at once, frame by frame, so
that both are late by the same: a cushion against uneven arrival and the frame that is being made. Lips that are told
from sound come after it, a little more than the network looks ahead, so the voice that is sent is held back by that.
The mouth moves only while somebody speaks: breath, keys and fans are heard, and not lip-read.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Final

import numpy as np

from mien.audio.activity import SPEECH
from mien.audio.base import ROW
from mien.audio.hear import open_detector
from mien.face.base import FaceDriver, FaceDriverInfo, FaceSettings
from mien.face.listen.driver import ListenDriver
from mien.live.session import Session
from mien.timeline import to_ticks
from mien.types import Activity, AudioChunk, FaceClip, SpeechPart

CUSHION: Final = to_ticks(0.04)
"""Ticks that are gathered before the voice begins: one frame. Where that is not enough it runs dry once, and what is
gathered anew then comes on top.
"""
LATE: Final = to_ticks(0.08)
"""Ticks by which the voice is held back, so that it meets its lips. It is the same for both networks: lips of the one
that looks 0 ms ahead are as late as of the one that looks 60 ms ahead, and less right (correlation with the film's
driver 0.85 and 0.95).
"""
MOST: Final = to_ticks(0.14)
"""Ticks that may wait; more is left out, for a delay that has grown would stay."""
_IDLE: Final = to_ticks(0.021)
"""Ticks that waited all the time for nothing: a pause of the voice is made shorter by a piece then."""
_WATCHED: Final = 25
"""Pieces over which that is watched: half a second."""
_ENTER: Final = 0.5
_LEAVE: Final = 0.35
"""Chance of speech below which it is over."""
_REHEARSED: Final = 5
_HOLD: Final = 5
"""Rows that the mouth stays free after the last speech: dying syllables."""


class Puppet:
    """Moves one session's face. ``hear`` returns at once; call it from one thread at a time.

    vad: entry point of ``mien.vad``, "auto" = the best, of which ``tell`` is told where it cannot be had. look_ahead:
    of the network, rows, 3 (60 ms) or 0. Raises MissingError for a detector that is not there.
    """

    def __init__(
        self,
        session: Session,
        settings: FaceSettings,
        vad: str = "auto",
        tell: Callable[[str], None] = lambda _: None,
        look_ahead: int = 3,
    ) -> None:
        self.settings, self.look_ahead = settings, look_ahead
        self.dropped = 0
        self._session = session
        self._lock = threading.Lock()
        self._gathered: list[AudioChunk] = []
        self._held = np.zeros(LATE, np.float32)
        self._gate = VoiceGate(vad, tell)
        self._waited: deque[int] = deque(maxlen=_WATCHED)
        self._flowing = False
        _rehearse(self._made())  # the first one of a process takes a second, which nobody shall wait for
        self._ready: FaceDriver | None = self._made()

    def hear(self, chunk: AudioChunk) -> None:
        """The microphone's next sound, 48 kHz."""
        with self._lock:
            self._gate.hear(chunk)
            waiting = self._session.waiting
            if self._flowing and waiting == 0:
                self._flowing = False  # it ran dry: begin anew with a cushion
            self._waited.append(waiting)
            if waiting > MOST or self._may_skip():
                self.dropped += len(chunk.samples)
                return
            self._gathered.append(chunk)
            if not self._flowing and sum(len(c.samples) for c in self._gathered) < CUSHION:
                return
            if not self._flowing:
                self._gate.renew()
                self._waited.clear()
            self._flowing = True
            gathered, self._gathered = self._gathered, []
        for piece in gathered:
            sound = np.concatenate([self._held, piece.samples])
            self._held = sound[len(piece.samples) :]
            voice = AudioChunk(piece.start, sound[: len(piece.samples)])
            part = SpeechPart(voice, activity=self._gate.over(piece), heard=piece.samples)
            self._session.follow(part, self._driver)

    def close(self) -> None:
        """The voice ends."""
        self._session.interrupt()

    def _may_skip(self) -> bool:
        """Whether the delay grew and now is the time to mend it: nobody speaks."""
        if self._gate.open or len(self._waited) < _WATCHED or min(self._waited) < _IDLE:
            return False
        self._waited.clear()
        return True

    def _driver(self) -> FaceDriver:
        ready, self._ready = self._ready, None
        return ready or self._made()

    def _made(self) -> FaceDriver:
        return Ahead(ListenDriver(self.settings, prompt=True, look_ahead=self.look_ahead), self.look_ahead)


def _rehearse(driver: FaceDriver) -> None:
    """Have loaded and compiled what a driver needs, by some sound."""
    sound = np.random.default_rng(0).normal(0, 0.1, ROW).astype(np.float32)
    for start in range(0, _REHEARSED * ROW, ROW):
        driver.push(SpeechPart(AudioChunk(start, sound), activity=Activity(start, np.ones(1, np.float32))))
        driver.read()


class Ahead:
    """A driver that looks ahead, for a voice that is held back: it hears everything that much later, after silence, so
    rows are final at once. Activity, which is known late, is not held back.
    """

    def __init__(self, driver: FaceDriver, rows: int) -> None:
        self._driver, self._ticks = driver, rows * ROW
        self._begun = False

    @property
    def info(self) -> FaceDriverInfo:
        """Waits for nothing."""
        return replace(self._driver.info, look_ahead=0)

    def push(self, part: SpeechPart) -> None:
        """The next part. See :class:`mien.face.base.FaceDriver`."""
        start = part.audio.start
        if not self._begun and self._ticks:
            silence = np.zeros(self._ticks, np.float32)
            self._driver.push(SpeechPart(AudioChunk(start, silence), activity=Activity(start, silence[:0])))
        self._begun = True
        heard = part.audio.samples if part.heard is None else part.heard
        self._driver.push(SpeechPart(AudioChunk(start + self._ticks, heard), activity=part.activity, last=part.last))

    def read(self) -> FaceClip:
        """Rows up to the end of what was pushed."""
        return self._driver.read()

    def close(self) -> None:
        """No more speech."""
        self._driver.close()


class VoiceGate:
    """Whether the microphone's sound is a voice. Not thread-safe.

    Nothing waits for the detector's answer, which is known two rows late: until then the last one holds. Lips that
    open are 5 ms later for it on average.
    """

    def __init__(self, vad: str = "auto", tell: Callable[[str], None] = lambda _: None) -> None:
        """As :class:`Puppet`."""
        self._detector = open_detector(vad, tell)
        self._at: int | None = None
        self._speaking = False
        self._hold = 0
        self._told, self._over = 0, -1

    @property
    def open(self) -> bool:
        """Whether somebody speaks, as far as it is known."""
        return self._hold > 0

    def hear(self, chunk: AudioChunk) -> None:
        """The next sound; holes in its clock are passed over."""
        self._at = chunk.start if self._at is None else self._at
        self._detector.push(AudioChunk(self._at, np.nan_to_num(chunk.samples, nan=0.0, posinf=1.0, neginf=-1.0)))
        self._at += len(chunk.samples)
        for chance in self._detector.read().probability.tolist():
            self._speaking = chance >= (_LEAVE if self._speaking else _ENTER)
            self._hold = _HOLD if self._speaking else max(0, self._hold - 1)

    def over(self, chunk: AudioChunk) -> Activity:
        """What is known now, as rows over a chunk. Rows follow on from chunk to chunk, whatever their lengths."""
        if chunk.start != self._over:
            self._told = chunk.start
        self._over = chunk.end
        start, rows = self._told, max(0, -(-(chunk.end - self._told) // ROW))
        self._told += rows * ROW
        return Activity(start, np.full(rows, SPEECH if self.open else 0.0, np.float32))

    def renew(self) -> None:
        """The next chunk begins its rows anew."""
        self._over = -1
