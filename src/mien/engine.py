"""Joins the stages: speech → motion → pictures → sink. A film is this loop, drained into a file.

Three stages overlap on bounded hand-overs: speech and face in one thread, drawing in others, and the caller's own
thread, which composes and encodes. Drawing (numba, OpenCV) and encoding (libav) release the GIL, so two cores are busy.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Any

from mien.avatar import Avatar
from mien.channel import Abandoned, Channel, Finished, Promise
from mien.face.base import FaceDriver
from mien.machine import cores
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
_FRAMES_AHEAD = 4  # each is a whole picture: 6 MB at 1080p
_MOST_ARTISTS = 2
_LARGE_PICTURE = 3_000_000  # bytes: a megapixel
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


class Show:
    """A scene while it plays: every picture with the sound that lasts as long as it is shown, in order.

    The work starts at once, in threads of its own. Frame k starts at ``frame_tick(k, fps)`` and so does its sound; the
    last frame's sound is padded with silence, so sound and pictures end together. Whatever a stage raises is raised to
    the reader; closing early stops the threads.
    """

    def __init__(self, scene: Scene, artists: int | None = None) -> None:
        """artists: threads that draw, each with its own canvas; default: as many as help on this machine."""
        self.timings = Timings()
        self._scene, self._started = scene, time.perf_counter()
        self._beats: Channel[Beat] = Channel(_BEATS_AHEAD)
        self._frames: Channel[Promise[tuple[Beat, ByteArray]]] = Channel(_FRAMES_AHEAD)
        self._turn, self._tally = threading.Lock(), threading.Lock()
        self._workers = [_start("mien-motion", self._perform, self._beats)]
        self._helpers_wanted: Promise[bool] = Promise()
        self._artists = artists
        for number in range(artists or _MOST_ARTISTS):
            self._workers.append(_start(f"mien-draw-{number}", partial(self._draw, number), self._frames))

    def __iter__(self) -> Iterator[tuple[VideoFrame, AudioChunk]]:
        compose, clock = self._scene.compose, _Stopwatch()
        for promise in self._frames:
            beat, pixels = promise.result()
            clock.lap()
            if compose is not None:
                pixels = compose(beat.tick, pixels)
                self.timings.compose += clock.lap()
            self.timings.first_frame = self.timings.first_frame or self.elapsed()
            yield VideoFrame(beat.tick, pixels), beat.audio

    def __enter__(self) -> Show:
        return self

    def __exit__(self, *failure: object) -> None:
        self.close()

    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.perf_counter() - self._started

    def close(self) -> None:
        """Stop. Idempotent; waits two seconds at most for a stage that hangs."""
        self._frames.abandon()
        self._beats.abandon()
        deadline = time.monotonic() + _GOODBYE
        workers, self._workers = self._workers, []
        for worker in workers:
            worker.join(max(0.0, deadline - time.monotonic()))

    def _perform(self) -> None:
        scene, timings, parts = self._scene, self.timings, iter(self._scene.parts)
        try:
            clock = _Stopwatch()
            performance = Performance(
                scene.driver(), scene.fps, scene.lead_in, scene.tail, on_part=scene.on_part, on_clip=scene.on_clip
            )
            timings.face += clock.lap()
            for part in parts:
                timings.speech += clock.lap()
                performance.push(part)
                ready = performance.read()
                timings.face += clock.lap()
                self._put_all(ready)
                clock.lap()
            performance.close()
            self._put_all(performance.read())
            self._beats.finish()
        finally:
            close = getattr(parts, "close", None)
            if close is not None:
                close()

    def _put_all(self, ready: Iterable[Beat]) -> None:
        for beat in ready:
            self._beats.put(beat)

    def _draw(self, number: int) -> None:
        """One artist. Pictures are promised in order and drawn as they can be."""
        try:
            canvas = self._prepare(number)
            while canvas is not None:
                with self._turn:
                    beat = self._beats.get()
                    promise: Promise[tuple[Beat, ByteArray]] = Promise()
                    self._frames.put(promise)
                self._fulfil(promise, beat, canvas)
        except Finished:
            self._helpers_wanted.keep(False)
            self._frames.finish()
        except BaseException:
            self._helpers_wanted.keep(False)
            self._beats.abandon()
            raise

    def _prepare(self, number: int) -> Canvas | None:
        """The first artist works alone until there is a picture, so that it comes soon; others follow if they help."""
        if number and not self._helpers_wanted.result():
            return None
        clock = _Stopwatch()
        canvas = self._scene.canvas()
        with self._tally:
            self.timings.prepare += clock.lap()
        return canvas

    def _fulfil(self, promise: Promise[tuple[Beat, ByteArray]], beat: Beat, canvas: Canvas) -> None:
        clock = _Stopwatch()
        try:
            pixels = canvas.draw(beat.shapes, beat.head)
        except BaseException as error:
            promise.fail(error)
            raise
        promise.keep((beat, pixels))
        self._helpers_wanted.keep(self._artists is not None or _worth_helping(pixels))
        with self._tally:
            self.timings.draw += clock.lap()


def film(show: Show, sink: Sink, observe: Callable[[Progress], None] | None = None) -> Progress:
    """Drain a show into a sink and close both. On any failure, Ctrl-C too, the sink is aborted: nothing is left."""
    timings = show.timings
    progress = Progress(0, 0, timings)
    clock = _Stopwatch()
    try:
        for frame, chunk in show:
            clock.lap()
            sink.video(frame)
            sink.audio(chunk)
            timings.encode += clock.lap()
            progress = Progress(progress.frames + 1, chunk.end, timings)
            if observe is not None:
                observe(progress)
        clock.lap()
        sink.close()
        timings.encode += clock.lap()
    except BaseException:
        sink.abort()
        raise
    finally:
        show.close()
        timings.wall = show.elapsed()
    return progress


def place(avatar: Avatar, width: int, height: int, *, opaque: bool = True) -> Placement:
    """Where the avatar goes on a canvas of any size: :func:`mien.stage.framing.frame_avatar` as a Placement."""
    framing = frame_avatar(avatar, width, height)
    return Placement(width, height, framing.scale, framing.x, framing.y, opaque)


def _start(name: str, work: Callable[[], None], writes: Channel[Any]) -> threading.Thread:
    """A daemon thread whose failure is told to the channel that it writes; its end it tells itself."""

    def run() -> None:
        try:
            work()
        except Abandoned:
            writes.finish()
        except BaseException as error:
            writes.fail(error)

    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    return thread


def _worth_helping(pixels: ByteArray) -> bool:
    """Whether a second artist pays. Two cores are full with one artist and one encoder when pictures are large."""
    return cores() > 2 or (cores() == 2 and pixels.nbytes < _LARGE_PICTURE)


class _Stopwatch:
    def __init__(self) -> None:
        self._last = time.perf_counter()

    def lap(self) -> float:
        """Seconds since the last lap."""
        now = time.perf_counter()
        elapsed, self._last = now - self._last, now
        return elapsed
