"""Makes the head that motion in GLB files is shown on: src/mien/transmit/data/head.npz.

python scripts/make_head.py FILM...

The face is the mean of the faces in the films (each with its lips shut, in the head's own frame, made symmetric) with
the 52 shapes of Mien's own rig; the back of the head, the eyes, the teeth and the cavity of the mouth are geometry.
The file that is shipped was made from one film each of eight speakers of the GRID corpus (Cooke, Barker, Cunningham,
Shao 2006; CC BY 4.0). Nobody's picture or texture is in it.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict, deque
from itertools import pairwise
from pathlib import Path

import av
import numpy as np

from mien.portrait import topology as topo
from mien.portrait.base import FaceGeometry
from mien.portrait.find.faces import find_faces
from mien.portrait.find.features import CLOSED_GAP, lip_gap
from mien.portrait.rig.handles import Skin
from mien.portrait.rig.mesh import build_mesh, head_frame
from mien.portrait.rig.rest import rest_pose
from mien.portrait.rig.shapes import build_shapes
from mien.types import ARKIT_SHAPES, SHAPE_INDEX

ROOT = Path(__file__).parents[1] / "src" / "mien"
EYE_DISTANCE = 0.063  # metres
NECK = np.array([0.0, -0.35, -1.45])  # what the head turns about, eye distances, y up, z to the viewer
SKULL, SKULL_SIZE, RINGS = np.array([0.0, 0.12, -1.25]), np.array([1.22, 1.30, 1.55]), 9
FOLLOW = (0.55, 0.20, 0.05)  # how much of the oval's motion the first rings behind it take
EYE_SIZE, EYE_DEPTH = 0.19, 0.165  # radius of an eyeball, and how far its middle lies behind the lids
PUPIL, IRIS = 10.5, 30.0  # degrees from the middle of the pupil
LIP_ROWS = {v for ring in (*topo.UPPER_LIP, *topo.LOWER_LIP) for v in ring}
MICRO = 1e-6  # metres in a step of the stored shapes


def main(films: list[str]) -> None:
    mirror = np.array(json.loads((ROOT / "portrait/data/mesh_mirror.json").read_text()))
    face = np.mean([frame for film in films if (frame := shut_face(film)) is not None], axis=0)[:468]
    points, shapes = rig((face + face[mirror] * [-1, 1, 1]) / 2)
    partner = [SHAPE_INDEX[other_side(name)] for name in ARKIT_SHAPES]
    shapes = (shapes + shapes[partner][:, mirror] * [-1, 1, 1]) / 2
    head = Head(points * [1, -1, -1], shapes * [1, -1, -1])
    head.skull()
    parts = head.skin_parts()
    parts["cavity"] = head.to_viewer(head.cavity())
    parts["teeth"] = head.to_viewer(head.teeth())
    parts["tongue"] = head.tongue()
    eyes = np.array([lids(points, side) for side in ("Left", "Right")]) * [1, -1, -1] - [0, 0, EYE_DEPTH]
    ball, rings = eyeball()
    np.savez_compressed(
        ROOT / "transmit/data/head.npz",
        positions=((head.points - NECK) * EYE_DISTANCE).astype(np.float32),
        shapes=np.round(head.shapes * EYE_DISTANCE / MICRO).astype(np.int16),
        eyes=((eyes - NECK) * EYE_DISTANCE).astype(np.float32),
        ball=(ball * EYE_DISTANCE).astype(np.float32),
        **{name: np.asarray(part, np.uint16) for name, part in (parts | rings).items()},
    )


def shut_face(film: str) -> np.ndarray | None:
    """The face of a film in the head's frame where it looks ahead with its lips shut, None when it never does."""
    best, kept = np.inf, None
    with av.open(film) as container:
        for number, frame in enumerate(container.decode(video=0)):
            if number % 6 or not (faces := find_faces(frame.to_ndarray(format="rgb24"))[0]):
                continue
            points = faces[0].points
            head, gap = head_frame(points), lip_gap(points)
            score = gap + 0.3 * (abs(head.yaw) + abs(head.pitch))
            if gap < CLOSED_GAP and score < best:
                best, kept = score, (points - head.origin) @ np.array(head.axes) / head.eye_distance
    return kept


def rig(face: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points (468, 3) and shapes (52, 468, 3) in the head's frame, eye distances."""
    middle = {s: face[list(topo.UPPER_LID[s][0] + topo.LOWER_LID[s][0])].mean(0) for s in topo.SIDES}
    irises = np.concatenate([np.tile(middle[s], (5, 1)) for s in ("Right", "Left")])
    points = np.vstack([face, irises]) * 200 + [500, 600, 0]
    mesh = build_mesh(FaceGeometry(points.astype(np.float32), np.ones((1200, 1000), np.float32)))
    skin = Skin(mesh)
    rest = rest_pose(mesh, skin, np.zeros((1200, 1000, 3), np.uint8))
    shapes = build_shapes(mesh, skin, rest)[:, :468] / mesh.head.eye_distance
    return mesh.local[:468], shapes.astype(np.float64)


def other_side(name: str) -> str:
    """The mirrored shape's name."""
    return name.replace("Left", "#").replace("Right", "Left").replace("#", "Right")


def eyeball() -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """A ball that looks along z: points (n, 3) in eye distances; triangles of pupil, iris and white."""
    angles = np.radians([PUPIL, IRIS, 52.0, 78.0, 110.0, 150.0])
    turn = np.arange(24) * 2 * np.pi / 24
    rows = [np.c_[np.sin(a) * np.cos(turn), np.sin(a) * np.sin(turn), np.full(24, np.cos(a))] for a in angles]
    points = np.vstack([[[0, 0, 1]], *rows, [[0, 0, -1]]]) * EYE_SIZE
    ring = [1 + 24 * k + np.arange(24) for k in range(len(angles))]
    fan = [[0, a, b] for a, b in zip(ring[0], np.roll(ring[0], -1), strict=True)]
    back = [[len(points) - 1, b, a] for a, b in zip(ring[-1], np.roll(ring[-1], -1), strict=True)]
    bands = [band(a, b, closed=True) for a, b in pairwise(ring)]
    return points, {"pupil": np.array(fan), "iris": bands[0], "white": np.vstack([*bands[1:], back])}


def lids(points: np.ndarray, side: str) -> np.ndarray:
    """Middle of an eye's opening."""
    return points[list(topo.UPPER_LID[side][0] + topo.LOWER_LID[side][0])].mean(0)


class Head:
    """Grows from a face: x to the person's left, y up, z to the viewer, eye distances."""

    def __init__(self, points: np.ndarray, shapes: np.ndarray) -> None:
        self.points, self.shapes = points, shapes
        self.triangles = topo.triangles().astype(int)

    def add(self, points: np.ndarray, shapes: np.ndarray | None = None) -> np.ndarray:
        first = len(self.points)
        self.points = np.vstack([self.points, points])
        moved = np.zeros((52, len(points), 3)) if shapes is None else shapes
        self.shapes = np.concatenate([self.shapes, moved], axis=1)
        return np.arange(first, len(self.points))

    def skull(self) -> None:
        """From the face's oval back over an ellipsoid, ring by ring."""
        oval = np.array(topo.OVAL)
        away = (self.points[oval] - SKULL) / SKULL_SIZE
        radius = np.linalg.norm(away, axis=1)
        tilt, turn = np.arccos(away[:, 2] / radius), np.arctan2(away[:, 1], away[:, 0])
        before, triangles = oval, [self.triangles]
        for k in range(1, RINGS):
            t = k / RINGS
            theta, size = tilt + (np.pi - tilt) * t, 1 + (radius - 1) * (1 - t) ** 2.2
            ring = np.c_[np.sin(theta) * np.cos(turn), np.sin(theta) * np.sin(turn), np.cos(theta)] * size[:, None]
            share = FOLLOW[k - 1] if k <= len(FOLLOW) else 0.0
            now = self.add(SKULL + SKULL_SIZE * ring, self.shapes[:, oval] * share)
            triangles.append(band(before, now, closed=True))
            before = now
        pole = self.add(SKULL - [[0, 0, SKULL_SIZE[2]]])[0]
        triangles.append(np.array([[a, pole, b] for a, b in zip(before, np.roll(before, -1), strict=True)]))
        self.triangles = one_winding(np.vstack(triangles))
        corner = self.points[self.triangles]
        normal = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])
        if (normal * (corner.mean(1) - SKULL)).sum() < 0:
            self.triangles = self.triangles[:, ::-1]

    def skin_parts(self) -> dict[str, np.ndarray]:
        brow = [set(topo.BROW[side]) for side in topo.SIDES]
        kind = [
            "lips" if set(t) <= LIP_ROWS else "brows" if any(set(t) <= b for b in brow) else "skin"
            for t in self.triangles.tolist()
        ]
        return {name: self.triangles[[k == name for k in kind]] for name in ("skin", "lips", "brows")}

    def to_viewer(self, triangles: np.ndarray) -> np.ndarray:
        """The same triangles, each wound so that its front is seen from the front."""
        corner = self.points[triangles]
        away = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])[:, 2] < 0
        return np.where(away[:, None], triangles[:, ::-1], triangles)

    def cavity(self) -> np.ndarray:
        """A dark bag behind the lips that follows their inner rim."""
        rim = np.array([*topo.UPPER_LIP[3], *topo.LOWER_LIP[3][-2:0:-1]])
        middle = self.points[rim].mean(0)
        rings = [rim]
        for depth, size, share in ((0.0, 1.0, 1.0), (0.22, 1.05, 0.9), (0.55, 0.7, 0.6)):
            points = middle + (self.points[rim] - middle) * size - [0, 0, depth]
            rings.append(self.add(points, self.shapes[:, rim] * share))
        back = self.add(middle[None] - [[0, 0, 0.7]], self.shapes[:, rim].mean(1, keepdims=True) * 0.5)[0]
        fan = [[a, back, b] for a, b in zip(rings[-1], np.roll(rings[-1], -1), strict=True)]
        return np.vstack([*(band(a, b, closed=True) for a, b in pairwise(rings[1:])), fan])

    def teeth(self) -> np.ndarray:
        """Two curved rows; the lower one goes with the jaw (0.88 of the lip's way)."""
        lip = self.points[13]
        x = np.linspace(-0.36, 0.36, 13)
        row = np.c_[x, np.zeros(13), lip[2] - 0.12 - 0.9 * x**2]
        jaw = np.zeros((52, 13, 3))
        for name in ("jawOpen", "jawForward", "jawLeft", "jawRight"):
            jaw[SHAPE_INDEX[name]] = 0.88 * self.shapes[SHAPE_INDEX[name], 14]
        top = [self.add(row + np.array([0, lip[1] + y, 0])) for y in (0.08, -0.045)]
        low = [self.add(row * [0.95, 1, 1] + np.array([0, lip[1] + y, -0.03]), jaw) for y in (-0.05, -0.18)]
        return np.vstack([band(*top, closed=False), band(*low, closed=False)])

    def tongue(self) -> np.ndarray:
        """A flat body, round at the tip, that lies behind the lower teeth, goes with the jaw, and comes out."""
        lip, turn = self.points[13], np.arange(12) * 2 * np.pi / 12
        back = np.array([0.02, 0.08, 0.2, 0.36, 0.6, 1.0])  # from the tip to the root
        size = np.sqrt(1 - np.clip(1 - 2 * back, 0, 1) ** 2)[:, None]
        rings = np.stack(
            [
                0.17 * size * np.cos(turn),
                lip[1] - 0.17 + 0.03 * np.sin(np.pi * back)[:, None] + 0.055 * size * np.sin(turn),
                lip[2] - 0.20 - 0.42 * back[:, None] + 0 * turn,
            ],
            axis=2,
        )
        tip = np.array([[0.0, lip[1] - 0.17, lip[2] - 0.195]])
        points, out = np.vstack([tip, rings.reshape(-1, 3)]), 1 - np.r_[0.0, np.repeat(back, 12)]
        moved = np.zeros((52, len(points), 3))
        for name in ("jawOpen", "jawForward", "jawLeft", "jawRight"):
            moved[SHAPE_INDEX[name]] = 0.85 * self.shapes[SHAPE_INDEX[name], 14]
        moved[SHAPE_INDEX["tongueOut"]] = np.c_[0 * out, 0.19 * np.sqrt(out) - 0.05 * out**6, 0.38 * out]
        index = self.add(points, moved)
        grid = index[1:].reshape(-1, 12)
        fan = [[index[0], a, b] for a, b in zip(grid[0], np.roll(grid[0], -1), strict=True)]
        return np.vstack([fan, *(band(a, b, closed=True) for a, b in pairwise(grid))])


def band(a: np.ndarray, b: np.ndarray, *, closed: bool) -> np.ndarray:
    """Triangles between two rows of points."""
    a2, b2 = (np.roll(a, -1), np.roll(b, -1)) if closed else (a[1:], b[1:])
    a1, b1 = (a, b) if closed else (a[:-1], b[:-1])
    return np.vstack([np.c_[a1, b1, b2], np.c_[a1, b2, a2]])


def one_winding(triangles: np.ndarray) -> np.ndarray:
    """The same triangles, all wound the way of the first."""
    out, sharing = triangles.copy(), defaultdict(list)
    for i, t in enumerate(out):
        for a, b in ((0, 1), (1, 2), (2, 0)):
            sharing[frozenset((t[a], t[b]))].append(i)
    seen, queue = {0}, deque([0])
    while queue:
        t = out[queue.popleft()].tolist()
        for a, b in ((t[0], t[1]), (t[1], t[2]), (t[2], t[0])):
            for j in sharing[frozenset((a, b))]:
                if j not in seen:
                    u = out[j].tolist()
                    if u[(u.index(a) + 1) % 3] == b:
                        out[j] = out[j][::-1]
                    seen.add(j)
                    queue.append(j)
    return out


if __name__ == "__main__":
    main(sys.argv[1:])
