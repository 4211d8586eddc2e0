"""Pieces of a film, pictures only, made one film with sound; nothing is encoded again but the sound, once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from mien.errors import InputError
from mien.transmit.atomic import Staging
from mien.transmit.containers import CONTAINERS, add_sound, explained
from mien.transmit.frames import two_sided
from mien.types import FloatArray


def join(pieces: Sequence[Path], sound: Iterable[FloatArray], target: Path, fps: Fraction, preset: str) -> int:
    """Write a film of pieces that follow each other; returns how many pictures it has.

    pieces: files of target's kind, written with the same settings, each of which begins with a key frame. sound:
    float32 (n, 2), 48 kHz, block after block from the film's beginning. The film appears whole or not at all.
    Raises InputError for pieces that do not fit together, OutputError.
    """
    staging = Staging(target)
    try:
        with _opened(staging.path, target) as file:
            return _write(file, pieces, sound, target, fps, preset, staging)
    except BaseException as error:
        staging.abort()
        raise explained(error, target, "film") from error


def _opened(path: Path, target: Path) -> Any:
    import av

    kind = CONTAINERS[target.suffix.lower()]
    return av.open(str(path), "w", format=kind.name, options=dict(kind.options))


def _write(
    file: Any, pieces: Sequence[Path], sound: Iterable[FloatArray], target: Path, fps: Fraction, preset: str,
    staging: Staging,
) -> int:  # fmt: skip
    import av

    kind = CONTAINERS[target.suffix.lower()]
    with av.open(str(pieces[0])) as first:
        video = file.add_stream_from_template(first.streams.video[0])
    video.time_base = 1 / fps
    packets = _Pictures(pieces, video, fps)
    voice = add_sound(file, kind, preset)
    sounds = _sounds(voice, sound)
    upcoming = next(sounds, None)
    for picture in packets:  # in order of time, so that little waits in memory
        at = picture.dts * picture.time_base
        while upcoming is not None and upcoming.dts * upcoming.time_base <= at:
            file.mux(upcoming)
            upcoming = next(sounds, None)
        file.mux(picture)
    while upcoming is not None:
        file.mux(upcoming)
        upcoming = next(sounds, None)
    file.close()
    staging.commit()
    return packets.count


class _Pictures:
    """The packets of all pieces on one time line, frame by frame. count: pictures so far."""

    def __init__(self, pieces: Sequence[Path], stream: Any, fps: Fraction) -> None:
        self._pieces, self._stream, self._fps = pieces, stream, fps
        self._head = bytes(stream.codec_context.extradata or b"")
        self.count = 0

    def __iter__(self) -> Iterator[Any]:
        import av

        for path in self._pieces:
            with av.open(str(path)) as piece:
                source = piece.streams.video[0]
                if bytes(source.codec_context.extradata or b"") != self._head:
                    raise InputError(
                        f"The piece {path.name} was encoded with other settings than the first.",
                        hint="Make all pieces anew.",
                    )
                yield from self._moved(piece.demux(source))

    def _moved(self, packets: Iterable[Any]) -> Iterator[Any]:
        before, first = self.count, True
        for packet in packets:
            if packet.size == 0:  # the end
                continue
            if first and not packet.is_keyframe:
                raise InputError("A piece of the film does not begin with a key frame.", hint="Make all pieces anew.")
            first = False
            step = packet.time_base * self._fps  # so many frames is one unit of the piece's time
            packet.pts, packet.dts = round(packet.pts * step) + before, round(packet.dts * step) + before
            packet.duration, packet.time_base = 1, 1 / self._fps
            packet.stream = self._stream
            self.count += 1
            yield packet


def _sounds(stream: Any, sound: Iterable[FloatArray]) -> Iterator[Any]:
    tick = 0
    for block in sound:
        frame = two_sided(block, tick, stream.format.name)
        tick += len(block)
        yield from stream.encode(frame)
    if tick:
        yield from stream.encode(None)
