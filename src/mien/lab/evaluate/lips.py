"""Lips against phones: do m, b and p close, and do lips stay closed in silence?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.timeline import TICKS_PER_SECOND, frame_tick
from mien.types import FaceClip, FloatArray, Phone

CLOSED_MM: Final = 1.0
"""Lips nearer than this count as closed, on a person whose eyes are 63 mm apart."""
AWAY: Final = int(0.150 * TICKS_PER_SECOND)
"""Silence begins this far from speech, ticks."""
_BILABIAL: Final = frozenset("mbpɓʙⱱɱ") - {"ⱱ", "ɱ"}  # what both lips make; labiodentals do not close them


@dataclass(frozen=True)
class Closures:
    """gaps: the smallest gap of each bilabial, mm. phones: those bilabials."""

    phones: tuple[Phone, ...]
    gaps: NDArray[np.float64]

    @property
    def share(self) -> float:
        """How many of them close, 0…1; nan without bilabials."""
        return float((self.gaps <= CLOSED_MM).mean()) if len(self.gaps) else float("nan")


def rows_at(clip: FaceClip, ticks: Sequence[int]) -> tuple[FloatArray, FloatArray]:
    """Shapes (n, 52) and head (n, 6) at these ticks, read between the clip's rows as the film does."""
    position = (np.array(ticks, np.float64) - clip.start) * float(clip.rate) / TICKS_PER_SECOND
    position = np.clip(position, 0, len(clip) - 1)
    low = np.floor(position).astype(int)
    high = np.minimum(low + 1, len(clip) - 1)
    part = (position - low).astype(np.float32)[:, None]
    return (
        clip.shapes[low] + (clip.shapes[high] - clip.shapes[low]) * part,
        clip.head[low] + (clip.head[high] - clip.head[low]) * part,
    )


def is_bilabial(symbol: str) -> bool:
    """Whether an IPA symbol is made with both lips closed: m, b, p with any mark, not the p of pf."""
    return symbol[:1] in _BILABIAL and "f" not in symbol


def closures(phones: Sequence[Phone], gaps: NDArray[np.float64], fps: Fraction) -> Closures:
    """Smallest gap of every bilabial over the frames that are on screen while it sounds.

    gaps: of each frame of the film, mm. Neighbours of the same sound (the m m of "some mice") count as one.
    """
    found, smallest = [], []
    for phone in _merged(phones):
        first = phone.start * fps.numerator // (TICKS_PER_SECOND * fps.denominator)
        last = first
        while frame_tick(last + 1, fps) < phone.end:
            last += 1
        if first < len(gaps):
            found.append(phone)
            smallest.append(float(gaps[first : last + 1].min()))
    return Closures(tuple(found), np.array(smallest))


def silent_frames(phones: Sequence[Phone], frames: int, fps: Fraction) -> NDArray[np.bool_]:
    """Which frames are more than 150 ms away from all speech, (frames,)."""
    ticks = np.array([frame_tick(k, fps) for k in range(frames)])
    silent = np.ones(frames, bool)
    for phone in phones:
        if phone.symbol:
            silent &= (ticks < phone.start - AWAY) | (ticks >= phone.end + AWAY)
    return silent


def _merged(phones: Sequence[Phone]) -> list[Phone]:
    merged: list[Phone] = []
    for phone in phones:
        if not is_bilabial(phone.symbol):
            continue
        before = merged[-1] if merged else None
        if before and before.end >= phone.start and before.symbol[0] == phone.symbol[0]:
            merged[-1] = Phone(before.start, phone.end, before.symbol)
        else:
            merged.append(phone)
    return merged
