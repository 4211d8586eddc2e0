"""Files of any kind that FFmpeg reads, as mono blocks in their own sample rate, on the time line of the file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

from mien.audio.clock import FORMATS_HINT, Block, Clock, undecodable
from mien.audio.source import is_seekable
from mien.errors import InputError

_SHORTEST_LOSS: Final = 0.25  # seconds, and
_SMALLEST_LOSS: Final = 0.01  # share of the file's own length that may be missing at its end
_MOST_DAMAGED: Final = 0.1  # share of packets
_EXACT: Final = frozenset({"wav", "w64", "flac", "aiff", "mov", "au", "caf"})  # containers that know their length
_PICTURES: Final = frozenset({"image2", "gif", "ico", "apng"})


@dataclass(frozen=True, slots=True)
class Header:
    """What a file says of its first sound stream. seconds: None when it does not say."""

    seconds: float | None
    rate: int
    channels: int
    codec: str
    container: str


def read_header(stream: BinaryIO, name: str) -> Header:
    """What the file says of itself; decodes nothing. Raises InputError as :func:`decode`."""
    with opened(stream, name) as container:
        sound = _sound_stream(container, name)
        codec = sound.codec_context
        return Header(_seconds(container, sound), codec.sample_rate, codec.channels, codec.name, container.format.name)


def decode(stream: BinaryIO, name: str) -> Iterator[Block]:
    """The first sound stream. name: what messages call the file, quoted.

    Time 0 is where the file starts: sound that starts later than the pictures is led by silence, and pauses in which
    nothing was sent are filled. Damaged packets become silence as long as they are few.
    Raises InputError: no sound file, no sound in it, encrypted, damaged, cut short.
    """
    if is_seekable(stream):
        _check_wav(stream, name)
    with opened(stream, name) as container:
        sound = _sound_stream(container, name)
        start = container.start_time
        clock = Clock(name, None if start is None else start / 1e6)
        tally = _Tally()
        for frame in _frames(container, sound, name, tally):
            yield from clock.place(frame)
        _check_end(container, sound, name, tally, clock)


@contextmanager
def opened(stream: BinaryIO, name: str) -> Iterator[Any]:
    """The container. It is read through our own stream: a file that names other files or addresses gets none."""
    import av
    import av.error

    source = _Source(stream)
    try:
        with av.open(source, options={"protocol_whitelist": "none"}, metadata_errors="replace") as container:
            try:
                yield container
            finally:
                source.raise_stop(name)
    except (av.error.FFmpegError, av.error.InvalidDataError, OSError, ValueError, UnicodeError) as error:
        source.raise_stop(name)
        raise InputError(
            f"{name} is not a sound file, or a part of it is missing.", hint=FORMATS_HINT, code="input.audio"
        ) from error


class _Source:
    """A stream as PyAV wants it. What stops the program while it is read (Ctrl-C) is kept: PyAV would lose it."""

    def __init__(self, stream: BinaryIO) -> None:
        self._read = getattr(stream, "read1", stream.read)  # gives what there is instead of waiting for more
        self._stop: BaseException | None = None
        if is_seekable(stream):
            self.seek, self.tell = stream.seek, stream.tell

    def read(self, size: int) -> bytes:
        """Up to so many bytes, none at the end."""
        try:
            return b"" if self._stop else bytes(self._read(size))
        except BaseException as error:
            self._stop = error
            return b""

    def raise_stop(self, name: str) -> None:
        """Raises what stopped reading, if anything did."""
        if isinstance(self._stop, OSError):
            raise InputError(f"{name} cannot be read: {self._stop.strerror}.", hint="Copy it to another disk.")
        if self._stop is not None:
            raise self._stop


def _sound_stream(container: Any, name: str) -> Any:
    if not container.streams.audio:
        picture = container.format.name.endswith("_pipe") or container.format.name in _PICTURES
        what = (
            "a picture" if picture else "a video without sound" if container.streams.video else "a file without sound"
        )
        raise InputError(f"{name} is {what}.", hint=FORMATS_HINT, code="input.no_sound")
    sound = container.streams.audio[0]
    if sound.codec_context is None:
        raise InputError(
            f"The sound of {name} cannot be decoded: it is encrypted or of an unknown kind.",
            hint=FORMATS_HINT,
            code="input.audio",
        )
    return sound


@dataclass(slots=True)
class _Tally:
    """Packets seen and damaged; whether the file broke off while it was read."""

    packets: int = 0
    damaged: int = 0
    broken: bool = False


def _frames(container: Any, sound: Any, name: str, tally: _Tally) -> Iterator[Any]:
    import av.error

    packets = container.demux(sound)
    while True:
        try:
            packet = next(packets, None)
        except (av.error.FFmpegError, OSError):
            tally.broken = True
            return
        if packet is None:
            return
        if packet.has_sidedata("encryption_info"):
            raise _encrypted(name)
        tally.packets += bool(packet.size)
        try:
            frames = packet.decode()
        except (av.error.FFmpegError, ValueError):
            tally.damaged += 1
            if tally.damaged > 20 and tally.damaged > tally.packets / 2:
                raise undecodable(name) from None
            continue
        yield from frames


def _check_wav(stream: BinaryIO, name: str) -> None:
    """FFmpeg takes a WAV file that was cut for a shorter one. Raises InputError for it, at once.

    A length of 0 or near 4 GB is what programs write that did not know it.
    """
    size, head = stream.seek(0, 2), b""
    stream.seek(0)
    if stream.read(12)[::8] == b"RW":  # RIFF….WAVE
        at = 12
        while at < min(size, 1 << 20) and head[:4] != b"data":
            stream.seek(at)
            head = stream.read(8)
            length = int.from_bytes(head[4:], "little")
            at += 8 + (0 if head[:4] == b"data" else length + length % 2)
        if head[:4] == b"data" and 0 < length < 0x7FFFFF00 and size < at + length * (1 - _SMALLEST_LOSS):
            raise InputError(
                f"{name} breaks off: {100 * (size - at) / length:.0f} % of its sound is there.",
                hint="Copy or download it again, or save the part that is there as a new file.",
                code="input.audio",
            )
    stream.seek(0)


def _check_end(container: Any, sound: Any, name: str, tally: _Tally, clock: Clock) -> None:
    if not clock.samples:
        if tally.damaged:
            raise undecodable(name)
        raise InputError(f"{name} holds no sound: it has 0 samples.", hint="Record it again.", code="input.no_sound")
    seconds = _seconds(container, sound)
    exact = _knows_length(container, sound)
    missing = seconds - clock.seconds if seconds and exact else 0.0
    if tally.broken or (seconds and missing > max(_SHORTEST_LOSS, _SMALLEST_LOSS * seconds)):
        of = f" of {seconds:.1f} s" if seconds and missing > _SHORTEST_LOSS else ""
        raise InputError(
            f"{name} breaks off after {clock.seconds:.1f} s{of}.",
            hint="Copy or download it again, or save the part that is there as a new file.",
            code="input.audio",
        )
    if tally.damaged > max(1, _MOST_DAMAGED * tally.packets):
        raise undecodable(name)


def _knows_length(container: Any, sound: Any) -> bool:
    """Whether the length is the file's own word, not FFmpeg's guess from the bit rate."""
    kinds = set(container.format.name.split(","))
    return bool(_EXACT & kinds) or ("mp3" in kinds and bool(sound.start_time))  # a Xing header, which counts frames


def _encrypted(name: str) -> InputError:
    return InputError(
        f"{name} is encrypted (DRM) and cannot be decoded.", hint="Use a recording of your own.", code="input.audio"
    )


def _seconds(container: Any, sound: Any) -> float | None:
    if sound.duration and sound.time_base:
        return float(sound.duration * sound.time_base)
    return container.duration / 1e6 if container.duration else None
