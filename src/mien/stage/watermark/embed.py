"""Putting the mark into pictures."""

from __future__ import annotations

import functools
from typing import Final

import numpy as np

from mien.errors import UsageError
from mien.stage.watermark.code import BITS
from mien.stage.watermark.pattern import SIDE, tile
from mien.types import ByteArray, FloatArray

PUBLIC_KEY: Final = "mien"
"""The key of everybody who set no other: whoever has Mien can read marks that were made with it."""
_CALM: Final = 0.65  # RMS of the mark where the picture is flat, levels of 255
_GRAIN: Final = 0.5  # texture, levels, that flat skin has from the camera's noise alone: it hides nothing
_GAIN: Final = 1.1  # more of the mark for each level of texture over that
_MOST: Final = 5.0
_IN_ALL: Final = 2.5  # RMS over a picture that is busy everywhere: a PSNR of 40.3 dB
_CLIP: Final = 2.2  # of the tile, in RMS: rare tall waves would be the first to be seen


class Watermark:
    """Marks pictures. The same picture gives the same marked picture, whenever and by whichever process."""

    def __init__(self, payload: int, key: str = PUBLIC_KEY) -> None:
        """payload: 0…2³² - 1, what the mark says. key: a secret, or the public one. Raises UsageError."""
        if not 0 <= payload < 1 << BITS:
            raise UsageError(f"The watermark's payload {payload} is not between 0 and {(1 << BITS) - 1}.")
        if not key:
            raise UsageError("The watermark's key is empty.", hint="Leave it out for the public one.")
        self.payload, self.key = payload, key
        self._tile = np.clip(tile(key, payload), -_CLIP, _CLIP)

    def __call__(self, tick: int, pixels: ByteArray) -> ByteArray:
        """The picture, marked, as a new array. pixels: uint8 (h, w, 3), or (h, w, 4): alpha stays. tick: no matter."""
        from mien.stage.watermark.kernel import add

        out = np.empty_like(pixels)
        add(pixels, self._tile, _dither(), _strength(pixels), out)
        return out


def _strength(pixels: ByteArray) -> FloatArray:
    """(rows, columns) of squares of 8: how strong the mark may be there, levels RMS."""
    import cv2

    from mien.stage.watermark.kernel import BLOCK, texture

    height, width = pixels.shape[:2]
    busy = np.zeros((max(1, height // BLOCK), max(1, width // BLOCK)), np.float32)
    if height >= BLOCK and width >= BLOCK:
        texture(pixels, busy)
    calm = np.minimum(busy, cv2.blur(busy, (3, 3)))  # what stands alone among calm squares hides less
    strength = np.minimum(_CALM + _GAIN * np.maximum(calm - _GRAIN, 0), np.float32(_MOST))
    return np.minimum(strength, _ceiling(strength))


def _ceiling(strength: FloatArray) -> np.float32:
    """Under which strengths come to :data:`_IN_ALL` at most.

    The same level of the mark is found sooner where the picture itself is calmer, so what there is too much of is
    taken from the busiest places, not from all.
    """
    low, high = 0.0, _MOST
    for _ in range(12 if float(np.sqrt(np.mean(strength * strength))) > _IN_ALL else 0):
        middle = (low + high) / 2
        under = np.minimum(strength, np.float32(middle))
        low, high = (low, middle) if float(np.sqrt(np.mean(under * under))) > _IN_ALL else (middle, high)
    return np.float32(low or high)


@functools.cache
def _dither() -> FloatArray:
    """(SIDE, SIDE) thresholds, each value once, neighbours far apart: noise that is all fine grain."""
    white = np.random.Generator(np.random.MT19937(1)).random((SIDE, SIDE))
    v, u = np.meshgrid(np.fft.fftfreq(SIDE), np.fft.fftfreq(SIDE), indexing="ij")
    fine = np.fft.ifft2(np.fft.fft2(white) * np.hypot(u, v) ** 2).real
    ranks = np.empty(SIDE * SIDE, np.float32)
    ranks[fine.ravel().argsort()] = (np.arange(SIDE * SIDE, dtype=np.float32) + 0.5) / (SIDE * SIDE)
    return ranks.reshape(SIDE, SIDE)
