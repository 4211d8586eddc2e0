"""The pictures of a video, upright, with the times at which they are shown."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import numpy as np

from mien.errors import InputError
from mien.footage import moving, open_file, upright
from mien.types import ByteArray

LARGEST_SIDE: Final = 1920
"""Larger pictures are made smaller as they are read: no landmark net sees more."""
MOST_A_SECOND: Final = 62.0
"""Pictures in excess of so many a second are passed over."""
_LONGEST_GAP: Final = 600
"""Seconds; a longer jump, or one back, is a clock that was set, not a time in which nothing was shown."""
_MOST_PIXELS: Final = 120_000_000
_STILLS: Final = frozenset({"image2", "png_pipe", "jpeg_pipe", "webp_pipe", "bmp_pipe", "tiff_pipe", "svg_pipe"})
_HINT: Final = "Give a video that shows one face, such as an mp4 or mov."


@dataclass
class Video:
    """A video file, checked. fps: average rate. seconds: how long it says it is, 0 when it does not. sound: has some.

    broken: after reading, what stopped it before its end, else empty.
    """

    path: Path
    fps: Fraction
    seconds: float
    width: int
    height: int
    sound: bool = False
    broken: str = ""

    def pictures(self) -> Iterator[tuple[float, ByteArray]]:
        """(seconds since the file's time 0, uint8 (h, w, 3) RGB) of every picture, in order; once or more often.

        What breaks off in the middle ends there; see :attr:`broken`.
        """
        import av.error

        last, step = -1.0, 1 / float(self.fps)
        try:
            with _opened(self.path) as file:
                stream = moving(file)[0]
                stream.thread_type = "AUTO"
                zero = (file.start_time or 0) / 1e6
                for frame in file.decode(stream):
                    if frame.pts is None or frame.time_base is None:
                        continue
                    time = float(frame.pts * frame.time_base) - zero
                    if last >= 0 and not -1 < time - last < _LONGEST_GAP:
                        zero += time - last - step
                        time = last + step
                    if time < 0 or time - last < 1 / MOST_A_SECOND:
                        continue
                    last = time
                    yield time, _upright(frame)
        except (OSError, av.error.FFmpegError, ValueError) as error:
            self.broken = str(getattr(error, "strerror", None) or error)


def open_video(path: Path) -> Video:
    """Look what a file is. Raises InputError, in one sentence, for what is no video of moving pictures."""
    if not path.exists():
        raise InputError(f"There is no video '{path}'.", hint="Check the name.")
    if path.is_dir():
        raise InputError(f"'{path}' is a folder, not a video.", hint=_HINT)
    with _opened(path) as file:
        streams = moving(file)
        if not streams:
            kind = "sound" if file.streams.audio else "no pictures"
            raise InputError(f"{path.name} has {kind} only, no video." if kind == "sound" else
                             f"{path.name} has no pictures.", hint=_HINT)  # fmt: skip
        stream = streams[0]
        if file.format.name in _STILLS:
            raise InputError(f"{path.name} is a still picture, not a video.", hint=_HINT)
        if not 0 < stream.width * stream.height <= _MOST_PIXELS:
            raise InputError(f"The pictures of {path.name} are {stream.width}x{stream.height}: too large.", hint=_HINT)
        seconds = file.duration / 1e6 if file.duration else 0.0
        rate = Fraction(stream.average_rate or 25)
        return Video(path, rate, seconds, stream.width, stream.height, sound=bool(file.streams.audio))


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    import av.error

    try:
        file = open_file(path)
    except (OSError, av.error.FFmpegError, ValueError) as error:
        raise InputError(f"{path.name} cannot be read as a video: it is damaged or none.", hint=_HINT) from error
    with file:
        yield file


def _upright(frame: Any) -> ByteArray:
    shrink = min(1.0, LARGEST_SIDE / max(frame.width, frame.height))
    if shrink < 1:
        width, height = max(2, round(frame.width * shrink)), max(2, round(frame.height * shrink))
        frame = frame.reformat(width=width, height=height, format="rgb24", interpolation="AREA")
    return np.ascontiguousarray(upright(frame))
