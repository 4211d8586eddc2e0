"""Landmarks as a perfect net would give them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mien.face.video.head import LOW_NECK, NECK
from mien.face.video.solve import Basis
from mien.types import ARKIT_SHAPES, SHAPE_INDEX

Array = NDArray[np.float64]
UNIT = 90.0  # pixels of an eye distance


def coefficients(**shapes: float) -> Array:
    row = np.zeros(len(ARKIT_SHAPES))
    for name, value in shapes.items():
        row[SHAPE_INDEX[name]] = value
    return row


def rotation(yaw: float, pitch: float, roll: float) -> Array:
    """FaceClip's own words: Ry(yaw) Rx(pitch) Rz(roll) in axes x right, y up, z to the viewer."""
    cy, sy, cp, sp, cr, sr = (f(a) for a in (yaw, pitch, roll) for f in (np.cos, np.sin))
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    about_z = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    flip = np.diag([1.0, -1.0, -1.0])
    return np.asarray(flip @ about_y @ about_x @ about_z @ flip)


def seen(basis: Basis, shapes: Array, head: Array | None = None, noise: float = 0.0, seed: int = 0) -> Array:
    """Landmarks (n, 478, 3) in pixels. shapes: (n, 52). head: (n, 6) as in FaceClip, x, y, z against (320, 240)."""
    local = basis.pose(shapes)
    head = np.zeros((len(local), 6)) if head is None else head
    out = []
    for face, (yaw, pitch, roll, x, y, z) in zip(local, head, strict=True):
        turn, tilt = rotation(yaw, pitch, 0.0), rotation(0.0, 0.0, roll)
        moved = ((face - LOW_NECK) @ tilt.T + LOW_NECK - NECK) @ turn.T + NECK
        grown = 14.0 / (14.0 - z)
        place = NECK + (moved - NECK) * grown
        out.append(place * UNIT + [320 + x * UNIT, 240 - y * UNIT, 0])
    points = np.array(out)
    return np.asarray(points + np.random.default_rng(seed).normal(0, noise, points.shape))
