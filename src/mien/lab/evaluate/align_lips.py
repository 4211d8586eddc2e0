"""Are m, b and p where the person's own lips are shut? The pictures know nothing of the sound or of the transcript."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.lab.evaluate.lips import is_bilabial
from mien.timeline import TICKS_PER_SECOND
from mien.types import Phone

SHUT_MM: Final = 2.0
"""Real lips nearer than this are shut, as far as landmarks can tell."""

_REACH: Final = 0.18
_STEP: Final = 0.005
_RISE_MM: Final = 0.8  # above the smallest gap: lips have parted


@dataclass(frozen=True)
class RealClosure:
    """gap: the smallest in the pictures shown from 40 ms before the sound to its end, mm. late: by how much the lips
    part after the sound's end, seconds; < 0 is before it."""

    gap: float
    late: float


def real_closures(film: Path, phones: Sequence[Phone], landmarker: Path) -> list[RealClosure]:
    """Every m, b and p against the lips of the film. Raises InputError for a film without pictures or a face."""
    from mien.lab.evaluate.truth import lip_track

    lips = lip_track(film, landmarker)
    seen = np.isfinite(lips.aperture_mm)
    times, gaps = lips.times[seen], lips.aperture_mm[seen]
    middle = times + float(np.median(np.diff(lips.times))) / 2  # of the time a picture is exposed and shown
    return [_one(phone, times, middle, gaps) for phone in phones if is_bilabial(phone.symbol)]


def _one(
    phone: Phone, times: NDArray[np.float64], middle: NDArray[np.float64], gaps: NDArray[np.float64]
) -> RealClosure:
    start, end = phone.start / TICKS_PER_SECOND, phone.end / TICKS_PER_SECOND
    inside = (times >= start - 0.04) & (times < end)
    centre = (start + end) / 2
    at = np.arange(centre - _REACH, centre + _REACH, _STEP)
    course = np.interp(at, middle, gaps)
    lowest = int(np.argmin(course + 3 * np.abs(at - centre)))  # of two closures the nearer one
    parted = np.flatnonzero(course[lowest:] > max(course[lowest] + _RISE_MM, SHUT_MM * 0.75))
    late = at[lowest + parted[0]] - end if len(parted) else float("nan")
    return RealClosure(float(gaps[inside].min()) if inside.any() else float("nan"), float(late))
