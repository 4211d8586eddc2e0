"""Any sound as a stream of 48 kHz mono chunks, in memory that does not grow with its length."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, TypeAlias

import numpy as np

from mien.audio.clock import Block
from mien.audio.decode import decode, read_header
from mien.audio.mono import check_values, to_mono
from mien.audio.resample import Resampler
from mien.audio.source import (
    AudioSource,
    Pcm,
    Samples,
    check_rate,
    file_size,
    is_seekable,
    name_of,
    open_bytes,
    parse_pcm,
)
from mien.errors import InputError
from mien.timeline import TICKS_PER_SECOND
from mien.types import AudioChunk, FloatArray

LONGEST: Final = 24 * 3600
"""Seconds of sound that are read at most."""

_PIECE: Final = 0.5  # seconds of a file that are resampled at once; streams come as they come
_PCM_BYTES: Final = 65_536

_Blocks: TypeAlias = Generator[Block, None, None]


@dataclass(frozen=True, slots=True)
class AudioInfo:
    """What is known before anything is decoded.

    duration: seconds, None where nobody knows (streams). rate: Hz. channels: in the source. codec, container: as FFmpeg
    names them, "pcm" and "" for raw sound.
    """

    duration: float | None
    rate: int
    channels: int
    codec: str
    container: str


def probe_audio(source: AudioSource) -> AudioInfo | None:
    """What a source says of itself, None for a sound file on standard input or a pipe (reading it would use it up).

    Raises InputError for what is missing, no sound file or without sound, UsageError for a wrong description.
    """
    if isinstance(source, tuple):
        return _array_info(source)
    pcm = parse_pcm(source)
    if pcm is not None:
        return _pcm_info(pcm)
    if source == "-":
        return None
    if file_size(Path(source)) is None:
        return None
    with open_bytes(Path(source)) as stream:
        header = read_header(stream, name_of(source))
    return AudioInfo(header.seconds, header.rate, header.channels, header.codec, header.container)


def read_audio(source: AudioSource) -> Iterator[AudioChunk]:
    """The sound from tick 0 on, mono at 48 kHz, without gaps; see :data:`mien.audio.source.AudioSource`.

    Several sound streams in a file: the first. Channels are mixed (:func:`mien.audio.mono.to_mono`). Chunks of files
    are about half a second long; streams give theirs as they come. What cannot be opened is refused at once, what is
    wrong further in when it is reached, all as InputError; UsageError for a wrong description.
    """
    blocks = _blocks(source)
    first = next(blocks, None)
    if first is None:
        raise InputError(f"{name_of(source)} holds no sound: it has 0 samples.", hint="Record it again.")
    return _chunks(first, blocks, source)


def _chunks(first: Block, blocks: _Blocks, source: AudioSource) -> Iterator[AudioChunk]:
    at = 0
    with closing(_resampled(first, blocks)) as pieces:
        for samples in pieces:
            if not len(samples):
                continue
            yield AudioChunk(at, samples)
            at += len(samples)
            if at > LONGEST * TICKS_PER_SECOND:
                raise InputError(
                    f"{name_of(source)} is longer than {LONGEST // 3600} hours.", hint="Split it into several."
                )


def _resampled(first: Block, blocks: _Blocks) -> Generator[FloatArray, None, None]:
    with closing(blocks):
        rate, resampler = first.rate, Resampler(first.rate)
        yield resampler.push(first.samples)
        for block in blocks:
            if block.rate != rate:
                yield resampler.close()
                rate, resampler = block.rate, Resampler(block.rate)
            yield resampler.push(block.samples)
        yield resampler.close()


def _blocks(source: AudioSource) -> _Blocks:
    """Mono blocks in the source's own rate. Raises InputError for values that are no sound."""
    name = name_of(source)
    with closing(_read_blocks(source)) as blocks:
        for block in blocks:
            check_values(block.samples, name)
            yield block


def _read_blocks(source: AudioSource) -> _Blocks:
    if isinstance(source, tuple):
        yield from _from_arrays(*source)
        return
    pcm, name = parse_pcm(source), name_of(source)
    if pcm is not None:
        with _opened(pcm.path) as raw:
            yield from _from_pcm(raw, pcm, name)
        return
    with _opened(None if source == "-" else Path(source)) as stream:
        blocks = decode(stream, name)
        yield from _gathered(blocks) if is_seekable(stream) else blocks


@contextmanager
def _opened(path: Path | None) -> Iterator[BinaryIO]:
    """A file that is closed at the end; standard input is left open."""
    stream = open_bytes(path)
    try:
        yield stream
    finally:
        if path is not None:
            stream.close()


def _gathered(blocks: Iterator[Block]) -> Iterator[Block]:
    """The same in longer blocks: fewer calls for an hour of sound."""
    waiting: list[FloatArray] = []
    count, rate = 0, 0
    for block in blocks:
        if waiting and block.rate != rate:
            yield Block(np.concatenate(waiting), rate)
            waiting, count = [], 0
        rate = block.rate
        waiting.append(block.samples)
        count += len(block.samples)
        if count >= _PIECE * rate:
            yield Block(np.concatenate(waiting), rate)
            waiting, count = [], 0
    if waiting:
        yield Block(np.concatenate(waiting), rate)


def _from_pcm(stream: BinaryIO, pcm: Pcm, name: str) -> Iterator[Block]:
    read = stream.read if is_seekable(stream) else getattr(stream, "read1", stream.read)
    left = b""
    while data := read(_PCM_BYTES):
        data = left + data
        whole = len(data) // pcm.frame_bytes * pcm.frame_bytes
        left = data[whole:]
        if whole:
            samples = np.frombuffer(data[:whole], pcm.dtype).reshape(-1, pcm.channels)
            yield Block(to_mono(samples, name=name), pcm.rate)


def _from_arrays(samples: Samples | Iterable[Samples], rate: int) -> Iterator[Block]:
    check_rate(rate)
    for piece in _cut(samples, int(_PIECE * rate)) if isinstance(samples, np.ndarray) else samples:
        if len(piece):
            yield Block(to_mono(piece), rate)


def _cut(samples: Samples, length: int) -> Iterator[Samples]:
    whole = np.atleast_1d(samples)
    return (whole[at : at + length] for at in range(0, len(whole), length))


def _array_info(source: tuple[Any, int]) -> AudioInfo:
    samples, rate = source
    check_rate(rate)
    known = isinstance(samples, np.ndarray)
    channels = samples.shape[1] if known and samples.ndim == 2 else 1
    return AudioInfo(len(samples) / rate if known else None, rate, channels, "pcm", "")


def _pcm_info(pcm: Pcm) -> AudioInfo:
    seconds = None
    if pcm.path is not None:
        size = file_size(pcm.path)
        seconds = None if size is None else size // pcm.frame_bytes / pcm.rate
    return AudioInfo(seconds, pcm.rate, pcm.channels, "pcm", "")
