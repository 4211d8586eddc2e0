"""Stand-ins for the stages that the loop joins: deterministic, and told when to fail."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from mien.face.base import FaceDriverInfo
from mien.timeline import frame_tick
from mien.types import AudioChunk, ByteArray, FaceClip, FloatArray, Phone, SpeechPart, VideoFrame, Word

RATE = Fraction(50)


class FakeDriver:
    """Row k holds k in jawOpen's place, scaled; knows rows up to ``look_ahead`` before the end of the sound."""

    def __init__(self, look_ahead: int = 4800, fail_at: int | None = None) -> None:
        self._ahead, self._end, self._row, self._closed = look_ahead, 0, 0, False
        self._fail_at = fail_at
        self.parts: list[SpeechPart] = []

    @property
    def info(self) -> FaceDriverInfo:
        return FaceDriverInfo("fake", needs_phones=False, look_ahead=self._ahead)

    def push(self, part: SpeechPart) -> None:
        assert part.audio.start == self._end, "parts must follow each other"
        self._end = part.audio.end
        self.parts.append(part)
        if self._fail_at is not None and self._end >= self._fail_at:
            raise RuntimeError("driver broke")

    def close(self) -> None:
        self._closed = True

    def read(self) -> FaceClip:
        until = self._end if self._closed else max(0, self._end - self._ahead)
        first, rows = self._row, 0
        while frame_tick(first + rows, RATE) < until:
            rows += 1
        self._row += rows
        values = (np.arange(first, first + rows, dtype=np.float32) * 1e-3)[:, None]
        shapes = np.repeat(values, 52, axis=1)
        return FaceClip(frame_tick(first, RATE), shapes, np.repeat(values, 6, axis=1), RATE)


class FakeCanvas:
    """Pictures whose grey level says which pose was asked for."""

    def __init__(self, fail_at: int | None = None, block_at: int | None = None) -> None:
        self.drawn, self._fail_at, self._block_at = 0, fail_at, block_at
        self.release = threading.Event()

    def draw(self, shapes: FloatArray, head: FloatArray) -> ByteArray:
        if self.drawn == self._fail_at:
            raise RuntimeError("canvas broke")
        if self.drawn == self._block_at:
            self.release.wait(30)
        self.drawn += 1
        return np.full((8, 8, 3), round(float(shapes[0]) * 1000) % 256, np.uint8)


class FakeSink:
    """Remembers what it got and how it ended."""

    def __init__(self, fail_at: int | None = None, fail_close: bool = False) -> None:
        self.frames: list[VideoFrame] = []
        self.chunks: list[AudioChunk] = []
        self.ended: list[str] = []
        self._fail_at, self._fail_close = fail_at, fail_close

    def video(self, frame: VideoFrame) -> None:
        if len(self.frames) == self._fail_at:
            raise RuntimeError("sink broke")
        self.frames.append(frame)

    def audio(self, chunk: AudioChunk) -> None:
        self.chunks.append(chunk)

    def close(self) -> None:
        if self._fail_close:
            raise RuntimeError("close broke")
        self.ended.append("close")

    def abort(self) -> None:
        self.ended.append("abort")


def speech(lengths: list[int], start: int = 0, fail_after: int | None = None) -> Iterator[SpeechPart]:
    """Parts of these lengths (ticks) with a ramp as sound, one phone and one word each."""
    total = sum(lengths)
    sound = np.linspace(-0.5, 0.5, max(total, 1), dtype=np.float32)
    at = 0
    for number, length in enumerate(lengths):
        if number == fail_after:
            raise RuntimeError("speech broke")
        t0, t1 = start + at, start + at + length
        yield SpeechPart(
            AudioChunk(t0, sound[at : at + length]),
            (Phone(t0, t1, "a"),),
            (Word(t0, t1, number, number + 1),),
            last=number == len(lengths) - 1,
        )
        at += length
