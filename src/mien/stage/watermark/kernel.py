"""The compiled inner loops of the mark, apart so that numba is imported only when they are needed."""

from __future__ import annotations

import numpy as np
from numba import njit

from mien.types import ByteArray, FloatArray

BLOCK = 8
"""Side of the squares whose texture is measured, pixels."""


@njit(nogil=True, cache=True, boundscheck=False, fastmath=True)
def texture(pixels: ByteArray, out: FloatArray) -> None:
    """How busy each whole square of 8 is: pixels uint8 (h, w, 3 or 4) → out float32 (h // 8, w // 8), levels.

    The mean bend of the green values, across and down, in the second calmest of its four quarters: a slope bends
    nowhere and hides nothing, and an edge through a flat square leaves at least two quarters calm.
    """
    rows, columns = out.shape
    width = columns * 8
    above, here, below = np.empty(width, np.int32), np.empty(width, np.int32), np.empty(width, np.int32)
    bend = np.zeros(width, np.int32)
    sums = np.zeros((2, columns * 2), np.int32)
    for by in range(rows):
        sums[:] = 0
        for y in (1, 2, 5, 6):
            for x in range(width):
                above[x] = pixels[by * 8 + y - 1, x, 1]
                here[x] = 2 * np.int32(pixels[by * 8 + y, x, 1])
                below[x] = pixels[by * 8 + y + 1, x, 1]
            for x in range(1, width - 1):
                bend[x] = abs(above[x] + below[x] - here[x]) + abs(((here[x - 1] + here[x + 1]) >> 1) - here[x])
            for q in range(columns * 2):
                sums[y >> 2, q] += bend[4 * q + 1] + bend[4 * q + 2]
        for bx in range(columns):
            a, b = sums[0, 2 * bx], sums[0, 2 * bx + 1]
            c, d = sums[1, 2 * bx], sums[1, 2 * bx + 1]
            calmer, busier = max(min(a, b), min(c, d)), min(max(a, b), max(c, d))
            out[by, bx] = min(calmer, busier) * np.float32(0.125)


@njit(nogil=True, cache=True, boundscheck=False, fastmath=True)
def add(pixels: ByteArray, tile: FloatArray, dither: FloatArray, strength: FloatArray, out: ByteArray) -> None:
    """out = pixels + strength × tile in luma, chroma as it was, alpha copied; uint8 (h, w, 3 or 4).

    tile, dither: float32 (n, n), n a power of two; dither 0…1 decides what becomes of fractions. strength: float32
    (rows, columns) at the centres of squares of 8, levels, interpolated between.
    """
    height, width, channels = pixels.shape
    rows, columns = strength.shape
    side = tile.shape[0]
    line = np.empty(columns + 2, np.float32)  # before the first, and after the last, as they are
    level = np.empty((columns + 2) * 8 + side, np.float32)
    step = np.zeros((width // side + 1) * side, np.int32)
    for y in range(height):
        fy = max((np.float32(y) - np.float32(3.5)) * np.float32(0.125), np.float32(0))
        r0 = min(int(fy), rows - 1)
        r1 = min(r0 + 1, rows - 1)
        ty = min(fy - np.float32(r0), np.float32(1))
        for c in range(columns):
            line[c + 1] = strength[r0, c] + (strength[r1, c] - strength[r0, c]) * ty
        line[0], line[columns + 1] = line[1], line[columns]
        for c in range(columns + 1):
            slope = (line[c + 1] - line[c]) * np.float32(0.125)
            first = line[c] + np.float32(0.5) * slope
            for i in range(8):
                level[c * 8 + i] = first + np.float32(i) * slope
        for x in range((columns + 1) * 8, level.size):
            level[x] = line[columns + 1]
        row = y % side
        for x0 in range(0, step.size, side):
            for i in range(min(side, width - x0)):
                value = level[x0 + i + 4] * tile[row, i] + dither[row, i]
                step[x0 + i] = np.int32(value + np.float32(64)) - 64  # floor: never below -64
        for x in range(width):
            d = step[x]
            out[y, x, 0] = min(max(np.int32(pixels[y, x, 0]) + d, 0), 255)
            out[y, x, 1] = min(max(np.int32(pixels[y, x, 1]) + d, 0), 255)
            out[y, x, 2] = min(max(np.int32(pixels[y, x, 2]) + d, 0), 255)
        if channels == 4:
            for x in range(width):
                out[y, x, 3] = pixels[y, x, 3]


@njit(nogil=True, cache=True, boundscheck=False, fastmath=True)
def fold(residual: FloatArray, across: float, down: float, out: FloatArray) -> None:
    """Add every pixel of residual (h, w) to the place of out (n, n) that it fell on when the film was made.

    n: a power of two. across, down: pixels now for a pixel then.
    """
    height, width = residual.shape
    mask = out.shape[0] - 1
    columns = np.empty(width, np.int32)
    for x in range(width):
        columns[x] = int((x + 0.5) / across) & mask
    for y in range(height):
        row = out[int((y + 0.5) / down) & mask]
        for x in range(width):
            row[columns[x]] += residual[y, x]
