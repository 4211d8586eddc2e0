"""Kinds of film files: what holds pictures and sound together, and how its sound is coded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

from mien.errors import BackendError, MienError
from mien.timeline import TICKS_PER_SECOND
from mien.transmit.atomic import output_error

_DISK_ERRORS: Final = frozenset({5, 13, 27, 28, 30, 122})  # EIO EACCES EFBIG ENOSPC EROFS EDQUOT


@dataclass(frozen=True, slots=True)
class Container:
    """name, audio: as FFmpeg calls them. audio_format: of the samples. bit_rate: of the sound, 0 = not asked for."""

    name: str
    audio: str
    audio_format: str
    options: Mapping[str, str] = field(default_factory=dict)
    audio_options: Mapping[str, str] = field(default_factory=dict)
    bit_rate: int = 0


_AAC: Final = {"aac_coder": "fast"}
_BITEXACT: Final = {"fflags": "+bitexact"}  # no random track numbers, no version strings: the same film twice is equal
_FAST_START: Final = {"movflags": "+faststart", **_BITEXACT}  # the index before the pictures: plays while it loads
CONTAINERS: Final = {
    ".mp4": Container("mp4", "aac", "fltp", _FAST_START, _AAC, 128_000),
    ".m4v": Container("mp4", "aac", "fltp", _FAST_START, _AAC, 128_000),
    ".mov": Container("mov", "pcm_s16le", "s16", _FAST_START),
    ".webm": Container("webm", "libopus", "flt", _BITEXACT, {"application": "audio"}, 96_000),
}
"""By the ending of the file's name."""


def add_sound(file: Any, kind: Container, preset: str) -> Any:
    """A stereo stream of sound at 48 kHz in an open file."""
    options = dict(kind.audio_options)
    if preset == "best" and kind.audio == "aac":
        options = {"aac_coder": "twoloop"}
    stream = file.add_stream(kind.audio, rate=TICKS_PER_SECOND, layout="stereo", options=options)
    stream.codec_context.format = kind.audio_format
    stream.codec_context.time_base = Fraction(1, TICKS_PER_SECOND)
    if kind.bit_rate:
        stream.bit_rate = kind.bit_rate
    return stream


def explained(error: BaseException, path: Path, encoder: str) -> BaseException:
    """The error as a person should hear it; what is not about writing or encoding stays as it is."""
    import av.error

    if isinstance(error, MienError) or not isinstance(error, (OSError, av.error.FFmpegError)):
        return error
    if error.errno in _DISK_ERRORS:
        return output_error(error, path)
    return BackendError(f"The encoder '{encoder}' failed: {error.strerror or error}.", code="backend.encoder")
