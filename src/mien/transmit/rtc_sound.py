"""Live sound encoders: Opus (20 ms packets), AAC (1024 samples) and plain samples (20 ms)."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any, Final, Protocol

import numpy as np

from mien.timeline import TICKS_PER_SECOND
from mien.transmit.rtc_coded import Blocks, Coded
from mien.types import AudioChunk, FloatArray

OPUS_DELAY: Final = 312
"""Samples by which what an Opus decoder gives lags behind what the encoder took (RFC 7845, pre-skip; libopus' own)."""
AAC_DELAY: Final = 1024
"""The same of libav's AAC encoder."""
BLOCK: Final = 960
AAC_BLOCK: Final = 1024

_OPUS_BITS: Final = 64_000
_AAC_BITS: Final = 96_000


class SoundEncoder(Protocol):
    """Turns sound into coded blocks, each as soon as it is whole. Gaps in the ticks are allowed."""

    def push(self, chunk: AudioChunk, due: float) -> Iterator[Coded]:
        """due: when the chunk's first sample may go out, as :attr:`Coded.due`."""
        ...

    def clear(self) -> None:
        """Forget what waits for its block to become whole."""
        ...


def open_sound(codec: str) -> SoundEncoder:
    """The encoder for "opus", "aac" or "pcm"."""
    if codec == "pcm":
        return Pcm()
    return Opus() if codec == "opus" else Aac()


class Pcm:
    """int16, little-endian, mono."""

    def __init__(self) -> None:
        self._blocks = Blocks(BLOCK)

    def push(self, chunk: AudioChunk, due: float) -> Iterator[Coded]:
        for tick, samples, ready in self._blocks.push(chunk, due):
            yield Coded(tick, BLOCK, to_int16(samples), True, ready)

    def clear(self) -> None:
        self._blocks.clear()


class _Codec:
    """A libav encoder that takes one block and gives one packet. Ticks are where the decoder's output belongs."""

    def __init__(self, context: Any, length: int, delay: int, sample_format: str) -> None:
        self._context, self._length, self._delay, self._format = context, length, delay, sample_format
        self._blocks = Blocks(length)
        self._pts = 0

    def push(self, chunk: AudioChunk, due: float) -> Iterator[Coded]:
        for tick, samples, ready in self._blocks.push(chunk, due):
            packets = self._context.encode(self._frame(samples))
            # The encoder counts from its own zero: what it gives late (AAC's first block) belongs to earlier ticks.
            for packet in packets:
                at = tick - (self._pts - self._length - packet.pts)
                yield Coded(at, self._length, bytes(packet), True, ready)

    def clear(self) -> None:
        self._blocks.clear()

    def _frame(self, samples: FloatArray) -> Any:
        import av

        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format=self._format, layout="mono")
        frame.sample_rate, frame.time_base, frame.pts = TICKS_PER_SECOND, Fraction(1, TICKS_PER_SECOND), self._pts
        self._pts += self._length
        return frame


class Opus(_Codec):
    """RFC 6716 in packets of 20 ms."""

    def __init__(self) -> None:
        context = _context("libopus", "flt", _OPUS_BITS)
        context.options = {"application": "audio", "frame_duration": "20", "vbr": "constrained"}
        context.open()
        super().__init__(context, BLOCK, OPUS_DELAY, "flt")


class Aac(_Codec):
    """AAC-LC, for players that know no Opus in mp4."""

    def __init__(self) -> None:
        context = _context("aac", "fltp", _AAC_BITS)
        context.options = {"aac_coder": "fast"}
        context.open()
        super().__init__(context, AAC_BLOCK, AAC_DELAY, "fltp")


def to_int16(samples: FloatArray) -> bytes:
    """-1…1 to little-endian int16, clipped."""
    return bytes(np.clip(np.rint(samples * 32767.0), -32768, 32767).astype("<i2").tobytes())


def from_int16(data: bytes) -> FloatArray:
    """The other way round; an odd last byte is left out."""
    whole = data[: len(data) // 2 * 2]
    return (np.frombuffer(whole, "<i2") / np.float32(32768.0)).astype(np.float32)


def _context(name: str, sample_format: str, bits: int) -> Any:
    import av

    context: Any = av.CodecContext.create(name, "w")
    context.sample_rate, context.layout, context.format = TICKS_PER_SECOND, "mono", sample_format
    context.time_base = Fraction(1, TICKS_PER_SECOND)
    context.bit_rate = bits
    return context
