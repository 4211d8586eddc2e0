"""Pictures and sound as libav takes them."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from mien.errors import BackendError
from mien.timeline import TICKS_PER_SECOND
from mien.transmit.color import Yuv420
from mien.types import AudioChunk, ByteArray, FloatArray

if TYPE_CHECKING:
    import av


class Painter:
    """Turns pixels of one size into libav frames of an encoder's format, BT.709. Not thread-safe."""

    def __init__(self, width: int, height: int, pixel_format: str) -> None:
        self._size, self._format = (height, width), pixel_format
        self._planar = pixel_format in ("yuv420p", "nv12")
        self._yuv = Yuv420(width, height) if self._planar else None

    def paint(self, pixels: ByteArray) -> av.VideoFrame:
        """uint8 (h, w, 3), or (h, w, 4) where the format has alpha, to a frame without a time."""
        import av

        if pixels.shape[:2] != self._size:
            raise BackendError(f"A picture of {pixels.shape[1]}x{pixels.shape[0]} came for a film of another size.")
        if self._yuv is not None:
            frame = av.VideoFrame(self._size[1], self._size[0], "yuv420p")
            self._yuv.planes(np.ascontiguousarray(pixels[..., :3]), *map(_rows, frame.planes))
            frame = frame if self._format == "yuv420p" else frame.reformat(format=self._format)
        else:
            layout = "rgba" if pixels.shape[2] == 4 else "rgb24"
            rgb = av.VideoFrame.from_numpy_buffer(np.ascontiguousarray(pixels), format=layout)
            # 1 = BT.709; source range 2 = full, target range 1 = limited
            frame = rgb.reformat(
                format=self._format, dst_colorspace=1, src_color_range=2, dst_color_range=1, interpolation="BICUBIC"
            )
        frame.color_primaries = frame.color_trc = frame.colorspace = frame.color_range = 1
        return frame


def _rows(plane: Any) -> ByteArray:
    """A libav plane as uint8 (h, w), writable, without the padding of its rows."""
    return np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[: plane.height, : plane.width]


def stereo(chunk: AudioChunk, sample_format: str) -> av.AudioFrame:
    """A libav frame of sound with both sides equal. sample_format: "fltp", "flt" or "s16". Its pts is its tick."""
    return two_sided(np.broadcast_to(chunk.samples[:, None], (len(chunk.samples), 2)), chunk.start, sample_format)


def two_sided(samples: FloatArray, tick: int, sample_format: str) -> av.AudioFrame:
    """A libav frame of stereo sound. samples: float32 (n, 2). sample_format: "fltp", "flt" or "s16"."""
    import av

    clipped: Any = np.clip(samples, -1.0, 1.0)
    if sample_format == "fltp":
        data = np.ascontiguousarray(clipped.T)
    else:
        data = clipped.reshape(1, -1)
        if sample_format == "s16":
            data = np.rint(data * 32767.0).astype(np.int16)
    frame = av.AudioFrame.from_ndarray(data, format=sample_format, layout="stereo")
    frame.sample_rate, frame.pts, frame.time_base = TICKS_PER_SECOND, tick, Fraction(1, TICKS_PER_SECOND)
    return frame


def fitted(pixels: ByteArray, width: int, height: int) -> ByteArray:
    """A picture as it goes into a stream of a fixed size without alpha: uint8 (height, width, 3), C order.

    pixels: uint8 (h, w, 3), or (h, w, 4) with straight alpha, which is laid over black. Another size is scaled to fit
    in, its shape kept, black around it. What fits already is not copied.
    """
    import cv2

    if pixels.shape[2] == 4:
        alpha = cv2.merge([np.ascontiguousarray(pixels[..., 3])] * 3)
        pixels = np.asarray(cv2.multiply(np.ascontiguousarray(pixels[..., :3]), alpha, scale=1 / 255.0), np.uint8)
    if pixels.shape[:2] != (height, width):
        scale = min(width / pixels.shape[1], height / pixels.shape[0])
        w, h = max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale))
        way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        small = cv2.resize(pixels, (w, h), interpolation=way)
        left, top = (width - w) // 2, (height - h) // 2
        pixels = np.zeros((height, width, 3), np.uint8)
        pixels[top : top + h, left : left + w] = small
    return np.ascontiguousarray(pixels)


def even(size: int) -> int:
    """The size that 4:2:0 takes: rounded down to an even number, 2 at least."""
    return max(2, size - size % 2)
