"""Does an avatar without motion look as its portrait did?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mien.avatar import Avatar
from mien.render.base import Placement, Renderer
from mien.types import ARKIT_SHAPES


@dataclass(frozen=True, slots=True)
class Rest:
    """parted: the portrait's lips are open, so rest (lips closed) cannot equal it. exact: every bit is the same.

    psnr: dB, inf when exact. changed: share of pixels that differ, 0…1.
    """

    parted: bool
    exact: bool
    psnr: float
    changed: float


def rest_fidelity(avatar: Avatar, renderer: Renderer) -> Rest:
    """Draw zero parameters at the texture's own size and compare with the texture."""
    source = avatar.textures["color"]
    height, width = source.shape[:2]
    zeros = np.zeros(len(ARKIT_SHAPES), np.float32), np.zeros(6, np.float32)
    drawn = renderer.prepare(avatar, Placement(width, height)).draw(*zeros)
    difference = drawn.astype(np.float64) - source
    mean = float((difference**2).mean())
    return Rest(
        parted=bool(np.any(avatar.arrays["rest"])),
        exact=mean == 0,
        psnr=10 * float(np.log10(255**2 / mean)) if mean else float("inf"),
        changed=float(difference.any(-1).mean()),
    )
