"""A still picture over which a camera moves: what documentaries do with photographs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from mien.stage.layer import Patch
from mien.stage.layers.pictures import read_picture
from mien.types import ByteArray

Point = tuple[float, float]

FINEST: Final = 1.25
"""Pixels of the picture kept for one of the canvas, at the closest: more is not seen while it moves."""


@dataclass(frozen=True, slots=True)
class Shot:
    """What the camera sees. zoom: 1 = the whole box is just filled. at: 0…1 of the way from left to right and from top
    to bottom that there is at this zoom; (0.5, 0.5) is the middle.
    """

    zoom: float = 1.0
    at: Point = (0.5, 0.5)


class Panning:
    """From one shot to another between two ticks, at rest before and after; eased at both ends."""

    def __init__(
        self, picture: Path | ByteArray, box: tuple[int, int, int, int], shots: tuple[Shot, Shot],
        span: tuple[int, int], *, alpha: bool = False,
    ) -> None:  # fmt: skip
        """picture: a file, or uint8 (h, w, 3 or 4). box: x, y, width, height on the canvas. span: ticks. alpha: what is
        transparent in a file stays so. Raises InputError for a file that is no picture.
        """
        self._alpha = alpha if isinstance(picture, Path) else picture.shape[2] == 4
        self._x, self._y, self._width, self._height = box
        self._shots, self._span = shots, span
        closest = max(shot.zoom for shot in shots)
        self._picture = four_channels(self._read(picture, closest) if isinstance(picture, Path) else picture)

    def at(self, tick: int) -> Patch:
        """The box, filled."""
        start, end = self._span
        part = min(max((tick - start) / max(1, end - start), 0.0), 1.0)
        eased = part * part * (3 - 2 * part)
        return Patch(self._x, self._y, self._seen(eased), round(eased * 2**30))

    def _read(self, path: Path, closest: float) -> ByteArray:
        from PIL import Image

        scale = FINEST * closest
        width, height = round(self._width * scale), round(self._height * scale)
        try:
            with Image.open(path) as opened:
                shape = opened.size[::-1] if opened.getexif().get(274, 1) >= 5 else opened.size
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            shape = (1, 1)  # reading it tells what is wrong
        larger = max(width / shape[0], height / shape[1])
        if larger < 1:  # all of the picture, so that there is somewhere to pan to
            width, height = max(width, round(shape[0] * larger)), max(height, round(shape[1] * larger))
        elif shape != (1, 1):
            width, height = shape
        return read_picture(path, width, height)

    def _seen(self, part: float) -> ByteArray:
        import cv2

        high, wide = self._picture.shape[:2]
        (a, b) = self._shots
        zoom = a.zoom * (b.zoom / a.zoom) ** part  # an even zoom multiplies
        scale = max(self._width / wide, self._height / high) * zoom
        x, y = (a.at[i] + (b.at[i] - a.at[i]) * part for i in range(2))
        left, top = (wide * scale - self._width) * x, (high * scale - self._height) * y
        # pixel centres of the canvas to pixel centres of the picture
        back = np.array([[1 / scale, 0, (left + 0.5) / scale - 0.5], [0, 1 / scale, (top + 0.5) / scale - 0.5]])
        seen = cv2.warpAffine(
            self._picture, back, (self._width, self._height),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE,
        )  # fmt: skip
        return np.asarray(seen if self._alpha else cv2.cvtColor(seen, cv2.COLOR_RGBA2RGB), np.uint8)


def four_channels(pixels: ByteArray) -> ByteArray:
    """The picture with alpha, uint8 (h, w, 4): OpenCV moves and scales those in a third of the time of three."""
    import cv2

    return pixels if pixels.shape[2] == 4 else np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2RGBA), np.uint8)
