"""A person in a picture: in a rectangle, in a circle, or cut out, with a shadow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from mien.stage.layer import Patch
from mien.types import ByteArray, FloatArray

SHAPES: Final = ("rectangle", "circle", "bust", "full")
"""In a box with round corners; in a circle; cut out from the background; filling the canvas."""
_DARK: Final = 0.45
"""Opacity of a shadow at its middle."""

FADES: Final = 0.12
"""Share of a box's width over which a person who is cut off by its edge fades out."""
Edges = tuple[bool, bool, bool]

Picturing = Callable[[int], ByteArray]
"""Tick → the person's picture, uint8 (h, w, 3), or (h, w, 4) cut out."""


class Person:
    """A layer that shows what somebody else draws.

    mask: uint8 (h, w), what of the box is seen, None = all; a picture's own alpha counts as well.
    """

    def __init__(self, drawn: Picturing, x: int, y: int, mask: ByteArray | None = None) -> None:
        self._drawn, self._x, self._y, self._mask = drawn, x, y, mask

    def at(self, tick: int) -> Patch:
        """The person then."""
        pixels = self._drawn(tick)
        return Patch(self._x, self._y, pixels if self._mask is None else masked(pixels, self._mask), tick)


def masked(pixels: ByteArray, mask: ByteArray) -> ByteArray:
    """The picture where a mask lets it through, uint8 (h, w, 4)."""
    import cv2

    out = np.empty((*mask.shape, 4), np.uint8)
    out[..., :3] = pixels[..., :3]
    if pixels.shape[2] == 4:
        out[..., 3] = cv2.multiply(np.ascontiguousarray(pixels[..., 3]), mask, scale=1 / 255)
    else:
        out[..., 3] = mask
    return out


def fading(width: int, height: int, edges: Edges, share: float = FADES) -> ByteArray | None:
    """A mask that fades out towards some edges of a box, so that a person ends there softly; None = towards none.

    edges: which of left, right and bottom.
    """
    across, down = np.ones(width, np.float32), np.ones(height, np.float32)
    if not any(edges):
        return None
    reach = max(1, round(share * width))
    ramp = np.linspace(0, 1, min(reach, width), dtype=np.float32)
    ramp = ramp * ramp * (3 - 2 * ramp)
    if edges[0]:
        across[: len(ramp)] *= ramp
    if edges[1]:
        across[-len(ramp) :] *= ramp[::-1]
    if edges[2]:
        down[-min(reach, height) :] *= ramp[::-1][-min(reach, height) :]
    return np.asarray(np.rint(255 * down[:, None] * across[None, :]), np.uint8)


def mask_of(shape: str, width: int, height: int, radius: float = 0.0) -> ByteArray | None:
    """What of a box is seen, uint8 (height, width), edges smooth; None = all or the picture's own alpha.

    shape: one of :data:`SHAPES`. radius: of a rectangle's corners, pixels.
    """
    if shape == "circle":
        return _rounded(width, height, min(width, height) / 2)
    if shape == "rectangle" and radius > 0:
        return _rounded(width, height, min(radius, width / 2, height / 2))
    return None


def shadow(alpha: ByteArray, blur: float) -> tuple[ByteArray, int]:
    """The soft shadow of a shape, uint8 (h + 2 m, w + 2 m, 4), and m, the margin around the shape.

    alpha: uint8 (h, w). blur: standard deviation, pixels.
    """
    import cv2

    margin = int(3 * blur) + 1
    soft = cv2.GaussianBlur(
        cv2.copyMakeBorder(alpha, margin, margin, margin, margin, cv2.BORDER_CONSTANT, value=0), (0, 0), blur
    )
    out = np.zeros((*soft.shape, 4), np.uint8)
    out[..., 3] = np.rint(soft * _DARK)
    return out, margin


def _rounded(width: int, height: int, radius: float) -> ByteArray:
    """A box with round corners: distance to its edge, clipped to a pixel."""
    far_x = _beyond(width, radius)
    far_y = _beyond(height, radius)
    outside = np.hypot(far_x[None, :], far_y[:, None]) - radius
    return np.asarray(np.rint(np.clip(0.5 - outside, 0, 1) * 255), np.uint8)


def _beyond(length: int, radius: float) -> FloatArray:
    """How far each pixel's centre lies beyond the middles of the two corners of an edge."""
    centre = np.arange(length) + 0.5
    return np.asarray(np.maximum(np.maximum(radius - centre, centre - (length - radius)), 0), np.float32)
