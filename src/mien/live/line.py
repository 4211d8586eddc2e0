"""The time line of a live face: speech as it comes, silence where none does, one beat after the other, for ever.

Motion is made in acts. An act is one run of a face driver, from a frame on; it ends when what follows it on the time
line is not what it was made for: somebody begins to speak in a silence that is already made, or is cut short. The face
then eases from the last pose shown into the new act: never a jump, closed lips within 120 ms.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.face.base import FaceDriver
from mien.performance import Beat, Performance, joined
from mien.timeline import TICKS_PER_SECOND, frame_tick
from mien.types import ARKIT_SHAPES, AudioChunk, FloatArray, SpeechPart

MOUTH_EASES: Final = 0.12
"""Seconds in which a mouth that was cut short comes to where it should be."""
BEGINS: Final = 0.04
"""The same for a mouth at rest that begins to speak: its first sound is not to be lost."""
FACE_EASES: Final = 0.4
HEAD_EASES: Final = 0.6
FADE: Final = TICKS_PER_SECOND // 100
"""Ticks in which cut sound dies away: 10 ms, no click."""
_IDLE_FRAMES: Final = 10

_MOUTH: Final = np.array([n.startswith(("mouth", "jaw", "tongue", "cheekPuff")) for n in ARKIT_SHAPES])
_LIDS: Final = np.array([n.startswith(("eyeBlink", "eyeLook")) for n in ARKIT_SHAPES])

Weights = NDArray[np.float64]
Maker = Callable[[], FaceDriver]


@dataclass(frozen=True, slots=True)
class Shown:
    """A beat of the line. speaking: sound of a turn is in it. turn: whose, the latest."""

    beat: Beat
    speaking: bool
    turn: int


class Line:
    """Push speech, take beats: beat k at ``frame_tick(k, fps)``, without end or gap. Not thread-safe.

    driver: makes a new face driver; every act has its own. on_part: told of speech when its place on the time line is
    known, with that place, and of what it is a part of.
    """

    def __init__(
        self,
        driver: Callable[[], FaceDriver],
        fps: Fraction,
        *,
        on_part: Callable[[SpeechPart, object], None] | None = None,
    ) -> None:
        self._driver, self._fps, self._on_part = driver, fps, on_part
        self._next = 0
        self._queue: deque[tuple[SpeechPart, object, Maker]] = deque()
        self._ready: deque[Beat] = deque()
        self._by = driver
        self._quiet = True  # whether silence was made last
        self._act = self._open()
        self._speech_end = 0
        self._turn = 0
        self._saying: tuple[object] | None = None
        self._last: Beat | None = None
        self._ease: _Ease | None = None
        self._tail: FloatArray | None = None

    @property
    def tick(self) -> int:
        """Where the next beat begins."""
        return frame_tick(self._next, self._fps)

    @property
    def waiting(self) -> int:
        """Ticks of speech that are queued or made and not yet taken."""
        queued = sum(len(item[0].audio.samples) for item in self._queue)
        return queued + max(0, self._speech_end - self.tick)

    @property
    def speaking(self) -> bool:
        """Whether speech is on its way out."""
        return self.waiting > 0

    def say(self, part: SpeechPart, of: object = None, by: Maker | None = None) -> None:
        """The next part of speech; its own times are moved to where it comes to lie. of: what it is a part of.

        by: makes the driver that moves the face for it, None = the usual one. Another one begins after a silence.
        """
        if len(part.audio.samples):
            self._queue.append((part, of, by or self._driver))

    def cut(self) -> int:
        """Drop all speech from the next beat on. Returns the tick from which nothing of it is heard any more."""
        sounding = self._speech_end > self.tick
        self._queue.clear()
        if sounding:
            self._fill()
            self._tail = self._ready[0].audio.samples.copy()
            self._splice(MOUTH_EASES)
        self._speech_end = min(self._speech_end, self.tick)
        return self.tick + (FADE if sounding else 0)

    def give_up(self) -> None:
        """The driver broke: its act is over, and all speech with it. Raises what making a new driver raises."""
        self._queue.clear()
        self._saying = None
        self._speech_end = min(self._speech_end, self.tick)
        self._splice(MOUTH_EASES)

    def renew(self) -> None:
        """The driver shall be a new one: at once in silence, else from the next speech on."""
        if not self.speaking:
            self._splice(FACE_EASES)

    def take(self) -> Shown:
        """The next beat."""
        self._begin_speech()
        self._fill()
        made = self._ready.popleft()
        beat = self._eased(made) if self._ease else made
        if self._tail is not None:
            beat = replace(beat, audio=AudioChunk(beat.tick, _faded(self._tail, beat.audio.samples)))
            self._tail = None
        speaking = self._speech_end > beat.tick
        self._last, self._next = beat, self._next + 1
        return Shown(beat, speaking, self._turn)

    def _open(self) -> Performance:
        return Performance(self._by(), self._fps, first_frame=self._next, on_part=self._told)

    def _told(self, part: SpeechPart) -> None:
        if self._saying:
            self._speech_end, self._turn = part.audio.end, part.turn
            if self._on_part is not None:
                self._on_part(part, self._saying[0])

    def _begin_speech(self) -> None:
        """Speech after silence that is already made takes its place; so does speech that another driver moves."""
        if self._queue and self._speech_end <= self.tick and (self._quiet or self._queue[0][2] != self._by):
            self._splice(BEGINS, self._queue[0][2])

    def _splice(self, mouth: float, by: Maker | None = None) -> None:
        """A new act from the next beat on."""
        self._ready.clear()
        self._by = by or self._driver
        self._act = self._open()
        if self._last is not None:
            self._ease = _Ease(self._last, self.tick, mouth)

    def _fill(self) -> None:
        """Have the next beat ready: by the speech that is there, else by silence."""
        while not self._ready:
            if self._queue and self._queue[0][2] == self._by:
                part, of = self._upcoming()
                self._quiet = False
                self._saying = (of,)
                self._act.push(part)
                self._saying = None
            else:
                self._quiet = True
                self._act.wait(frame_tick(self._patience(), self._fps))
            self._ready.extend(self._act.read())

    def _upcoming(self) -> tuple[SpeechPart, object]:
        """The next part. Pieces of a microphone that are shorter than a picture are heard together, which takes less
        time than one by one.
        """
        part, of, by = self._queue.popleft()
        while self._queue and len(part.audio.samples) < TICKS_PER_SECOND / self._fps:
            after, other, same = self._queue[0]
            if same != by or other is not of or (longer := joined(part, after)) is None:
                break
            part = longer
            self._queue.popleft()
        return part, of

    def _patience(self) -> int:
        """Frames of silence to make at once: few where speech may go on, for it would wait behind them."""
        return 1 if self.tick < self._speech_end + TICKS_PER_SECOND // 2 else _IDLE_FRAMES

    def _eased(self, beat: Beat) -> Beat:
        assert self._ease is not None
        eased = self._ease.apply(beat)
        if self._ease.over(beat.tick):
            self._ease = None
        return eased


class _Ease:
    """From one pose into a moving one. Shapes are mixed, so they stay what a face can do; the head's offset fades."""

    def __init__(self, last: Beat, start: int, mouth: float) -> None:
        self._last, self._start = last, start
        seconds = np.where(_MOUTH, mouth, np.where(_LIDS, 0.12, FACE_EASES))
        self._ticks = seconds * TICKS_PER_SECOND
        self._offset: FloatArray | None = None

    def over(self, tick: int) -> bool:
        return tick - self._start >= HEAD_EASES * TICKS_PER_SECOND

    def apply(self, beat: Beat) -> Beat:
        if self._offset is None:
            self._offset = self._last.head - beat.head
        passed = beat.tick - self._last.tick
        old = _falling(passed / self._ticks)
        shapes = beat.shapes * (1 - old) + self._last.shapes * old
        since = np.array((beat.tick - self._start) / (HEAD_EASES * TICKS_PER_SECOND))
        head = beat.head + self._offset * _falling(since)
        return replace(beat, shapes=shapes.astype(np.float32), head=head.astype(np.float32))


def _falling(x: Weights) -> Weights:
    """1 at 0, 0 from 1 on, eased at both ends (smoothstep)."""
    x = np.clip(x, 0.0, 1.0)
    return np.asarray(1 - x * x * (3 - 2 * x))


def _faded(old: FloatArray, new: FloatArray) -> FloatArray:
    """The old sound dying away under the new."""
    count = min(FADE, len(old), len(new))
    out = new.copy()
    out[:count] += old[:count] * np.linspace(1, 0, count, dtype=np.float32)
    return out
