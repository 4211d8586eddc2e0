"""The one clock: absolute integer ticks at 48,000 Hz.

One tick is one audio sample. Frame ``k`` of a film at ``fps`` starts at ``floor(k * 48000 / fps)``, always computed
from ``k`` and never accumulated, so that nothing drifts. Seconds as floats appear only at the edges.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from mien.errors import UsageError

TICKS_PER_SECOND: Final = 48_000
"""Ticks in a second; also the sample rate of every :class:`~mien.types.AudioChunk`, in Hz."""

_BROADCAST: Final = {
    Fraction(str(r)): Fraction(n * 1000, 1001) for r, n in ((23.976, 24), (23.98, 24), (29.97, 30), (59.94, 60))
}

_FINEST: Final = 1001  # the largest denominator in broadcast; file formats hold rates as two small numbers
_LONGEST_NUMBER: Final = 40


def parse_fps(text: str | float | Fraction) -> Fraction:
    """Frame rate from ``25``, ``"29.97"`` (exactly 30000/1001), ``"30000/1001"``; its denominator is 1001 at most.

    Raises UsageError outside 1…120.
    """
    try:
        rate = text if isinstance(text, Fraction) else Fraction(_plain_number(str(text).strip()))
    except (ValueError, ZeroDivisionError):
        raise UsageError(f"'{text}' is not a frame rate.", hint="Use 24, 25, 29.97, 30, 50 or 60.") from None
    rate = _BROADCAST.get(rate, rate)
    if not 1 <= rate <= 120:
        raise UsageError(f"{text} frames a second is outside 1 to 120.", hint="Use 24, 25, 29.97, 30, 50 or 60.")
    return rate.limit_denominator(_FINEST)


def _plain_number(text: str) -> str:
    """The text, unless reading it would fill the memory: "1e999999999" has a billion digits."""
    if len(text) > _LONGEST_NUMBER or "e" in text.lower():
        raise ValueError(text)
    return text


def frame_tick(k: int, fps: Fraction) -> int:
    """Tick at which frame ``k`` (0-based) starts: floor(k * 48000 / fps)."""
    return k * TICKS_PER_SECOND * fps.denominator // fps.numerator


def frames_in(ticks: int, fps: Fraction) -> int:
    """Number of frames that start before ``ticks``: the frame count of a film that lasts ``ticks``."""
    per = TICKS_PER_SECOND * fps.denominator
    return max(0, -(-ticks * fps.numerator // per))


def to_ticks(seconds: float) -> int:
    """Seconds to the nearest tick."""
    return round(seconds * TICKS_PER_SECOND)


def to_seconds(ticks: int) -> float:
    """Ticks to seconds."""
    return ticks / TICKS_PER_SECOND
