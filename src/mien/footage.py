"""Video files that are read: the streams that move, and their pictures the right way up."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import numpy as np

from mien.errors import InputError
from mien.types import ByteArray

_COVER = 0x400  # FFmpeg's AV_DISPOSITION_ATTACHED_PIC
_KINDS: Final = (
    "mov,matroska,webm,avi,mpeg,mpegts,mpegvideo,flv,asf,ogg,ivf,nut,mxf,dv,rm,h264,hevc,m4v,obu,yuv4mpegpipe,gif,apng,"
    "webp,png_pipe,jpeg_pipe,webp_pipe,bmp_pipe,tiff_pipe,wav,w64,mp3,aac,flac,aiff,caf,au,ac3,eac3,amr,wv,tta"
)
"""FFmpeg's names of what holds its pictures and sound itself. Playlists (HLS, DASH, concat, numbered pictures) do not:
they would bring in any other file of this machine.
"""


def open_file(path: Path) -> Any:
    """PyAV's container, to be closed. Only the file itself is read: a playlist of servers or other files opens nothing.

    Raises OSError, av.error.FFmpegError or ValueError for what is no readable file.
    """
    import av

    options = {"protocol_whitelist": "file", "format_whitelist": _KINDS}
    return av.open(str(path), options=options, metadata_errors="replace")


def moving(file: Any) -> list[Any]:
    """The streams of pictures that are no cover: a cover may come first, and is one still picture."""
    return [stream for stream in file.streams.video if not int(stream.disposition) & _COVER]


def length_of(path: Path) -> Fraction:
    """Seconds of the pictures of a file. Raises InputError for what is no video."""
    import av.error

    try:
        with open_file(path) as file:
            stream = next(iter(moving(file)), None)
            if stream is None:
                raise unreadable(path)
            if stream.duration is not None:
                return Fraction(Fraction(stream.duration) * stream.time_base)
            return Fraction(file.duration or 0, 1_000_000)
    except (OSError, av.error.FFmpegError, ValueError) as error:
        raise unreadable(path) from error


def unreadable(path: Path) -> InputError:
    """The error for what is no video."""
    return InputError(f"The video {path.name} holds no pictures that can be read.", hint="Convert it to mp4.")


def upright(frame: Any) -> ByteArray:
    """A frame's picture, uint8 (h, w, 3) RGB, turned as its display matrix says."""
    pixels: ByteArray = frame.to_ndarray(format="rgb24")
    turns = round(getattr(frame, "rotation", 0) / 90) % 4
    return np.rot90(pixels, turns) if turns else pixels
