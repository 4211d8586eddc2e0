"""What ``face_landmarker.task`` sees in a driving film: 52 blendshapes and the head's angles, picture by picture.

Nothing of this takes part in following a face (only where the file was pulled does the follower use its landmark net).
The head's angles are a weighted orthogonal Procrustes fit of the file's own canonical face to its 478 points, the way
MediaPipe's geometry pipeline poses a head, without the camera's perspective.
"""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError, MissingError
from mien.portrait.find.nets import Network
from mien.types import ARKIT_SHAPES, SHAPE_INDEX, ByteArray, FloatArray

Array = NDArray[np.float64]

LANDMARKER: Final = "face_landmarker"
_POINTS: Final = (
    0, 1, 4, 5, 6, 7, 8, 10, 13, 14, 17, 21, 33, 37, 39, 40, 46, 52, 53, 54, 55, 58, 61, 63, 65, 66, 67, 70, 78, 80, 81,
    82, 84, 87, 88, 91, 93, 95, 103, 105, 107, 109, 127, 132, 133, 136, 144, 145, 146, 148, 149, 150, 152, 153, 154,
    155, 157, 158, 159, 160, 161, 162, 163, 168, 172, 173, 176, 178, 181, 185, 191, 195, 197, 234, 246, 249, 251, 263,
    267, 269, 270, 276, 282, 283, 284, 285, 288, 291, 293, 295, 296, 297, 300, 308, 310, 311, 312, 314, 317, 318, 321,
    323, 324, 332, 334, 336, 338, 356, 361, 362, 365, 373, 374, 375, 377, 378, 379, 380, 381, 382, 384, 385, 386, 387,
    388, 389, 390, 397, 398, 400, 402, 405, 409, 415, 454, 466, 468, 469, 470, 471, 472, 473, 474, 475, 476, 477,
)  # fmt: skip
"""The 146 of the 478 points that the blendshape net takes."""
_NAMES: Final = tuple(sorted(set(ARKIT_SHAPES) - {"tongueOut"}))
"""Its outputs after the first, which is "neutral": alphabetical, and without a tongue."""
_MAX_BYTES: Final = 32 << 20


@dataclass(frozen=True)
class Reference:
    """times: seconds, (n,). shapes: float32 (n, 52) as ARKIT_SHAPES, NaN where no face is seen. head: float64 (n, 3),
    yaw, pitch, roll in radians, signs as in FaceClip. points: float32 (n, 478, 3), picture pixels."""

    times: Array
    shapes: FloatArray
    head: Array
    points: FloatArray


class Landmarker:
    """The three parts of ``face_landmarker.task`` that are used here.

    task: the file; default the one pulled. Raises MissingError without it, InputError for another file.
    """

    def __init__(self, task: Path | None = None) -> None:
        from mien import models

        path = task or models.cached(LANDMARKER)
        if path is None:
            raise MissingError(
                "The reference needs the model file 'face_landmarker'.",
                hint="mien models pull face_landmarker --from face_landmarker.task",
                code="missing.model",
            )
        parts = _parts(path)
        self.landmarks = Network(content=parts["face_landmarks_detector.tflite"])
        self._blendshapes = Network(content=parts["face_blendshapes.tflite"])
        self._canonical, self._weights = _canonical(parts["geometry_pipeline_metadata_landmarks.binarypb"])

    def shapes(self, points: NDArray[np.floating]) -> FloatArray:
        """Blendshapes of one face, float32 (52,), from its 478 points in picture pixels."""
        found = self._blendshapes(np.asarray(points)[list(_POINTS), :2])[0]
        out = np.zeros(len(ARKIT_SHAPES), np.float32)
        out[[SHAPE_INDEX[name] for name in _NAMES]] = found[1:]
        return out

    def angles(self, points: NDArray[np.floating]) -> Array:
        """Yaw, pitch and roll of one face, radians, (3,)."""
        seen = np.asarray(points, np.float64)[:468] * (1, -1, -1)
        weight = self._weights[:, None]
        a = self._canonical - (self._canonical * weight).sum(0) / weight.sum()
        b = seen - (seen * weight).sum(0) / weight.sum()
        u, _, vt = np.linalg.svd((b * weight).T @ a)
        rotation = u @ np.diag([1, 1, np.sign(np.linalg.det(u @ vt))]) @ vt
        yaw = np.arctan2(rotation[0, 2], rotation[2, 2])
        pitch = -np.arcsin(np.clip(rotation[1, 2], -1, 1))
        return np.array([yaw, pitch, np.arctan2(rotation[1, 0], rotation[1, 1])])


def refer(shown: Iterator[tuple[float, ByteArray]], landmarker: Landmarker) -> Reference:
    """Look at every picture, (seconds, uint8 (h, w, 3) RGB)."""
    from mien.portrait.find.follow import FaceFollower

    follower = FaceFollower(landmarker.landmarks)
    times, shapes, head, points = [], [], [], []
    for time, picture in shown:
        seen = follower.look(picture)
        times.append(time)
        shapes.append(np.full(len(ARKIT_SHAPES), np.nan, np.float32) if seen is None else landmarker.shapes(seen))
        head.append(np.full(3, np.nan) if seen is None else landmarker.angles(seen))
        points.append(np.full((478, 3), np.nan) if seen is None else seen)
    return Reference(np.array(times), np.array(shapes), np.array(head), np.array(points, np.float32))


def _parts(path: Path) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as archive:
            small = [info for info in archive.infolist() if info.file_size <= _MAX_BYTES]
            parts = {info.filename: archive.read(info) for info in small}
            parts["face_landmarks_detector.tflite"]
            return parts
    except (OSError, KeyError, zipfile.BadZipFile):
        raise InputError(
            f"{path} is not MediaPipe's face landmarker.", hint="Give the file face_landmarker.task."
        ) from None


def _canonical(metadata: bytes) -> tuple[Array, Array]:
    """The canonical face (468, 3), x right, y up, z to the viewer, and how much each point counts for the pose.

    The file is a protocol buffer: field 1 the mesh, whose field 3 are x, y, z, u, v of every vertex; every field 2 a
    vertex (1) and its weight (2).
    """
    vertices: list[float] = []
    weights = np.zeros(468)
    for number, value in _fields(metadata):
        if number == 1 and isinstance(value, bytes):
            vertices = [v for n, v in _fields(value) if n == 3 and isinstance(v, float)]
        elif number == 2 and isinstance(value, bytes):
            entry = dict(_fields(value))
            weights[int(entry.get(1, 0))] = float(entry.get(2, 0.0))
    return np.array(vertices).reshape(468, 5)[:, :3], weights


def _fields(data: bytes) -> Iterator[tuple[int, int | float | bytes]]:
    """Number and value of every field of a protocol buffer message."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        kind = key & 7
        if kind == 0:
            value, at = _varint(data, at)
            yield key >> 3, value
        elif kind == 5:
            yield key >> 3, struct.unpack_from("<f", data, at)[0]
            at += 4
        elif kind == 2:
            size, at = _varint(data, at)
            yield key >> 3, data[at : at + size]
            at += size
        else:
            raise InputError("The face landmarker's canonical face cannot be read.")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at
