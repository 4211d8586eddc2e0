"""Sound that comes and goes as files and as raw samples."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from mien import config
from mien.audio.hear import heard_parts
from mien.errors import InputError
from mien.timeline import TICKS_PER_SECOND
from mien.types import FloatArray, SpeechPart

LONGEST: Final = 300 * TICKS_PER_SECOND
"""Most ticks of an uploaded sound file."""


def decoded(data: bytes) -> FloatArray:
    """A sound file's samples, 48 kHz mono, -1…1. Raises InputError for what is none, is damaged or too long."""
    import av

    samples: list[FloatArray] = []
    count = 0
    try:
        with av.open(io.BytesIO(data), "r") as file:
            resampler = av.AudioResampler("flt", "mono", TICKS_PER_SECOND)
            for frame in _frames(file):
                for part in resampler.resample(frame):
                    block = np.asarray(part.to_ndarray().reshape(-1), np.float32)
                    samples.append(block)
                    count += len(block)
                if count > LONGEST:
                    break
    except Exception as error:  # libav tells one kind of error for each way in which a file can be damaged
        raise InputError("The file is no sound that can be read.", hint="Send WAV, MP3, FLAC or OGG.") from error
    if count > LONGEST:
        raise InputError(
            f"The sound is longer than {LONGEST // TICKS_PER_SECOND} seconds.", hint="Send it in parts.",
            code="input.too_large",
        )  # fmt: skip
    if not count:
        raise InputError("The file has no sound.", hint="Send WAV, MP3, FLAC or OGG.")
    return np.nan_to_num(np.concatenate(samples)).clip(-1, 1)


def listening(samples: FloatArray, audio: config.AudioConfig) -> Iterator[SpeechPart]:
    """The same as speech with voice activity. samples: 48 kHz mono."""
    return heard_parts((samples, TICKS_PER_SECOND), denoise=audio.denoise, vad=audio.vad)


def _frames(file: Any) -> Iterator[Any]:
    yield from file.decode(file.streams.audio[0])
    yield None  # what the resampler holds
