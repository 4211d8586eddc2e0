"""How wide and how far real lips open in a film: the truth that driven lips are scored against.

Every picture is looked at for itself by the 478-point net of ``face_landmarker.task``, which no part of Mien moves a
mouth with; only the crop follows the face from picture to picture. No landmark is filtered: smoothing would make lips
late (MediaPipe's own video mode lags its image mode by 15 ms in aperture and 37 ms in width).
"""

from __future__ import annotations

import functools
import io
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien.portrait.find.nets import Network
from mien.types import ByteArray

Points = NDArray[np.float64]

LANDMARKER: Final = "face_landmarker"
EYE_DISTANCE_MM: Final = 63.0
"""What the distance between the eyes is taken to be, so that lips can be told in millimetres."""
INNER_LIPS: Final = ((82, 87), (13, 14), (312, 317))
"""Upper and lower inner rim, right of the middle, in the middle, left of it."""
CORNERS: Final = (61, 291)
_EYES: Final = ((33, 133), (263, 362))
_NET: Final = "face_landmarks_detector.tflite"
_MAX_BYTES: Final = 32 << 20
_SIDE: Final = 1.5
"""Side of the crop over the longer side of the face: the margin the net was trained with."""
_SIZES: Final = (0.94, 1.0, 1.06)
"""Crops per picture, relative to that; their mean is steadier than one."""
_PRESENT: Final = 0.5
_SCALE_SECONDS: Final = 1.0
"""Over so long the median distance between the eyes is taken: faces come nearer, but do not grow from one picture to
the next."""


@dataclass(frozen=True)
class LipTrack:
    """Lips of a film, picture by picture.

    times: seconds at which each picture is shown, float64, (n,). aperture_mm: gap of the inner lips, mean of three
    pairs, (n,). width_mm: between the corners of the mouth, (n,). Both float64, on a face with 63 mm between the eyes,
    NaN where no face is seen. turn: yaw of the face, radians, (n,).
    """

    times: NDArray[np.float64]
    aperture_mm: NDArray[np.float64]
    width_mm: NDArray[np.float64]
    turn: NDArray[np.float64]

    @property
    def missing(self) -> int:
        """Pictures without a face."""
        return int(np.isnan(self.aperture_mm).sum())


def lip_track(path: Path, task: Path | None = None) -> LipTrack:
    """Lips of the largest face of a film.

    task: ``face_landmarker.task`` (default: the one pulled as the model file "face_landmarker").
    Raises InputError for what is no film or shows no face, MissingError without the net.
    """
    from mien.lab.evaluate.decode import pictures

    return track_lips(pictures(path), landmark_net(task), path.name)


def track_lips(shown: Iterable[tuple[float, ByteArray]], net: Network, name: str = "The film") -> LipTrack:
    """Lips of the largest face in (seconds, uint8 (h, w, 3) RGB) pictures. Raises InputError when none is seen."""
    times: list[float] = []
    found: list[Points] = []
    crop: _Crop | None = None
    for time, picture in shown:
        points = None if crop is None else _look(picture, crop, net)
        if points is None:
            points = _search(picture, net)
        crop = None if points is None else _around(points)
        times.append(time)
        found.append(np.full((478, 3), np.nan) if points is None else points)
    if not times or np.isnan(np.array(found)).all():
        raise InputError(f"{name} shows no face that could be followed.", hint="Give a film of somebody who talks.")
    return _measured(np.array(times), np.array(found))


@functools.lru_cache(maxsize=4)
def landmark_net(task: Path | None = None) -> Network:
    """The 478-point net out of ``face_landmarker.task`` (a zip archive). Raises InputError, MissingError."""
    from mien import models

    path = task if task is not None else models.path(LANDMARKER)
    try:
        with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as archive:
            if archive.getinfo(_NET).file_size > _MAX_BYTES:
                raise KeyError(_NET)
            return Network(content=archive.read(_NET))
    except (OSError, KeyError, zipfile.BadZipFile):
        raise InputError(
            f"{path} is not MediaPipe's face landmarker.", hint="Give the file face_landmarker.task."
        ) from None


@dataclass(frozen=True, slots=True)
class _Crop:
    """A turned square. centre: (2,), pixels. side: pixels. turn: radians."""

    centre: Points
    side: float
    turn: float


def _around(points: Points) -> _Crop:
    """The crop that a mesh asks for: its box in its own upright axes."""
    axis = points[263, :2] - points[33, :2]
    turn = float(np.arctan2(axis[1], axis[0]))
    rotation = _rotation(turn)
    upright = points[:468, :2] @ rotation.T
    low, high = upright.min(0), upright.max(0)
    return _Crop((low + high) / 2 @ rotation, _SIDE * float((high - low).max()), turn)


def _search(picture: ByteArray, net: Network) -> Points | None:
    """The largest face of a picture: found by our own detector, then looked at as it will be followed."""
    from mien.portrait.find.faces import find_faces

    faces, _ = find_faces(picture)
    return _look(picture, _around(faces[0].points), net) if faces else None


def _look(picture: ByteArray, crop: _Crop, net: Network) -> Points | None:
    """478 points in picture pixels (depth in the same unit), float64 (478, 3), or None where the net sees no face."""
    found = [_look_once(picture, _Crop(crop.centre, crop.side * size, crop.turn), net) for size in _SIZES]
    seen = [points for points in found if points is not None]
    return np.asarray(np.mean(seen, 0)) if len(seen) == len(found) else None


def _look_once(picture: ByteArray, crop: _Crop, net: Network) -> Points | None:
    scale = net.side / max(crop.side, 1e-6)
    linear = _rotation(crop.turn) * scale
    shift = net.side / 2 - linear @ crop.centre
    to_pixels = np.column_stack([linear, shift - 0.5])
    source = picture if scale > 0.7 else _shrunk(picture, crop, to_pixels)
    cut = cv2.warpAffine(
        source, to_pixels, (net.side, net.side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    outputs = net(np.asarray(cut, np.float32) / np.float32(255))
    points = max(outputs, key=np.size).reshape(478, 3).astype(np.float64)
    if 1 / (1 + np.exp(-float(np.clip(outputs[1][0], -50, 50)))) < _PRESENT:
        return None
    flat = (points[:, :2] - shift) @ np.linalg.inv(linear).T
    return np.column_stack([flat, points[:, 2] / scale])


def _shrunk(picture: ByteArray, crop: _Crop, matrix: Points) -> ByteArray:
    """The picture blurred, around the crop only, as much as shrinking asks for."""
    reach = crop.side
    x0, y0 = np.maximum(np.floor(crop.centre - reach).astype(int), 0)
    x1, y1 = np.ceil(crop.centre + reach).astype(int)
    out = np.zeros_like(picture)
    scale = float(np.hypot(matrix[0, 0], matrix[0, 1]))
    out[y0:y1, x0:x1] = cv2.GaussianBlur(picture[y0:y1, x0:x1], (0, 0), 0.35 / scale)
    return out


def _rotation(angle: float) -> Points:
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, s], [-s, c]])


def _measured(times: NDArray[np.float64], points: Points) -> LipTrack:
    """Lengths in three dimensions, so that a turned head narrows neither its mouth nor its eyes."""
    right, left = (points[:, pair].mean(1) for pair in map(list, _EYES))
    across = left - right
    unit = EYE_DISTANCE_MM / _running_median(np.linalg.norm(across, axis=1), times)
    gaps = [np.linalg.norm(points[:, low] - points[:, up], axis=1) for up, low in INNER_LIPS]
    width = np.linalg.norm(points[:, CORNERS[1]] - points[:, CORNERS[0]], axis=1)
    turn = np.arctan2(across[:, 2], np.hypot(across[:, 0], across[:, 1]))
    return LipTrack(times, np.mean(gaps, 0) * unit, width * unit, turn)


def _running_median(values: NDArray[np.float64], times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Median over :data:`_SCALE_SECONDS` around each moment; NaN where there is no value."""
    first = np.searchsorted(times, times - _SCALE_SECONDS / 2)
    last = np.searchsorted(times, times + _SCALE_SECONDS / 2, side="right")
    return np.array(
        [
            np.nan if np.isnan(value) else np.nanmedian(values[a:b])
            for value, a, b in zip(values, first, last, strict=True)
        ]
    )
