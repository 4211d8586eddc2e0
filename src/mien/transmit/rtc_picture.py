"""Live video encoders: no look-ahead, one thread, a key picture every two seconds, a bit rate that follows the network.

x264 takes a new bit rate between two pictures only in a stream that was opened at a constant rate, up to the rate it
was opened with; so it is opened at the highest one and turned down. libvpx does not take a new rate through libav:
there the encoder is made anew, which costs a key picture, so only for large changes and seldom.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Final, Protocol

import numpy as np

from mien.errors import MissingError
from mien.timeline import TICKS_PER_SECOND
from mien.transmit.color import Yuv420, rgb_to_yuv_matrix
from mien.transmit.rtc_coded import Coded
from mien.types import ByteArray

LOWEST_RATE: Final = 250_000
HIGHEST_RATE: Final = 8_000_000

_GOP_SECONDS: Final = 2
_BITS_PER_PIXEL: Final = 0.25  # a portrait at x264's fastest preset; 1.6 Mbit/s at 512² and 25 fps
_REMADE: Final = 0.3  # a change of VP8's bit rate that is worth a key picture
_REMADE_APART: Final = 3 * TICKS_PER_SECOND
_BT601: Final = (0.299, 0.114)


class PictureEncoder(Protocol):
    """Turns pictures of one size into coded ones, one out for each one in."""

    def encode(self, pixels: ByteArray, tick: int, due: float, *, key: bool) -> Coded | None:
        """pixels: uint8 (h, w, 3 or 4). key: a receiver must be able to begin here. None: the encoder gave nothing."""
        ...

    def set_rate(self, bits: int) -> None:
        """Bits a second from the next picture on."""
        ...


def suitable_rate(width: int, height: int, fps: Fraction) -> int:
    """Bits a second at which a portrait looks well."""
    return int(min(HIGHEST_RATE, max(LOWEST_RATE, _BITS_PER_PIXEL * width * height * fps)))


def open_encoder(codec: str, width: int, height: int, fps: Fraction) -> PictureEncoder:
    """The encoder for "h264" or "vp8"; width and height even. Raises MissingError when libav lacks it."""
    import av.error

    try:
        return (H264 if codec == "h264" else Vp8)(width, height, fps)
    except (ValueError, av.error.FFmpegError) as error:
        raise MissingError(
            f"The installed PyAV cannot encode {codec.upper()}: {error}.",
            hint="Install the official wheel again: pip install --force-reinstall av.",
            code="missing.encoder",
        ) from error


class H264:
    """Constrained baseline, as every browser and phone decodes it; BT.709, limited range, said in the stream."""

    def __init__(self, width: int, height: int, fps: Fraction) -> None:
        self._frames = _Frames(width, height, fps)
        top = suitable_rate(width, height, fps)
        context = _context("libx264", width, height, fps)
        context.bit_rate = top
        context.color_primaries = context.color_trc = context.colorspace = context.color_range = 1
        context.options = {
            "preset": "ultrafast",
            "tune": "zerolatency",
            "profile": "baseline",
            "threads": "1",
            "maxrate": str(top),
            "bufsize": str(top // 2),
            "qmin": "18",  # a face at rest needs few bits: finer steps than the eye sees are not bought with the rest
            "x264-params": "scenecut=0:chromaloc=1",
        }
        context.open()
        self._context = context

    def encode(self, pixels: ByteArray, tick: int, due: float, *, key: bool) -> Coded | None:
        return self._frames.encoded(self._context, pixels, tick, due, key=key)

    def set_rate(self, bits: int) -> None:
        self._context.bit_rate = bits


class Vp8:
    """For receivers without H.264. VP8 has no field for its matrix: everybody takes it for BT.601."""

    def __init__(self, width: int, height: int, fps: Fraction) -> None:
        self._size, self._fps = (width, height), fps
        self._frames = _Frames(width, height, fps, matrix=_BT601)
        self._rate = self._wanted = suitable_rate(width, height, fps)
        self._made = 0
        self._context = self._open()

    def encode(self, pixels: ByteArray, tick: int, due: float, *, key: bool) -> Coded | None:
        far = abs(self._wanted - self._rate) > _REMADE * self._rate
        if far and abs(tick - self._made) >= _REMADE_APART:
            self._rate, self._made = self._wanted, tick
            self._context = self._open()
        return self._frames.encoded(self._context, pixels, tick, due, key=key)

    def set_rate(self, bits: int) -> None:
        self._wanted = bits

    def _open(self) -> Any:
        context = _context("libvpx", *self._size, self._fps)
        context.bit_rate = self._rate
        context.options = {
            "deadline": "realtime",
            "cpu-used": "8",
            "lag-in-frames": "0",
            "error-resilient": "default",
            "static-thresh": "100",
            "minrate": str(self._rate),
            "maxrate": str(self._rate),
            "bufsize": str(self._rate // 2),
            "qmin": "4",
            "qmax": "56",
            "threads": "1",
        }
        context.open()
        return context


def _context(name: str, width: int, height: int, fps: Fraction) -> Any:
    import av

    context: Any = av.CodecContext.create(name, "w")
    context.width, context.height, context.pix_fmt = width, height, "yuv420p"
    context.time_base, context.framerate = Fraction(1, TICKS_PER_SECOND), fps
    context.gop_size = max(1, int(_GOP_SECONDS * fps))
    context.thread_count = 1
    return context


class _Frames:
    """Feeds an encoder. Every picture has a libav frame of its own: encoders write into what they are given."""

    def __init__(self, width: int, height: int, fps: Fraction, matrix: tuple[float, float] | None = None) -> None:
        self._size = (width, height)
        self._duration = int(TICKS_PER_SECOND / fps)
        self._yuv = Yuv420(width, height, rgb_to_yuv_matrix(*matrix) if matrix else None)

    def encoded(self, context: Any, pixels: ByteArray, tick: int, due: float, *, key: bool) -> Coded | None:
        import av
        from av.video.frame import PictureType

        width, height = self._size
        frame = av.VideoFrame(width, height, "yuv420p")
        self._yuv.planes(np.ascontiguousarray(pixels[:height, :width, :3]), *map(_rows, frame.planes))
        frame.pts, frame.time_base, frame.duration = tick, Fraction(1, TICKS_PER_SECOND), self._duration
        frame.pict_type = PictureType.I if key else PictureType.NONE
        packets = context.encode(frame)
        if not packets:
            return None
        data = b"".join(bytes(packet) for packet in packets)
        return Coded(tick, self._duration, data, any(packet.is_keyframe for packet in packets), due)


def _rows(plane: Any) -> ByteArray:
    """The rows of a libav plane, without their padding."""
    rows = np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)
    return rows[:, : plane.width]
