"""Joins the stages: speech → motion → pictures → sink. A film is this loop, drained into a file.

Three stages overlap on bounded hand-overs: speech and face in one thread, drawing and composing in a second, and the
caller's own thread, which encodes. Drawing (numba, OpenCV) and encoding (libav) release the GIL, so two cores are busy.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction

from mien.avatar import Avatar
from mien.channel import Abandoned, Channel
from mien.face.base import FaceDriver
from mien.performance import Beat, Performance
from mien.render.base import Canvas, Placement
from mien.stage.framing import frame_avatar
from mien.timeline import to_ticks
from mien.transmit.base import Sink
from mien.types import AudioChunk, ByteArray, FaceClip, SpeechPart, VideoFrame

LEAD_IN = to_ticks(0.25)
"""Silence before the first word, ticks: a face that is seen at rest for a moment does not seem to be cut off."""
TAIL = to_ticks(0.5)
"""Silence after the last word, ticks: lips close and the last syllable dies away."""

_BEATS_AHEAD = 48  # small: shapes and one frame's sound each
_FRAMES_AHEAD = 3  # each is a whole picture: 6 MB at 1080p
_GOODBYE = 2.0  # seconds a worker may take to notice that its reader has gone

Compose = Callable[[int, ByteArray], ByteArray]
"""Stage 6 for one picture: (tick, picture as drawn) → picture as sent."""


@dataclass(slots=True)
class Timings:
    """Seconds of work by stage, waiting not counted; stages overlap, so their sum exceeds the wall time."""

    speech: float = 0.0
    face: float = 0.0
    prepare: float = 0.0
    draw: float = 0.0
    compose: float = 0.0
    encode: float = 0.0
    first_frame: float = 0.0
    wall: float = 0.0


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a film stands. frames: done. tick: end of the sound sent. timings: so far."""

    frames: int
    tick: int
    timings: Timings


@dataclass(frozen=True)
class Scene:
    """What the loop plays. The factories run inside the threads that use what they make, so that start-ups overlap.

    parts: speech from one or more utterances, without gaps. driver, canvas: factories. on_part, on_clip: told of
    every piece of speech (shifted to film time) and of motion as they pass, in the first thread.
    """

    parts: Iterable[SpeechPart]
    driver: Callable[[], FaceDriver]
    canvas: Callable[[], Canvas]
    fps: Fraction
    compose: Compose | None = None
    lead_in: int = LEAD_IN
    tail: int = TAIL
    on_part: Callable[[SpeechPart], None] | None = None
    on_clip: Callable[[FaceClip], None] | None = None
    timings: Timings = field(default_factory=Timings)


def play(scene: Scene) -> Iterator[tuple[VideoFrame, AudioChunk]]:
    """Every picture with the sound that lasts as long as it is shown, in order.

    Frame k starts at ``frame_tick(k, fps)`` and so does its sound; the last frame's sound is padded with silence, so
    sound and pictures end together. Whatever a stage raises is raised here; leaving early stops the threads.
    """
    beats: Channel[Beat] = Channel(_BEATS_AHEAD)
    frames: Channel[tuple[VideoFrame, AudioChunk]] = Channel(_FRAMES_AHEAD)
    workers = [
        _start("mien-motion", _perform, scene, beats),
        _start("mien-draw", _draw, scene, beats, frames),
    ]
    try:
        yield from frames
    finally:
        frames.abandon()
        beats.abandon()
        for worker in workers:
            worker.join(_GOODBYE)


def film(scene: Scene, sink: Sink, observe: Callable[[Progress], None] | None = None) -> Progress:
    """Play a scene into a sink and close it. On any failure, Ctrl-C included, the sink is aborted: nothing is left."""
    timings, started = scene.timings, time.perf_counter()
    progress = Progress(0, 0, timings)
    show = play(scene)
    try:
        for frame, chunk in show:
            begun = time.perf_counter()
            timings.first_frame = timings.first_frame or begun - started
            sink.video(frame)
            sink.audio(chunk)
            timings.encode += time.perf_counter() - begun
            progress = Progress(progress.frames + 1, chunk.end, timings)
            if observe is not None:
                observe(progress)
        begun = time.perf_counter()
        sink.close()
        timings.encode += time.perf_counter() - begun
    except BaseException:
        sink.abort()
        raise
    finally:
        show.close()  # type: ignore[attr-defined]
        timings.wall = time.perf_counter() - started
    return progress


def place(avatar: Avatar, width: int, height: int, *, opaque: bool = True) -> Placement:
    """Where the avatar goes on a canvas of any size: :func:`mien.stage.framing.frame_avatar` as a Placement."""
    framing = frame_avatar(avatar, width, height)
    return Placement(width, height, framing.scale, framing.x, framing.y, opaque)


def _start(name: str, work: Callable[..., None], scene: Scene, *channels: Channel[object]) -> threading.Thread:
    """A daemon thread whose failure goes to the channel that it writes (the last one)."""

    def run() -> None:
        try:
            work(scene, *channels)
            channels[-1].finish()
        except Abandoned:
            channels[-1].finish()
        except BaseException as error:
            channels[-1].fail(error)
        finally:
            for channel in channels[:-1]:
                channel.abandon()

    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    return thread


def _perform(scene: Scene, beats: Channel[Beat]) -> None:
    parts = iter(scene.parts)
    try:
        performance = Performance(
            scene.driver(), scene.fps, scene.lead_in, scene.tail, on_part=scene.on_part, on_clip=scene.on_clip
        )
        clock, timings = _Stopwatch(), scene.timings
        for part in parts:
            timings.speech += clock.lap()
            performance.push(part)
            ready = performance.read()
            timings.face += clock.lap()
            for beat in ready:
                beats.put(beat)
            clock.lap()
        performance.close()
        for beat in performance.read():
            beats.put(beat)
    finally:
        close = getattr(parts, "close", None)
        if close is not None:
            close()


def _draw(scene: Scene, beats: Channel[Beat], frames: Channel[tuple[VideoFrame, AudioChunk]]) -> None:
    clock, timings = _Stopwatch(), scene.timings
    canvas = scene.canvas()
    timings.prepare += clock.lap()
    for beat in beats:
        clock.lap()
        pixels = canvas.draw(beat.shapes, beat.head)
        timings.draw += clock.lap()
        if scene.compose is not None:
            pixels = scene.compose(beat.tick, pixels)
            timings.compose += clock.lap()
        frames.put((VideoFrame(beat.tick, pixels), beat.audio))


class _Stopwatch:
    def __init__(self) -> None:
        self._last = time.perf_counter()

    def lap(self) -> float:
        """Seconds since the last lap."""
        now = time.perf_counter()
        elapsed, self._last = now - self._last, now
        return elapsed
