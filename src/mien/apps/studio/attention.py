"""Where people in a conversation look: who listens looks at who speaks, who speaks looks at us."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from math import radians
from typing import Final

import numpy as np

from mien.apps.studio.performed import Movement, Spoken
from mien.timeline import frame_tick, to_ticks
from mien.types import GAZE_DEGREES, SHAPE_INDEX, FloatArray

HEAD: Final = 7.0
"""Degrees that a listener's head turns towards somebody beside them."""
EYES: Final = 13.0
"""Degrees that their eyes turn further."""
ASIDE: Final = 2.5
"""Degrees that a speaker's head turns to whom they talk to, while they look at us."""
_LATE: Final = to_ticks(0.18)  # a listener needs a moment to notice who speaks
_EYES_TAKE, _HEAD_TAKES = 0.09, 0.32  # seconds, time constants: eyes are there first


def attending(
    movements: Mapping[str, Movement], lines: Sequence[Spoken], places: Mapping[str, float], fps: Fraction
) -> dict[str, Movement]:
    """The same motion, with everybody's eyes and head where their attention is.

    places: where each stands, from left (0) to right. Nobody who is not in it turns, nor is looked at.
    """
    return {
        who: _turned(movement, _sides(who, len(movement.shapes), lines, places, fps), fps)
        if who in places
        else movement
        for who, movement in movements.items()
    }


def _sides(
    who: str, frames: int, lines: Sequence[Spoken], places: Mapping[str, float], fps: Fraction
) -> tuple[FloatArray, FloatArray]:
    """Degrees to the viewer's right that eyes and head want to turn, of each frame."""
    eyes, head = np.zeros(frames, np.float32), np.zeros(frames, np.float32)
    ticks = np.array([frame_tick(k, fps) for k in range(frames)])
    before = ""
    for number, line in enumerate(lines):
        if line.who not in places:
            continue
        after = lines[number + 1].start if number + 1 < len(lines) else line.end
        then = (ticks >= line.start + _LATE) & (ticks < max(after, line.end) + _LATE)
        if line.who != who:
            side = float(np.sign(places[line.who] - places[who]))
            eyes[then], head[then] = side * EYES, side * HEAD
        elif before:
            eyes[then], head[then] = 0.0, float(np.sign(places[before] - places[who])) * ASIDE
        before = line.who if line.who != who else before
    return eyes, head


def _turned(movement: Movement, wanted: tuple[FloatArray, FloatArray], fps: Fraction) -> Movement:
    eyes, turn = _following(wanted[0], _EYES_TAKE, fps), _following(wanted[1], _HEAD_TAKES, fps)
    shapes, head = movement.shapes.copy(), movement.head.copy()
    head[:, 0] += np.float32(radians(1)) * turn
    share = eyes / np.float32(GAZE_DEGREES["side"])
    for name, sign in (
        ("eyeLookOutLeft", 1), ("eyeLookInRight", 1), ("eyeLookInLeft", -1), ("eyeLookOutRight", -1),
    ):  # fmt: skip
        column = shapes[:, SHAPE_INDEX[name]]
        column[:] = np.clip(column + np.maximum(sign * share, 0) - np.maximum(-sign * share, 0), 0, 1)
    return replace(movement, shapes=shapes, head=head)


def _following(wanted: FloatArray, seconds: float, fps: Fraction) -> FloatArray:
    """What a critically damped follower does: no jump in place nor in speed. seconds: its time constant."""
    out, place, speed = np.empty_like(wanted), float(wanted[0]), 0.0
    steps = 4
    step, rate = 1 / (float(fps) * steps), 2 / seconds
    for k, target in enumerate(wanted.tolist()):
        for _ in range(steps):
            speed += (rate * rate * (target - place) - 2 * rate * speed) * step
            place += speed * step
        out[k] = place
    return out
