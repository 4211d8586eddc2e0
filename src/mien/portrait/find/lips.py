"""Lips laid on what the picture shows, where the mesh alone misses it: closed ones, and mouths wide open."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.portrait.find.features import CLOSED_GAP, LOWER_INNER_LIP, UPPER_INNER_LIP, Points, eye_distance, lip_gap
from mien.portrait.find.open_mouth import fit_open_mouth
from mien.types import ByteArray


def fit_lips(image: ByteArray, points: Points) -> Points:
    """Lay closed lips on the line between them, and the lower lip of a wide open mouth on the edge of the dark."""
    return fit_open_mouth(image, snap_lips(image, points))


def snap_lips(image: ByteArray, points: Points) -> Points:
    """Lay the inner lip rings of a closed mouth on the dark line between the lips; an open mouth stays as it is."""
    if lip_gap(points) >= CLOSED_GAP:
        return points
    scale = eye_distance(points)
    upper, lower = points[list(UPPER_INNER_LIP)], points[list(LOWER_INNER_LIP)]
    middle = (upper + lower) / 2
    along = middle[-1, :2] - middle[0, :2]
    down = np.array([-along[1], along[0]]) / (np.linalg.norm(along) + 1e-9)
    shift = _dark_line(image, middle[:, :2], down, 0.05 * scale, scale)
    snapped = points.copy()
    for k in range(1, len(middle) - 1):
        target = middle[k].copy()
        target[:2] += down * shift[k]
        snapped[UPPER_INNER_LIP[k]] = snapped[LOWER_INNER_LIP[k]] = target
    return snapped


def _dark_line(image: ByteArray, middle: Points, down: Points, reach: float, scale: float) -> Points:
    """How far below each of the middle points the darkest smooth line runs, pixels (dynamic programming)."""
    steps, columns = 41, 41
    offsets = np.linspace(-reach, reach, steps)
    position = np.linspace(0, len(middle) - 1, columns)
    line = np.stack([np.interp(position, np.arange(len(middle)), middle[:, i]) for i in range(2)], 1)
    grid = (line[None] + offsets[:, None, None] * down).astype(np.float32)
    x0, y0 = np.floor(grid.min((0, 1))).astype(int) - 8
    x1, y1 = np.ceil(grid.max((0, 1))).astype(int) + 9
    x0, y0 = max(0, x0), max(0, y0)
    part = np.asarray(cv2.cvtColor(image[y0:y1, x0:x1], cv2.COLOR_RGB2GRAY), np.float32)
    part = np.asarray(cv2.GaussianBlur(part, (0, 0), max(0.6, 0.006 * scale)), np.float32)
    at = (grid - np.array([x0, y0])).astype(np.float32)
    dark = cv2.remap(part, at[..., 0], at[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    contrast = max(8.0, float(dark.max(0).mean() - dark.min(0).mean()))
    cost = dark / contrast + 0.25 * (offsets[:, None] / reach) ** 2
    path = _cheapest_path(cost.astype(np.float64), bend=0.02)
    return np.asarray(np.interp(np.arange(len(middle)), position, offsets[path]))


def _cheapest_path(cost: Points, bend: float) -> NDArray[np.intp]:
    """Row per column that minimises the cost plus ``bend`` × (row step)², ends near the middle row."""
    rows = np.arange(len(cost))
    step = bend * (rows[:, None] - rows) ** 2
    end = 4 * bend * (rows - len(rows) // 2) ** 2
    total, back = cost[:, 0] + end, []
    for column in cost.T[1:]:
        reach = total + step
        back.append(reach.argmin(1))
        total = reach.min(1) + column
    path = [int((total + end).argmin())]
    for previous in reversed(back):
        path.append(int(previous[path[-1]]))
    return np.array(path[::-1])
