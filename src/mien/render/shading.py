"""Folds and shading: the texture brightens and darkens with the shapes before it is warped."""

from __future__ import annotations

import cv2
import numpy as np

from mien.avatar import Avatar
from mien.render.base import Placement
from mien.render.raster import mix, shade
from mien.types import SHAPE_INDEX, ByteArray, FloatArray

LIMIT = 0.45  # of the log gain, however many folds meet
WARMTH = (0.80, 1.05, 1.15)
"""How strongly red, green and blue follow the gain: shadow on skin is warm, for red light scatters back out of it."""


class Shading:
    """Fold maps of a canvas."""

    def __init__(self, avatar: Avatar, placement: Placement) -> None:
        extra = avatar.manifest.extra["shading"]
        names = list(extra["shapes"])
        maps = np.asarray(avatar.arrays["shading"], np.float32) * np.float32(extra["full_scale"] / LIMIT)  # in codes
        self.columns = np.array([SHAPE_INDEX.get(n, -1) for n in names])
        self.maps = np.ascontiguousarray(maps.reshape(len(names), -1))
        self.cells = maps.shape[1:]
        x, y, w, h = (float(v) * placement.scale for v in extra["box"])
        left, top = x + placement.x, y + placement.y
        self.box = (
            max(0, int(np.floor(left))), max(0, int(np.floor(top))),
            min(placement.width, int(np.ceil(left + w))), min(placement.height, int(np.ceil(top + h))),
        )  # fmt: skip
        gain = np.exp((np.arange(256)[:, None] - 128) / 127 * LIMIT) - 1
        self.table = np.ascontiguousarray((4096 * (1 + gain * WARMTH)).round(), dtype=np.int32)
        cw, ch = w / self.cells[1], h / self.cells[0]
        self.matrix = np.array([[cw, 0, left + cw / 2 - 0.5 - self.box[0]], [0, ch, top + ch / 2 - 0.5 - self.box[1]]])

    def apply(self, source: ByteArray, out: ByteArray, shapes: FloatArray) -> bool:
        """Write the shaded box of source into out (both the whole canvas); False if nothing is shaded."""
        weights = np.where(self.columns >= 0, shapes[np.maximum(self.columns, 0)], np.float32(1)).astype(np.float32)
        weights[weights < 0.01] = 0
        x0, y0, x1, y1 = self.box
        if not weights.any() or x1 <= x0 or y1 <= y0:
            return False
        codes = np.full(self.maps.shape[1], 128.5, np.float32)
        mix(weights, self.maps, codes)
        code = np.clip(codes, 1, 255).astype(np.uint8).reshape(self.cells)
        size = x1 - x0, y1 - y0
        wide = cv2.warpAffine(code, self.matrix, size, borderMode=cv2.BORDER_CONSTANT, borderValue=128.0)
        shade(source[y0:y1, x0:x1], out[y0:y1, x0:x1], np.asarray(wide, np.uint8), self.table)
        return True
