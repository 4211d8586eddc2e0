"""Pictures to the planes that video encoders take, by ITU-R BT.709 (HD video), limited range.

OpenCV's own RGB → YUV conversions use BT.601 and would tint every face; its general 3×4 colour transform is exact to
one level and faster than libswscale.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.types import ByteArray

_KR: Final = 0.2126  # BT.709-6, item 3.2: luma weights of red and blue
_KB: Final = 0.0722


def rgb_to_yuv_matrix(kr: float = _KR, kb: float = _KB) -> NDArray[np.float64]:
    """(3, 4): 8-bit R'G'B' (0…255) to Y'CbCr with Y' in 16…235 and chroma in 16…240 about 128.

    kr, kb: luma weights of red and blue, BT.709's unless given.
    """
    luma = np.array([kr, 1.0 - kr - kb, kb])
    blue = (np.array([0.0, 0.0, 1.0]) - luma) / (2.0 * (1.0 - kb))
    red = (np.array([1.0, 0.0, 0.0]) - luma) / (2.0 * (1.0 - kr))
    scaled = np.stack([luma * 219.0, blue * 224.0, red * 224.0]) / 255.0
    return np.column_stack([scaled, [16.0, 128.0, 128.0]])


class Yuv420:
    """Converts pictures of one size to planar 4:2:0. Keeps its working memory; not thread-safe.

    Chroma is the mean of each 2×2 block (siting: centre).
    """

    def __init__(self, width: int, height: int, matrix: NDArray[np.float64] | None = None) -> None:
        """matrix: as :func:`rgb_to_yuv_matrix` gives it, BT.709 by default."""
        if width % 2 or height % 2:
            raise ValueError("4:2:0 needs even sizes")
        self._matrix = rgb_to_yuv_matrix() if matrix is None else matrix
        self._full = np.empty((height, width, 3), np.uint8)
        self._half = np.empty((height // 2, width // 2, 3), np.uint8)

    def planes(self, rgb: ByteArray, luma: ByteArray, blue: ByteArray, red: ByteArray) -> None:
        """rgb: uint8 (h, w, 3). Written: luma uint8 (h, w), blue and red uint8 (h/2, w/2); rows may be padded."""
        import cv2

        cv2.transform(rgb, self._matrix, self._full)
        cv2.resize(self._full, self._half.shape[1::-1], dst=self._half, interpolation=cv2.INTER_AREA)
        cv2.extractChannel(self._full, 0, luma)
        cv2.extractChannel(self._half, 1, blue)
        cv2.extractChannel(self._half, 2, red)
