"""Where the features of a face are: 468 mesh points and both irises.

Recipe: a 192 px crop aligned by the eyes goes through the mesh net; the crop that this mesh cuts goes through again at
three sizes and mirrored, and the mean of the six is 12 % nearer the truth than one. Two 64 px eye crops go through the
iris net, whose lid contours replace the mesh's coarser ones. On closed mouths both inner lip rings are then laid on the
dark line between the lips, which the mesh alone misses by up to 2.5 % of the distance between the eyes.

Where the optional file ``face_landmarker`` was pulled, its 256 px net gives all 478 points instead: better lips.
"""

from __future__ import annotations

import functools
import io
import json
import zipfile
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.portrait.find.detect import Detection
from mien.portrait.find.features import LEFT_EYE, RIGHT_EYE, Points
from mien.portrait.find.lips import fit_lips
from mien.portrait.find.nets import Network, network
from mien.portrait.topology import LOWER_LID, UPPER_LID
from mien.types import ByteArray

CROP: Final = 1.5
"""Side of a mesh crop over the longer side of the face."""
SIZES: Final = (0.9, 1.0, 1.1)
"""Crops of the last round, relative to the first."""
LANDMARKER: Final = "face_landmarker"
_LANDMARKER_NET: Final = "face_landmarks_detector.tflite"
_MAX_NET_BYTES: Final = 32 << 20


@dataclass(frozen=True, slots=True)
class Mesh:
    """A fitted face. points: float64, (478, 3), picture pixels. presence: 0…1, how sure the net is that it is one."""

    points: Points
    presence: float


@dataclass(frozen=True, slots=True)
class Crop:
    """A turned square of a picture. centre: (2,), pixels. side: pixels. turn: radians, of the eye line."""

    centre: Points
    side: float
    turn: float


def fit_mesh(image: ByteArray, face: Detection) -> Mesh:
    """Fit the 478 points to a detected face. image: uint8, (h, w, 3) RGB."""
    right, left = face.keypoints[0], face.keypoints[1]
    centre = np.array([face.box[0] + face.box[2] / 2, face.box[1] + face.box[3] / 2])
    points, presence = mesh_in_crop(image, Crop(centre, CROP * face.size, _angle(left - right)))
    if presence < 0.01:  # not a face by far: spare the rest
        return Mesh(points, presence)
    points, presence = mesh_in_crop(image, mesh_crop(points), sizes=SIZES, mirror=True)
    better = landmarker()
    points = eyes_refined(image, points) if better is None else mesh_in_crop(image, mesh_crop(points), better)[0]
    return Mesh(fit_lips(image, points), presence)


@functools.cache
def landmarker() -> Network | None:
    """The optional better net, taken out of ``face_landmarker.task`` (a zip archive), where that was pulled."""
    from mien import models

    file = models.cached(LANDMARKER)
    if file is None:
        return None
    with zipfile.ZipFile(io.BytesIO(file.read_bytes())) as archive:
        if archive.getinfo(_LANDMARKER_NET).file_size > _MAX_NET_BYTES:
            return None
        return Network(content=archive.read(_LANDMARKER_NET))


def mesh_crop(points: Points) -> Crop:
    """The crop that a mesh asks for: around its box in its own upright axes."""
    angle = _angle(points[263] - points[33])
    turn = _rotation(angle)
    upright = points[:468, :2] @ turn.T
    low, high = upright.min(0), upright.max(0)
    return Crop(((low + high) / 2) @ turn, CROP * float((high - low).max()), angle)


def mesh_in_crop(
    image: ByteArray, crop: Crop, net: Network | None = None, *, sizes: tuple[float, ...] = (1.0,), mirror: bool = False
) -> tuple[Points, float]:
    """The mesh of the face in a crop, float64 (478, 3), and how sure the net is that it is one, 0…1.

    The mean over crops of several sizes, each also mirrored if asked for. net: :func:`landmarker`'s (never mirrored);
    the embedded one, which is the default, leaves the iris points zero.
    """
    net = net or network("face_landmark")
    fits, presences = [], []
    for size in sizes:
        cut, affine = _cut(image, crop.centre, crop.side * size, crop.turn, net.side)
        for flipped in (False, True) if mirror else (False,):
            outputs = net((cut[:, ::-1] if flipped else cut) / np.float32(255))
            place = max(range(len(outputs)), key=lambda i: outputs[i].size)
            found = outputs[place].reshape(-1, 3).astype(np.float64)
            if flipped:
                found[:, 0] = net.side - found[:, 0]
                found = found[_mirror()]
            fits.append(_back(found, affine))
            presence = outputs[1 if place == 0 else 0]
            presences.append(1 / (1 + np.exp(-np.clip(float(presence[0]), -50, 50))))
    points = np.mean(fits, 0)
    return np.vstack([points, np.zeros((478 - len(points), 3))]), float(np.mean(presences))


@functools.cache
def _mirror() -> NDArray[np.intp]:
    """Index of each mesh point's partner on the other half of the face."""
    text = (files("mien.portrait") / "data" / "mesh_mirror.json").read_text(encoding="utf-8")
    return np.array(json.loads(text), np.intp)


def eyes_refined(image: ByteArray, points: Points) -> Points:
    """Lids and irises from the iris net, which sees each eye at 64 px. It knows right eyes; left ones go mirrored."""
    refined = points.copy()
    for side, lids, first in (("Right", RIGHT_EYE, 468), ("Left", LEFT_EYE, 473)):
        contour, iris = _eye(image, points[lids[0]], points[lids[8]], side == "Left")
        depth = points[list(lids), 2].mean()
        refined[list(lids), :2] = contour[:16, :2]
        refined[first : first + 5, :2] = iris[:, :2]
        refined[first : first + 5, 2] = depth
        for rim, second, third in (UPPER_LID[side], LOWER_LID[side]):
            moved = refined[list(rim), :2] - points[list(rim), :2]  # the rows around follow, or they would cross
            refined[list(second), :2] += 0.6 * moved
            refined[list(third), :2] += 0.25 * moved
    return refined


def _eye(image: ByteArray, outer: Points, inner: Points, mirrored: bool) -> tuple[Points, Points]:
    net = network("iris_landmark")
    axis = (outer - inner if mirrored else inner - outer)[:2]
    crop, affine = _cut(image, ((outer + inner) / 2)[:2], 2.3 * float(np.linalg.norm(axis)), _angle(axis), net.side)
    if mirrored:
        crop = crop[:, ::-1]
    iris, contour = (a.reshape(-1, 3).astype(np.float64) for a in sorted(net(crop / np.float32(255)), key=np.size))
    if mirrored:
        iris[:, 0], contour[:, 0] = net.side - iris[:, 0], net.side - contour[:, 0]
    return _back(contour, affine), _back(iris, affine)


def _cut(image: ByteArray, centre: Points, side: float, angle: float, size: int) -> tuple[ByteArray, Points]:
    """A turned square of the picture, size × size, and the (2, 3) matrix from picture pixels to crop positions.

    Nets count positions from the crop's edge, so a pixel's centre is at its index plus one half.
    """
    scale = size / max(side, 1e-6)
    linear = _rotation(angle) * scale
    affine = np.column_stack([linear, size / 2 - linear @ centre])
    to_pixels = affine - [[0, 0, 0.5], [0, 0, 0.5]]
    source, matrix = image, to_pixels
    if scale < 0.5:  # Bilinear sampling would alias: shrink the neighbourhood by area first.
        source, matrix = _shrunk(image, to_pixels, centre, side, scale)
    crop = cv2.warpAffine(source, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(crop, np.uint8), affine


def _shrunk(image: ByteArray, matrix: Points, centre: Points, side: float, scale: float) -> tuple[ByteArray, Points]:
    factor = int(1 / scale)
    x0, y0 = np.maximum(np.floor(centre - 0.75 * side).astype(int), 0)
    x1, y1 = np.maximum(np.ceil(centre + 0.75 * side).astype(int), [x0 + factor, y0 + factor])
    part = image[y0:y1, x0:x1]
    height, width = part.shape[0] // factor, part.shape[1] // factor
    if height == 0 or width == 0:
        return image, matrix
    part = part[: height * factor, : width * factor]
    small = cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA)
    to_image = np.array([[factor, 0, x0 + (factor - 1) / 2], [0, factor, y0 + (factor - 1) / 2], [0, 0, 1.0]])
    return np.asarray(small, np.uint8), matrix @ to_image


def _back(found: NDArray[np.floating[Any]], affine: Points) -> Points:
    """Positions in a crop as picture pixels; z keeps its sign and takes the same scale."""
    linear = affine[:, :2]
    scale = float(np.sqrt(abs(np.linalg.det(linear))))
    flat = (found[:, :2] - affine[:, 2]) @ np.linalg.inv(linear).T
    return np.column_stack([flat, found[:, 2] / scale]).astype(np.float64)


def _angle(axis: Points) -> float:
    return float(np.arctan2(axis[1], axis[0]))


def _rotation(angle: float) -> Points:
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, s], [-s, c]])
