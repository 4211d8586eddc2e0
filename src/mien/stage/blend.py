"""The compiled inner loop of :mod:`mien.stage.compose`, apart so that numba is imported only when it is needed."""

from __future__ import annotations

import numpy as np
from numba import njit

from mien.types import ByteArray


@njit(nogil=True, cache=True, boundscheck=False)
def blend(over: ByteArray, under: ByteArray, out: ByteArray) -> None:
    """over: uint8 (n, 4). under, out: uint8 (n, 3)."""
    for i in range(over.shape[0]):
        a = np.uint32(over[i, 3])
        b = np.uint32(255) - a
        for c in range(3):
            value = np.uint32(over[i, c]) * a + np.uint32(under[i, c]) * b + np.uint32(128)
            out[i, c] = (value + (value >> np.uint32(8))) >> np.uint32(8)  # exact rounded division by 255


@njit(nogil=True, cache=True, boundscheck=False)
def blend_rows(over: ByteArray, under: ByteArray) -> None:
    """Lays over upon under, in place; what is wholly clear or opaque costs little. uint8 (h, w, 4), (h, w, 3)."""
    for y in range(under.shape[0]):
        for x in range(under.shape[1]):
            a = np.uint32(over[y, x, 3])
            if a == 0:
                continue
            if a == 255:
                for c in range(3):
                    under[y, x, c] = over[y, x, c]
                continue
            b = np.uint32(255) - a
            for c in range(3):
                value = np.uint32(over[y, x, c]) * a + np.uint32(under[y, x, c]) * b + np.uint32(128)
                under[y, x, c] = (value + (value >> np.uint32(8))) >> np.uint32(8)
