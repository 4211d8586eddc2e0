"""Where a head is: similarity transforms between a person's own face and its landmarks in a picture.

The face's frame: origin between the eyes, x to the viewer's right, y down, z away from the viewer, unit one eye
distance. Pictures: pixels, z in the same unit as the landmark net gives it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.face.video.points import CHIN, EYE_CORNERS, MIRRORED, RIGID, TOP

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Poses:
    """n poses: points = scale · rotation @ local + shift. rotation: (n, 3, 3). scale: (n,). shift: (n, 3) pixels."""

    rotation: Array
    scale: Array
    shift: Array

    def local(self, points: NDArray[Any]) -> Array:
        """Landmarks (n, k, 3), pixels → the face's frame, eye distances."""
        moved = np.asarray(points, np.float64) - self.shift[:, None]
        return np.asarray(moved @ self.rotation / self.scale[:, None, None])

    def angles(self) -> Array:
        """(n, 3): yaw, pitch, roll in radians, R = Ry(yaw) Rx(pitch) Rz(roll), signs as FaceClip fixes them."""
        flip = np.array([1.0, -1.0, -1.0])
        r = self.rotation * flip[:, None] * flip
        yaw = np.arctan2(r[:, 0, 2], r[:, 2, 2])
        pitch = -np.arcsin(np.clip(r[:, 1, 2], -1, 1))
        return np.stack([yaw, pitch, np.arctan2(r[:, 1, 0], r[:, 1, 1])], 1)


def fit_poses(points: NDArray[Any], face: NDArray[Any], index: tuple[int, ...] = RIGID) -> Poses:
    """Least-squares poses of a face in n pictures (Umeyama, "Least-squares estimation of transformation parameters
    between two point patterns", 1991).

    points: (n, 478, 3) pixels. face: (478, 3), or (n, 478, 3) where every picture has its own (an expression).
    """
    seen = np.asarray(points, np.float64)[:, list(index)]
    model = np.asarray(face, np.float64)[..., list(index), :]
    model = np.broadcast_to(model, seen.shape)
    seen_middle, model_middle = seen.mean(1, keepdims=True), model.mean(1, keepdims=True)
    a, b = model - model_middle, seen - seen_middle
    u, s, vt = np.linalg.svd(np.swapaxes(b, 1, 2) @ a)
    sign = np.ones_like(s)
    sign[:, 2] = np.sign(np.linalg.det(u @ vt))
    rotation = (u * sign[:, None]) @ vt
    scale = (s * sign).sum(1) / np.maximum((a**2).sum((1, 2)), 1e-12)
    shift = seen_middle[:, 0] - scale[:, None] * np.einsum("nij,nj->ni", rotation, model_middle[:, 0])
    return Poses(rotation, scale, shift)


def own_frame(points: NDArray[Any]) -> Array:
    """One face (478, 3), any place, size and turn → its own frame: x along what is symmetric, y from brow to chin."""
    p = np.asarray(points, np.float64)
    eyes = [p[list(EYE_CORNERS[side])].mean(0) for side in ("Right", "Left")]
    across = np.mean([p[left] - p[right] for right, left in MIRRORED], axis=0)
    x = across / np.linalg.norm(across)
    down = p[CHIN] - p[TOP]
    y = down - x * (down @ x)
    y /= np.linalg.norm(y)
    axes = np.stack([x, y, np.cross(x, y)], 1)
    unit = float(np.linalg.norm(eyes[1] - eyes[0]))
    return np.asarray((p - (eyes[0] + eyes[1]) / 2) @ axes / unit)
