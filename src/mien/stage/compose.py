"""Putting the person in front of the background."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mien.stage.background import Backdrop
from mien.types import ByteArray

Compose = Callable[[int, ByteArray], ByteArray]
"""Tick and a canvas's picture → the picture that is shown."""


class Compositor:
    """Lays RGBA pictures with straight alpha over a backdrop.

    Blends the gamma-encoded 8-bit values as they are, as browsers, OBS and editing programs do by default, so that a
    film composed here equals the transparent film composed there. Result = (fg·a + bg·(255 − a)) / 255, rounded.
    """

    def __init__(self, backdrop: Backdrop) -> None:
        self._backdrop = backdrop
        self._blend = _blender()

    def __call__(self, tick: int, pixels: ByteArray) -> ByteArray:
        """pixels: uint8 (h, w, 4) → uint8 (h, w, 3)."""
        out = np.empty((*pixels.shape[:2], 3), np.uint8)
        self._blend(pixels.reshape(-1, 4), self._backdrop(tick).reshape(-1, 3), out.reshape(-1, 3))
        return out


def _blender() -> Callable[[ByteArray, ByteArray, ByteArray], None]:
    from mien.stage.blend import blend

    return blend
