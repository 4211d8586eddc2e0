"""Layers that do not move: colours, gradients, pictures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mien.stage.layer import Patch
from mien.types import ByteArray

Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Still:
    """The same patch for ever."""

    patch: Patch

    def at(self, tick: int) -> Patch:
        """The patch."""
        return self.patch


def fill(colour: Colour, width: int, height: int) -> ByteArray:
    """One colour, uint8 (height, width, 3)."""
    return np.full((height, width, 3), colour, np.uint8)


def gradient(colours: Sequence[Colour], degrees: float, width: int, height: int) -> ByteArray:
    """From colour to colour along a direction, uint8 (height, width, 3).

    degrees: 0 goes up, 90 to the right, as in CSS; the first and the last colour lie in opposite corners. Steps between
    8-bit values are dissolved by ordered noise, so that wide gradients show no bands.
    """
    angle = math.radians(degrees)
    across, down = math.sin(angle), -math.cos(angle)
    length = abs(width * across) + abs(height * down)
    x = (np.arange(width) + 0.5 - width / 2) * across
    y = (np.arange(height) + 0.5 - height / 2) * down
    share = np.clip((x[None, :] + y[:, None]) / length + 0.5, 0.0, 1.0).astype(np.float32)
    stops = np.linspace(0.0, 1.0, len(colours))
    noise = np.random.default_rng(0).random((height, width), np.float32) - 0.5
    out = np.empty((height, width, 3), np.uint8)
    for c in range(3):
        values = np.interp(share, stops, [colour[c] for colour in colours])
        out[..., c] = np.clip(np.rint(values + noise), 0, 255)
    return out


def faded(pixels: ByteArray, opacity: float) -> ByteArray:
    """The picture with its alpha multiplied by an opacity of 0…1, uint8 (h, w, 4)."""
    out = np.empty((*pixels.shape[:2], 4), np.uint8)
    out[..., :3] = pixels[..., :3]
    if pixels.shape[2] == 4:
        levels = np.rint(np.arange(256) * opacity).astype(np.uint8)
        out[..., 3] = levels[pixels[..., 3]]
    else:
        out[..., 3] = round(255 * opacity)
    return out
