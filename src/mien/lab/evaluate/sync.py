"""How much one signal lags another: pictures against the motion behind them, sound against the sound that was made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Signal = NDArray[np.float64]

REACH: Final = 0.3
"""Lags are looked for this far, seconds."""
_STEP: Final = 0.0025


@dataclass(frozen=True, slots=True)
class Lag:
    """seconds: > 0 means that the second signal is late. correlation: Pearson's, at that lag, -1…1."""

    seconds: float
    correlation: float


def lag(times: Signal, reference: Signal, seen_times: Signal, seen: Signal) -> Lag:
    """By how much ``seen`` comes after ``reference``.

    Both are sampled at their own rising times in seconds; the reference is read between its samples. The correlation
    is taken on a grid of 2.5 ms, its peak between grid points from a parabola. nan where a signal does not move.
    """
    if len(seen) < 8 or np.std(seen) < 1e-6 or np.std(reference) < 1e-9:
        return Lag(float("nan"), float("nan"))
    lags = np.arange(-REACH, REACH + _STEP / 2, _STEP)
    fits = np.array([_pearson(np.interp(seen_times - shift, times, reference), seen) for shift in lags])
    best = int(np.nanargmax(fits))
    if not 0 < best < len(lags) - 1:
        return Lag(float(lags[best]), float(fits[best]))
    before, peak, after = fits[best - 1 : best + 2]
    bend = before - 2 * peak + after
    shift = 0.5 * (before - after) / bend if bend < 0 else 0.0
    return Lag(float(lags[best] + shift * _STEP), float(peak - 0.25 * (before - after) * shift))


def _pearson(a: Signal, b: Signal) -> float:
    a, b = a - a.mean(), b - b.mean()
    size = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / size if size > 1e-12 else float("nan")
