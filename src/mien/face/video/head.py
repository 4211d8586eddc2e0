"""The head's six numbers from its pose in the picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from mien.face.video.pose import Array, Poses

NECK: Final = np.array([0.0, 0.35, 1.45])
"""Joint that yaw and pitch turn about, in the face's frame, eye distances."""
LOW_NECK: Final = np.array([0.0, 2.0, 1.45])
"""Joint that roll turns about."""
DISTANCE: Final = 14.0
"""How far away the viewer is, eye distances (0.9 m): makes growth in the picture a movement towards the viewer."""


@dataclass(frozen=True)
class HeadPlace:
    """Where the head mostly is. centre: (2,) pixels of the neck's joint. size: pixels of an eye distance.
    turned: (3,) yaw, pitch, roll in radians: what counts as looking straight ahead when motion is taken relatively.
    pitch: how much of a nod the landmarks show, see :class:`mien.face.video.response.Response`."""

    centre: Array
    size: float
    turned: Array
    pitch: float = 1.0


def head_place(poses: Poses, pitch: float = 1.0) -> HeadPlace:
    """The usual place over a stretch of pictures (medians)."""
    size = float(np.median(poses.scale))
    return HeadPlace(np.median(_joint(poses, size), 0), size, np.median(poses.angles(), 0), pitch)


def head_rows(poses: Poses, place: HeadPlace) -> Array:
    """(n, 6): yaw, pitch, roll (radians), x, y, z (eye distances) as FaceClip has them, the angles absolute."""
    moved = (_joint(poses, place.size) - place.centre) / place.size
    nearer = DISTANCE * (1 - place.size / np.maximum(poses.scale, 1e-6))
    angles = poses.angles()
    angles[:, 1] += (angles[:, 1] - place.turned[1]) * (1 / place.pitch - 1)
    return np.column_stack([angles, moved[:, 0], -moved[:, 1], nearer])


def _joint(poses: Poses, size: float) -> Array:
    """Where the head would be, had it turned about its joints alone: the joint's place in the picture, (n, 2)."""
    angles = poses.angles()
    c, s = np.cos(angles[:, 2]), np.sin(angles[:, 2])
    zero = np.zeros_like(c)
    roll = np.stack([np.stack([c, s, zero], 1), np.stack([-s, c, zero], 1), np.tile([0.0, 0, 1], (len(c), 1))], 1)
    turn = poses.rotation @ np.swapaxes(roll, 1, 2)
    rolled = LOW_NECK - roll @ LOW_NECK  # of the middle between the eyes
    eyes = np.einsum("nij,nj->ni", turn, rolled - NECK) + NECK
    return np.asarray(poses.shift[:, :2] - size * eyes[:, :2])
