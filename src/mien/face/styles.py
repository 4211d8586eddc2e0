"""Presets of how much a face moves."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

from mien.errors import UsageError
from mien.face.base import FaceSettings
from mien.types import EMOTION_NAMES


@dataclass(frozen=True, slots=True)
class Style:
    """Factors on the parts of the motion; 1 is a person who tells something with interest.

    lips: openness of the mouth. head: sway, in amplitude. nods: of the head on stressed syllables. brows: flashes on
    stress. blinks: how often. gaze: how far the eyes wander. expression: how much of an emotion shows. smoothing:
    0 (crisp) … 1 (soft) articulation.
    """

    lips: float = 1.0
    head: float = 1.0
    nods: float = 1.0
    brows: float = 1.0
    blinks: float = 1.0
    gaze: float = 1.0
    expression: float = 1.0
    smoothing: float = 0.35


STYLES: Final = {
    "serious": Style(lips=0.90, head=0.55, nods=0.55, brows=0.40, blinks=0.85, gaze=0.60, expression=0.70),
    "lively": Style(),
    "cartoon": Style(lips=1.22, head=1.45, nods=1.7, brows=2.0, blinks=1.15, gaze=1.35, expression=1.35),
}
"""The presets that ``--style`` names."""

_DIALS: Final = (
    ("lip_strength", 2.0), ("head_motion", 2.0), ("blink_rate", 2.0), ("smoothing", 1.0), ("voice_expression", 1.0),
)  # fmt: skip


def resolve(settings: FaceSettings) -> Style:
    """The preset of these settings with their dials turned.

    Raises UsageError for an unknown style or emotion and for dials outside their range.
    """
    if settings.style not in STYLES:
        raise UsageError(f"There is no style '{settings.style}'.", hint=f"Use one of: {', '.join(STYLES)}.")
    if settings.emotion not in EMOTION_NAMES:
        raise UsageError(f"There is no emotion '{settings.emotion}'.", hint=f"Use one of: {', '.join(EMOTION_NAMES)}.")
    for name, top in _DIALS:
        value = getattr(settings, name)
        if not (math.isfinite(value) and 0 <= value <= top):
            raise UsageError(f"{name} is {value}, which is outside 0 to {top:g}.", hint=f"Use 0 to {top:g}.")
    preset = STYLES[settings.style]
    return replace(
        preset,
        lips=preset.lips * settings.lip_strength,
        head=preset.head * settings.head_motion,
        nods=preset.nods * settings.head_motion,
        blinks=preset.blinks * settings.blink_rate,
        smoothing=settings.smoothing,
    )
