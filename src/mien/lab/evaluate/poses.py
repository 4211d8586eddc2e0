"""Named poses that show what an avatar can and cannot do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from mien.types import SHAPE_INDEX, FloatArray


@dataclass(frozen=True)
class Pose:
    """label: for people. shapes: float32 (52,). head: float32 (6,), as in FaceClip."""

    label: str
    shapes: FloatArray
    head: FloatArray


def pose(label: str, head: tuple[float, float, float] = (0.0, 0.0, 0.0), /, **shapes: float) -> Pose:
    """A pose from shape values, a name without Left or Right meaning both. head: yaw, pitch, roll in degrees."""
    row = np.zeros(len(SHAPE_INDEX), np.float32)
    for name, value in shapes.items():
        for full in (name,) if name in SHAPE_INDEX else (f"{name}Left", f"{name}Right"):
            row[SHAPE_INDEX[full]] = value
    turned = np.zeros(6, np.float32)
    turned[:3] = np.radians(head)
    return Pose(label, row, turned)


_AA: Final = {"jawOpen": 0.5, "mouthLowerDown": 0.15, "mouthUpperUp": 0.12}
_BROWS_UP: Final = {"browInnerUp": 0.9, "browOuterUp": 0.9, "eyeWide": 0.5}

MOUTHS: Final = (
    pose("rest"),
    pose("AA", **_AA),
    pose("EE", jawOpen=0.14, mouthStretch=0.55, mouthSmile=0.15, mouthLowerDown=0.45, mouthUpperUp=0.35),
    pose("OO", jawOpen=0.1, mouthPucker=0.85, mouthFunnel=0.15),
    pose("OH", jawOpen=0.34, mouthFunnel=0.75),
    pose("M B P", mouthPress=0.4),
    pose("M on an open jaw", jawOpen=0.4, mouthClose=0.4),
    pose("F V", mouthRollLower=0.9, mouthUpperUp=0.75, jawOpen=0.03),
    pose("L", jawOpen=0.3, mouthLowerDown=0.2, mouthUpperUp=0.1, tongueOut=0.5),
    pose("wide open", jawOpen=1.0, mouthUpperUp=0.2, mouthLowerDown=0.2),
    pose("smile", mouthSmile=0.9, cheekSquint=0.3),
    pose("smiling AA", mouthSmile=0.6, cheekSquint=0.2, **_AA),
    pose("frown", mouthFrown=0.8, browDown=0.6),
    pose("sneer", noseSneer=0.9, cheekSquint=0.8),
)
EYES: Final = (
    pose("blink", eyeBlink=1.0),
    pose("half a blink", eyeBlink=0.5),
    pose("look left", eyeLookOutLeft=0.7, eyeLookInRight=0.7),
    pose("look right", eyeLookInLeft=0.7, eyeLookOutRight=0.7),
    pose("look up", eyeLookUp=0.8),
    pose("look down", eyeLookDown=0.8),
    pose("brows up", **_BROWS_UP),
    pose("brows down", browDown=0.9),
)
TURNS: Final = (
    pose("yaw 8", (8, 0, 0)),
    pose("yaw -8", (-8, 0, 0)),
    pose("yaw -8, AA", (-8, 0, 0), **_AA),
    pose("pitch 6", (0, 6, 0)),
    pose("pitch -6", (0, -6, 0)),
    pose("roll 2", (0, 0, 2)),
)
