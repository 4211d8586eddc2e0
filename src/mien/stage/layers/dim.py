"""A layer made darker."""

from __future__ import annotations

from mien.stage.layer import Layer, Patch


class Dimmed:
    """The layer, darker by a share of 0…1. Its pixels are opaque."""

    def __init__(self, layer: Layer, share: float) -> None:
        self._layer, self._light = layer, 1.0 - share
        self._last: tuple[Patch, Patch] | None = None

    def at(self, tick: int) -> Patch | None:
        """The patch, darker."""
        import cv2
        import numpy as np

        patch = self._layer.at(tick)
        if patch is None:
            return None
        if self._last is None or self._last[0].version != patch.version:
            pixels = np.asarray(cv2.convertScaleAbs(patch.pixels, alpha=self._light), np.uint8)
            self._last = patch, Patch(patch.x, patch.y, pixels, patch.version)
        return self._last[1]
