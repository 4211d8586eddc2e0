"""An avatar's textures and mesh brought to a canvas: everything in canvas pixels, ready to draw."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.avatar import Avatar
from mien.errors import UsageError
from mien.render.base import Placement
from mien.render.pose import Array, PoseFrame
from mien.types import ByteArray, FloatArray, IntArray

COVER_SOLID, COVER_END = 0.05, 0.13
"""The person's own surroundings move along with the silhouette up to here, fading, eye distances: no halo even where
the matte is a little wrong; beyond, the background stands still."""


@dataclass(frozen=True, slots=True)
class CanvasMesh:
    """vertices (n, 3), uv (n, 2), shapes (52, n × 3), rest (n, 3) in canvas pixels; head_weight (n, 1)."""

    vertices: FloatArray
    uv: FloatArray
    triangles: IntArray
    shapes: FloatArray
    rest: FloatArray
    head_weight: FloatArray
    pose: PoseFrame


def canvas_mesh(avatar: Avatar, placement: Placement) -> CanvasMesh:
    """The mesh in canvas pixels."""
    k = placement.scale
    shift = np.array([placement.x + 0.5 * k - 0.5, placement.y + 0.5 * k - 0.5, 0.0])
    arrays, head = avatar.arrays, avatar.manifest.head
    axes = np.array(head.axes)
    origin = np.array(head.origin) * k + shift
    unit = head.eye_distance * k

    def at(local: object) -> Array:
        return np.asarray(origin + axes @ np.asarray(local, np.float64) * unit)

    shapes = np.asarray(arrays["shapes"], np.float32) * np.float32(k)
    return CanvasMesh(
        vertices=(np.asarray(arrays["vertices"]) * k + shift).astype(np.float32),
        uv=np.ascontiguousarray(np.asarray(arrays["uv"]) * k + shift[:2], dtype=np.float32),
        triangles=np.array(arrays["triangles"], np.int32),
        shapes=np.ascontiguousarray(shapes.reshape(len(shapes), -1)),
        rest=np.asarray(arrays["rest"], np.float32) * np.float32(k),
        head_weight=np.asarray(arrays["head_weight"], np.float32)[:, None],
        pose=PoseFrame(
            origin=origin,
            axes=axes,
            pivot=at(avatar.manifest.extra["pivot"]),
            roll_pivot=at(avatar.manifest.extra["roll_pivot"]),
            unit=unit,
            own=(head.yaw, head.pitch if abs(head.pitch) > 0.35 else 0.0),
        ),
    )


def check(placement: Placement) -> None:
    """Refuse canvases that cannot be drawn. Raises UsageError."""
    if not (16 <= placement.width <= 8192 and 16 <= placement.height <= 8192):
        raise UsageError(f"A canvas of {placement.width}×{placement.height} is outside 16 to 8192 pixels a side.")
    if not 0.01 <= placement.scale <= 64:
        raise UsageError(f"A scale of {placement.scale:g} is outside 0.01 to 64.")


def to_canvas(picture: ByteArray, placement: Placement, *, extend: bool = True) -> ByteArray:
    """Texture-sized picture → canvas, (height, width[, c]); extended by its own blurred edge, or by zeros."""
    k, size = placement.scale, (placement.width, placement.height)
    if k == 1 and (placement.x, placement.y, *size) == (0, 0, picture.shape[1], picture.shape[0]):
        return picture.copy()
    source: Array = picture
    factor = k
    if k < 1:  # area-average first, or fine hair and cloth alias
        w, h = max(1, round(picture.shape[1] * k)), max(1, round(picture.shape[0] * k))
        source, factor = np.asarray(cv2.resize(picture, (w, h), interpolation=cv2.INTER_AREA)), 1.0
    sx, sy = picture.shape[1] * k / source.shape[1], picture.shape[0] * k / source.shape[0]
    matrix = np.array([[sx, 0, placement.x + 0.5 * sx - 0.5], [0, sy, placement.y + 0.5 * sy - 0.5]])
    method = cv2.INTER_CUBIC if factor > 1 else cv2.INTER_LINEAR
    border = cv2.BORDER_REPLICATE if extend else cv2.BORDER_CONSTANT
    out: Array = np.asarray(cv2.warpAffine(source, matrix, size, flags=method, borderMode=border))
    return _blur_outside(out, placement, picture.shape[:2]) if extend and picture.ndim == 3 else out


def _blur_outside(canvas: ByteArray, placement: Placement, shape: tuple[int, ...]) -> ByteArray:
    """Streaks of a repeated edge become a soft continuation."""
    x0, y0 = placement.x, placement.y
    x1, y1 = x0 + shape[1] * placement.scale, y0 + shape[0] * placement.scale
    if x0 <= 0.5 and y0 <= 0.5 and x1 >= placement.width - 0.5 and y1 >= placement.height - 0.5:
        return canvas
    h, w = canvas.shape[:2]
    xs, ys = np.arange(w, dtype=np.float32), np.arange(h, dtype=np.float32)
    beyond = np.maximum(
        np.maximum(x0 - xs, xs - (x1 - 1))[None].clip(0), np.maximum(y0 - ys, ys - (y1 - 1))[:, None].clip(0)
    )
    out = canvas.astype(np.float32)
    for sigma in (max(w, h) / 200, max(w, h) / 60, max(w, h) / 20):
        shrink = max(1, int(sigma / 3))  # a blur this wide loses nothing at a fraction of the size
        small = cv2.resize(out, (-(-w // shrink), -(-h // shrink)), interpolation=cv2.INTER_AREA)
        soft = cv2.resize(cv2.GaussianBlur(small, (0, 0), sigma / shrink), (w, h), interpolation=cv2.INTER_LINEAR)
        t = np.clip(beyond / (2 * sigma), 0, 1)[..., None]
        out = out * (1 - t) + soft * t
    return np.asarray(np.clip(out + 0.5, 0, 255), np.uint8)


def cover(matte: ByteArray, unit: float) -> ByteArray:
    """Alpha of the moving layer over the portrait's own background: solid around the person, then fading."""
    outside = (matte < 90).astype(np.uint8)
    if not outside.any():
        return np.full(matte.shape, 255, np.uint8)
    distance = cv2.distanceTransform(outside, cv2.DIST_L2, 5) / unit
    t = np.clip((distance - COVER_SOLID) / (COVER_END - COVER_SOLID), 0, 1)
    return np.asarray((1 - t * t * (3 - 2 * t)) * 255, np.uint8)


def moving_region(mesh: CanvasMesh, alpha: ByteArray) -> tuple[int, int, int, int]:
    """x0, y0, x1, y1 of all pixels that any motion can change: near moving points, and near what is not background."""
    height, width = alpha.shape
    reach = np.abs(mesh.shapes).reshape(len(mesh.shapes), -1, 3).max((0, 2))
    moves = (mesh.head_weight[:, 0] > 1e-3) | (reach > 0.01)
    touched = mesh.triangles[moves[mesh.triangles].any(1)]
    points = mesh.vertices[np.unique(touched), :2]
    reach_out = 0.45 * mesh.pose.unit
    columns, rows = np.flatnonzero(alpha.any(0)), np.flatnonzero(alpha.any(1))
    low = np.maximum(points.min(0), (columns[0], rows[0])) - reach_out
    high = np.minimum(points.max(0), (columns[-1], rows[-1])) + reach_out
    x0, y0 = np.floor(low).astype(int).clip(0)
    x1, y1 = np.ceil(high).astype(int) + 1
    return int(x0), int(y0), int(min(x1, width)), int(min(y1, height))


def mask_polygon(
    polygon: NDArray[np.floating], box: tuple[int, int, int, int], *, scale: int = 4, blur: float = 0.0
) -> FloatArray:
    """Anti-aliased inside of a polygon (canvas pixels) within box x0, y0, x1, y1: float32 (h, w), 0…1."""
    x0, y0, x1, y1 = box
    w, h = x1 - x0, y1 - y0
    mask = np.zeros((h * scale, w * scale), np.uint8)
    points = np.round(((np.asarray(polygon, np.float64) - (x0, y0) + 0.5) * scale - 0.5) * 16).astype(np.int32)
    cv2.fillPoly(mask, [points], 255, shift=4)
    small = cv2.resize(mask, (w, h), interpolation=cv2.INTER_AREA).astype(np.float32) / np.float32(255)
    return np.asarray(cv2.GaussianBlur(small, (0, 0), blur) if blur > 0 else small)


def box_around(
    points: NDArray[np.floating], margin: float, width: int, height: int
) -> tuple[int, int, int, int] | None:
    """x0, y0, x1, y1 around points, inside the canvas; None if nothing is left."""
    x0, y0 = np.floor(points.min(0) - margin).astype(int).clip(0)
    x1, y1 = np.ceil(points.max(0) + margin).astype(int) + 1
    box = int(x0), int(y0), int(min(x1, width)), int(min(y1, height))
    return box if box[2] - box[0] >= 3 and box[3] - box[1] >= 3 else None
