"""Eyes: the ball that only the head moves, the iris as a disc under the lids, the skin of the closed lid."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from mien.avatar import Avatar
from mien.render.base import Placement
from mien.render.canvas import CanvasMesh, box_around, mask_polygon
from mien.render.pose import Array, Motion
from mien.render.raster import paste, rasterise
from mien.types import SHAPE_INDEX, ByteArray, FloatArray, IntArray

SPRITE_REACH: Final = 1.25  # iris sprite half size in iris radii, as the rig makes it
BALL_RADIUS: Final = 0.19  # of the eyeball, eye distances: 12 mm
IRIS_POINT: Final = {"Right": 468, "Left": 473}
LID_FADE: Final = (0.06, 0.40)  # blink at which the painted lid starts and is fully there
STILL: Final = 0.004  # lid movement below this (eye distances) leaves the photographed eye alone


class Eye:
    """One eye of a canvas. Holds textures only; drawing changes nothing here."""

    def __init__(self, avatar: Avatar, placement: Placement, mesh: CanvasMesh, source: ByteArray, side: str) -> None:
        index = ("Left", "Right").index(side)
        self.upper = np.asarray(avatar.arrays["upper_lid"])[index]
        self.lower = np.asarray(avatar.arrays["lower_lid"])[index]
        self.ring = np.r_[self.upper[0], self.lower[0][1:-1][::-1]]
        self.mesh, self.unit = mesh, mesh.pose.unit
        self.size = placement.width, placement.height
        extra = avatar.manifest.extra["eyes"][side]
        k = placement.scale
        self.radius = float(extra["radius"]) * k
        self.centre = np.array(extra["centre"]) * k + (placement.x + 0.5 * k - 0.5, placement.y + 0.5 * k - 0.5)
        self.centre_3d = np.array([*self.centre, float(mesh.vertices[self.ring, 2].mean())])
        self.place = extra["box"], placement
        self.ball, self.corner = crop_to_canvas(avatar.textures[f"eye_{side}"], extra["box"], placement)
        self.lid, _ = crop_to_canvas(avatar.textures[f"lid_{side}"], extra["box"], placement)
        self.iris = _small(avatar.textures[f"iris_{side}"], self.radius * SPRITE_REACH * 2)
        blink = mesh.shapes[SHAPE_INDEX[f"eyeBlink{side}"]].reshape(-1, 3)
        self.lid_uv = np.ascontiguousarray(mesh.vertices[:, :2] + blink[:, :2] - self.corner, dtype=np.float32)
        self.triangles = _lid_triangles(mesh.triangles, self.upper, self.lower)
        self.columns = [SHAPE_INDEX[f"eyeLook{d}{side}"] for d in ("Up", "Down", "In", "Out")]
        self.blink_column = SHAPE_INDEX[f"eyeBlink{side}"]
        self.iris_point = IRIS_POINT[side]
        self.gaze_shapes = mesh.shapes[self.columns].reshape(4, -1, 3)[:, self.iris_point, :2]
        self.photographed = self._photographed(source)

    def draw(
        self, picture: ByteArray, points: Array, shapes: FloatArray, motion: Motion, origin: tuple[int, int]
    ) -> None:
        """Draw into picture (h, w, 4), whose top left is canvas pixel origin.

        points: (n, 3) posed mesh, canvas pixels.
        """
        gaze = shapes[self.columns] @ self.gaze_shapes
        blink = float(shapes[self.blink_column])
        if blink > LID_FADE[0]:
            self._draw_lid(picture, points, blink, origin)
        self._draw_ball(picture, points, gaze, motion, origin)

    def stirred(self, moved: Array) -> bool:
        """Whether lids or gaze differ from the photograph. moved: (n, 3) displacement before the pose."""
        lids = np.abs(moved[self.ring, :2]).max() > STILL * self.unit
        return bool(lids or np.abs(moved[self.iris_point, :2]).max() > 0)

    def _photographed(self, source: ByteArray) -> ByteArray:
        """The eye as photographed, continued under the lids by ball and iris."""
        x, y = self.corner
        h, w = self.ball.shape[:2]
        box = (x, y, x + w, y + h)
        synthetic = self._with_iris(np.zeros(2)) * (1 - self._lid_shadow(self.mesh.vertices, box)[..., None])
        seen = mask_polygon(self.mesh.vertices[self.ring, :2], box)[..., None]
        own = source[y : y + h, x : x + w, :3].astype(np.float32)
        return np.clip(synthetic + (own - synthetic) * seen + 0.5, 0, 255).astype(np.uint8)

    def _with_iris(self, gaze: Array) -> FloatArray:
        """Ball with the iris moved by gaze (canvas pixels), float32 (h, w, 3)."""
        h, w = self.ball.shape[:2]
        turn = np.clip(gaze / (BALL_RADIUS * self.unit), -0.8, 0.8)
        squeeze = np.sqrt(1 - turn**2)
        n = self.iris.shape[0]
        size = 2 * SPRITE_REACH * self.radius / n * squeeze
        start = self.centre + gaze - self.corner - size * n / 2
        matrix = np.array([[size[0], 0, start[0] + size[0] / 2 - 0.5], [0, size[1], start[1] + size[1] / 2 - 0.5]])
        disc = cv2.warpAffine(self.iris, matrix, (w, h), flags=cv2.INTER_LINEAR)
        return np.asarray(self.ball * (1 - disc[..., 3:]) + disc[..., :3] * 255, np.float32)

    def _draw_ball(
        self, picture: ByteArray, points: Array, gaze: Array, motion: Motion, origin: tuple[int, int]
    ) -> None:
        lower = points[self.lower[0][1:-1], :2].copy()
        upper = points[self.upper[0][1:-1], :2]
        lower[:, 1] = np.maximum(lower[:, 1], np.interp(lower[:, 0], upper[:, 0], upper[:, 1]))
        ring = np.vstack([points[self.upper[0], :2], lower[::-1]])
        box = box_around(ring, 3, *self.size)
        if box is None:
            return
        looks = float(np.clip(np.abs(gaze).max() / (0.012 * self.unit), 0, 1))
        ball = self.photographed.astype(np.float32)
        if looks > 0:
            ball += (self._with_iris(gaze) - ball) * looks
        x0, y0, x1, y1 = box
        patch: Array = np.asarray(
            cv2.warpAffine(ball, self._to_box(motion, box), (x1 - x0, y1 - y0), borderMode=cv2.BORDER_REPLICATE)
        )
        if looks > 0:
            patch *= 1 - looks * self._lid_shadow(points, box)[..., None]
        cover = mask_polygon(ring, box, blur=0.6)
        view = picture[y0 - origin[1] : y1 - origin[1], x0 - origin[0] : x1 - origin[0]]
        paste(
            view, np.clip(patch, 0, 255).astype(np.uint8), np.ascontiguousarray(cover[: view.shape[0], : view.shape[1]])
        )

    def _to_box(self, motion: Motion, box: tuple[int, int, int, int]) -> Array:
        """Affine map of the eye's crop to the box under the head's motion."""
        reach = 0.2 * self.unit
        before = self.centre_3d + np.array([[0, 0, 0], [reach, 0, 0], [0, reach, 0]])
        after = motion.move(before)[:, :2] - box[:2]
        start = (before[:, :2] - self.corner).astype(np.float32)
        return np.asarray(cv2.getAffineTransform(start, after.astype(np.float32)))

    def _lid_shadow(self, points: Array, box: tuple[int, int, int, int]) -> FloatArray:
        """Shadow of the upper lid and its lashes on the ball, 0…0.4."""
        x0, y0, x1, y1 = box
        rim = points[self.upper[0], :2]
        order = np.argsort(rim[:, 0])
        top = np.interp(np.arange(x0, x1), rim[order, 0], rim[order, 1])
        below = (np.arange(y0, y1)[:, None] - top) / self.unit
        return np.asarray(0.38 * np.exp(-np.maximum(below, 0) / 0.035), np.float32)

    def _draw_lid(self, picture: ByteArray, points: Array, blink: float, origin: tuple[int, int]) -> None:
        rows = points[np.r_[self.upper.ravel(), self.lower[0]], :2]
        box = box_around(rows, 4, *self.size)
        if box is None:
            return
        x0, y0, x1, y1 = box
        w, h = x1 - x0, y1 - y0
        map_x, map_y = (np.full((2 * h, 2 * w), -1e4, np.float32) for _ in range(2))
        at = np.ascontiguousarray((points[:, :2] - (x0, y0) + 0.5) * 2 - 0.5, dtype=np.float32)
        rasterise(self.triangles, at, self.lid_uv, map_x, map_y)
        skin = cv2.remap(self.lid, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
        skin = cv2.resize(skin, (w, h), interpolation=cv2.INTER_AREA)
        t = float(np.clip((blink - LID_FADE[0]) / (LID_FADE[1] - LID_FADE[0]), 0, 1))
        cover = skin[..., 3].astype(np.float32) * np.float32(t * t * (3 - 2 * t) / 255)
        rgb = skin[..., :3].astype(np.float32) / np.maximum(skin[..., 3:].astype(np.float32) / 255, 1e-3)
        view = picture[y0 - origin[1] : y1 - origin[1], x0 - origin[0] : x1 - origin[0]]
        paste(
            view, np.clip(rgb, 0, 255).astype(np.uint8), np.ascontiguousarray(cover[: view.shape[0], : view.shape[1]])
        )


def crop_to_canvas(
    crop: ByteArray, box: tuple[int, int, int, int], placement: Placement
) -> tuple[ByteArray, tuple[int, int]]:
    """A part of the texture in canvas pixels, and the canvas pixel of its corner. RGBA becomes premultiplied."""
    k = placement.scale
    left, top = placement.x + box[0] * k, placement.y + box[1] * k
    x0, y0 = int(np.ceil(left)), int(np.ceil(top))
    x1, y1 = int(np.floor(left + box[2] * k)), int(np.floor(top + box[3] * k))
    x0, y0, x1, y1 = max(x0, 0), max(y0, 0), min(x1, placement.width), min(y1, placement.height)
    w, h = max(1, x1 - x0), max(1, y1 - y0)
    picture: Array = crop
    if crop.ndim == 3 and crop.shape[2] == 4:
        alpha = crop[..., 3:].astype(np.float32) / 255
        picture = np.dstack([crop[..., :3] * alpha + 0.5, crop[..., 3]]).astype(np.uint8)
    if k < 1:
        size = max(1, round(box[2] * k)), max(1, round(box[3] * k))
        picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA))
    sx, sy = box[2] * k / picture.shape[1], box[3] * k / picture.shape[0]
    matrix = np.array([[sx, 0, left + 0.5 * sx - 0.5 - x0], [0, sy, top + 0.5 * sy - 0.5 - y0]])
    method = cv2.INTER_CUBIC if k > 1 else cv2.INTER_LINEAR
    out = cv2.warpAffine(picture, matrix, (w, h), flags=method, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(out), (x0, y0)


def _small(sprite: ByteArray, pixels: float) -> FloatArray:
    """Sprite at about twice its size on the canvas, premultiplied float32 0…1: finer would alias."""
    n = int(np.clip(round(2 * pixels), 8, sprite.shape[0]))
    small: Array = np.asarray(cv2.resize(sprite.astype(np.float32) / 255, (n, n), interpolation=cv2.INTER_AREA))
    small[..., :3] *= small[..., 3:]
    return np.asarray(small)


def _lid_triangles(triangles: IntArray, upper: IntArray, lower: IntArray) -> IntArray:
    """Triangles of the upper lid alone: neither the eye's opening nor the lower lid."""
    rows = np.isin(triangles, upper).sum(1) >= 2
    below = np.isin(triangles, np.setdiff1d(lower, upper)).any(1)
    opening = np.isin(triangles, upper[0]).all(1)
    return np.ascontiguousarray(triangles[rows & ~below & ~opening])
