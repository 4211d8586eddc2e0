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
