"""A session's pictures, sound and motion for viewers, and patience."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from fractions import Fraction

import numpy as np

from mien.timeline import TICKS_PER_SECOND, frame_tick
from mien.types import ARKIT_SHAPES, AudioChunk, ByteArray, FaceClip, VideoFrame

FPS = Fraction(25)
PER_FRAME = TICKS_PER_SECOND // 25


def picture(k: int, width: int = 64, height: int = 64, channels: int = 3) -> ByteArray:
    """A grey picture that says which one it is; never to be written to."""
    pixels = np.full((height, width, channels), 40 + 5 * (k % 40), np.uint8)
    pixels.flags.writeable = False
    return pixels


def moment(k: int, width: int = 64, height: int = 64, channels: int = 3) -> tuple[VideoFrame, AudioChunk]:
    """Frame ``k`` and its sound, a tone of 440 Hz that goes on from one to the next."""
    start, end = frame_tick(k, FPS), frame_tick(k + 1, FPS)
    samples = (0.3 * np.sin(2 * np.pi * 440 * np.arange(start, end) / TICKS_PER_SECOND)).astype(np.float32)
    samples.flags.writeable = False
    return VideoFrame(start, picture(k, width, height, channels)), AudioChunk(start, samples)


def motion(k: int, rows: int = 2) -> FaceClip:
    """The motion of frame ``k``: row r of the session holds 0.001 r in every shape, 0.0001 r and up in the head."""
    numbers = np.arange(k * rows, (k + 1) * rows, dtype=np.float32)[:, None]
    shapes = np.tile((numbers * 0.001) % 1, (1, len(ARKIT_SHAPES))).astype(np.float32)
    head = (numbers * 0.0001 * np.arange(1, 7)).astype(np.float32)
    return FaceClip(frame_tick(k, FPS), shapes, head, Fraction(50))


def wait_for(what: Callable[[], bool], seconds: float = 30.0) -> bool:
    """Whether it comes true in time."""
    end = time.monotonic() + seconds
    while not what():
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True


def own_threads() -> list[str]:
    """Names of the threads that viewers started and that are alive."""
    return [t.name for t in threading.enumerate() if t.name.startswith("mien-")]


def paced(count: int, first: int = 0, rate: float = 25.0) -> Iterator[int]:
    """Numbers of frames, each when it is due."""
    start = time.monotonic()
    for n in range(count):
        time.sleep(max(0.0, start + n / rate - time.monotonic()))
        yield first + n
