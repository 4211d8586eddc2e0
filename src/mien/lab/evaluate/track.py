"""Follows a face through a film with the landmark net: one look a picture, the crop held still, nothing smoothed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien.portrait.topology import FACE_POINTS
from mien.types import ByteArray

_SIDE: Final = 1.5
"""Side of the crop over the longer side of the face: the margin the net was trained with."""
_SIZES: Final = (0.94, 1.0, 1.06)
"""Crops per picture, relative to that; their mean is steadier than one."""
_INNER_LIPS: Final = ((82, 87), (13, 14), (312, 317))
"""Upper and lower inner rim, right of the middle, in the middle, left of it."""
_EYES: Final = (33, 133, 362, 263)


@dataclass(frozen=True)
class Track:
    """times: seconds, (n,). points: float64 (n, 468, 2), picture pixels."""

    times: NDArray[np.float64]
    points: NDArray[np.float64]

    def aperture(self) -> NDArray[np.float64]:
        """Opening of the inner lips, (n,), in eye distances (between the eyes' corners' means)."""
        gaps = [np.linalg.norm(self.points[:, b] - self.points[:, a], axis=1) for a, b in _INNER_LIPS]
        return np.asarray(np.mean(gaps, 0) / self.unit())

    def unit(self) -> float:
        """Distance between the eyes, pixels: the median over the film, since heads turn and faces do not grow."""
        right = self.points[:, _EYES[:2]].mean(1)
        left = self.points[:, _EYES[2:]].mean(1)
        return float(np.median(np.linalg.norm(left - right, axis=1)))


def track(pictures: Iterable[tuple[float, ByteArray]]) -> Track:
    """Follow the largest face of the first picture. Raises PortraitRefused without one, InputError without pictures."""
    from mien.portrait.find.faces import choose_face

    times: list[float] = []
    found: list[NDArray[np.float64]] = []
    crop: tuple[NDArray[np.float64], float, float] | None = None
    for time, picture in pictures:
        if crop is None:
            crop = _crop(choose_face(picture).points)
        times.append(time)
        found.append(_look(picture, *crop))
    if crop is None:
        raise InputError("There are no pictures to follow a face in.", hint="Give a longer film.")
    return Track(np.array(times), np.array(found))


def _crop(points: NDArray[np.float64]) -> tuple[NDArray[np.float64], float, float]:
    """Centre, side and turn of the crop around a face."""
    axis = (points[263] - points[33])[:2]
    face = points[:FACE_POINTS, :2]
    side = _SIDE * float(np.ptp(face, axis=0).max())
    return (face.min(0) + face.max(0)) / 2, side, float(np.arctan2(axis[1], axis[0]))


def _look(picture: ByteArray, centre: NDArray[np.float64], side: float, turn: float) -> NDArray[np.float64]:
    from mien.portrait.find.nets import network

    net = network("face_landmark")
    fits = []
    for size in _SIZES:
        scale = net.side / (side * size)
        c, s = np.cos(turn) * scale, np.sin(turn) * scale
        linear = np.array([[c, s], [-s, c]])
        shift = (net.side - 1) / 2 - linear @ centre
        shrunk = _soft(picture, scale)
        crop = cv2.warpAffine(
            shrunk,
            np.column_stack([linear, shift]),
            (net.side, net.side),
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        flat = max(net(np.asarray(crop, np.float32) / np.float32(255)), key=np.size)
        flat_points = flat.reshape(FACE_POINTS, 3)[:, :2].astype(np.float64) - 0.5
        fits.append((flat_points - shift) @ np.linalg.inv(linear).T)
    return np.asarray(np.mean(fits, 0))


def _soft(picture: ByteArray, scale: float) -> ByteArray:
    """A picture blurred as much as shrinking by ``scale`` asks for."""
    return picture if scale > 0.7 else np.asarray(cv2.GaussianBlur(picture, (0, 0), 0.35 / scale))
