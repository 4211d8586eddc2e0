"""Head pose: how rotation and translation move points, with mild perspective."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mien.types import FloatArray

Array = NDArray[Any]

FOCAL: Final = 14.0
"""Viewing distance in eye distances: 0.9 m, a portrait photographer's."""
AWAY_LIMIT: Final = 0.21
"""How far, in radians (12°), the head may turn from where the photograph looks before skin smears."""


@dataclass(frozen=True, slots=True)
class PoseFrame:
    """Where the head turns, canvas pixels.

    unit: eye distance. axes: (3, 3) columns. own: the portrait's yaw and pitch, radians.
    """

    origin: Array
    axes: Array
    pivot: Array
    roll_pivot: Array
    unit: float
    own: tuple[float, float]


def comfortable(angle: float, own: float) -> float:
    """Soft limit of a turn: full range towards the viewer, ever less away from a face that is already turned."""
    room = AWAY_LIMIT if angle * own <= 0 else max(0.05, AWAY_LIMIT - 0.25 * abs(own))
    return float(room * np.tanh(angle / room)) if abs(angle) > 0 else 0.0


class Motion:
    """One head pose, worked out once per picture: moves any points by it.

    Roll about its own pivot, then pitch and yaw about the neck joint, then the translation; the perspective change is
    relative to where the points were, so a head at rest does not move at all.
    """

    def __init__(self, frame: PoseFrame, head: FloatArray) -> None:
        """head: (6,), conventions of FaceClip."""
        yaw, pitch = comfortable(float(head[0]), frame.own[0]), comfortable(float(head[1]), frame.own[1])
        turn, roll = _turn(yaw, pitch), _roll(float(head[2]))
        offset = np.array([head[3], -head[4], -head[5]], np.float64) * frame.unit
        self._matrix = np.ascontiguousarray((turn @ roll).T)
        rolled = frame.roll_pivot - roll @ frame.roll_pivot  # of the texture's origin
        self._shift = turn @ (rolled - frame.pivot) + frame.pivot + offset
        self._centre = frame.origin[:2]
        self._distance = FOCAL * frame.unit - frame.pivot[2]

    def move(self, points: Array) -> Array:
        """Points (n, 3) canvas pixels, x right, y down, z away → where the pose takes them."""
        turned = points @ self._matrix + self._shift
        scale = (self._distance + points[:, 2:]) / (self._distance + turned[:, 2:])
        turned[:, :2] = (turned[:, :2] - self._centre) * scale + self._centre
        return np.asarray(turned)


def _turn(yaw: float, pitch: float) -> Array:
    """Ry(yaw) Rx(pitch) of the face anchor's axes (y up, z to the viewer) written for y down, z away."""
    cy, sy, cp, sp = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch)
    about_y = np.array([[cy, 0, -sy], [0, 1, 0], [sy, 0, cy]])
    about_x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    return np.asarray(about_y @ about_x)


def _roll(angle: float) -> Array:
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]])
