"""How a face without a picture moves: the rig of a bare landmark mesh."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mien.portrait.base import FaceGeometry
from mien.portrait.rig.handles import Skin
from mien.portrait.rig.mesh import build_mesh
from mien.portrait.rig.rest import rest_pose
from mien.portrait.rig.shapes import build_shapes
from mien.types import FloatArray

_UNIT: Final = 120.0
"""Pixels of an eye distance on the sheet that the mesh is laid on; the rig's grid reaches to its edge."""
_SIZE: Final = (6.0, 7.0)
_PLACE: Final = (3.0, 2.9)


def moving_face(face: NDArray[Any]) -> tuple[FloatArray, FloatArray]:
    """A face's own 52 shapes, as a portrait of it would have them.

    face: (478, 3), eye distances, x to the viewer's right, y down, z away, origin between the eyes. Returns the face at
    rest, lips closed, float32 (478, 3), and how far each shape moves each point at 1.0, float32 (52, 478, 3).
    """
    width, height = (round(side * _UNIT) for side in _SIZE)
    points = np.asarray(face, np.float64) * _UNIT + np.array([_PLACE[0] * _UNIT, _PLACE[1] * _UNIT, 0.0])
    mesh = build_mesh(FaceGeometry(points.astype(np.float32), np.ones((height, width), np.float32)))
    skin = Skin(mesh)
    rest = rest_pose(mesh, skin, np.zeros((height, width, 3), np.uint8))
    count = len(points)
    closed = points + (rest.offset @ mesh.axes.T)[:count] * mesh.head.eye_distance
    closed = (closed - points) / _UNIT + np.asarray(face, np.float64)
    shapes = build_shapes(mesh, skin, rest)[:, :count] / np.float32(_UNIT)
    return closed.astype(np.float32), shapes
