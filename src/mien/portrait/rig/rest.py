"""The rest pose: lips closed and relaxed, whatever the photograph did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from mien.portrait import topology as topo
from mien.portrait.find.features import CLOSED_GAP, lip_gap
from mien.portrait.rig.handles import Handles, Skin
from mien.portrait.rig.mesh import Array, FaceMesh
from mien.types import ByteArray

UNSMILE: Final = 0.55
JAW_OVAL: Final = {
    152: 1.0, 148: 1.0, 377: 1.0, 176: 0.97, 400: 0.97, 149: 0.9, 378: 0.9, 150: 0.8, 379: 0.8, 136: 0.62, 365: 0.62,
    172: 0.42, 397: 0.42, 58: 0.22, 288: 0.22, 132: 0.08, 361: 0.08, 93: 0.0, 323: 0.0,
}  # fmt: skip
LOW_CHIN: Final = (18, 200, 199, 175, 83, 313, 201, 421, 208, 428, 171, 396, 182, 406, 194, 418)


def upper_face() -> list[int]:
    """Points that talking leaves alone: lids, brows, forehead."""
    lids = [v for s in topo.SIDES for rows in (topo.UPPER_LID[s], topo.LOWER_LID[s]) for row in rows for v in row]
    brows = [v for s in topo.SIDES for v in topo.BROW[s]]
    return [*lids, *brows, *topo.UPPER_OVAL, *topo.FOREHEAD]


@dataclass(frozen=True, slots=True)
class RestPose:
    """How the portrait relaxes.

    offset: (n, 3) displacement to rest, eye distances; all zero for lips that are closed already.
    local: (n, 3) points at rest. parted: the portrait's lips are open. teeth: it shows its own teeth.
    gap: largest opening, eye distances. smile: how far the corners stand above the middle of the lip line at rest.
    """

    offset: Array
    local: Array
    parted: bool
    teeth: bool
    gap: float
    smile: float

    @property
    def centre(self) -> Array:
        """Middle between the mouth's corners at rest, (3,)."""
        return np.asarray((self.local[78] + self.local[308]) / 2)

    @property
    def half_width(self) -> float:
        """Half the width of the mouth's inner rim."""
        return float((self.local[308, 0] - self.local[78, 0]) / 2)


def rest_pose(mesh: FaceMesh, skin: Skin, image: ByteArray) -> RestPose:
    """Close and relax the lips of a portrait."""
    local = mesh.local
    gap = float(max(0.0, local[14, 1] - local[13, 1]))
    parted = lip_gap(mesh.points) >= CLOSED_GAP  # the readiness report's own measure
    teeth = parted and shows_teeth(mesh, image, gap)
    offset = np.zeros_like(local)
    if parted:
        offset = _close(mesh, skin, gap, teeth)
    closed = local + offset
    smile = float(closed[topo.UPPER_LIP[3][5], 1] - (closed[78, 1] + closed[308, 1]) / 2)
    if parted and smile > 0.05:
        offset = offset + _unsmile(closed, skin, smile)
        closed = local + offset
    return RestPose(offset=offset, local=closed, parted=parted, teeth=teeth, gap=gap, smile=smile)


def mouth_pixels(mesh: FaceMesh, image: ByteArray) -> Array:
    """RGB of the pixels inside the inner lip rim of the portrait, float (k, 3)."""
    ring = list(topo.UPPER_LIP[3]) + list(topo.LOWER_LIP[3][1:-1])[::-1]
    mask = np.zeros(image.shape[:2], np.uint8)
    cv2.fillPoly(mask, [np.round(mesh.points[ring, :2]).astype(np.int32)], 1)
    return image[mask > 0].astype(np.float64)


def shows_teeth(mesh: FaceMesh, image: ByteArray, gap: float) -> bool:
    """Whether the open mouth shows bright, unsaturated teeth rather than a dark cavity or the tongue."""
    inside = mouth_pixels(mesh, image)
    if gap <= 0.06 or len(inside) < 50:
        return False
    bright = inside[_luma(inside) >= np.percentile(_luma(inside), 50)].mean(0)
    lip = np.median([sample(image, mesh.points[v]) for v in (0, 17, 37, 267, 84, 314)], 0)
    luma, lip_luma = _luma(inside), _luma(lip[None])[0]
    # under red light nothing is pale, but only teeth outshine the lips by this much
    outshine = np.percentile(luma, 90) > 1.2 * lip_luma
    pale = _redness(bright) < 0.65 * _redness(lip)
    return bool(outshine or (pale and np.percentile(luma, 70) > 0.80 * lip_luma))


def sample(image: ByteArray, point: Array, radius: int = 0) -> Array:
    """Median RGB around a point, float (3,)."""
    h, w = image.shape[:2]
    x, y = int(np.clip(round(point[0]), 0, w - 1)), int(np.clip(round(point[1]), 0, h - 1))
    patch = image[max(0, y - radius) : y + radius + 1, max(0, x - radius) : x + radius + 1]
    return np.median(patch.reshape(-1, 3).astype(np.float64), 0)


def _luma(rgb: Array) -> Array:
    return np.asarray(rgb @ np.array([0.299, 0.587, 0.114]))


def _redness(rgb: Array) -> float:
    return float((rgb[0] - rgb[1]) / (rgb.max() + 1))


def _close(mesh: FaceMesh, skin: Skin, gap: float, teeth: bool) -> Array:
    """Both lips meet: the upper takes most of the way over bared teeth, else the lower does with the jaw."""
    # an upper lip comes down by 7 mm at most; the rest of a wide gap is the jaw's
    upper = min(0.62 if teeth else 0.36, 0.11 / max(gap, 1e-3))
    openings = np.array(
        [mesh.local[b] - mesh.local[a] for a, b in zip(topo.UPPER_LIP[3], topo.LOWER_LIP[3], strict=True)]
    )
    openings[:, 2] *= 0.5
    handles: Handles = {}
    fall_up, fall_low = upper * np.array([0.55, 0.72, 0.88, 1]), (1 - upper) * np.array([0.78, 0.86, 0.93, 1])
    for top, low, up_share, low_share in zip(topo.UPPER_LIP, topo.LOWER_LIP, fall_up, fall_low, strict=True):
        for i in range(1, 10):
            handles[top[i]] = openings[i] * up_share
            handles[low[i]] = -openings[i] * low_share
        for i in (0, 10):
            handles[top[i]] = (0.0, 0.0, 0.0)
    for vertex, share in JAW_OVAL.items():
        handles[vertex] = (0.0, -0.42 * gap * share, 0.0)
    for vertex in LOW_CHIN:
        handles[vertex] = (0.0, -0.46 * gap, 0.0)
    return skin.solve(handles, [*upper_face(), *topo.NOSE])


def _unsmile(closed: Array, skin: Skin, smile: float) -> Array:
    """Lower the corners and narrow the lips of a laughing portrait, so that "ah" does not look like laughter."""
    line = closed[list(topo.UPPER_LIP[3]), 1]
    centre = (closed[78] + closed[308]) / 2
    handles: Handles = {}
    for rings in (topo.UPPER_LIP, topo.LOWER_LIP):
        for ring in rings:
            for i, v in enumerate(ring):
                sideways = -0.10 * UNSMILE * (closed[v, 0] - centre[0])
                handles[v] = (sideways, -(line[i] - line[5]) * UNSMILE - 0.22 * smile * UNSMILE, 0.0)
    return skin.solve(handles, [*upper_face(), *topo.NOSE, *topo.CHIN])
