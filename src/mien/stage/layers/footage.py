"""A video file as a layer: any moment may be asked for; asked for in order, every picture is decoded once."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import numpy as np

from mien.errors import InputError
from mien.footage import length_of, moving, open_file, unreadable, upright
from mien.stage.layer import Patch
from mien.timeline import TICKS_PER_SECOND, to_ticks
from mien.types import ByteArray

_TICK: Final = Fraction(1, TICKS_PER_SECOND)
_SKIP: Final = Fraction(3)
"""Seconds further on from which looking for a key frame costs less than decoding what lies between."""


class Footage:
    """Fills a box. Outside its own time it shows its first or last picture.

    box: x, y, width, height on the canvas. start: tick at which it begins. trim: seconds of the file to begin and to
    end with, None = its end. loop: from the beginning again when it ends. Raises InputError for what is no video.
    """

    def __init__(
        self,
        path: Path,
        box: tuple[int, int, int, int],
        start: int = 0,
        *,
        trim: tuple[float, float | None] = (0.0, None),
        loop: bool = False,
    ) -> None:
        self._path, self._start, self._loop = path, start, loop
        self._x, self._y, *size = box
        self._size = (size[0], size[1])
        self._begin = _exactly(trim[0])
        self._length = _length(path, trim)
        self._frames: Iterator[tuple[Fraction, Any]] = iter(())
        self._now: tuple[Fraction, ByteArray] | None = None
        self._next: tuple[Fraction, Any] | None = None
        self._fitted: tuple[Fraction, ByteArray] | None = None

    def at(self, tick: int) -> Patch:
        """The picture that is shown then."""
        seconds = max(Fraction(tick - self._start, TICKS_PER_SECOND), Fraction(0))
        if self._loop:
            seconds %= self._length
        at, pixels = self._picture(self._begin + min(seconds, self._length - _TICK))
        if self._fitted is None or self._fitted[0] != at:
            self._fitted = (at, covering(pixels, *self._size))
        return Patch(self._x, self._y, self._fitted[1], hash(at))

    def _picture(self, seconds: Fraction) -> tuple[Fraction, ByteArray]:
        """The last picture that begins at or before a time of the file, with its time."""
        if self._now is None or seconds < self._now[0] or (self._next and seconds > self._next[0] + _SKIP):
            self._seek(seconds)
        due = None
        while self._next is not None and (self._next[0] <= seconds or (self._now is None and due is None)):
            due, self._next = self._next, next(self._frames, None)
        if due is not None:
            self._now = (due[0], upright(due[1]))
        if self._now is None:
            raise unreadable(self._path)
        return self._now

    def _seek(self, seconds: Fraction) -> None:
        self._frames = _decoded(self._path, seconds)
        self._now, self._next = None, next(self._frames, None)
        if self._next is None and seconds > 0:  # beyond its last key frame's pictures
            self._frames = _decoded(self._path, Fraction(0))
            self._next = next(self._frames, None)


def covering(pixels: ByteArray, width: int, height: int) -> ByteArray:
    """The picture scaled to fill width × height, its middle kept, uint8 (height, width, 3)."""
    import cv2

    scale = max(width / pixels.shape[1], height / pixels.shape[0])
    wide, high = min(pixels.shape[1], round(width / scale)), min(pixels.shape[0], round(height / scale))
    x, y = (pixels.shape[1] - wide) // 2, (pixels.shape[0] - high) // 2
    part = np.ascontiguousarray(pixels[y : y + high, x : x + wide])
    quality = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(part, (width, height), interpolation=quality), np.uint8)


def _decoded(path: Path, seconds: Fraction) -> Iterator[tuple[Fraction, Any]]:
    """Time and frame, from the last key frame before a time on."""
    import av.error

    try:
        with open_file(path) as file:
            stream = next(iter(moving(file)), None)
            if stream is None:
                raise unreadable(path)
            stream.thread_type = "SLICE"
            first = Fraction(stream.start_time or 0) * stream.time_base
            if seconds > 0:
                file.seek(int((seconds + first) / stream.time_base), stream=stream)
            for frame in file.decode(stream):
                if frame.pts is not None and frame.time_base is not None:
                    yield frame.pts * frame.time_base - first, frame
    except (OSError, av.error.FFmpegError, ValueError) as error:
        raise unreadable(path) from error


def _length(path: Path, trim: tuple[float, float | None]) -> Fraction:
    """Seconds that are played."""
    begin, end = _exactly(trim[0]), None if trim[1] is None else _exactly(trim[1])
    whole = length_of(path)
    length = (whole if end is None else min(whole, end)) - begin
    if length <= 0:
        raise InputError(
            f"The video {path.name} lasts {float(whole):.1f} s, so nothing is left of it from {float(begin):.1f} s on.",
            hint="Trim less.",
        )
    return length


def _exactly(seconds: float) -> Fraction:
    return Fraction(to_ticks(seconds), TICKS_PER_SECOND)
