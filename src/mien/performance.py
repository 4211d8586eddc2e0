"""Speech in, moments to draw out: the face driver's motion and the sound, cut at the frames of a film or session."""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeVar

import numpy as np

from mien.errors import BackendError
from mien.face.base import FaceDriver
from mien.timeline import TICKS_PER_SECOND, frame_tick, frames_in
from mien.types import Activity, AudioChunk, EmotionSpan, FaceClip, FloatArray, Phone, SpeechPart, Word

_ROW = 960  # ticks of a row of activity


@dataclass(frozen=True, slots=True)
class Beat:
    """One frame before it is drawn. shapes: float32 (52,). head: float32 (6,), as in FaceClip. audio: its sound."""

    tick: int
    shapes: FloatArray
    head: FloatArray
    audio: AudioChunk


class Performance:
    """Push speech, read beats. Chunked equals whole: the beats do not depend on how the speech was cut.

    Silence of ``lead_in`` and ``tail`` ticks goes before and after the speech, whose times are moved to follow it.
    Where speech comes with activity, so does that silence; ``lead_in`` is then a multiple of 960.
    Beat k is at ``frame_tick(k, fps)``; motion between two rows of the driver is interpolated linearly.
    first_frame: number of the first beat; the speech begins at its tick.
    """

    def __init__(
        self,
        driver: FaceDriver,
        fps: Fraction,
        lead_in: int = 0,
        tail: int = 0,
        *,
        first_frame: int = 0,
        on_part: Callable[[SpeechPart], None] | None = None,
        on_clip: Callable[[FaceClip], None] | None = None,
    ) -> None:
        self._driver, self._fps, self._lead_in, self._tail = driver, fps, lead_in, tail
        self._on_part, self._on_clip = on_part, on_clip
        self._sound = _Sound(frame_tick(first_frame, fps))
        self._motion = _Motion()
        self._frame = first_frame
        self._closed = False
        self._started = False
        self._listened: int | None = None  # tick after the last row of activity, None when nobody listens

    def push(self, part: SpeechPart) -> None:
        """The next part of speech. Parts must follow each other without a gap; the first may start anywhere."""
        if not self._started:
            self._begin(part.turn, listened=part.activity is not None)
        self._take(shifted(part, self._sound.end - part.audio.start))

    def wait(self, ticks: int) -> None:
        """Nobody speaks for a while: silence follows what was pushed so far."""
        if not self._started:
            self._begin(0, listened=False)
        self._take(_silence(self._sound.end, self._sound.end + ticks, self._listened))

    def close(self) -> None:
        """No more speech: adds the tail and fills the sound up to whole frames. Idempotent."""
        if self._closed:
            return
        if not self._started:
            self._begin(0, listened=False)
        self._closed = True
        total = self._sound.end + self._tail
        whole = frame_tick(max(1, frames_in(total, self._fps)), self._fps)
        if whole > self._sound.end:
            self._take(_silence(self._sound.end, whole, self._listened, last=True))
        self._driver.close()
        self._collect()

    def read(self) -> list[Beat]:
        """All beats whose motion and sound are final and were not read yet."""
        beats = []
        while (beat := self._next()) is not None:
            beats.append(beat)
        return beats

    def _begin(self, turn: int, *, listened: bool) -> None:
        self._started = True
        if self._lead_in:
            start = self._sound.end
            self._take(_silence(start, start + self._lead_in, start if listened else None, turn=turn))

    def _take(self, part: SpeechPart) -> None:
        if part.activity is not None:
            self._listened = part.activity.start + len(part.activity.probability) * _ROW
        if self._on_part is not None:
            self._on_part(part)
        self._sound.append(part.audio.samples)
        self._driver.push(part)
        self._collect()

    def _collect(self) -> None:
        clip = self._driver.read()
        if len(clip):
            self._motion.append(clip)
            if self._on_clip is not None:
                self._on_clip(clip)

    def _next(self) -> Beat | None:
        start, end = frame_tick(self._frame, self._fps), frame_tick(self._frame + 1, self._fps)
        if end > self._sound.end:
            return None
        pose = self._motion.at(start, final=self._closed)
        if pose is None:
            return None
        self._frame += 1
        self._motion.drop_before(start)
        return Beat(start, pose[0], pose[1], AudioChunk(start, self._sound.take(end - start)))


def shifted(part: SpeechPart, ticks: int) -> SpeechPart:
    """The same speech, ``ticks`` later."""
    if ticks == 0:
        return part

    return dataclasses.replace(
        part,
        audio=AudioChunk(part.audio.start + ticks, part.audio.samples),
        phones=None if part.phones is None else _moved(part.phones, ticks),
        words=None if part.words is None else _moved(part.words, ticks),
        emotions=_moved(part.emotions, ticks),
        cues=tuple(dataclasses.replace(cue, tick=cue.tick + ticks) for cue in part.cues),
        activity=part.activity and dataclasses.replace(part.activity, start=part.activity.start + ticks),
    )


def joined(part: SpeechPart, after: SpeechPart) -> SpeechPart | None:
    """Two parts of one recorded voice that follow each other as one, None where they tell more than activity."""
    told = (part.phones, after.phones, part.words, after.words)
    if any(t is not None for t in told) or part.emotions or after.emotions or part.cues or after.cues or part.last:
        return None
    if part.turn != after.turn or part.audio.end != after.audio.start:
        return None
    activity = part.activity
    if activity is not None and after.activity is not None:
        if activity.start + len(activity.probability) * _ROW != after.activity.start:
            return None
        rows = np.concatenate([activity.probability, after.activity.probability])
        activity = Activity(activity.start, rows)
    elif activity is not after.activity:
        return None
    sound = np.concatenate([part.audio.samples, after.audio.samples])
    heard = None
    if part.heard is not None or after.heard is not None:
        heard = np.concatenate([p.audio.samples if p.heard is None else p.heard for p in (part, after)])
    return dataclasses.replace(
        part, audio=AudioChunk(part.audio.start, sound), activity=activity, heard=heard, last=after.last
    )


_Timed = TypeVar("_Timed", Phone, Word, EmotionSpan)


def _moved(items: tuple[_Timed, ...], ticks: int) -> tuple[_Timed, ...]:
    return tuple(dataclasses.replace(item, start=item.start + ticks, end=item.end + ticks) for item in items)


def _silence(start: int, end: int, listened: int | None, *, turn: int = 0, last: bool = False) -> SpeechPart:
    """Nobody speaks. listened: where the rows of activity go on, None when nobody listens."""
    activity = None
    if listened is not None:
        activity = Activity(listened, np.zeros(max(0, -(-(end - listened) // _ROW)), np.float32))
    samples = np.zeros(end - start, np.float32)
    # where somebody listens, activity shuts the mouth; a sure phone would let the next one's beginning show early
    phone = Phone(start, end, "", 1.0 if listened is None else 0.0)
    return SpeechPart(AudioChunk(start, samples), (phone,), (), turn=turn, last=last, activity=activity)


class _Sound:
    """Samples waiting to be cut. end: tick after the last that was appended."""

    def __init__(self, start: int) -> None:
        self._pieces: deque[FloatArray] = deque()
        self.end = start

    def append(self, samples: FloatArray) -> None:
        if len(samples):
            self._pieces.append(samples)
            self.end += len(samples)

    def take(self, count: int) -> FloatArray:
        taken, missing = [], count
        while missing:
            piece = self._pieces.popleft()
            taken.append(piece[:missing])
            if len(piece) > missing:
                self._pieces.appendleft(piece[missing:])
            missing -= len(taken[-1])
        return np.concatenate(taken) if len(taken) != 1 else taken[0]


class _Motion:
    """Rows of face clips that are still needed, looked up by tick."""

    def __init__(self) -> None:
        self._rows: deque[tuple[FloatArray, FloatArray]] = deque()
        self._first = 0  # number of row 0 of the deque, counted from the start of the clips
        self._origin: int | None = None
        self._rate = Fraction(1)

    def append(self, clip: FaceClip) -> None:
        if self._origin is None:
            self._origin, self._rate = clip.start, clip.rate
        elif clip.rate != self._rate:
            raise BackendError("The face driver changed its rate in the middle of a performance.")
        self._rows.extend(zip(clip.shapes, clip.head, strict=True))

    def at(self, tick: int, *, final: bool) -> tuple[FloatArray, FloatArray] | None:
        """Shapes and head at a tick, None while the rows around it are not there. final: hold the last row."""
        if not self._rows or self._origin is None:
            if final:
                raise BackendError("The face driver gave no motion.")
            return None
        row, part = self._locate(tick)
        low, high = row - self._first, row - self._first + (1 if part else 0)
        if high >= len(self._rows):
            if not final:
                return None
            low, high = min(low, len(self._rows) - 1), len(self._rows) - 1
        a, b = self._rows[max(low, 0)], self._rows[max(high, 0)]
        weight = np.float32(part)
        return a[0] + (b[0] - a[0]) * weight, a[1] + (b[1] - a[1]) * weight

    def drop_before(self, tick: int) -> None:
        """Forget rows that no later tick needs (one is always kept, to be held)."""
        row, _ = self._locate(tick)
        while len(self._rows) > 1 and self._first < row:
            self._rows.popleft()
            self._first += 1

    def _locate(self, tick: int) -> tuple[int, Fraction]:
        position = (tick - (self._origin or 0)) * self._rate / TICKS_PER_SECOND
        row = position.numerator // position.denominator
        return row, position - row
