"""A scene before any picture: everything that is said in it, and how everybody in it moves meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

import numpy as np

from mien.captions import FILE, Caption, Room, make_captions
from mien.casting import Delivery, Order
from mien.dialogue.align.transcript import said
from mien.dialogue.script import parse
from mien.engine import LEAD_IN, TAIL
from mien.face.base import FaceDriver
from mien.performance import Performance, shifted
from mien.timeline import frame_tick, frames_in, to_ticks
from mien.types import Cue, FloatArray, SpeechPart, Word

ROW = 960
PAUSE = to_ticks(0.35)
"""Silence between two lines of a dialogue, ticks."""


@dataclass(frozen=True)
class Utterance:
    """A line of a scene. who: the name of who says it. order: what and how. pause: silence before it, ticks."""

    who: str
    order: Order
    pause: int = PAUSE


@dataclass(frozen=True)
class Spoken:
    """A line as it was spoken. start, end: ticks of the scene, as those of words and cues.

    text: what the words count the characters of; marked: whether it has script marks. cut: as for
    :func:`~mien.captions.make_captions`.
    """

    who: str
    start: int
    end: int
    text: str
    words: tuple[Word, ...] = ()
    cues: tuple[Cue, ...] = ()
    marked: bool = True
    cut: tuple[tuple[int, ...], ...] = ()

    def captions(self, room: Room = FILE) -> list[Caption]:
        """What is read of it, in ticks of the scene; none where its words are not known."""
        if not self.words:
            return []
        show = parse(self.text).caption if self.marked else None
        return make_captions(self.words, self.text, show, self.cut, room)


@dataclass(frozen=True)
class Movement:
    """How somebody moves: shapes, float32 (frames, 52); head, float32 (frames, 6), as in FaceClip."""

    shapes: FloatArray
    head: FloatArray


@dataclass(frozen=True)
class Performed:
    """A scene's speech and motion. sound: float32 (n,), 48 kHz, until the last frame's end."""

    frames: int
    sound: FloatArray
    lines: tuple[Spoken, ...]
    movements: dict[str, Movement]


@dataclass
class _Made:
    """A line's speech. parts: from tick 0 on."""

    line: Utterance
    parts: list[SpeechPart]
    exact: bool
    driver: Callable[[], FaceDriver]
    spoken: Spoken
    length: int = field(init=False)

    def __post_init__(self) -> None:
        self.length = sum(len(part.audio.samples) for part in self.parts)


def perform_scene(
    lines: Sequence[Utterance],
    idle: dict[str, Callable[[], FaceDriver]],
    fps: Fraction,
    *,
    lead_in: int = LEAD_IN,
    tail: int = TAIL,
    least: int = 0,
    tell: Callable[[str], None] = lambda _: None,
) -> Performed:
    """Have a scene spoken.

    idle: everybody who is seen, with what moves them where they say nothing. lead_in, tail: silence before and after,
    ticks. least: ticks that the scene lasts at least. Raises what the voices raise.
    """
    lead_in = -(-lead_in // ROW) * ROW  # whole rows of activity
    made = [_make(line, tell) for line in lines]
    starts, at = [], lead_in
    for number, one in enumerate(made):
        at += one.line.pause if number else 0
        starts.append(at)
        at += one.length
    total = max(at + tail, least)
    frames = max(1, frames_in(total, fps))
    return Performed(
        frames,
        _sound(made, starts, frame_tick(frames, fps)),
        tuple(_placed(one, start) for one, start in zip(made, starts, strict=True)),
        {who: _move(who, driver, made, starts, frames, fps) for who, driver in idle.items()},
    )


def _make(line: Utterance, tell: Callable[[str], None]) -> _Made:
    """Speak one line."""
    script = line.order.parse()
    with Delivery(line.order, script, tell) as delivery:
        parts = list(delivery.parts)
        words = [word for part in parts for word in part.words or ()]
        text, recording = script.source, line.order.recording
        if recording is not None and words and not recording.cut:
            text = said(text, words)
        cues = tuple(cue for part in parts for cue in part.cues)
        exact = all(part.phones is not None and part.activity is None for part in parts)
        end = parts[-1].audio.end if parts else 0
        cut = () if recording is None else recording.cut
        spoken = Spoken(line.who, 0, end, text, tuple(words), cues, recording is None, cut)
        return _Made(line, parts, exact, delivery.driver, spoken)


def _placed(made: _Made, start: int) -> Spoken:
    """The line at its place in the scene."""
    line = made.spoken
    return replace(
        line,
        start=start,
        end=start + made.length,
        words=tuple(replace(w, start=w.start + start, end=w.end + start) for w in line.words),
        cues=tuple(replace(c, tick=c.tick + start) for c in line.cues),
    )


def _sound(made: Sequence[_Made], starts: Sequence[int], length: int) -> FloatArray:
    sound = np.zeros(length, np.float32)
    for one, start in zip(made, starts, strict=True):
        at = start
        for part in one.parts:
            room = sound[at : at + len(part.audio.samples)]
            room += part.audio.samples[: len(room)]
            at += len(part.audio.samples)
    return sound


def _move(
    who: str, idle: Callable[[], FaceDriver], made: Sequence[_Made], starts: Sequence[int], frames: int, fps: Fraction
) -> Movement:
    """One person's motion through the whole scene: they speak their own lines and are silent in the others."""
    own = [(one, start) for one, start in zip(made, starts, strict=True) if one.line.who == who]
    inexact = next((one for one, _ in own if not one.exact), None)
    driver = inexact.driver if inexact else own[0][0].driver if own else idle
    performance, at = Performance(driver(), fps), 0
    for one, start in own:
        performance.wait(start - at)
        for part in one.parts:
            performance.push(shifted(part, start))
        at = start + one.length
    performance.wait(max(0, frame_tick(frames, fps) - at))
    performance.close()
    beats = performance.read()[:frames]
    return Movement(np.stack([beat.shapes for beat in beats]), np.stack([beat.head for beat in beats]))


def speech_spans(lines: Sequence[Spoken]) -> list[tuple[int, int]]:
    """When somebody speaks, ticks of the scene."""
    return [(line.start, line.end) for line in lines if line.end > line.start]
