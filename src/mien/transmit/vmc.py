"""Motion out as VMC protocol (OSC over UDP), for VSeeFace, Warudo, EVMC4U, VMC4UE, VMC4B and others.

Source: protocol.vmc.info, "Marionette": ``/VMC/Ext/OK`` int (1: loaded), ``/VMC/Ext/T`` float (seconds),
``/VMC/Ext/Bone/Pos`` string (bone of Unity's HumanBodyBones), position x y z, quaternion x y z w, in the bone's parent;
``/VMC/Ext/Blend/Val`` string float for each blendshape, then ``/VMC/Ext/Blend/Apply``. The names are ARKit's with a
capital first letter, as models made for "perfect sync" carry them; or the presets of VRM 0, which all models carry and
receivers for VRM 1 know: five vowels and two blinks.

Unity's axes are left-handed, x to the avatar's own right, y up, z out of the face; ours have x to the person's own
left. So a rotation's quaternion (x, y, z, w) becomes (x, -y, -z, w). Only the head turns, it does not travel.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

import numpy as np

from mien.timeline import to_seconds
from mien.transmit.motion_rate import quaternions
from mien.transmit.osc import bundles, message
from mien.transmit.rows import Row, UdpRows
from mien.types import ARKIT_SHAPES, SHAPE_INDEX, FaceClip, FloatArray

PORT: Final = 39539
"""Where receivers ("marionettes") commonly listen; VSeeFace and other "performers" take 39540."""

NAMES: Final = tuple(name[0].upper() + name[1:] for name in ARKIT_SHAPES)
"""Perfect sync names, in the order of ARKIT_SHAPES."""

_READ: Final = (
    *("jawOpen", "mouthClose", "mouthFunnel", "mouthPucker", "mouthLowerDownLeft", "mouthLowerDownRight"),
    *("mouthStretchLeft", "mouthStretchRight", "eyeBlinkLeft", "eyeBlinkRight"),
)
_DATAGRAM: Final = 1400  # below the smallest frame of Ethernet and VPNs: nothing is split on the way


class VmcViewer(UdpRows):
    """Sends every row as it is due: shapes, the head's rotation, time. Clips older than 0.4 s are dropped.

    shapes: "arkit" for models with perfect sync, "vrm" for all others. head_at: position of the model's head bone in
    its parent, metres in Unity's axes, for receivers that also take positions (EVMC4U does so unless
    BonePositionSynchronize is off); the others look at the rotation alone.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = PORT,
        shapes: Literal["arkit", "vrm"] = "arkit",
        head_at: tuple[float, float, float] = (0.0, 0.0, 0.0),
    ) -> None:
        self._shapes = arkit_shapes if shapes == "arkit" else vrm_shapes
        self._head_at = head_at
        super().__init__("vmc", host, port)

    def _packets(self, row: Row, clip: FaceClip) -> list[bytes]:
        return self._bundled(row, self._shapes(row.shapes))

    def _bundled(self, row: Row, shapes: Mapping[str, float]) -> list[bytes]:
        """The bundles of a row, 1,400 bytes each at most."""
        messages = [
            message("/VMC/Ext/OK", 1),
            message("/VMC/Ext/T", to_seconds(row.tick)),
            message("/VMC/Ext/Bone/Pos", "Head", *self._head_at, *unity_rotation(row.head)),
            *(message("/VMC/Ext/Blend/Val", name, value) for name, value in shapes.items()),
            message("/VMC/Ext/Blend/Apply"),
        ]
        return list(bundles(messages, _DATAGRAM))


def arkit_shapes(shapes: FloatArray) -> dict[str, float]:
    """Perfect sync: float32 (52,) by name."""
    return dict(zip(NAMES, shapes.tolist(), strict=True))


def vrm_shapes(shapes: FloatArray) -> dict[str, float]:
    """VRM 0's A, I, U, E, O, whose sum is 1 at most, and Blink_L, Blink_R, of float32 (52,).

    Rounded lips are U, or O when they stick out less than they open; others are A, or with wide lips E, or I at a jaw
    that hardly opens. The bounds lie at our own drivers' shapes of these vowels.
    """
    at = {name: float(shapes[SHAPE_INDEX[name]]) for name in _READ}
    jaw = max(0.0, at["jawOpen"] - at["mouthClose"])
    out = at["mouthFunnel"] + at["mouthPucker"]
    rounded = _ramp(out, 0.08, 0.48)
    opened = _ramp(at["mouthFunnel"] / max(out, 1e-6), 0.13, 0.5)
    lowered = (at["mouthLowerDownLeft"] + at["mouthLowerDownRight"]) / 2
    wide = _ramp((at["mouthStretchLeft"] + at["mouthStretchRight"]) / 2, 0.04, 0.16)
    apart = (1 - rounded) * max(_ramp(jaw, 0.0, 0.43), min(_ramp(lowered, 0.0, 0.75), _ramp(jaw, 0.0, 0.15)))
    low = _ramp(jaw, 0.18, 0.34)
    return {
        "A": apart * (1 - wide),
        "I": apart * wide * (1 - low),
        "U": rounded * (1 - opened),
        "E": apart * wide * low,
        "O": rounded * opened,
        "Blink_L": at["eyeBlinkLeft"],
        "Blink_R": at["eyeBlinkRight"],
    }


def _ramp(value: float, low: float, high: float) -> float:
    """0 at ``low`` and below, 1 at ``high`` and above."""
    return min(1.0, max(0.0, (value - low) / (high - low)))


def unity_rotation(head: FloatArray) -> tuple[float, float, float, float]:
    """Quaternion x, y, z, w in Unity's axes of a head float32 (6,) in ours."""
    x, y, z, w = quaternions(*head[:3, None].astype(np.float64))[0].tolist()
    return x, -y, -z, w
