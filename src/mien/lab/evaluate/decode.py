"""Reading a film back: pictures with their times, and the sound, as a player would show them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from mien.errors import InputError
from mien.footage import moving, open_file
from mien.timeline import TICKS_PER_SECOND
from mien.types import ByteArray, FloatArray

_FEWEST = 4  # the third derivative of a motion needs as many; a still picture opens as a film of one


@dataclass(frozen=True, slots=True)
class FilmFacts:
    """width, height: pixels. fps: average rate. frames: as many as can be decoded. seconds: of sound, as decoded.

    first: when the first picture is shown, seconds.
    """

    width: int
    height: int
    fps: Fraction
    frames: int
    seconds: float
    first: float


def film_facts(path: Path, sound: FloatArray) -> FilmFacts:
    """Count what is in a film. sound: as :func:`sound_of` gives it. Raises InputError."""
    with _opened(path) as file:
        stream = moving(file)[0]
        times = [packet.pts for packet in file.demux(stream) if packet.pts is not None]
        if not times:
            raise InputError(f"{path.name} has no pictures.", hint="Give a film.")
        if len(times) < _FEWEST:
            raise InputError(f"{path.name} has too few pictures to be measured.", hint="Give a film.")
        return FilmFacts(
            width=stream.width,
            height=stream.height,
            fps=Fraction(stream.average_rate or 25),
            frames=len(times),
            seconds=len(sound) / TICKS_PER_SECOND,
            first=float(min(times) * (stream.time_base or 0)),
        )


def pictures(path: Path, start: float = 0.0, end: float = float("inf")) -> Iterator[tuple[float, ByteArray]]:
    """(time in seconds, uint8 (h, w, 3) RGB) of every picture shown in start…end. Raises InputError."""
    with _opened(path) as file:
        stream = moving(file)[0]
        stream.thread_type = "AUTO"
        if start > 2.0 and stream.time_base:
            file.seek(int((start - 2.0) / stream.time_base), stream=stream)
        for frame in file.decode(stream):
            time = float((frame.pts or 0) * (frame.time_base or 0))
            if time >= end:
                return
            if time >= start:
                yield time, frame.to_ndarray(format="rgb24")


def sound_of(path: Path) -> tuple[FloatArray, int]:
    """Sound at 48 kHz as one channel (mean of all), float32 (n,), and how many channels there are; empty when silent.

    Sample 0 is at time 0 of the film: a track that starts later is padded, priming samples are dropped.
    Raises InputError.
    """
    import av

    with _opened(path) as file:
        if not file.streams.audio:
            return np.zeros(0, np.float32), 0
        stream = file.streams.audio[0]
        resampler = av.AudioResampler(format="fltp", rate=TICKS_PER_SECOND)
        pieces: list[Any] = []
        first: float | None = None
        for frame in file.decode(stream):
            if first is None:
                first = float((frame.pts or 0) * (frame.time_base or 0))
            pieces += [f.to_ndarray() for f in resampler.resample(frame)]
        pieces += [f.to_ndarray() for f in resampler.resample(None)]
    if not pieces:
        return np.zeros(0, np.float32), 0
    sound = np.concatenate(pieces, axis=1)
    offset = round((first or 0.0) * TICKS_PER_SECOND)
    mono = sound.mean(0).astype(np.float32)
    return (np.pad(mono, (offset, 0)) if offset > 0 else mono[-offset:]), len(sound)


def _opened(path: Path) -> Any:
    import av.error

    try:
        file = open_file(path)
    except (OSError, av.error.FFmpegError) as error:
        raise InputError(f"{path} cannot be read as a film: {error.strerror or error}.", hint="Give a film.") from None
    if not moving(file):
        file.close()
        raise InputError(f"{path.name} has no pictures.", hint="Give a film.")
    return file
