"""The inside of the mouth: cavity, tongue, teeth on skull and jaw, shadow of the lips."""

from __future__ import annotations

from typing import Any, Final

import cv2
import numpy as np

from mien.avatar import Avatar
from mien.render.base import Placement
from mien.render.canvas import CanvasMesh, box_around, mask_polygon
from mien.render.pose import Array, Motion
from mien.render.raster import over_float, paste
from mien.types import SHAPE_INDEX, ByteArray, FloatArray

MM: Final = 63.0  # millimetres in an eye distance
JAW_MM: Final = 0.40 * MM  # drop of the chin at jawOpen 1
JAW_FOLLOW: Final = 0.88  # how much of it the lower teeth, nearer the hinge than the lip, take
SHUT: Final = 0.35  # gap in pixels below which nothing of the inside shows


class Mouth:
    """The mouth of a canvas. Holds sprites only; drawing changes nothing here."""

    def __init__(self, avatar: Avatar, placement: Placement, mesh: CanvasMesh) -> None:
        extra: dict[str, Any] = avatar.manifest.extra["mouth"]
        self.upper_rim = np.asarray(avatar.arrays["upper_lip"])[3]
        self.lower_rim = np.asarray(avatar.arrays["lower_lip"])[3]
        self.ring = np.r_[self.upper_rim, self.lower_rim[1:-1][::-1]]
        self.mesh, self.size = mesh, (placement.width, placement.height)
        self.mm = mesh.pose.unit / MM
        k = placement.scale
        shift = np.array([placement.x + 0.5 * k - 0.5, placement.y + 0.5 * k - 0.5, 0])
        self.origin = np.array(extra["origin"]) * k + shift
        self.scale = float(extra["scale"])
        self.drop = float(extra["teeth_drop"])
        self.cavity = np.array(extra["cavity"], np.float32)
        self.parted = bool(extra["parted"])
        density = float(extra["density"])
        names = ("teeth_upper", "teeth_lower", "tongue", "teeth_own")
        self.sprites = {n: _shrink(avatar.textures[n], density, self.mm) for n in names if n in avatar.textures}
        self.boxes = {n: extra["boxes"][n] for n in names}
        self.has_own = "teeth_own" in self.sprites

    def draw(
        self, picture: ByteArray, points: Array, shapes: FloatArray, motion: Motion, origin: tuple[int, int]
    ) -> None:
        """Draw into picture (h, w, 4), whose top left is canvas pixel origin.

        points: (n, 3) posed mesh, canvas pixels.
        """
        rim = points[self.ring, :2]
        gap = float((points[self.lower_rim, 1] - points[self.upper_rim, 1]).max())
        box = box_around(rim, 3, *self.size)
        if gap < SHUT or box is None:
            return
        x0, y0, x1, y1 = box
        inside = self._fill(box, shapes, motion) * self._shadow(points, rim, box)[..., None]
        cover = mask_polygon(rim, box, blur=0.55) * np.float32(min(1.0, (gap - SHUT) / 1.2))
        view = picture[y0 - origin[1] : y1 - origin[1], x0 - origin[0] : x1 - origin[0]]
        patch = np.clip(inside * 255, 0, 255).astype(np.uint8)
        paste(view, patch, np.ascontiguousarray(cover[: view.shape[0], : view.shape[1]]))

    def _fill(self, box: tuple[int, int, int, int], shapes: FloatArray, motion: Motion) -> FloatArray:
        """Cavity, tongue and teeth, float32 (h, w, 3) 0…1."""
        at = SHAPE_INDEX
        jaw = float(shapes[at["jawOpen"]]) * JAW_MM
        tongue = float(shapes[at["tongueOut"]])
        rounded = float(np.clip(shapes[at["mouthPucker"]] + 0.7 * shapes[at["mouthFunnel"]], 0, 1))
        x0, y0, x1, y1 = box
        depth = np.abs(np.linspace(0, 1, y1 - y0, dtype=np.float32)[:, None] - 0.55)
        tone = self.cavity * np.float32(1 + 0.8 * np.exp(-jaw / 3.0))
        out = np.empty((y1 - y0, x1 - x0, 3), np.float32)
        out[:] = (1.15 - 0.5 * depth)[..., None] * tone
        open_wide = float(np.clip(jaw / 12, 0, 1))
        lift = 3.2 + jaw * 0.60 - (jaw * 0.40 + 1.0) * tongue
        self._lay(out, "tongue", (0, lift, 6 - 4 * tongue), 0.62 + 0.28 * open_wide + 0.2 * tongue, box, motion)
        low = max(0.6, self.drop - 2.6) + jaw * JAW_FOLLOW + rounded * 6.5
        self._lay(out, "teeth_lower", (0, low, 2.5), 0.95, box, motion)
        high = self.drop - rounded * 2.5 - (0.5 if self.has_own else 0.0)
        self._lay(out, "teeth_upper", (0, high, 0), 0.93 if self.has_own else 1.0, box, motion)
        if self.has_own:
            self._lay(out, "teeth_own", (0, -rounded * 2.5, 0), 1.0, box, motion)
        return out

    def _lay(
        self, out: FloatArray, name: str, offset: tuple[float, float, float], gain: float,
        box: tuple[int, int, int, int], motion: Motion,
    ) -> None:  # fmt: skip
        """Put a sprite with its millimetre origin at offset from the middle of the lip line."""
        sprite, density = self.sprites[name]
        size = self.scale if name != "teeth_own" else 1.0
        axes = self.mesh.pose.axes
        base = self.origin + axes @ np.array(offset) * self.mm
        frame = np.array([base, base + axes[:, 0] * 10 * self.mm * size, base + axes[:, 1] * 10 * self.mm * size])
        corners = motion.move(frame)[:, :2] - box[:2]
        bx, by = self.boxes[name][:2]
        start = np.array([[-bx, -by], [10 - bx, -by], [-bx, 10 - by]], np.float64) * density - 0.5
        matrix = cv2.getAffineTransform(start.astype(np.float32), corners.astype(np.float32))
        layer: Array = np.asarray(cv2.warpAffine(sprite, matrix, (out.shape[1], out.shape[0]), flags=cv2.INTER_LINEAR))
        if gain != 1.0:
            layer[..., :3] *= np.float32(gain)
        over_float(out, layer)

    def _shadow(self, points: Array, rim: Array, box: tuple[int, int, int, int]) -> FloatArray:
        """Light that reaches the inside: less at the lip edge, under the upper lip and towards the corners."""
        x0, y0, x1, y1 = box
        hard = (mask_polygon(rim, box, scale=2) > 0.5).astype(np.uint8)
        hard[0], hard[-1], hard[:, 0], hard[:, -1] = 0, 0, 0, 0
        edge = cv2.distanceTransform(hard, cv2.DIST_L2, 3) / np.float32(self.mm)
        light = 0.80 + 0.20 * np.clip(edge / 2.0, 0, 1) ** 0.8
        xs, ys = np.arange(x0, x1), np.arange(y0, y1)[:, None]
        top = points[self.upper_rim, :2]
        order = np.argsort(top[:, 0])
        below = (ys - np.interp(xs, top[order, 0], top[order, 1])) / self.mm
        light = light * (0.84 + 0.16 * np.clip(below / 3.0, 0, 1))
        middle, half = (rim[:, 0].max() + rim[:, 0].min()) / 2, max(np.ptp(rim[:, 0]) / 2, 1.0)
        light = light * (1 - 0.34 * np.clip(np.abs(xs - middle) / half, 0, 1) ** 3)
        return np.asarray(light, np.float32)


def _shrink(sprite: ByteArray, density: float, mm: float) -> tuple[FloatArray, float]:
    """Sprite at about twice the canvas' pixels per millimetre, premultiplied float32, and its pixels per millimetre."""
    factor = min(1.0, 2 * max(mm, 1.0) / density)
    image: Array = sprite.astype(np.float32) / 255
    image[..., :3] *= image[..., 3:]
    if factor < 1:
        size = max(4, round(sprite.shape[1] * factor)), max(4, round(sprite.shape[0] * factor))
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(image), density * image.shape[1] / sprite.shape[1]
