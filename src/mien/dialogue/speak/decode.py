"""Bytes of sound as a server streams them, to samples: raw s16, WAV of every PCM kind, MP3. None waits for the end."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import Any, Final, Protocol

import numpy as np

from mien.dialogue.speak.sound import Sound, inside
from mien.errors import BackendError
from mien.types import FloatArray

_MAX_HEADER: Final = 1 << 16
_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_UNKNOWN_SIZES: Final = (0, 0x7FFFFFFF, 0xFFFFFFFF)
_RATES: Final = range(8_000, 192_001)


class Decoder(Protocol):
    """Takes bytes cut anywhere, gives the sound that is complete."""

    def feed(self, data: bytes) -> Iterator[Sound]:
        """The sound that these bytes complete. Raises BackendError for what is no such sound."""
        ...

    def close(self) -> Iterator[Sound]:
        """The rest. Raises BackendError when the end is missing."""
        ...


def decoded(blocks: Iterable[bytes], asked: str, rate: int, what: str) -> Iterator[Sound]:
    """Sound as its bytes come. asked: "pcm" (s16 mono at ``rate``), "wav" or "mp3"; the first bytes overrule it.

    Raises BackendError, naming ``what``, for other formats, and for a WAV or MP3 that breaks off.
    """
    decoder: Decoder | None = None
    first = b""
    for block in blocks:
        if decoder is None:
            first += block
            if len(first) < 12:
                continue
            decoder = _decoder(first, asked, rate, what)
            yield from decoder.feed(first)
        else:
            yield from decoder.feed(block)
    if decoder is None and first:
        decoder = _decoder(first, asked, rate, what)
        yield from decoder.feed(first)
    if decoder is not None:
        yield from decoder.close()


def _decoder(first: bytes, asked: str, rate: int, what: str) -> Decoder:
    if first[:4] in (b"RIFF", b"RF64") and first[8:12] == b"WAVE":
        return WavDecoder(what)
    if first[:3] == b"ID3" or (asked != "pcm" and first[0] == 0xFF and first[1] & 0xE0 == 0xE0):
        return Mp3Decoder(what)
    if asked == "pcm":
        return PcmDecoder(rate)
    kind = {b"OggS": "Ogg", b"fLaC": "FLAC"}.get(first[:4], "an unknown format")
    raise BackendError(f"{what} answered with {kind}, not {asked}.", hint="Set its format to wav, pcm or mp3.")


class PcmDecoder:
    """s16 little-endian mono."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._left = b""

    def feed(self, data: bytes) -> Iterator[Sound]:
        data = self._left + data
        whole = len(data) // 2 * 2
        self._left = data[whole:]
        if whole:
            yield Sound(_samples(data[:whole], _PCM, 16), self._rate)

    def close(self) -> Iterator[Sound]:
        return iter(())


class WavDecoder:
    """RIFF WAVE: 8 to 32 bits or float, any number of channels (mixed). Sizes that a stream cannot know are ignored."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._data = b""
        self._format: tuple[int, int, int, int] | None = None  # kind, channels, rate, bits
        self._left = -1  # bytes of the data chunk that are still to come; -1 = until the end
        self._inside = False

    def feed(self, data: bytes) -> Iterator[Sound]:
        self._data += data
        if not self._inside and not self._find_data():
            if len(self._data) > _MAX_HEADER:
                raise self._damaged("has no sound in it")
            return
        sound = self._take()
        if sound is not None:
            yield sound

    def close(self) -> Iterator[Sound]:
        if not self._inside:
            raise self._damaged("ends in its header")
        if self._left > 0:
            raise self._damaged("breaks off")
        return iter(())

    def _find_data(self) -> bool:
        """Read chunks up to the data; False while more bytes are needed."""
        at = 12
        while at + 8 <= len(self._data):
            name, size = struct.unpack_from("<4sI", self._data, at)
            if name == b"data":
                if self._format is None:
                    raise self._damaged("does not say its format")
                self._left = -1 if size in _UNKNOWN_SIZES or size >= 0x7FFFF000 else size
                self._data, self._inside = self._data[at + 8 :], True
                return True
            if size > _MAX_HEADER:
                raise self._damaged("has a header without end")
            if at + 8 + size > len(self._data):
                return False
            if name == b"fmt ":
                self._format = self._read_format(self._data[at + 8 : at + 8 + size])
            at += 8 + size + size % 2
        return False

    def _read_format(self, chunk: bytes) -> tuple[int, int, int, int]:
        if len(chunk) < 16:
            raise self._damaged("has a damaged header")
        kind, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", chunk)
        if kind == _EXTENSIBLE and len(chunk) >= 26:
            kind = struct.unpack_from("<H", chunk, 24)[0]
        known = (kind == _PCM and bits in (8, 16, 24, 32)) or (kind == _FLOAT and bits in (32, 64))
        if not known or not 1 <= channels <= 8 or rate not in _RATES:
            raise self._damaged("is in a format that cannot be read")
        return kind, channels, rate, bits

    def _take(self) -> Sound | None:
        assert self._format is not None  # known before the data begins
        kind, channels, rate, bits = self._format
        block = channels * bits // 8
        size = len(self._data) if self._left < 0 else min(len(self._data), self._left)
        whole = size // block * block
        raw, self._data = self._data[:whole], self._data[whole:]
        if self._left >= 0:
            self._left -= whole
            if self._left < block:
                self._left, self._data = 0, b""
        if not raw:
            return None
        return Sound(_samples(raw, kind, bits).reshape(-1, channels).mean(axis=1, dtype=np.float32), rate)

    def _damaged(self, how: str) -> BackendError:
        return BackendError(
            f"The sound that came from {inside(self._what)} {how}.", hint="Try again.", code="backend.sound"
        )


class Mp3Decoder:
    """MP3, frame by frame, without waiting for a file to be complete."""

    def __init__(self, what: str) -> None:
        from av import CodecContext

        self._what = what
        self._codec: Any = CodecContext.create("mp3float", "r")
        self._heard = False

    def feed(self, data: bytes) -> Iterator[Sound]:
        yield from self._decode(self._codec.parse(data))

    def close(self) -> Iterator[Sound]:
        yield from self._decode([*self._codec.parse(None), None])
        if not self._heard:
            raise BackendError(
                f"What came from {inside(self._what)} is no MP3.", hint="Try again.", code="backend.sound"
            )

    def _decode(self, packets: Iterable[Any]) -> Iterator[Sound]:
        from av.error import FFmpegError

        for packet in packets:
            try:
                frames = self._codec.decode(packet)
            except FFmpegError:  # a damaged frame is left out, as every player does
                continue
            for frame in frames:
                self._heard = True
                samples = np.asarray(frame.to_ndarray(), np.float32)
                if not frame.format.is_planar:
                    samples = samples.reshape(-1, frame.layout.nb_channels).T
                yield Sound(np.ascontiguousarray(samples.mean(axis=0, dtype=np.float32)), frame.sample_rate)


def _samples(raw: bytes, kind: int, bits: int) -> FloatArray:
    """Interleaved samples, float32, -1…1."""
    if kind == _FLOAT:
        return np.frombuffer(raw, "<f4" if bits == 32 else "<f8").astype(np.float32)
    if bits == 8:
        return ((np.frombuffer(raw, np.uint8).astype(np.int32) - 128) / 128).astype(np.float32)
    if bits == 24:
        low = np.frombuffer(raw, np.uint8).reshape(-1, 3).astype(np.int32)
        whole = (low[:, 0] << 8) | (low[:, 1] << 16) | (low[:, 2] << 24)
        return (whole / 2**31).astype(np.float32)
    whole_range = 2.0 ** (bits - 1)
    samples: FloatArray = (np.frombuffer(raw, "<i2" if bits == 16 else "<i4") / whole_range).astype(np.float32)
    return samples
