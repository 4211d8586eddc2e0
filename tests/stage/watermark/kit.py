"""Pictures to mark."""

from __future__ import annotations

import cv2
import numpy as np

from mien.types import ByteArray


def busy(seed: int = 1, width: int = 400, height: int = 400) -> ByteArray:
    """Grain of several sizes over a slope, as photographs have it."""
    random = np.random.default_rng(seed)
    picture = np.linspace(70, 180, width)[None, :, None] * np.ones((height, 1, 3))
    for grain, strength in ((2, 8), (6, 12), (24, 25)):
        noise = random.normal(0, strength, (height // grain + 2, width // grain + 2, 3))
        picture += cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.clip(picture, 0, 255).astype(np.uint8)


def flat(width: int = 400, height: int = 400) -> ByteArray:
    """A sky."""
    slope = np.linspace(110, 190, height)[:, None, None] * np.array([0.7, 0.85, 1.0])
    return np.broadcast_to(slope, (height, width, 3)).astype(np.uint8).copy()


def luma(picture: ByteArray) -> ByteArray:
    """As a decoder gives it."""
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8)


def psnr(before: ByteArray, after: ByteArray) -> float:
    """dB."""
    return float(10 * np.log10(255**2 / np.mean((before.astype(np.float64) - after) ** 2)))
