"""The 52 ARKit shapes of a portrait: which points each shape moves, and how far at 1.0.

All distances are in eye distances (63 mm on a person). Sizes are a grown person's, measured on a prototype until they
looked right on photographs, paintings and cartoons; a test holds every shape to at least 0.02 in its own direction.
"""

from __future__ import annotations

import numpy as np

from mien.portrait.rig.handles import Skin
from mien.portrait.rig.mesh import Array, FaceMesh
from mien.portrait.rig.rest import RestPose
from mien.portrait.rig.shapes_eyes import eye_shapes
from mien.portrait.rig.shapes_mouth import mouth_shapes
from mien.types import ARKIT_SHAPES, FloatArray


def build_shapes(mesh: FaceMesh, skin: Skin, rest: RestPose) -> FloatArray:
    """All shapes, float32 (52, n, 3) texture pixels at 1.0, in ARKIT_SHAPES order."""
    made: dict[str, Array] = {**eye_shapes(mesh, skin), **mouth_shapes(mesh, skin, rest)}
    local = np.stack([made[name] for name in ARKIT_SHAPES])
    pixels = local @ mesh.axes.T * mesh.head.eye_distance
    return np.ascontiguousarray(pixels, dtype=np.float32)
