"""The mesh of a portrait: the face's own triangles, and a grid around it that reaches the edge of the picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.avatar import Head
from mien.portrait import topology as topo
from mien.portrait.base import FaceGeometry
from mien.types import FloatArray, IntArray

Array = NDArray[Any]

GRID_STEP: Final = 0.30
"""Exterior grid, in eye distances."""
PIVOT_DEPTH: Final = 1.45
"""Depth of the neck joint behind the eyes, eye distances. Exterior points ease to this same depth, so that turning
the head about it barely moves the silhouette."""


@dataclass(frozen=True, slots=True)
class FaceMesh:
    """A portrait's mesh at rest.

    points: (n, 3) texture pixels: 468 face points, 10 iris points, the exterior grid.
    local: (n, 3) the same in the head's frame, eye distances (x viewer's right, y down, z away).
    triangles: (t, 3) far first. head_weight: (n,) how much of the head's motion a point takes, 0…1.
    pinned: (n,) bool, points that no expression moves.
    """

    points: Array
    local: Array
    triangles: IntArray
    solve_triangles: IntArray
    head_weight: Array
    pinned: NDArray[np.bool_]
    head: Head

    @property
    def axes(self) -> Array:
        """(3, 3), columns are the head's axes in texture axes."""
        return np.array(self.head.axes)

    def to_local(self, points: Array) -> Array:
        """Texture pixels (n, 3) → the head's frame in eye distances."""
        return np.asarray((points - np.array(self.head.origin)) @ self.axes / self.head.eye_distance)


def build_mesh(face: FaceGeometry) -> FaceMesh:
    """Mesh of a found face, reaching to the edge of its picture."""
    height, width = face.matte.shape
    points = face.points.astype(np.float64)
    head = head_frame(points)
    axes, origin, unit = np.array(head.axes), np.array(head.origin), head.eye_distance
    local = (points - origin) @ axes / unit
    oval = points[list(topo.OVAL), :2]
    outside, distance = _grid(width, height, oval, unit)
    depth = _exterior_depth(outside, distance, oval, local[list(topo.OVAL), 2])
    flat = np.c_[outside, np.zeros(len(outside))]
    outside_3d = np.c_[outside, depth * unit * axes[2, 2] + origin[2]]
    grid_local = np.c_[((flat - origin * [1, 1, 0]) @ axes / unit)[:, :2], depth]
    points = np.vstack([points, outside_3d])
    local = np.vstack([local, grid_local])
    ring = _delaunay_outside(points[:, :2], oval)
    n = len(face.points)
    border = _on_border(points, width, height)
    border[:n] = False
    weight = _head_weight(local, face.matte, points, unit)
    weight[:n] = 1
    weight[border] = 0
    pinned = np.zeros(len(points), bool)
    pinned[n:] = (distance > 0.8) | border[n:]
    inner = _far_first(np.vstack([topo.hole_triangles(), topo.triangles()]), points)
    return FaceMesh(
        points=points,
        local=local,
        triangles=np.ascontiguousarray(np.vstack([_far_first(ring, points), inner]).astype(np.int32)),
        solve_triangles=np.vstack([topo.triangles(), ring]).astype(np.int32),
        head_weight=weight,
        pinned=pinned,
        head=head,
    )


def head_frame(points: Array) -> Head:
    """Head frame from the 478 points: x along the eyes, y from forehead to chin, z away from the viewer."""
    eyes = {s: points[list(topo.UPPER_LID[s][0] + topo.LOWER_LID[s][0])].mean(0) for s in topo.SIDES}
    across = eyes["Left"] - eyes["Right"]
    unit = float(np.linalg.norm(across))
    ex = across / unit
    down = points[152] - points[10]
    ey = down - ex * (down @ ex)
    ey /= np.linalg.norm(ey)
    ez = np.cross(ex, ey)
    nose = -ez
    origin = (eyes["Left"] + eyes["Right"]) / 2
    return Head(
        eye_distance=unit,
        origin=(float(origin[0]), float(origin[1]), float(origin[2])),
        axes=tuple((float(a), float(b), float(c)) for a, b, c in np.stack([ex, ey, ez], 1)),
        yaw=float(np.arctan2(nose[0], -nose[2])),
        pitch=float(np.arcsin(np.clip(nose[1], -1, 1))),
        roll=float(np.arctan2(-ex[1], ex[0])),
    )


def smoothstep(low: float, high: float, x: Array) -> Array:
    """0 below low, 1 above high, 3t² − 2t³ between."""
    t = np.clip((x - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t))


def _grid(width: int, height: int, oval: Array, unit: float) -> tuple[Array, Array]:
    """Grid points outside the face oval and their distance to it in eye distances."""
    step = GRID_STEP * unit
    xs = np.linspace(0, width - 1, max(8, round(width / step)))
    ys = np.linspace(0, height - 1, max(8, round(height / step)))
    grid = np.array([(x, y) for y in ys for x in xs])
    contour = oval.astype(np.float32)
    distance = -np.array([cv2.pointPolygonTest(contour, (float(x), float(y)), True) for x, y in grid])
    keep = distance > 0.45 * step
    return grid[keep], distance[keep] / unit


def _exterior_depth(outside: Array, distance: Array, oval: Array, oval_depth: Array) -> Array:
    """Depth eases from the nearest oval points' own to the pivot's over 0.75 eye distances."""
    square = ((outside[:, None] - oval[None]) ** 2).sum(-1)
    near = np.argsort(square, 1)[:, :3]
    weight = 1 / (np.take_along_axis(square, near, 1) + 1)
    start = (oval_depth[near] * weight).sum(1) / weight.sum(1)
    t = smoothstep(0, 0.75, distance)
    return np.asarray(start * (1 - t) + np.maximum(PIVOT_DEPTH, start) * t)


def _head_weight(local: Array, matte: FloatArray, points: Array, unit: float) -> Array:
    """1 on the head and its hair, falling to 0 down the neck and away from the person."""
    x, y, chin = local[:, 0], local[:, 1], local[152, 1]
    far = 1 - smoothstep(1.25, 2.0, np.hypot(x / 1.75, (y + 0.35) / 2.3))
    away = cv2.distanceTransform((matte < 0.5).astype(np.uint8), cv2.DIST_L2, 5) / unit
    h, w = matte.shape
    at = away[np.clip(points[:, 1].round(), 0, h - 1).astype(int), np.clip(points[:, 0].round(), 0, w - 1).astype(int)]
    near = 1 - smoothstep(0.3, 0.9, at)
    neck = 1 - smoothstep(chin * 0.95, chin + 2.0, y)
    aside = 1 - smoothstep(1.0, 2.2, np.abs(x) / 1.3)
    below = smoothstep(chin * 0.4, chin * 1.1, y)
    return np.asarray(far * near * neck * (1 - below * (1 - aside)))


def _delaunay_outside(points: Array, oval: Array) -> IntArray:
    """Triangles between the oval and the grid."""
    from scipy.spatial import Delaunay

    index = np.r_[np.array(topo.OVAL), np.arange(478, len(points))]
    faces = index[Delaunay(points[index]).simplices]
    centres = points[faces].mean(1)
    contour = oval.astype(np.float32)
    inside = [cv2.pointPolygonTest(contour, (float(x), float(y)), False) >= 0 for x, y in centres]
    return np.asarray(faces[~np.array(inside)], dtype=np.int32)


def _on_border(points: Array, width: int, height: int) -> NDArray[np.bool_]:
    x, y = points[:, 0], points[:, 1]
    return np.asarray((x < 1) | (x > width - 2) | (y < 1) | (y > height - 2))


def _far_first(faces: IntArray, points: Array) -> IntArray:
    """Painter's order: the farthest triangle first."""
    return np.asarray(faces[np.argsort(-points[faces][:, :, 2].mean(1), kind="stable")])
