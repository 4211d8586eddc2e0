"""The mesh engine: an avatar warped, shaded and layered on the CPU."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Final

import cv2
import numpy as np

from mien.avatar import Avatar
from mien.render.base import Placement, RendererInfo
from mien.render.canvas import CanvasMesh, box_around, canvas_mesh, check, cover, mask_polygon, moving_region, to_canvas
from mien.render.eyes import Eye
from mien.render.mouth import Mouth
from mien.render.pose import Array, Motion
from mien.render.raster import mix, over_plate, paste, rasterise
from mien.render.shading import Shading
from mien.types import ByteArray, FloatArray, IntArray

_SHEETS: Final = 12
_SOFT_EDGE: Final = 0.06
"""Share of the portrait's shorter side over which it fades into what goes on beyond its edge."""


class MeshRenderer:
    """Draws avatars by warping the portrait's own pixels. No network, no GPU."""

    @property
    def info(self) -> RendererInfo:
        """What this renderer can do."""
        return RendererInfo(name="mesh", alpha=True)

    def prepare(self, avatar: Avatar, placement: Placement) -> MeshCanvas:
        """Bring an avatar to a canvas. Raises UsageError for a canvas outside 16 to 8192 pixels a side."""
        check(placement)
        return MeshCanvas(avatar, placement)


class MeshCanvas:
    """An avatar on a canvas. One per thread: it keeps scratch arrays between frames, but no state."""

    def __init__(self, avatar: Avatar, placement: Placement) -> None:
        self._placement = placement
        self._mesh = canvas_mesh(avatar, placement)
        self._base, behind = self._extended(avatar, placement)
        self._source, self._plate = self._layers(avatar, placement, behind)
        self._shaded = self._source.copy()
        self._region = moving_region(self._mesh, self._source[..., 3])
        self._lips = _LipContact(avatar, self._mesh)
        self._eyes = [Eye(avatar, placement, self._mesh, self._base, s) for s in ("Right", "Left")]
        self._mouth = Mouth(avatar, placement, self._mesh)
        self._shading = Shading(avatar, placement)
        lips = np.r_[np.asarray(avatar.arrays["upper_lip"]).ravel(), np.asarray(avatar.arrays["lower_lip"]).ravel()]
        self._lip_hull = lips
        self._lip_triangles = np.ascontiguousarray(self._mesh.triangles[np.isin(self._mesh.triangles, lips).any(1)])
        self._sheets: list[ByteArray] = []
        self._at_rest = not bool(np.abs(self._mesh.rest).max() > 0)
        x0, y0, x1, y1 = self._region
        xs, ys = np.arange(x0, x1, dtype=np.float32), np.arange(y0, y1, dtype=np.float32)
        self._map_x, self._map_y = (np.ascontiguousarray(m) for m in np.meshgrid(xs, ys))

    def draw(self, shapes: FloatArray, head: FloatArray) -> ByteArray:
        """Picture for one moment, see :class:`mien.render.base.Canvas`."""
        if self._rests(shapes, head):
            return self._still()
        return self._compose(self._front(shapes, head))

    @property
    def region(self) -> tuple[int, int, int, int]:
        """x0, y0, x1, y1 of all pixels that any motion can change."""
        return self._region

    def draw_region(self, shapes: FloatArray, head: FloatArray) -> ByteArray:
        """What :meth:`draw` shows there, see :class:`mien.render.base.PartialCanvas`."""
        x0, y0, x1, y1 = self._region
        if self._rests(shapes, head):
            return self._still()[y0:y1, x0:x1]
        front = self._front(shapes, head)
        if self._plate is None:
            return front
        out = np.empty((y1 - y0, x1 - x0, 3), np.uint8)
        over_plate(front, self._plate[y0:y1, x0:x1], out)
        return out

    def gap(self, shapes: FloatArray) -> float:
        """Largest opening between the inner lip rims, millimetres on a person whose eyes are 63 mm apart."""
        points, _ = self._deform(np.ascontiguousarray(shapes, dtype=np.float32), None)
        return self._lips.gap(points) / self._mesh.pose.unit * 63.0

    def _rests(self, shapes: FloatArray, head: FloatArray) -> bool:
        return self._at_rest and not shapes.any() and not head.any()

    def _front(self, shapes: FloatArray, head: FloatArray) -> ByteArray:
        """The moving layer where it can move, (h, w, 4)."""
        shapes = np.ascontiguousarray(shapes, dtype=np.float32)
        motion = Motion(self._mesh.pose, head)
        points, moved = self._deform(shapes, motion)
        texture = self._source
        if self._shading.apply(self._source, self._shaded, shapes):
            texture = self._shaded
        front = self._warp(texture, points)
        x0, y0, _, _ = self._region
        if self._at_rest is False or bool(np.abs(moved[self._lip_hull]).max() > 1e-3):
            self._sharpen_lips(front, texture, points)
        for eye in self._eyes:
            if eye.stirred(moved):
                eye.draw(front, points, shapes, motion, (x0, y0))
        self._mouth.draw(front, points, shapes, motion, (x0, y0))
        return front

    @staticmethod
    def _extended(avatar: Avatar, placement: Placement) -> tuple[ByteArray, ByteArray]:
        """The portrait on the canvas, and what is behind the person.

        Beyond the portrait's edges its background goes on, never the person's hair or shoulders; towards edges within
        the canvas the one becomes the other softly.
        """
        base = to_canvas(avatar.textures["color"], placement)
        plate = avatar.textures["plate"]
        width, height = avatar.size
        x0, y0 = placement.x, placement.y
        x1, y1 = x0 + width * placement.scale, y0 + height * placement.scale
        open_ = x0 >= 1, y0 >= 1, x1 <= placement.width - 1, y1 <= placement.height - 1
        if not any(open_):
            return base, to_canvas(plate, placement)
        # from a little within: scans often end in a line of another colour, and the blur begins softly
        inset = round(_SOFT_EDGE * min(width, height))
        left, top, right, bottom = (inset if side else 0 for side in open_)
        inner = plate[top : height - bottom, left : width - right]
        k = placement.scale
        beyond = to_canvas(inner, replace(placement, x=x0 + left * k, y=y0 + top * k))
        across = _inside(placement.width, x0, x1, inset * k)
        down = _inside(placement.height, y0, y1, inset * k)
        share = (down[:, None] * across[None, :])[..., None]
        mixed = (
            beyond + (picture.astype(np.float32) - beyond) * share for picture in (base, to_canvas(plate, placement))
        )
        base, behind = (np.asarray(np.rint(picture), np.uint8) for picture in mixed)
        return base, behind

    def _layers(self, avatar: Avatar, placement: Placement, behind: ByteArray) -> tuple[ByteArray, ByteArray | None]:
        """The moving layer (h, w, 4) and, if opaque, what lies behind it."""
        matte = to_canvas(avatar.textures["matte"], placement, extend=placement.opaque)
        if not placement.opaque:
            colour = to_canvas(avatar.textures["foreground"], placement)
            return np.ascontiguousarray(np.dstack([colour, matte])), None
        alpha = cover(matte, self._mesh.pose.unit)
        return np.ascontiguousarray(np.dstack([self._base, alpha])), behind

    def _still(self) -> ByteArray:
        return self._base.copy() if self._plate is not None else self._source.copy()

    def _deform(self, shapes: FloatArray, motion: Motion | None) -> tuple[Array, Array]:
        """Posed points (n, 3) and their displacement before the pose."""
        mesh = self._mesh
        moved = mesh.rest.copy()
        mix(shapes, mesh.shapes, moved.reshape(-1))
        points = self._lips.meet((mesh.vertices + moved).astype(np.float64))
        if motion is not None:
            points += mesh.head_weight * (motion.move(points) - points)
        return points, moved

    def _warp(self, texture: ByteArray, points: Array) -> ByteArray:
        x0, y0, _, _ = self._region
        at = np.ascontiguousarray(points[:, :2] - (x0, y0), dtype=np.float32)
        rasterise(self._mesh.triangles, at, self._mesh.uv, self._map_x, self._map_y)
        return np.asarray(
            cv2.remap(texture, self._map_x, self._map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        )

    def _sharpen_lips(self, front: ByteArray, texture: ByteArray, points: Array) -> None:
        """Redraw the lips at twice the resolution: without it their rims are jagged."""
        x0, y0, _, _ = self._region
        lips = points[self._lip_hull, :2]
        box = box_around(lips, 4, self._placement.width, self._placement.height)
        if box is None:
            return
        bx0, by0, bx1, by1 = box
        w, h = bx1 - bx0, by1 - by0
        view = (slice(by0 - y0, by1 - y0), slice(bx0 - x0, bx1 - x0))
        map_x: FloatArray = np.asarray(cv2.resize(self._map_x[view], (2 * w, 2 * h)), np.float32)
        map_y: FloatArray = np.asarray(cv2.resize(self._map_y[view], (2 * w, 2 * h)), np.float32)
        at = np.ascontiguousarray((points[:, :2] - (bx0, by0) + 0.5) * 2 - 0.5, dtype=np.float32)
        rasterise(self._lip_triangles, at, self._mesh.uv, map_x, map_y)
        fine = cv2.remap(texture, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        patch: ByteArray = np.asarray(cv2.resize(fine, (w, h), interpolation=cv2.INTER_AREA), np.uint8)
        hull: Array = np.asarray(cv2.convexHull(lips.astype(np.float32)))[:, 0]
        soft = mask_polygon(hull, box, scale=2, blur=1.5)
        patch = self._lips.contact(patch, points, box)
        paste(front[view], patch, soft)

    def _compose(self, front: ByteArray) -> ByteArray:
        x0, y0, x1, y1 = self._region
        if self._plate is None:
            out = self._source.copy()
            out[y0:y1, x0:x1] = front
            return out
        out = self._sheet()
        over_plate(front, self._plate[y0:y1, x0:x1], out[y0:y1, x0:x1])
        return out

    def _sheet(self) -> ByteArray:
        """A picture to paint on, the still portrait already there.

        Memory fresh from the system costs more than the painting (every page faults once), so sheets that nobody but
        this canvas holds any more are used again. Three references: the list, the loop's name, the question itself.
        """
        for sheet in self._sheets:
            if sys.getrefcount(sheet) == 3:
                np.copyto(sheet, self._base)
                return sheet
        sheet = self._base.copy()
        if len(self._sheets) < _SHEETS:
            self._sheets.append(sheet)
        return sheet


def _inside(length: int, first: float, last: float, soft: float) -> FloatArray:
    """1 between two edges, 0 beyond; smooth over ``soft`` pixels on the inner side of those that lie in 0…length."""
    at = np.arange(length, dtype=np.float32) + 0.5
    share = np.ones(length, np.float32)
    for edge, distance in ((first >= 1, at - first), (last <= length - 1, last - at)):
        if edge:
            t = np.clip(distance / soft, 0, 1)
            share *= t * t * (3 - 2 * t)
    return share


class _LipContact:
    """Lips do not pass through each other, and closed lips that the photograph showed open have a line of contact."""

    def __init__(self, avatar: Avatar, mesh: CanvasMesh) -> None:
        self._upper: IntArray = np.asarray(avatar.arrays["upper_lip"])
        self._lower: IntArray = np.asarray(avatar.arrays["lower_lip"])
        self._down = np.array(avatar.manifest.head.axes)[:, 1]
        self._unit = mesh.pose.unit
        self._parted = bool(avatar.manifest.extra["mouth"]["parted"])

    def gap(self, points: Array) -> float:
        """Largest opening along the head's down axis, pixels."""
        return float(self._open(points).max())

    def meet(self, points: Array) -> Array:
        """Push crossed lips apart to their common middle; the next ring follows half way."""
        crossed = np.minimum(self._open(points), 0)[:, None] * self._down / 2
        if crossed.any():
            for ring, share in ((3, 1.0), (2, 0.6), (1, 0.25)):
                points[self._upper[ring, 1:-1]] += crossed * share
                points[self._lower[ring, 1:-1]] -= crossed * share
        return points

    def contact(self, patch: ByteArray, points: Array, box: tuple[int, int, int, int]) -> ByteArray:
        """Darken the line where lips touch, on portraits that have no such line of their own."""
        gap = float(self._open(points).max())
        strength = 0.5 * np.clip(1 - gap / (0.05 * self._unit), 0, 1) if self._parted else 0.0
        if strength <= 0:
            return patch
        x0, y0, x1, y1 = box
        middle = (points[self._upper[3], :2] + points[self._lower[3], :2]) / 2
        line = np.zeros(((y1 - y0) * 4, (x1 - x0) * 4), np.uint8)
        path = np.round(((middle - (x0, y0) + 0.5) * 4 - 0.5) * 16).astype(np.int32)
        thick = max(1, round(0.018 * self._unit * 4))
        cv2.polylines(line, [path], isClosed=False, color=255, thickness=thick, lineType=cv2.LINE_AA, shift=4)
        small = cv2.resize(line, (x1 - x0, y1 - y0), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
        soft = cv2.GaussianBlur(small, (0, 0), max(0.5, 0.008 * self._unit)) * np.float32(strength)
        dark = patch.astype(np.float32)
        dark[..., :3] *= (1 - soft)[..., None]
        return dark.astype(np.uint8)

    def _open(self, points: Array) -> Array:
        return np.asarray((points[self._lower[3, 1:-1]] - points[self._upper[3, 1:-1]]) @ self._down)
