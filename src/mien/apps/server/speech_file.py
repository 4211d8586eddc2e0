"""Speech as a sound file that grows while it is spoken."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import Any, Final

import numpy as np

from mien.audio.resample import Resampler
from mien.timeline import TICKS_PER_SECOND
from mien.types import FloatArray

RATE: Final = 24_000
"""Hz of "pcm" and "wav", as OpenAI's clients expect it."""
TYPES: Final = {
    "mp3": "audio/mpeg", "opus": "audio/ogg", "aac": "audio/aac", "flac": "audio/flac", "wav": "audio/wav",
    "pcm": "audio/pcm",
}  # fmt: skip
_CODECS: Final = {
    "mp3": ("mp3", "libmp3lame", "s16p"), "opus": ("ogg", "libopus", "s16"), "aac": ("adts", "aac", "fltp"),
    "flac": ("flac", "flac", "s16"),
}  # fmt: skip
_ENDLESS: Final = 0xFFFFFFFF


def encoded(sound: Iterable[FloatArray], form: str) -> Iterator[bytes]:
    """A file's bytes as its sound comes. sound: 48 kHz mono. form: one of :data:`TYPES`."""
    if form in ("pcm", "wav"):
        yield from _raw(sound, header=form == "wav")
    else:
        yield from _packed(sound, *_CODECS[form])


def to_pcm(samples: FloatArray) -> bytes:
    """-1…1 to 16 bits, little-endian."""
    return (samples.clip(-1, 1) * 32767).round().astype("<i2").tobytes()


def _raw(sound: Iterable[FloatArray], *, header: bool) -> Iterator[bytes]:
    if header:
        form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, RATE, 2 * RATE, 2, 16)
        yield b"RIFF" + struct.pack("<I", _ENDLESS) + b"WAVE" + form + b"data" + struct.pack("<I", _ENDLESS)
    resampler = Resampler(TICKS_PER_SECOND, RATE)
    for samples in sound:
        yield to_pcm(resampler.push(samples))
    yield to_pcm(resampler.close())


def _packed(sound: Iterable[FloatArray], container: str, codec: str, sample_format: str) -> Iterator[bytes]:
    import av

    sink = _Sink()
    file: Any = av.open(sink, "w", format=container)
    try:
        stream: Any = file.add_stream(codec, rate=TICKS_PER_SECOND, layout="mono")
        stream.codec_context.format = sample_format
        if codec != "flac":
            stream.bit_rate = 96_000
        resampler = av.AudioResampler(sample_format, "mono", TICKS_PER_SECOND)
        start = 0
        for samples in sound:
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples[None]), format="flt", layout="mono")
            frame.sample_rate, frame.pts = TICKS_PER_SECOND, start
            start += len(samples)
            for part in resampler.resample(frame):
                file.mux(stream.encode(part))
            yield sink.taken()
        file.mux(stream.encode(None))
    finally:
        file.close()
    yield sink.taken()


class _Sink:
    """Where libav writes to; it cannot seek."""

    def __init__(self) -> None:
        self._waiting = bytearray()

    def write(self, data: bytes) -> int:
        self._waiting += data
        return len(data)

    def taken(self) -> bytes:
        """What was written since the last time."""
        taken = bytes(self._waiting)
        self._waiting.clear()
        return taken
