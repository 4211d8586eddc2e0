"""What a living face does when it does nothing: blinks, glances, breath and sway.

Everything is a function of seed and absolute time (seconds since the film's or session's start), computed for any
rows in order; nothing in it repeats with a period. Angles are degrees here; :mod:`mien.face.phones` turns them into a
clip.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.face.noise import Renewals, Values, normal, uniform, wander

BLINK_DOWN, BLINK_SHUT, BLINK_UP = 0.090, 0.040, 0.170
"""Seconds of the three parts of a blink."""
BLINK_LENGTH: Final = BLINK_DOWN + BLINK_SHUT + BLINK_UP
SWAY_YAW, SWAY_PITCH, SWAY_ROLL = 4.0, 2.3, 1.6
"""Degrees that sway never exceeds at factor 1."""

_CLEAR: Final = 0.9  # seconds around a blink in which no second one is added


class Blinks:
    """Blinks every 3 to 6 seconds at rate 1, sometimes double, and at some of the phrase ends.

    rate: factor on how often; 0 = never.
    """

    def __init__(self, seed: int, rate: float) -> None:
        self._seed = seed
        self._rate = rate
        self._own = Renewals(self._pause(-1) * 0.6, self._pause)
        self._extra: list[float] = []
        self._phrases = 0

    def at_phrase_end(self, time: float) -> None:
        """Perhaps blink shortly after this time (calls in order), unless a blink is near anyway."""
        self._phrases += 1
        if uniform(self._seed, "phrase blink", self._phrases) > 0.65 * min(self._rate, 1.5):
            return
        self._also(time + 0.04 + 0.12 * uniform(self._seed, "phrase blink at", self._phrases))

    def _also(self, start: float) -> None:
        self._own.cover(self._own.times[0] if self._own.times else 0.0, start + 2)
        if all(abs(start - t) > _CLEAR for t in (*self._starts(), *self._extra)):
            self._extra.append(start)

    def at_stress(self, time: float) -> None:
        """Blink with a stressed syllable, unless a blink is near anyway."""
        self._also(time - 0.05)

    def rows(self, times: Values) -> Values:
        """Closure of the lids, 0…1, at these times (seconds, rising)."""
        out = np.zeros(len(times))
        if not len(times) or self._rate <= 0:
            return out
        self._own.cover(times[0] - 2, times[-1] + 2)
        self._extra = [t for t in self._extra if t > times[0] - 2]
        for start in (*self._starts(), *self._extra):
            out = np.maximum(out, blink(times - start))
        return out

    def _starts(self) -> list[float]:
        starts = list(self._own.times)
        doubles = zip(self._own.times, self._own.indices, strict=True)
        return starts + [t + BLINK_LENGTH + 0.05 for t, i in doubles if uniform(self._seed, "double", i) < 0.12]

    def _pause(self, index: int) -> float:
        x, y = uniform(self._seed, "blink", index), uniform(self._seed, "blink 2", index)
        return (3.0 + 3.0 * x * (0.55 + 0.45 * y)) / max(self._rate, 1e-3)


def blink(t: Values) -> Values:
    """Closure of the lids t seconds after a blink's start: down, shut, up, eased."""
    down = np.clip(t / BLINK_DOWN, 0, 1)
    up = np.clip((t - BLINK_DOWN - BLINK_SHUT) / BLINK_UP, 0, 1)
    return down * down * (3 - 2 * down) * (1 - up * up * (3 - 2 * up))


class Gaze:
    """Where the eyes point, degrees from straight at the viewer: fixations joined by saccades.

    reach: factor on how far they wander; they come back to the viewer most of the time.
    """

    def __init__(self, seed: int, reach: float) -> None:
        self._seed = seed
        self._reach = reach
        self._fixations = Renewals(0.0, self._dwell)
        self._tremor = Renewals(0.1, lambda i: 0.25 + 0.6 * uniform(seed, "micro wait", i))

    def rows(self, times: Values) -> tuple[Values, Values]:
        """Gaze to the person's own left and up, degrees, at these times (seconds, rising)."""
        total = _steps(self._fixations, self._point, times) + _steps(self._tremor, self._micro, times)
        return total[0], total[1]

    def _dwell(self, index: int) -> float:
        return 0.5 + 1.5 * math.pow(uniform(self._seed, "dwell", index), 1.6)

    def _point(self, index: int) -> tuple[float, float]:
        if index < 0:
            return 0.0, 0.0
        kind = uniform(self._seed, "gaze kind", index)
        wide, high = ((0.5, 0.35), (2.2, 1.0), (4.6, 1.9))[int(kind > 0.62) + int(kind > 0.9)]
        x, y = normal(self._seed, "gaze x", index), normal(self._seed, "gaze y", index)
        return wide * x * self._reach, (high * y - 0.3 * (kind > 0.9)) * self._reach

    def _micro(self, index: int) -> tuple[float, float]:
        return 0.16 * normal(self._seed, "micro x", index), 0.10 * normal(self._seed, "micro y", index)


def _steps(track: Renewals, point: Callable[[int], tuple[float, float]], times: Values) -> Values:
    """Rest at each event's point; go to the next one in a saccade's time, which grows with its size. (2, n)."""
    out = np.zeros((2, len(times)))
    if not len(times):
        return out
    track.cover(times[0] - 0.5, times[-1])
    for i, start in zip(track.indices, track.times, strict=True):
        old, new = np.array(point(i - 1)), np.array(point(i))
        length = 0.024 + 0.0024 * math.hypot(*(new - old))
        x = np.clip((times - start) / length, 0, 1)
        moved = old[:, None] + (new - old)[:, None] * (x * x * (3 - 2 * x))
        out = np.where(times < start, out, moved)
    return out


@dataclass(frozen=True, slots=True)
class Sway:
    """Aimless motion of the head. yaw, pitch, roll: degrees; x, y, z: eye distances."""

    yaw: Values
    pitch: Values
    roll: Values
    x: Values
    y: Values
    z: Values


def sway(seed: int, times: Values) -> Sway:
    """Sway of the head at these times (seconds), at factor 1."""
    yaw = wander(seed, "yaw", times, 2.3)
    roll = 0.62 * wander(seed, "roll", times, 2.9) - 0.38 * wander(seed, "yaw", times - 0.18, 2.3)
    return Sway(
        yaw=SWAY_YAW * yaw,
        pitch=SWAY_PITCH * wander(seed, "pitch", times, 1.9),
        roll=SWAY_ROLL * roll,
        x=0.030 * wander(seed, "x", times, 4.6),
        y=0.014 * wander(seed, "y", times, 3.9),
        z=0.030 * wander(seed, "z", times, 5.3),
    )


class Breath:
    """Breaths of 3 to 5 seconds, each of its own length: in faster than out."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._breaths = Renewals(0.0, self._length)

    def rows(self, times: Values) -> Values:
        """How full the chest is, 0…about 1, at these times (seconds, rising)."""
        out = np.zeros(len(times))
        if not len(times):
            return out
        self._breaths.cover(times[0], times[-1])
        for i, start in zip(self._breaths.indices, self._breaths.times, strict=True):
            x = np.clip((times - start) / self._length(i), 0, 1)
            phase: NDArray[np.float64] = np.where(x < 0.4, x / 0.4, (1 - x) / 0.6)
            depth = 0.75 + 0.25 * uniform(self._seed, "depth", i)
            out += depth * phase * phase * (3 - 2 * phase)
        return out

    def _length(self, index: int) -> float:
        return 3.1 + 1.9 * uniform(self._seed, "breath", index)
