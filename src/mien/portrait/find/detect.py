"""Where faces are: two BlazeFace nets over the whole picture, and over tiles when faces are small.

Boxes and key points are in picture pixels, pixel centres at whole numbers.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.portrait.find.nets import Network, network
from mien.types import ByteArray

SHORT: Final = "face_detection_short_range"
FULL: Final = "face_detection_full_range_sparse"

MIN_SCORE: Final = 0.4
"""Candidates under this are dropped at once; the mesh decides about the rest."""
OVERLAP: Final = 0.3
"""Two boxes with a larger intersection over union, or one mostly inside the other, are the same face."""


@dataclass(frozen=True, slots=True)
class Detection:
    """A place that may be a face.

    box: x, y, w, h. score: 0…1. keypoints: float64, (6, 2): right eye, left eye, nose tip, mouth, right ear, left ear
    (the person's own right and left).
    """

    box: tuple[float, float, float, float]
    score: float
    keypoints: NDArray[np.float64]

    @property
    def size(self) -> float:
        """The longer side of the box, pixels."""
        return max(self.box[2], self.box[3])


def detect(image: ByteArray, *, smallest: float = 0.0) -> list[Detection]:
    """Candidates in an RGB picture, largest first.

    image: uint8, (h, w, 3). smallest: pixels; when given, tiles are searched as well, down to faces of that size.
    """
    height, width = image.shape[:2]
    found = [d for name in (SHORT, FULL) for d in _search(image, name, 0, 0, max(height, width))]
    if smallest > 0:
        found += [d for x, y, side in _tiles(width, height, smallest) for d in _search(image, FULL, x, y, side)]
    # Twice, because averaged boxes can come to overlap.
    return sorted(_suppress(_suppress(found)), key=lambda d: -d.size)


def _tiles(width: int, height: int, smallest: float) -> Iterator[tuple[int, int, int]]:
    """Overlapping squares, halving in size until a face of the smallest size fills a twelfth of a square."""
    side = max(width, height)
    while side > 12 * smallest:
        side = max(side // 2, round(12 * smallest))
        step = side * 2 / 3
        columns, rows = (max(1, int(np.ceil((n - side) / step)) + 1) for n in (width, height))
        for row in range(rows):
            for column in range(columns):
                x = round(max(0, width - side) * column / max(1, columns - 1))
                y = round(max(0, height - side) * row / max(1, rows - 1))
                yield x, y, side


def _search(image: ByteArray, name: str, x: int, y: int, side: int) -> list[Detection]:
    net = network(name)
    part = image[y : y + side, x : x + side]
    scale = net.side / side
    # Resize first and pad after: padding a large picture to a square would copy all of it.
    small = cv2.resize(part, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)[
        : net.side, : net.side
    ]
    pad_x, pad_y = (net.side - small.shape[1]) // 2, (net.side - small.shape[0]) // 2
    square = np.zeros((net.side, net.side, 3), np.float32)
    square[pad_y : pad_y + small.shape[0], pad_x : pad_x + small.shape[1]] = small / np.float32(127.5) - 1
    offset = np.array([x - pad_x / scale, y - pad_y / scale]) - 0.5
    return _decode(net, square, 1 / scale, offset)


def _decode(net: Network, square: NDArray[np.float32], scale: float, offset: NDArray[np.float64]) -> list[Detection]:
    scores, regressors = sorted(net(square), key=lambda a: a.size)
    score = 1 / (1 + np.exp(-np.clip(scores.astype(np.float64), -50, 50)))
    best = np.flatnonzero(score > MIN_SCORE)
    anchors = _anchors(len(score))
    points = regressors.reshape(-1, 8, 2)[best].astype(np.float64)
    found = []
    for anchor, point, confidence in zip(anchors[best] * net.side, points, score[best], strict=True):
        size = point[1] * scale
        corner = (point[0] + anchor) * scale + offset - size / 2
        keypoints = (point[2:] + anchor) * scale + offset
        found.append(Detection((*map(float, corner), *map(float, size)), float(confidence), keypoints))  # type: ignore[arg-type]
    return found


@functools.cache
def _anchors(count: int) -> NDArray[np.float64]:
    """Anchor centres, 0…1: one a cell at 48², or 2 a cell at 16² and 6 a cell at 8² (the BlazeFace paper's layouts)."""
    grids = ((48, 1),) if count == 48 * 48 else ((16, 2), (8, 6))
    centres = [
        ((column + 0.5) / n, (row + 0.5) / n)
        for n, repeat in grids
        for row in range(n)
        for column in range(n)
        for _ in range(repeat)
    ]
    return np.array(centres)


def _suppress(found: list[Detection]) -> list[Detection]:
    """Non-maximum suppression that averages what it merges, weighted by score (steadier boxes than taking the best)."""
    rest = sorted(found, key=lambda d: -d.score)
    kept = []
    while rest:
        best = rest[0]
        same = [d for d in rest if _same(best.box, d.box)]
        rest = [d for d in rest if not _same(best.box, d.box)]
        weights = np.array([d.score for d in same])
        box = np.average([d.box for d in same], axis=0, weights=weights)
        keypoints = np.average([d.keypoints for d in same], axis=0, weights=weights)
        kept.append(Detection(tuple(map(float, box)), best.score, keypoints))  # type: ignore[arg-type]
    return kept


def _same(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    w = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    h = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    if w <= 0 or h <= 0:
        return False
    both, area_a, area_b = w * h, a[2] * a[3], b[2] * b[3]
    return both / (area_a + area_b - both) > OVERLAP or both / min(area_a, area_b) > 0.7
