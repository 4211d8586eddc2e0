"""Whether a label that Mien writes stands in a picture's corner: a hint, and no proof."""

from __future__ import annotations

from typing import Final

import numpy as np

from mien.stage.label import AUTO, paint
from mien.types import ByteArray, FloatArray

_ALIKE: Final = 0.55  # normalised correlation of the edges
_SCALES: Final = (0.5, 0.66, 0.75, 0.88, 0.95, 1.0, 1.05, 1.12, 1.33, 1.5)


def label(picture: FloatArray | None) -> str:
    """The words that are found, "" = none. picture: float32 (h, w), mean luma of a film or a still picture."""
    import cv2

    if picture is None or min(picture.shape) < 128:
        return ""
    height, width = picture.shape
    corner = picture[round(0.75 * height) :, round(0.4 * width) :]
    best, words = 0.0, ""
    for text in dict.fromkeys(AUTO.values()):
        letters = _luma(paint(text, width, height))
        for scale in _SCALES:
            wanted = np.asarray(cv2.resize(letters, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.float32)
            if wanted.shape[0] >= corner.shape[0] or wanted.shape[1] >= corner.shape[1]:
                continue
            alike = float(cv2.matchTemplate(_edges(corner), _edges(wanted), cv2.TM_CCOEFF_NORMED).max())
            if alike > best:
                best, words = alike, text
    return words if best >= _ALIKE else ""


def _luma(pixels: ByteArray) -> FloatArray:
    """The words as they look on grey."""
    alpha = pixels[..., 3].astype(np.float32) / 255
    return np.asarray(pixels[..., 1] * alpha + 110 * (1 - alpha), np.float32)


def _edges(picture: FloatArray) -> FloatArray:
    import cv2

    fine: FloatArray = np.asarray(picture - cv2.GaussianBlur(picture, (0, 0), 3), np.float32)
    clipped: FloatArray = np.clip(fine, -40, 40)
    return clipped
