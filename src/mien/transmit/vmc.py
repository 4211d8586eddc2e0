"""Motion out as VMC protocol (OSC over UDP), for VSeeFace, Warudo, EVMC4U, VMC4UE, VMC4B and others.

Source: protocol.vmc.info, "Marionette": ``/VMC/Ext/OK`` int (1: loaded), ``/VMC/Ext/T`` float (seconds),
``/VMC/Ext/Bone/Pos`` string (bone of Unity's HumanBodyBones), position x y z, quaternion x y z w, in the bone's parent;
``/VMC/Ext/Blend/Val`` string float for each blendshape, then ``/VMC/Ext/Blend/Apply``. The names are ARKit's with a
capital first letter, as models made for "perfect sync" carry them.

Unity's axes are left-handed, x to the avatar's own right, y up, z out of the face; ours have x to the person's own
left. So a rotation's quaternion (x, y, z, w) becomes (x, -y, -z, w). Only the head turns, it does not travel.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from mien.timeline import to_seconds
from mien.transmit.motion_rate import quaternions
from mien.transmit.osc import bundles, message
from mien.transmit.rows import Row, UdpRows
from mien.types import ARKIT_SHAPES, FaceClip, FloatArray

PORT: Final = 39539
"""Where receivers ("marionettes") commonly listen; VSeeFace and other "performers" take 39540."""

NAMES: Final = tuple(name[0].upper() + name[1:] for name in ARKIT_SHAPES)
"""Perfect sync names, in the order of ARKIT_SHAPES."""

_DATAGRAM: Final = 1400  # below the smallest frame of Ethernet and VPNs: nothing is split on the way


class VmcViewer(UdpRows):
    """Sends every row as it is due: shapes, the head's rotation, time. Clips older than 0.4 s are dropped.

    head_at: position of the model's head bone in its parent, metres in Unity's axes, for receivers that also take
    positions (EVMC4U does so unless BonePositionSynchronize is off); the others look at the rotation alone.
    """

    def __init__(
        self, host: str = "127.0.0.1", port: int = PORT, head_at: tuple[float, float, float] = (0.0, 0.0, 0.0)
    ) -> None:
        self._head_at = head_at
        super().__init__("vmc", host, port)

    def _packets(self, row: Row, clip: FaceClip) -> list[bytes]:
        return packets(row, self._head_at)


def packets(row: Row, head_at: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> list[bytes]:
    """The bundles of a row, 1,400 bytes each at most."""
    messages = [
        message("/VMC/Ext/OK", 1),
        message("/VMC/Ext/T", to_seconds(row.tick)),
        message("/VMC/Ext/Bone/Pos", "Head", *head_at, *unity_rotation(row.head)),
        *(message("/VMC/Ext/Blend/Val", name, v) for name, v in zip(NAMES, row.shapes.tolist(), strict=True)),
        message("/VMC/Ext/Blend/Apply"),
    ]
    return list(bundles(messages, _DATAGRAM))


def unity_rotation(head: FloatArray) -> tuple[float, float, float, float]:
    """Quaternion x, y, z, w in Unity's axes of a head float32 (6,) in ours."""
    x, y, z, w = quaternions(*head[:3, None].astype(np.float64))[0].tolist()
    return x, -y, -z, w
