"""Samples of any type and any number of channels as one channel of float32."""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.audio.source import Samples
from mien.errors import InputError
from mien.types import FloatArray

_WEIGHTS: Final = {"FC": 1.0, "FL": 0.707, "FR": 0.707, "LFE": 0.0, "LFE2": 0.0}
_OTHERS: Final = 0.5
_FULL_SCALE_LIMIT: Final = 64.0


def to_mono(samples: Samples, layout: tuple[str, ...] = (), name: str = "The sound") -> FloatArray:
    """One channel, float32 (n,).

    samples: (n,) or (n, channels), as :data:`mien.audio.source.Samples`. layout: channel names as FFmpeg has them (FL,
    FR, FC, LFE …). More than two named channels are weighed as in ITU-R BS.775 (speech is in the centre; the
    low-frequency channel is left out), all others alike; weights sum to 1, so nothing clips. name: what messages call
    the sound.
    Raises InputError for an array that cannot be sound; the values themselves are for :func:`check_values`.
    """
    sound = as_float(np.asarray(samples), name)
    if sound.ndim == 2:
        sound = sound[:, 0] if sound.shape[1] == 1 else sound @ _weights(sound.shape[1], layout)
    return np.ascontiguousarray(sound, np.float32)


def check_values(sound: FloatArray, name: str = "The sound") -> None:
    """Raises InputError for NaN, infinity and values far beyond full scale."""
    peak = float(np.abs(sound).max(initial=0.0))
    if not np.isfinite(peak):
        raise InputError(
            f"{name} holds values that are not numbers (NaN or infinity).",
            hint="Export it again as 16-bit or 24-bit.",
            code="input.audio",
        )
    if peak > _FULL_SCALE_LIMIT:
        raise InputError(
            f"{name} goes up to {peak:.3g}, where 1 is full scale.",
            hint="Divide it by its full scale, such as 32768.",
            code="input.audio",
        )


@cache
def _weights(channels: int, layout: tuple[str, ...]) -> FloatArray:
    named = len(layout) == channels > 2
    weights = np.array([_WEIGHTS.get(name, _OTHERS) for name in layout] if named else [1.0] * channels)
    if not weights.any():
        weights[:] = 1.0
    shares: FloatArray = (weights / weights.sum()).astype(np.float32)
    return shares


def as_float(samples: Samples, name: str = "The sound") -> NDArray[np.float32]:
    """The same array as float32, integers over their whole range as -1…1. Raises InputError for what is no sound."""
    kind = samples.dtype.kind
    if samples.ndim not in (1, 2) or kind not in "fiu":
        raise InputError(
            f"{name} cannot be an array of {samples.dtype} with {samples.ndim} dimensions.",
            hint="Give floats or integers as (n,) or (n, channels).",
        )
    if kind == "f":
        with np.errstate(over="ignore"):
            whole: FloatArray = samples.astype(np.float32, copy=False)
        return whole
    half = 2.0 ** (8 * samples.dtype.itemsize - 1)
    if kind == "u":
        return ((samples.astype(np.float64) - half) / half).astype(np.float32)
    if samples.dtype.itemsize <= 2:
        return samples.astype(np.float32) * np.float32(1 / half)
    scaled: FloatArray = (samples * (1 / half)).astype(np.float32)
    return scaled
