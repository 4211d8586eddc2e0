"""Small films to write, and what a decoder says of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from mien.timeline import frame_tick
from mien.transmit.base import Sink
from mien.types import AudioChunk, ByteArray, FloatArray, VideoFrame

PATCHES = ((200, 60, 30), (10, 200, 90), (40, 50, 220), (128, 128, 128))


def patches(width: int, height: int, alpha: bool = False) -> ByteArray:
    """Four colours in the four quarters; with alpha: opaque left, half transparent right, nothing in the top rows."""
    picture = np.zeros((height, width, 4 if alpha else 3), np.uint8)
    for number, colour in enumerate(PATCHES):
        y, x = divmod(number, 2)
        picture[y * height // 2 : (y + 1) * height // 2, x * width // 2 : (x + 1) * width // 2, :3] = colour
    if alpha:
        picture[:, : width // 2, 3] = 255
        picture[:, width // 2 :, 3] = 128
        picture[: height // 8, :, 3] = 0
    return picture


def centres(picture: ByteArray) -> list[tuple[int, ...]]:
    height, width = picture.shape[:2]
    at = [(height // 3, width // 4), (height // 3, 3 * width // 4), (3 * height // 4, width // 4)]
    return [tuple(int(v) for v in picture[y, x]) for y, x in [*at, (3 * height // 4, 3 * width // 4)]]


def sound(start: int, end: int) -> FloatArray:
    return (0.25 * np.sin(2 * np.pi * 440 * np.arange(start, end) / 48_000)).astype(np.float32)


def material(count: int, fps: Fraction, picture: ByteArray) -> Iterator[tuple[VideoFrame, AudioChunk]]:
    for k in range(count):
        start, end = frame_tick(k, fps), frame_tick(k + 1, fps)
        moving = picture.copy()
        moving[-6:-2, 2 + k % 20 : 6 + k % 20, :3] = 255
        yield VideoFrame(start, moving), AudioChunk(start, sound(start, end))


def write(sink: Sink, count: int, fps: Fraction, picture: ByteArray) -> None:
    for frame, chunk in material(count, fps, picture):
        sink.video(frame)
        sink.audio(chunk)
    sink.close()


@dataclass(frozen=True)
class Decoded:
    """What a decoder says. heard: float32, first channel. seconds: the video track's length, None if not stated."""

    frames: list[Any]
    heard: FloatArray
    rate: Fraction
    seconds: Fraction | None
    tag: str


def decoded(path: Path) -> Decoded:
    import av

    with av.open(str(path)) as file:
        stream = file.streams.video[0]
        frames = list(file.decode(stream))
        rate, tag = Fraction(stream.average_rate or 0), stream.codec_context.codec_tag
        seconds = None if stream.duration is None else stream.duration * Fraction(stream.time_base or 0)
    chunks = [np.zeros(0, np.float32)]
    with av.open(str(path)) as file:
        if file.streams.audio:
            resampler = av.AudioResampler("fltp", "stereo", 48_000)
            for packet in file.decode(audio=0):
                chunks += [f.to_ndarray()[0] for f in resampler.resample(packet)]
    return Decoded(frames, np.concatenate(chunks), rate, seconds, tag)


def rgb_of(frame: Any) -> ByteArray:
    """RGB by BT.709 as the file claims it."""
    picture: ByteArray = frame.reformat(
        format="rgb24", src_colorspace=frame.colorspace, src_color_range=frame.color_range, dst_color_range=2
    ).to_ndarray()
    return picture
