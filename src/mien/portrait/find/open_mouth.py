"""Wide open mouths: the landmark net underestimates them, so the lower rim is looked for in the picture."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from mien.portrait import topology as topo
from mien.portrait.rig.mesh import Array
from mien.types import ByteArray

WIDE: Final = 0.28
"""Gap in eye distances (18 mm) from which the net's rim is not trusted."""
MISSED: Final = 0.02
"""How far below the net's rim the picture's must lie before it counts, eye distances."""


def fit_open_mouth(image: ByteArray, points: Array) -> Array:
    """Points (478, 3) with the lower lip moved down to the real edge of a wide open mouth; else unchanged.

    The edge is where brightness rises most on the way from the cavity down to the chin, in nine columns; a parabola
    through them keeps single wrong columns out.
    """
    unit = float(np.linalg.norm(points[[33, 133]].mean(0) - points[[263, 362]].mean(0)))
    if points[14, 1] - points[13, 1] < WIDE * unit:
        return points
    upper = points[list(topo.UPPER_LIP[3][1:-1]), :2].astype(np.float64)
    rim = points[list(topo.LOWER_LIP[3][1:-1]), :2].astype(np.float64)
    found = _edge(image, upper, rim, unit)
    shift = found - rim[:, 1]
    if float(np.median(shift[2:-2])) < MISSED * unit:
        return points
    if not _is_cavity(image, upper[2:-2], rim[2:-2], found[2:-2], unit):
        return points
    fitted = points.astype(np.float64)
    for ring in topo.LOWER_LIP:
        fitted[list(ring[1:-1]), 1] += np.maximum(shift, 0)
    chin = float(np.max(fitted[list(topo.LOWER_LIP[0]), 1])) + 0.12 * unit - fitted[18, 1]
    if chin > 0:  # the lip must not slide over the chin's own points
        for vertex in (18, 83, 313, 201, 421, 200):
            fitted[vertex, 1] = min(fitted[vertex, 1] + chin, fitted[152, 1] - 0.05 * unit)
    return fitted


def _is_cavity(image: ByteArray, upper: Array, rim: Array, found: Array, unit: float) -> bool:
    """Whether what lies between the net's rim and the edge looks like the mouth's inside, not like lip or beard."""

    def colour(columns: Array, top: Array, bottom: Array) -> Array:
        t = np.linspace(0.1, 0.9, 9)
        rows = top[:, None] + (bottom - top)[:, None] * t
        at = np.stack([np.repeat(columns[:, None], 9, 1), rows], -1).astype(np.float32)
        seen = cv2.remap(image, at[..., 0], at[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        lab = cv2.cvtColor(np.asarray(seen, np.uint8), cv2.COLOR_RGB2LAB)
        return np.asarray(np.median(lab.reshape(-1, 3).astype(np.float64), 0))

    x = rim[:, 0]
    inside = colour(x, upper[:, 1], rim[:, 1])
    between = colour(x, rim[:, 1], found)
    beyond = colour(x, found + 0.02 * unit, found + 0.08 * unit)
    return bool(np.linalg.norm(between - inside) < 0.5 * np.linalg.norm(between - beyond))


def _edge(image: ByteArray, upper: Array, rim: Array, unit: float) -> Array:
    """Row of the cavity's lower edge in each column."""
    luma = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    grey = cv2.GaussianBlur(luma, (0, 0), max(0.8, 0.012 * unit))
    steps = np.linspace(0, 0.40 * unit, 80)
    start = (upper[:, 1] + rim[:, 1]) / 2 * 0.3 + rim[:, 1] * 0.7
    my = (start[:, None] + steps).astype(np.float32)
    mx = np.repeat(rim[:, :1], 80, axis=1).astype(np.float32)
    columns = cv2.remap(grey, mx, my, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    rise = np.gradient(columns, axis=1)
    rows = my[np.arange(len(rim)), rise.argmax(1)].astype(np.float64)
    x = (rim[:, 0] - rim[:, 0].mean()) / max(np.ptp(rim[:, 0]), 1.0)
    keep = np.ones(len(rows), bool)
    for _ in range(3):  # parabola, dropping outliers
        curve = np.polyval(np.polyfit(x[keep], rows[keep], 2), x)
        keep = np.abs(rows - curve) < max(0.04 * unit, float(np.median(np.abs(rows - curve))) * 1.5)
        if keep.sum() < 5:
            return np.asarray(rim[:, 1])
    return np.asarray(np.maximum(curve, rim[:, 1]))
