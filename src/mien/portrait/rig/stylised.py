"""Eyes of cartoons and dolls: larger than any person's, so the landmark net draws them too small.

Nothing here touches a face whose eyes have human size.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from mien.portrait import topology as topo
from mien.portrait.rig.mesh import Array
from mien.types import ByteArray, FloatArray

HUMAN_IRIS: Final = 0.122
"""No person's iris is larger than this radius, eye distances (the average is 0.093): a larger disc is a drawn eye."""
ALIKE: Final = 1.15
"""Drawn irises are equal: radii that differ by more are a misreading."""
NEAR: Final = 0.05
"""A disc further than this from the net's own iris, eye distances, is a brow or shadow, not an eye."""


def fit_stylised_eyes(image: ByteArray, points: FloatArray) -> FloatArray:
    """Points (478, 3) with lids and irises moved to where drawn eyes really are; unchanged for people."""
    fitted = points.astype(np.float64)
    unit = float(np.linalg.norm(points[[33, 133]].mean(0) - points[[263, 362]].mean(0)))
    masks = {side: _eye_pixels(image, fitted, side, unit) for side in topo.SIDES}
    discs = {side: _iris_disc(image, masks[side], fitted[list(topo.IRIS[side]), :2]) for side in topo.SIDES}
    small, large = sorted(radius for _, radius in discs.values())
    off = max(float(np.linalg.norm(discs[s][0] - fitted[topo.IRIS[s][0], :2])) for s in topo.SIDES)
    if small < HUMAN_IRIS * unit or large > ALIKE * small or off > NEAR * unit:
        return points
    for side in topo.SIDES:
        centre, radius = discs[side]
        iris = fitted[list(topo.IRIS[side])]
        grown = (iris - iris[0]) * (radius / _own_radius(iris[:, :2]))
        fitted[list(topo.IRIS[side])] = iris[0] + grown
        fitted[list(topo.IRIS[side]), :2] += centre - iris[0, :2]
        _move_lids(fitted, side, masks[side])
    return fitted.astype(np.float32)


def _iris_disc(image: ByteArray, mask: ByteArray, iris: Array) -> tuple[Array, float]:
    """Centre and radius of the largest disc without white (Otsu) inside the eye's mask, near the net's iris."""
    reach = _own_radius(iris)
    if not mask.any():
        return iris[0], 0.0
    ys, xs = np.nonzero(mask)
    corner = np.array([xs.min(), ys.min()])
    view = np.s_[ys.min() : ys.max() + 1, xs.min() : xs.max() + 1]
    grey, inside = cv2.cvtColor(image[view], cv2.COLOR_RGB2GRAY), mask[view] > 0
    level, _ = cv2.threshold(grey[inside].reshape(-1, 1), 0, 255, cv2.THRESH_OTSU)
    dark = ((grey <= level) & inside).astype(np.uint8)
    size = max(1, round(0.45 * reach))  # close over highlights
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * size + 1, 2 * size + 1))
    whole = cv2.morphologyEx(cv2.copyMakeBorder(dark, 1, 1, 1, 1, cv2.BORDER_CONSTANT), cv2.MORPH_CLOSE, kernel)
    distance = cv2.distanceTransform(whole, cv2.DIST_L2, 5)[1:-1, 1:-1]
    yy, xx = np.mgrid[: inside.shape[0], : inside.shape[1]]
    x0, y0 = iris[0] - corner
    near = distance * (np.hypot(xx - x0, yy - y0) < 0.7 * reach)
    y, x = np.unravel_index(int(near.argmax()), near.shape)
    return np.array([float(x), float(y)]) + corner, float(near[y, x])


def _own_radius(iris: Array) -> float:
    return float(np.linalg.norm(iris[1:, :2] - iris[0, :2], axis=1).mean())


def _eye_pixels(image: ByteArray, points: Array, side: str, unit: float) -> ByteArray:
    """Mask of the drawn eye: what is not skin-coloured and hangs together with the iris."""
    ring = points[[v for rows in (topo.UPPER_LID[side], topo.LOWER_LID[side]) for v in rows[2]], :2]
    low, high = ring.min(0) - 0.1 * unit, ring.max(0) + 0.1 * unit
    x0, y0 = np.maximum(low.astype(int), 0)
    x1, y1 = np.minimum(high.astype(int) + 1, image.shape[1::-1])
    lab = cv2.cvtColor(image[y0:y1, x0:x1], cv2.COLOR_RGB2LAB).astype(np.float32)
    inside = ((ring - (x0, y0)).round().astype(int)).clip(0, np.array(lab.shape[1::-1]) - 1)
    skin = np.median(lab[inside[:, 1], inside[:, 0]], 0)
    away = np.linalg.norm((lab - skin) * (0.6, 1.0, 1.0), axis=2)
    level, _ = cv2.threshold(np.clip(away, 0, 255).astype(np.uint8), 0, 255, cv2.THRESH_OTSU)
    tint, skin_tint = (np.linalg.norm(c[..., 1:] - 128, axis=-1) for c in (lab, skin))
    white = (tint < 0.55 * skin_tint) & (lab[..., 0] > 0.8 * skin[0])  # close to pale skin, but without its colour
    binary = ((away > level) | white).astype(np.uint8)
    iris = points[list(topo.IRIS[side]), :2]
    cv2.circle(binary, tuple(int(v) for v in iris[0] - (x0, y0)), max(1, int(0.9 * _own_radius(iris))), 1, -1)
    hull = cv2.convexHull((ring - (x0, y0)).astype(np.float32)).astype(np.int32)
    limit = cv2.fillConvexPoly(np.zeros_like(binary), hull, 1)
    size = max(1, int(0.015 * unit))
    binary = cv2.morphologyEx(binary * limit, cv2.MORPH_OPEN, np.ones((2 * size + 1, 2 * size + 1), np.uint8))
    _, labels = cv2.connectedComponents(binary)
    at = (iris[0] - (x0, y0)).astype(int)
    label = labels[at[1], at[0]]
    full = np.zeros(image.shape[:2], np.uint8)
    ys, xs = np.nonzero((labels == label) & (binary > 0))
    if len(xs) > 8:
        outline = cv2.convexHull(np.stack([xs + x0, ys + y0], 1).astype(np.int32))
        cv2.fillConvexPoly(full, outline, 1)
    return full


def _move_lids(points: Array, side: str, mask: ByteArray) -> None:
    """Rims go to the top and bottom of the mask, the outer rows follow, less with every row."""
    columns = np.flatnonzero(mask.any(0))
    if len(columns) < 8:
        return
    tops = mask.argmax(0)
    bottoms = mask.shape[0] - 1 - mask[::-1].argmax(0)
    share = np.linspace(0, 1, 9)
    xs = columns[0] + share * (columns[-1] - columns[0])
    at = xs.round().astype(int)
    for rows, edge in ((topo.UPPER_LID[side], tops), (topo.LOWER_LID[side], bottoms)):
        smooth = np.convolve(np.pad(edge[at].astype(float), 1, mode="edge"), [0.25, 0.5, 0.25], "valid")
        if rows is topo.LOWER_LID[side]:
            smooth[[0, -1]] = points[[rows[0][0], rows[0][-1]], 1]
        shift = np.stack([xs, smooth], 1) - points[list(rows[0]), :2]
        if rows is topo.LOWER_LID[side]:
            shift[[0, -1]] = 0
        for row, follow in zip(rows, (1.0, 0.75, 0.35), strict=True):
            points[list(row), :2] += shift * follow
