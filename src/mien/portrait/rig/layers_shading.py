"""Folds and shading that follow the face: one map of log brightness per shape, in texture space.

A photograph's folds never change by warping alone, which is why warped smiles look pasted on. Each shape therefore
carries a small map of how much darker or brighter the skin becomes at 1.0; the renderer adds them up, weighted, and
multiplies the texture by exp of the sum before it warps it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from mien.portrait import topology as topo
from mien.portrait.rig.mesh import Array, FaceMesh
from mien.portrait.rig.rest import UNSMILE, RestPose, sample
from mien.types import ByteArray, FloatArray

CELLS: Final = (192, 160)  # height, width of the maps
FULL_SCALE: Final = 0.5  # log gain of the code 127


@dataclass(frozen=True, slots=True)
class ShadingLayers:
    """maps: int8 (k, 192, 160), log gain × 127 / 0.5. shapes: name of each map's shape; "rest" always applies.

    box: x, y, w, h that the maps cover, texture pixels (float).
    """

    maps: np.ndarray
    shapes: tuple[str, ...]
    box: tuple[float, float, float, float]


def shading_layers(mesh: FaceMesh, image: ByteArray, rest: RestPose) -> ShadingLayers:
    """Fold and shading maps of a portrait, limited to its skin."""
    return _Painter(mesh, image).paint(rest)


class _Painter:
    def __init__(self, mesh: FaceMesh, image: ByteArray) -> None:
        self.mesh, self.image = mesh, image
        self.unit = mesh.head.eye_distance
        oval = mesh.points[list(topo.OVAL), :2]
        low, high = oval.min(0) - 0.15 * self.unit, oval.max(0) + 0.15 * self.unit
        self.box = (float(low[0]), float(low[1]), float(high[0] - low[0]), float(high[1] - low[1]))
        h, w = CELLS
        self.cell = np.array([self.box[2] / w, self.box[3] / h])
        gy, gx = np.mgrid[:h, :w]
        self.grid = np.stack([(gx + 0.5) * self.cell[0] + low[0], (gy + 0.5) * self.cell[1] + low[1]], -1)
        self.skin = self._skin(oval) * self._texture()

    def paint(self, rest: RestPose) -> ShadingLayers:
        maps: dict[str, FloatArray] = {"browInnerUp": self._forehead(0), "jawOpen": self._jaw()}
        for side in topo.SIDES:
            maps |= self._side(side)
        chin = self._chin_fold()
        maps |= {
            "mouthPucker": 0.7 * chin + self._cheeks(-0.05),
            "mouthFunnel": 0.6 * chin,
            "mouthRollLower": 0.7 * chin,
            "mouthShrugLower": 1.1 * chin,
            "cheekPuff": self._cheeks(0.06),
        }
        if rest.parted and rest.smile > 0.05:
            softer = self._own_folds() * UNSMILE
            maps["rest"] = softer
            for side, half in (("Left", self._half(1)), ("Right", self._half(-1))):
                maps[f"mouthSmile{side}"] = maps[f"mouthSmile{side}"] - softer * half
        names = tuple(sorted(maps))
        codes = np.stack([np.clip(maps[n] / FULL_SCALE * 127, -127, 127).round() for n in names])
        return ShadingLayers(maps=codes.astype(np.int8), shapes=names, box=self.box)

    # -- where

    def at(self, anchor: int | tuple[int, ...], dx: float = 0.0, dy: float = 0.0) -> Array:
        """Texture position of a mesh point (or the mean of some), moved by eye distances along the head's axes."""
        points = self.mesh.points[list(anchor) if isinstance(anchor, tuple) else [anchor]].mean(0)
        return np.asarray((points + self.mesh.axes @ np.array([dx, dy, 0.0]) * self.unit)[:2])

    def stroke(self, points: list[Array], width: float, *, ends: tuple[float, float] = (0.2, 0.2)) -> FloatArray:
        """A soft line through points, 0…1; width is its Gaussian sigma in eye distances; it fades at both ends."""
        path = _smooth_path(np.array(points), 30 * (len(points) - 1))
        t = np.linspace(0, 1, len(path))
        weight = np.clip(t / max(ends[0], 1e-3), 0, 1) * np.clip((1 - t) / max(ends[1], 1e-3), 0, 1)
        sigma = max(width * self.unit, 0.6 * float(self.cell.max()), 0.7)
        out = np.zeros(CELLS, np.float32)
        reach = np.ceil(3 * sigma / self.cell).astype(int)
        for p, strength in zip(path, weight, strict=True):
            column, row = ((p - self.grid[0, 0]) / self.cell).round().astype(int)
            view = (
                slice(max(0, row - reach[1]), max(0, row + reach[1] + 1)),
                slice(max(0, column - reach[0]), max(0, column + reach[0] + 1)),
            )
            square = ((self.grid[view] - p) ** 2).sum(-1)
            np.maximum(out[view], strength * np.exp(-square / (2 * sigma * sigma)), out=out[view])
        return out * self.skin

    def blob(self, centre: Array, radius: float) -> FloatArray:
        """A soft spot, 0…1; radius is its Gaussian sigma in eye distances."""
        square = ((self.grid - centre) ** 2).sum(-1)
        return np.asarray(np.exp(-square / (2 * (radius * self.unit) ** 2)) * self.skin, np.float32)

    def _skin(self, oval: Array) -> FloatArray:
        """1 on skin of the face, 0 on hair, beard, lips, eyes, glasses and beyond the oval."""
        tone = np.median([sample(self.image, self.mesh.points[v], 3) for v in (50, 280, 205, 425, 151, 36, 266)], 0)
        mx, my = (self.grid[..., i].astype(np.float32) for i in (0, 1))
        soft = cv2.GaussianBlur(self.image, (0, 0), max(0.8, 0.012 * self.unit))
        seen = cv2.remap(soft, mx, my, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE).astype(np.float64)
        log = np.log(seen + 8) - np.log(tone + 8)
        light, tint = log.mean(-1), log - log.mean(-1, keepdims=True)
        like = np.exp(-((np.abs(tint).max(-1) / 0.22) ** 2)) * np.exp(-((np.minimum(light, 0) / 0.9) ** 2))
        inside = np.zeros(CELLS, np.uint8)
        cells = (oval - self.grid[0, 0]) / self.cell
        cv2.fillPoly(inside, [np.round(cells).astype(np.int32)], 255)
        rim = cv2.distanceTransform(inside, cv2.DIST_L2, 5) * float(self.cell.mean()) / self.unit
        return np.asarray(cv2.GaussianBlur((like * np.clip(rim / 0.10, 0, 1)).astype(np.float32), (0, 0), 1.2))

    def _texture(self) -> float:
        """0.45 on skin as smooth as a doll's or a child's, 1 on skin with visible pores: smooth skin folds less."""
        grain = []
        for v in (50, 280, 205, 425):
            x, y = self.mesh.points[v, :2].round().astype(int)
            r = max(4, int(0.10 * self.unit))
            patch = self.image[max(0, y - r) : y + r, max(0, x - r) : x + r].astype(np.float32).mean(2)
            if min(patch.shape, default=0) >= 6:
                fine = patch - cv2.GaussianBlur(patch, (0, 0), max(1.0, 0.03 * self.unit))
                grain.append(float(fine.std() / (patch.mean() + 8)))
        return float(np.interp(np.median(grain), (0.006, 0.025), (0.45, 1.0))) if grain else 0.7

    def _half(self, sign: int) -> FloatArray:
        middle = self.at((1, 152))
        across = (self.grid - middle) @ self.mesh.axes[:2, 0] / self.unit
        return np.asarray(np.clip(0.5 + sign * across / 0.2, 0, 1), np.float32)

    # -- what

    def _side(self, side: str) -> dict[str, FloatArray]:
        out = 1 if side == "Left" else -1
        fold = self._nasolabial(side)
        feet = self._crows_feet(side)
        row = [self.mesh.points[v, :2] for v in topo.LOWER_LID[side][2][1:-1]]
        bag = self.stroke(row, 0.022, ends=(0.3, 0.3))
        apple = self.blob(self.at((50, 205) if side == "Right" else (280, 425)), 0.17)
        corner = 291 if side == "Left" else 61
        dimple = self.stroke([self.at(corner, out * 0.07, -0.06), self.at(corner, out * 0.08, 0.05)], 0.022)
        marionette = [
            self.at(corner, out * dx, dy) for dx, dy in ((0.02, 0.02), (0.05, 0.10), (0.06, 0.20), (0.05, 0.30))
        ]
        inner_brow, low_brow = ((107, 55), 55) if side == "Right" else ((336, 285), 285)
        eleven = [self.at(inner_brow, -out * dx, dy) for dx, dy in ((0.05, -0.15), (0.075, -0.04), (0.05, 0.11))]
        ala, bridge = (129, 168) if side == "Right" else (358, 168)
        snarl = [self.at(bridge, out * 0.10, 0.16), self.at(bridge, out * 0.15, 0.30), self.at(ala, out * 0.02, -0.08)]
        chin = self._half(out) * self._chin_fold()
        return {
            f"mouthSmile{side}": -0.17 * fold + 0.055 * apple - 0.07 * feet - 0.04 * bag,
            f"mouthDimple{side}": -0.16 * dimple - 0.05 * fold,
            f"mouthStretch{side}": -0.07 * fold,
            f"mouthUpperUp{side}": -0.10 * fold,
            f"mouthFrown{side}": -0.14 * self.stroke(marionette, 0.025, ends=(0.1, 0.5)) + 0.5 * chin,
            f"mouthPress{side}": 0.7 * chin,
            f"cheekSquint{side}": -0.12 * bag - 0.10 * feet + 0.04 * apple - 0.08 * fold,
            f"eyeSquint{side}": -0.12 * bag - 0.08 * feet,
            f"noseSneer{side}": -0.16 * self.stroke(snarl, 0.02) - 0.16 * fold,
            f"browDown{side}": -0.15 * self.stroke(eleven, 0.024, ends=(0.5, 0.4))
            - 0.07 * self.blob(self.at(low_brow, out * 0.1, 0.06), 0.12),
            f"browOuterUp{side}": self._forehead(out),
        }

    def _nasolabial(self, side: str) -> FloatArray:
        """The fold from the nose around the corner of the mouth, with the cheek catching light beside it."""
        out = 1 if side == "Left" else -1
        ala, corner = (358, 291) if side == "Left" else (129, 61)
        start, end = self.at(ala, out * 0.03, 0.0), self.at(corner, out * 0.12, 0.06)
        belly = (start + end) / 2 + self.mesh.axes[:2, 0] * out * 0.055 * self.unit
        path = [start, belly, end]
        beside = [p + self.mesh.axes[:2, 0] * out * 0.055 * self.unit for p in path]
        return np.asarray(self.stroke(path, 0.028, ends=(0.15, 0.35)) - 0.35 * self.stroke(beside, 0.045), np.float32)

    def _crows_feet(self, side: str) -> FloatArray:
        out = 1 if side == "Left" else -1
        corner = 263 if side == "Left" else 33
        total = np.zeros(CELLS, np.float32)
        for rise in (-0.07, 0.0, 0.07):
            ray = [self.at(corner, out * 0.07, rise * 0.3 + 0.02), self.at(corner, out * 0.20, rise + 0.02)]
            total = np.maximum(total, self.stroke(ray, 0.011, ends=(0.3, 0.6)))
        return total

    def _forehead(self, side: int) -> FloatArray:
        """Two lines across the brow; side 0: the middle of both, ±1: above one eyebrow."""
        out = np.zeros(CELLS, np.float32)
        for rise, strength in ((-0.17, -0.09), (-0.30, -0.06)):
            line = [self.at(v, 0.0, rise) for v in (70, 105, 107, 336, 334, 300)]
            out += strength * self.stroke(line, 0.018, ends=(0.1, 0.1))
        if side == 0:
            across = np.abs((self.grid - self.at(9)) @ self.mesh.axes[:2, 0]) / self.unit
            return np.asarray(out * np.clip(1.4 - across / 0.35, 0, 1), np.float32)
        return out * self._half(side)

    def _chin_fold(self) -> FloatArray:
        """The groove between lower lip and chin, and the chin's own light below it."""
        line = [
            self.at(18, dx, dy)
            for dx, dy in ((-0.20, 0.045), (-0.10, 0.015), (0.0, 0.005), (0.10, 0.015), (0.20, 0.045))
        ]
        return -0.13 * self.stroke(line, 0.028, ends=(0.35, 0.35)) + 0.03 * self.blob(self.at(199), 0.10)

    def _cheeks(self, amount: float) -> FloatArray:
        hollow = self.blob(self.at(61, -0.22, -0.14), 0.16) + self.blob(self.at(291, 0.22, -0.14), 0.16)
        return np.asarray(amount * hollow, np.float32)

    def _jaw(self) -> FloatArray:
        """An open jaw stretches the cheeks: they hollow, the groove under the lip flattens."""
        folds = self._nasolabial("Left") + self._nasolabial("Right")
        return np.asarray(self._cheeks(-0.09) - 0.05 * folds - 0.35 * self._chin_fold(), np.float32)

    def _own_folds(self) -> FloatArray:
        """How much brighter the photograph's own smile folds must become to vanish (log gain, ≥ 0)."""
        mx, my = (self.grid[..., i].astype(np.float32) for i in (0, 1))
        luma = (
            cv2.remap(self.image, mx, my, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE).astype(np.float32).mean(-1)
        )
        log = np.log(luma + 8)
        sigma = 0.11 * self.unit / self.cell
        depth = cv2.GaussianBlur(log, (0, 0), float(sigma[0]), sigmaY=float(sigma[1])) - cv2.GaussianBlur(
            log, (0, 0), 0.8
        )
        region = np.zeros(CELLS, np.float32)
        for side in topo.SIDES:
            out = 1 if side == "Left" else -1
            ala, corner = (358, 291) if side == "Left" else (129, 61)
            path = [self.at(ala, out * 0.03, 0), self.at(corner, out * 0.12, -0.12), self.at(corner, out * 0.14, 0.14)]
            region = np.maximum(region, self.stroke(path, 0.085, ends=(0.12, 0.2)))
        return np.asarray(np.clip(depth, 0, 0.35) * np.clip(region * 1.5, 0, 1), np.float32)


def _smooth_path(points: Array, count: int) -> Array:
    """Catmull–Rom curve through points, sampled evenly in its parameter."""
    padded = np.vstack([2 * points[0] - points[1], points, 2 * points[-1] - points[-2]])
    u = np.linspace(0, len(points) - 1 - 1e-9, count)
    k, t = u.astype(int), (u % 1)[:, None]
    a, b, c, d = (padded[k + i] for i in range(4))
    return np.asarray(0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3))
