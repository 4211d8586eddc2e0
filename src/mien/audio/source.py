"""What can be listened to: a file, a stream of bytes, raw samples described in words, arrays of samples."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError, UsageError

Samples: TypeAlias = NDArray[Any]
"""Sound as an array: (n,) or (n, channels); float in -1…1, or integers over their whole range (uint8: 128 is zero)."""

AudioSource: TypeAlias = str | Path | tuple[Samples | Iterable[Samples], int]
"""A path; "-" (a sound file on standard input); "pcm:FORMAT:RATE:CHANNELS" (raw samples on standard input), with
":PATH" after it from a file; or (samples, rate in Hz), where samples is an array or an iterable of arrays."""

PCM_FORMATS: Final = {
    "u8": "u1", "s16le": "<i2", "s16be": ">i2", "s32le": "<i4", "s32be": ">i4", "f32le": "<f4", "f32be": ">f4",
    "f64le": "<f8", "f64be": ">f8",
}  # fmt: skip
"""Names of raw sample formats, as FFmpeg calls them, and their numpy types."""

LOWEST_RATE: Final = 1_000
HIGHEST_RATE: Final = 768_000
MOST_CHANNELS: Final = 64

_PCM_HINT: Final = "Write pcm:s16le:16000:1 for standard input, or pcm:s16le:16000:1:talk.raw for a file."


@dataclass(frozen=True, slots=True)
class Pcm:
    """Raw samples. format: key of :data:`PCM_FORMATS`. rate: Hz. path: None is standard input."""

    format: str
    rate: int
    channels: int
    path: Path | None = None

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of one value in the stream."""
        return np.dtype(PCM_FORMATS[self.format])

    @property
    def frame_bytes(self) -> int:
        """Bytes of one sample of all channels."""
        return self.dtype.itemsize * self.channels


def parse_pcm(source: str | Path) -> Pcm | None:
    """The parts of a ``pcm:…`` description, None for everything else. Raises UsageError when it is misspelt."""
    if not isinstance(source, str) or not source.startswith("pcm:"):
        return None
    words = source.split(":", 4)
    name = words[1] if len(words) > 1 else ""
    if name not in PCM_FORMATS:
        raise UsageError(
            f"'{name}' is not a format of raw sound.", hint=f"Known: {', '.join(PCM_FORMATS)}. {_PCM_HINT}"
        )
    try:
        rate, channels = int(words[2]), int(words[3])
    except (IndexError, ValueError):
        raise UsageError(f"'{source}' does not describe raw sound.", hint=_PCM_HINT) from None
    check_rate(rate)
    if not 1 <= channels <= MOST_CHANNELS:
        raise UsageError(f"Raw sound of {channels} channels cannot be read.", hint=_PCM_HINT)
    place = words[4] if len(words) > 4 else "-"
    return Pcm(name, rate, channels, None if place == "-" else Path(place))


def check_rate(rate: int) -> None:
    """Raises UsageError for what is no sample rate."""
    if not LOWEST_RATE <= rate <= HIGHEST_RATE:
        raise UsageError(
            f"{rate} is not a sample rate.", hint=f"Give samples a second, {LOWEST_RATE} to {HIGHEST_RATE}."
        )


def path_of(source: AudioSource) -> Path | None:
    """The file that is read, None when it is none."""
    if isinstance(source, tuple) or source == "-":
        return None
    pcm = parse_pcm(source)
    return pcm.path if pcm else Path(source)


def name_of(source: AudioSource) -> str:
    """What messages call it."""
    path = path_of(source)
    if path is not None:
        return f"'{path.name or path}'"
    return "The sound" if isinstance(source, tuple) else "The sound on standard input"


def open_bytes(path: Path | None) -> BinaryIO:
    """A file, or standard input. Raises InputError for what is missing, a folder, empty or forbidden."""
    if path is None:
        return _standard_input()
    file_size(path)
    with _refusing(path):
        return path.open("rb")


def file_size(path: Path) -> int | None:
    """Bytes of an ordinary file, None for pipes and the like. Raises InputError for none, an empty one, a folder."""
    with _refusing(path):
        about = path.stat()
    if stat.S_ISDIR(about.st_mode):
        raise InputError(f"The recording '{path}' is a folder.", hint="Give one sound or video file.")
    if not stat.S_ISREG(about.st_mode):
        return None
    if not about.st_size:
        raise InputError(f"The recording '{path}' is empty: it has 0 bytes.", hint="Record or copy it again.")
    return about.st_size


def is_seekable(stream: BinaryIO) -> bool:
    """Whether one can go back in it."""
    try:
        return stream.seekable() and stat.S_ISREG(os.fstat(stream.fileno()).st_mode)
    except (OSError, ValueError, AttributeError):
        return False


def _standard_input() -> BinaryIO:
    """Without Python's buffer, whose lock a thread that still waits for sound would hold when the program ends."""
    try:
        return open(sys.stdin.fileno(), "rb", buffering=0, closefd=False)
    except (OSError, ValueError, AttributeError):
        return sys.stdin.buffer


@contextmanager
def _refusing(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise InputError(f"There is no recording '{path}'.", hint="Check the name.") from None
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else "") or "the name is not one"
        raise InputError(f"The recording '{_shown(path)}' cannot be read: {reason}.", hint="Check the name.") from None


def _shown(path: Path) -> str:
    text = str(path).replace("\0", "�")
    return text if len(text) < 80 else text[:77] + "…"
