"""A driver's motion made fit for a portrait: how strong, and no further than a picture can be moved."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from mien.errors import UsageError
from mien.face.limits import legal, soft
from mien.types import SHAPE_INDEX, FaceClip, FloatArray

HEAD_MOST: Final = np.array([math.radians(9), math.radians(7), math.radians(4), 0.12, 0.08, 0.15])
"""Yaw, pitch, roll (radians) and x, y, z (eye distances) that are approached and never reached: a picture shows one
side of a head only, and its background is behind it."""
_PLACE: Final = 0.6
"""How much of the head's wandering in the picture goes along: a camera in a hand wanders too."""
_MOST: Final = 2.0


@dataclass(frozen=True, slots=True)
class MimicSettings:
    """expression, head_motion: factors on the face and on the head, 0…2."""

    expression: float = 1.0
    head_motion: float = 1.0

    def __post_init__(self) -> None:
        for name in ("expression", "head_motion"):
            value = getattr(self, name)
            if not (math.isfinite(value) and 0 <= value <= _MOST):
                raise UsageError(
                    f"--{name.replace('_', '-')} is {value:g}, which is outside 0 to {_MOST:g}.", hint="Use 0 to 2."
                )


def retarget(clip: FaceClip, settings: MimicSettings) -> FaceClip:
    """The clip within what a portrait can show. Eyes shut and look as they are, whatever the factor."""
    factor = np.full(clip.shapes.shape[1], settings.expression)
    factor[[i for name, i in SHAPE_INDEX.items() if name.startswith(("eyeBlink", "eyeLook"))]] = 1.0
    head = clip.head.astype(np.float64) * settings.head_motion
    head[:, 3:] *= _PLACE
    shapes: FloatArray = legal(clip.shapes * factor).astype(np.float32)
    return FaceClip(clip.start, shapes, soft(head, HEAD_MOST).astype(np.float32), clip.rate)
