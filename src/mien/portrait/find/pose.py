"""Which way a head is turned, read from its mesh. Signs as :class:`mien.types.FaceClip` fixes them."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

_PAIRS: Final = ((33, 263), (133, 362), (61, 291), (234, 454), (127, 356), (50, 280), (70, 300), (172, 397))
"""Points and their partners: the person's right, then left."""
_BRIDGE_DEPTH: Final = 0.53
"""How far the bridge of the nose stands out before the outer eye corners, over half their distance. Fitted so that
the two estimates of yaw agree between 15° and 35° on portraits."""
_TRUST: Final = (np.radians(25), np.radians(35))
"""The mesh's own yaw is right below the first; above the second it falls short (48° on a full profile)."""


def head_pose(points: NDArray[np.floating[Any]]) -> tuple[float, float, float]:
    """Yaw, pitch and roll of a face, radians: to the viewer's right, down, and person's left side up are positive.

    points: float, (≥ 468, 3), x right, y down, z away. The head's x axis is the mean over symmetric pairs of points,
    y runs from the chin (152) to the top of the forehead (10), and R = Ry(yaw) Rx(pitch) Rz(roll). Beyond 25° yaw
    goes over to what the bridge of the nose hides of the far half of the eye line, which does not saturate.
    """
    rotation = _rotation(points)
    yaw = float(np.arctan2(rotation[0, 2], rotation[2, 2]))
    pitch = float(-np.arcsin(np.clip(rotation[1, 2], -1, 1)))
    roll = float(np.arctan2(rotation[1, 0], rotation[1, 1]))
    trust = float(np.clip((abs(yaw) - _TRUST[0]) / (_TRUST[1] - _TRUST[0]), 0, 1))
    return yaw + trust * (_yaw_by_bridge(points) - yaw), pitch, roll


def _rotation(points: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Columns: the head's x (person's left), y (up), z (out of the face) in axes x right, y up, z to the viewer."""
    flip = np.array([1.0, -1.0, -1.0])
    across = np.mean([points[left] - points[right] for right, left in _PAIRS], axis=0) * flip
    up = (points[10] - points[152]) * flip
    x = across / max(float(np.linalg.norm(across)), 1e-9)
    y = up - x * float(x @ up)
    y /= max(float(np.linalg.norm(y)), 1e-9)
    return np.stack([x, y, np.cross(x, y)], axis=1).astype(np.float64)


def _yaw_by_bridge(points: NDArray[np.floating[Any]]) -> float:
    """Yaw from where the bridge of the nose (168) lies between the outer eye corners, seen flat."""
    line = (points[263] - points[33])[:2].astype(np.float64)
    width = max(float(np.linalg.norm(line)), 1e-9)
    place = float((points[168] - points[33])[:2] @ line) / width**2
    return float(np.arctan((2 * place - 1) / _BRIDGE_DEPTH))
