"""How much of a picture becomes the avatar's texture, and at what size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.errors import UsageError
from mien.portrait.find.features import eye_centres, eye_distance
from mien.portrait.image import Picture
from mien.types import ByteArray, FloatArray

CROPS: Final = ("auto", "none", "head", "bust")
MAX_SIDE: Final = 2048
"""Longest side of a texture, pixels."""
MAX_EYE_DISTANCE: Final = 360.0
"""More than this shows in no film and costs time in every frame, pixels."""

_EXTENT: Final = {
    # left and right, up, down from between the eyes, in eye distances (63 mm on a person). A head with hair reaches
    # 2.5 to 3 up (an afro 3.5), the chin 2 down, shoulders 3.7 to each side.
    "auto": (6.2, 3.9, 6.4),  # a 16:9 picture of 7 × 12.4 and a 9:16 one of 10.2 × 5.8 both fit in
    "bust": (4.3, 3.6, 5.4),
    "head": (2.7, 3.2, 3.0),
}


@dataclass(frozen=True, slots=True)
class Texture:
    """A piece of a picture at its final size.

    rgb: uint8, (h, w, 3). matte: float32, (h, w), from the file's alpha, or None. crop: as resolved, one of
    "none", "head", "bust". box: x, y, w, h in pixels of the source. points: float64, (478, 3), pixels of rgb.
    """

    rgb: ByteArray
    matte: FloatArray | None
    crop: str
    box: tuple[int, int, int, int]
    points: NDArray[np.float64]


def cut_texture(picture: Picture, points: NDArray[np.floating[Any]], crop: str = "auto") -> Texture:
    """Cut the surroundings of a face out of its picture; shrink what is larger than needed, never enlarge.

    points: float, (478, 3), pixels of ``picture.rgb``. crop: "auto" takes what the framings of a film can use,
    "none" the whole picture. Raises UsageError for an unknown crop.
    """
    height, width = picture.rgb.shape[:2]
    x, y, w, h = crop_box(points, width, height, crop)
    scale = texture_scale(w, h, eye_distance(points))
    part = picture.rgb[y : y + h, x : x + w]
    matte = None if picture.matte is None else picture.matte[y : y + h, x : x + w]
    moved = np.asarray(points, np.float64) - [x, y, 0]
    if scale < 1:
        size = (max(1, round(w * scale)), max(1, round(h * scale)))
        part = np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_AREA), np.uint8)
        matte = None if matte is None else _shrink(matte, size)
        ratio = np.array([size[0] / w, size[1] / h])
        moved = np.column_stack([(moved[:, :2] + 0.5) * ratio - 0.5, moved[:, 2] * ratio.mean()])
    box = (round(x / picture.scale), round(y / picture.scale), round(w / picture.scale), round(h / picture.scale))
    resolved = "none" if (w, h) == (width, height) else "bust" if crop == "auto" else crop
    return Texture(np.ascontiguousarray(part), matte, resolved, box, moved)


def crop_box(
    points: NDArray[np.floating[Any]], width: int, height: int, crop: str = "auto"
) -> tuple[int, int, int, int]:
    """x, y, w, h of the texture, inside the picture."""
    if crop not in CROPS:
        raise UsageError(f"There is no crop '{crop}'.", hint=f"Choose one of {', '.join(CROPS)}.")
    if crop == "none":
        return 0, 0, width, height
    right, left = eye_centres(points)
    centre, unit = (right + left)[:2] / 2, eye_distance(points)
    side, up, down = (unit * n for n in _EXTENT[crop])
    # A turned head keeps its back of the head inside: the middle of the mesh moves there faster than the eyes.
    middle = (centre[0] + float(points[:468, 0].mean())) / 2
    x0, x1 = max(0, int(middle - side)), min(width, int(np.ceil(middle + side)))
    y0, y1 = max(0, int(centre[1] - up)), min(height, int(np.ceil(centre[1] + down)))
    return x0, y0, max(1, x1 - x0), max(1, y1 - y0)


def texture_scale(width: int, height: int, unit: float) -> float:
    """Factor ≤ 1 that brings a box with an eye distance of ``unit`` pixels down to the size of a texture."""
    return min(1.0, MAX_SIDE / max(width, height), MAX_EYE_DISTANCE / max(unit, 1e-6))


def _shrink(matte: FloatArray, size: tuple[int, int]) -> FloatArray:
    return np.asarray(cv2.resize(matte, size, interpolation=cv2.INTER_AREA), np.float32)
