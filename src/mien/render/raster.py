"""Compiled inner loops of the mesh engine. All release the GIL; compiled once and cached on disk by numba."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np

from mien.types import ByteArray, FloatArray, IntArray

_F = TypeVar("_F", bound=Callable[..., Any])


def _compiled(signature: str) -> Callable[[_F], _F]:
    """numba.njit with the options that all loops share, typed."""
    return cast("Callable[[_F], _F]", numba.njit(signature, cache=True, fastmath=True, nogil=True))


@_compiled("void(f4[::1], f4[:,::1], f4[::1])")
def mix(weights: FloatArray, rows: FloatArray, out: FloatArray) -> None:
    """out (n,) += Σ weights[k] × rows[k], rows (k, n). BLAS would wake its threads for so little."""
    for k in range(rows.shape[0]):
        w = weights[k]
        if w != 0:
            for i in range(rows.shape[1]):
                out[i] += w * rows[k, i]


@_compiled("void(i4[:,::1], f4[:,::1], f4[:,::1], f4[:,::1], f4[:,::1])")
def rasterise(triangles: IntArray, at: FloatArray, uv: FloatArray, map_x: FloatArray, map_y: FloatArray) -> None:
    """Write, for each pixel of the maps (h, w), the texture coordinate that the mesh shows there.

    triangles (t, 3) are painted in order; at (n, 2) are vertex positions in map pixels, uv (n, 2) texture pixels.
    Spans are solved per row from the barycentric half-planes, so only covered pixels are visited.
    """
    height, width = map_x.shape
    eps = 1e-4
    for k in range(triangles.shape[0]):
        a, b, c = triangles[k, 0], triangles[k, 1], triangles[k, 2]
        ax, ay = np.float64(at[a, 0]), np.float64(at[a, 1])
        bx, by = np.float64(at[b, 0]), np.float64(at[b, 1])
        cx, cy = np.float64(at[c, 0]), np.float64(at[c, 1])
        y0 = max(0, int(np.ceil(min(ay, by, cy) - 1e-3)))
        y1 = min(height - 1, int(np.floor(max(ay, by, cy) + 1e-3)))
        x0 = max(0, int(np.ceil(min(ax, bx, cx) - 1e-3)))
        x1 = min(width - 1, int(np.floor(max(ax, bx, cx) + 1e-3)))
        if y1 < y0 or x1 < x0:
            continue
        area = (by - cy) * (ax - cx) + (cx - bx) * (ay - cy)
        if abs(area) < 1e-9:
            continue
        inv = 1.0 / area
        d0, d1 = (by - cy) * inv, (cy - ay) * inv
        d2 = -d0 - d1
        ua, va = uv[a, 0] - uv[c, 0], uv[a, 1] - uv[c, 1]
        ub, vb = uv[b, 0] - uv[c, 0], uv[b, 1] - uv[c, 1]
        du, dv = d0 * ua + d1 * ub, d0 * va + d1 * vb
        # a triangle that only stands there is copied exactly, free of rounding
        still = abs(du - 1) < 1e-4 and abs(dv) < 1e-4
        if still:
            du, dv = 1.0, 0.0
        for y in range(y0, y1 + 1):
            l0 = ((by - cy) * (x0 - cx) + (cx - bx) * (y - cy)) * inv
            l1 = ((cy - ay) * (x0 - cx) + (ax - cx) * (y - cy)) * inv
            l2 = 1.0 - l0 - l1
            s0, s1 = np.float64(x0), np.float64(x1)
            empty = False
            for _ in range(3):  # clip the span by the three half-planes
                value, slope = (l0, d0) if _ == 0 else ((l1, d1) if _ == 1 else (l2, d2))
                if slope > 0:
                    s0 = max(s0, x0 + (-eps - value) / slope)
                elif slope < 0:
                    s1 = min(s1, x0 + (-eps - value) / slope)
                elif value < -eps:
                    empty = True
            if empty:
                continue
            i0, i1 = int(np.ceil(s0)), int(np.floor(s1))
            u = uv[c, 0] + l0 * ua + l1 * ub + (i0 - x0) * du
            v = uv[c, 1] + l0 * va + l1 * vb + (i0 - x0) * dv
            if still:
                u, v = np.floor(u * 256 + 0.5) / 256, np.floor(v * 256 + 0.5) / 256
            for x in range(i0, i1 + 1):
                map_x[y, x] = u
                map_y[y, x] = v
                u += du
                v += dv


@_compiled("void(u1[:,:,::1], u1[:,:,:], u1[:,:,:])")
def over_plate(front: ByteArray, behind: ByteArray, out: ByteArray) -> None:
    """out (h, w, 3) = front (h, w, 4, straight alpha) over behind (h, w, 3); exact where both agree."""
    for y in range(front.shape[0]):
        for x in range(front.shape[1]):
            alpha = np.int32(front[y, x, 3])
            if alpha == 255:
                out[y, x, 0], out[y, x, 1], out[y, x, 2] = front[y, x, 0], front[y, x, 1], front[y, x, 2]
            elif alpha == 0:
                out[y, x, 0], out[y, x, 1], out[y, x, 2] = behind[y, x, 0], behind[y, x, 1], behind[y, x, 2]
            else:
                for c in range(3):
                    mixed = alpha * np.int32(front[y, x, c]) + (255 - alpha) * np.int32(behind[y, x, c]) + 127
                    out[y, x, c] = mixed // 255


@_compiled("void(u1[:,:,:], u1[:,:,:], u1[:,::1], i4[:,::1])")
def shade(source: ByteArray, out: ByteArray, code: ByteArray, table: IntArray) -> None:
    """out = source, its first three channels multiplied by table[code[y, x]] / 4096; further channels are copied.

    source, out: (h, w, 3 or 4). code: (h, w). table: (256, 3); code 128 leaves a pixel alone.
    """
    channels = source.shape[2]
    for y in range(code.shape[0]):
        for x in range(code.shape[1]):
            k = code[y, x]
            if k == 128:
                for c in range(channels):
                    out[y, x, c] = source[y, x, c]
            else:
                for c in range(3):
                    out[y, x, c] = np.uint8(min(np.int32(255), (source[y, x, c] * table[k, c] + 2048) >> 12))
                if channels == 4:
                    out[y, x, 3] = source[y, x, 3]


@_compiled("void(u1[:,:,:], u1[:,:,:], f4[:,::1])")
def paste(picture: ByteArray, patch: ByteArray, cover: FloatArray) -> None:
    """Lay patch (h, w, 3 or 4) over picture (h, w, 3 or 4) in place, by cover (h, w) 0…1; picture's alpha stays."""
    for y in range(cover.shape[0]):
        for x in range(cover.shape[1]):
            a = cover[y, x]
            if a <= 0:
                continue
            for c in range(3):
                under = np.float32(picture[y, x, c])
                picture[y, x, c] = np.uint8(under + (np.float32(patch[y, x, c]) - under) * a + np.float32(0.5))


@_compiled("void(f4[:,:,::1], f4[:,:,::1])")
def over_float(under: FloatArray, top: FloatArray) -> None:
    """under (h, w, 3) = top (h, w, 4, premultiplied, 0…1) over under, in place."""
    for y in range(under.shape[0]):
        for x in range(under.shape[1]):
            rest = np.float32(1) - top[y, x, 3]
            for c in range(3):
                under[y, x, c] = under[y, x, c] * rest + top[y, x, c]
