"""What two recordings are compared by: the course of the spectrum around every moment, and how loud the moment is.

Each recording is measured against itself (mean and spread of its own speech), so that microphone and room weigh little.
Of the course of its mel cepstra over 150 ms remains what differs between sounds and not between voices: a linear
discriminant analysis, ``projection.npy``, fitted by ``python -m mien.lab.training.projection`` on synthetic voices.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np

from mien.timeline import TICKS_PER_SECOND
from mien.types import FloatArray

HOP: Final = TICKS_PER_SECOND // 100
"""Ticks from one row to the next."""

WIDTH: Final = 24
"""Numbers in a row of features."""

PROJECTION: Final = Path(__file__).with_name("projection.npy")

_RATE: Final = 16_000
_WINDOW: Final = 400
_STEP: Final = _RATE * HOP // TICKS_PER_SECOND
_FFT: Final = 512
_BANDS: Final = 32
_CEPSTRA: Final = 13
_LOWEST, _HIGHEST = 80.0, 7000.0  # Hz
_DEEPEST: Final = 45.0  # dB below the loudest speech: as good as silent
_SHALLOWEST: Final = 6.0  # dB between silence and speech where there is only one of them
_LOUD: Final = 0.3  # rows above this loudness are speech, whose mean and spread count
_CLIP: Final = 3.5  # spreads
_COURSE: Final = range(-6, 7, 2)  # the rows around a row that are its course


@dataclass(frozen=True, slots=True)
class Rows:
    """A recording as rows of 10 ms; row k is centred on tick ``HOP * (k + 0.5)``.

    features: float32 (n, 24); two voices in the same sound are some 0.64 apart, root mean square. loudness: float32
    (n,), 0 (silence) … 1 (the loudest speech), at most 1.2.
    """

    features: FloatArray
    loudness: FloatArray

    def __len__(self) -> int:
        return len(self.loudness)


def rows(samples: FloatArray, *, clean: bool = False) -> Rows:
    """Rows of mono sound at 48 kHz, as many as hops have begun. clean: there is no noise whose level must be found."""
    found, loudness = course(samples, clean=clean)
    return Rows(found @ _projection(), loudness)


def course(samples: FloatArray, *, clean: bool = False) -> tuple[FloatArray, FloatArray]:
    """The cepstra around every row (n, 91), in spreads of the recording's speech, and the loudness (n,), as in rows."""
    cepstra, level = _measured(samples)
    if not len(level):
        return np.zeros((0, len(_COURSE) * _CEPSTRA), np.float32), level
    loudness = _loudness(level, clean=clean)
    speech = loudness > _LOUD
    speech = speech if speech.any() else np.ones(len(speech), bool)
    scaled = (cepstra - cepstra[speech].mean(axis=0)) / (cepstra[speech].std(axis=0) + 1e-3)
    padded = np.pad(np.clip(scaled, -_CLIP, _CLIP), ((-_COURSE[0], _COURSE[-1]), (0, 0)), mode="edge")
    return np.hstack([padded[k - _COURSE[0] :][: len(scaled)] for k in _COURSE]), loudness


@cache
def _projection() -> FloatArray:
    """(91, 24)."""
    return np.asarray(np.load(PROJECTION, allow_pickle=False), np.float32)


def _measured(samples: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Cepstra (n, 13) and level in dB (n,)."""
    import soxr

    count = -(-len(samples) // HOP)
    if not count:
        return np.zeros((0, _CEPSTRA), np.float32), np.zeros(0, np.float32)
    lead = (_WINDOW - _STEP) // 2
    sound = np.zeros(lead + count * _STEP + _WINDOW, np.float32)
    finite = np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0)
    heard = soxr.resample(finite, TICKS_PER_SECOND, _RATE, "HQ")[: len(sound) - lead]
    sound[lead : lead + len(heard)] = heard
    frames = np.lib.stride_tricks.sliding_window_view(sound, _WINDOW)[::_STEP][:count]
    frames = frames - frames.mean(axis=1, keepdims=True)
    level = 10 * np.log10(np.mean(frames**2, axis=1) + 1e-10)
    frames[:, 1:] -= 0.97 * frames[:, :-1]
    power = np.abs(np.fft.rfft(frames * np.hanning(_WINDOW).astype(np.float32), _FFT)).astype(np.float32) ** 2
    bands = np.log(power @ _filters() + 1e-7)
    cepstra: FloatArray = (bands @ _cosines()).astype(np.float32)
    return cepstra, level.astype(np.float32)


def _loudness(level: FloatArray, *, clean: bool) -> FloatArray:
    top = float(np.percentile(level, 95))
    floor = top - _DEEPEST if clean else max(float(np.percentile(level, 5)), top - _DEEPEST)
    return np.asarray(np.clip((level - floor) / max(top - floor, _SHALLOWEST), 0, 1.2), np.float32)


@cache
def _filters() -> FloatArray:
    """Triangles on O'Shaughnessy's mel scale, (bins, bands)."""
    low, high = (2595 * np.log10(1 + hertz / 700) for hertz in (_LOWEST, _HIGHEST))
    edges = 700 * (10 ** (np.linspace(low, high, _BANDS + 2) / 2595) - 1)
    bins = np.arange(_FFT // 2 + 1)[:, None] * _RATE / _FFT
    rise = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    fall = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    return np.maximum(0, np.minimum(rise, fall)).astype(np.float32)


@cache
def _cosines() -> FloatArray:
    """The first rows of the orthonormal cosine transform, (bands, cepstra)."""
    k = np.arange(_BANDS)[:, None] + 0.5
    table = np.cos(np.pi / _BANDS * k * np.arange(_CEPSTRA)) * np.sqrt(2 / _BANDS)
    table[:, 0] /= np.sqrt(2)
    return np.asarray(table, np.float32)
