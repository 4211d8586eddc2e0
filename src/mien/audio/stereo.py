"""Music and effects as they are: two channels at 48 kHz."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from itertools import chain
from pathlib import Path
from typing import Any, Final

import numpy as np

from mien.audio.decode import opened
from mien.audio.loudness import Meter
from mien.audio.source import open_bytes
from mien.errors import InputError
from mien.timeline import TICKS_PER_SECOND
from mien.types import FloatArray

LONGEST: Final = 4 * 3600
"""Seconds of one file that are read at most."""


def read_stereo(path: Path) -> Iterator[FloatArray]:
    """A file that FFmpeg reads, piece by piece, float32 (n, 2), 48 kHz. Raises InputError."""
    import av

    name, count = f"'{path.name}'", 0
    with closing(open_bytes(path)) as stream, opened(stream, name) as container:
        sound = next(iter(container.streams.audio), None)
        if sound is None:
            raise InputError(f"{name} holds no sound.", hint="Use another file.", code="input.audio")
        # one channel goes to both sides as it is; FFmpeg would make it 3 dB softer
        sides = "mono" if sound.codec_context.channels == 1 else "stereo"
        resampler = av.AudioResampler(format="flt", layout=sides, rate=TICKS_PER_SECOND)
        for frame in chain(container.decode(sound), (None,)):  # None brings out the resampler's last samples
            for piece in _resampled(resampler, frame):
                count += len(piece)
                if count > LONGEST * TICKS_PER_SECOND:
                    raise InputError(f"{name} lasts over {LONGEST // 3600} hours.", hint="Use a shorter piece.")
                yield piece


def loudness(path: Path) -> float:
    """Integrated loudness of a file, LUFS; -inf for silence. Raises InputError."""
    left, right = Meter(), Meter()
    for piece in read_stereo(path):
        left.push(np.ascontiguousarray(piece[:, 0]))
        right.push(np.ascontiguousarray(piece[:, 1]))
    return left.lufs(other=right)


def _resampled(resampler: Any, frame: Any) -> Iterator[FloatArray]:
    for out in resampler.resample(frame):
        piece: FloatArray = out.to_ndarray().reshape(-1, out.layout.nb_channels)
        both = np.broadcast_to(piece, (len(piece), 2))
        yield np.nan_to_num(both, nan=0.0, posinf=0.0, neginf=0.0)
