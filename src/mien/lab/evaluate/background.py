"""Does the background stand still when the head turns? Blocks of it are looked for again in the turned picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.avatar import Avatar
from mien.lab.evaluate.poses import pose
from mien.render.base import Placement, Renderer
from mien.types import ByteArray

POSES: Final = (
    pose("yaw 8", (8, 0, 0)),
    pose("yaw -8", (-8, 0, 0)),
    pose("pitch 6", (0, 6, 0)),
    pose("pitch -6", (0, -6, 0)),
    pose("roll 2", (0, 0, 2)),
    pose("roll -2", (0, 0, -2)),
)
BOUND: Final = 0.5
"""Pixels that a background may move by."""
_BLOCK: Final = 12
"""Side of a block whose motion is measured, pixels."""
_REACH: Final = 8
"""How far a block is looked for, pixels."""
_CONTRAST: Final = 6.0
"""Standard deviation of the grey levels of a block from which its motion can be seen, in both directions."""
_FEWEST: Final = 20


@dataclass(frozen=True, slots=True)
class Motion:
    """How far the background moved, over all poses.

    margin: what is nearer to the person than this, before or after the turn, was left out (eye distances). worst: the
    largest displacement of a block, pixels. pose: in which. within: share of the blocks that stay within
    :data:`BOUND`. changed: share of the background pixels that are not bit for bit what they were. blocks: how many
    had enough structure to be found again, in all poses together.
    """

    margin: float
    worst: float
    pose: str
    within: float
    changed: float
    blocks: int


def background_motion(avatar: Avatar, renderer: Renderer, margins: tuple[float, ...] = (0.15, 0.3)) -> list[Motion]:
    """Measure at the texture's own size for yaw ±8°, pitch ±6° and roll ±2°.

    A margin beyond which the background has no structure gives no entry: there is nothing to see moving.
    """
    height, width = avatar.textures["color"].shape[:2]
    canvas = renderer.prepare(avatar, Placement(width, height))
    person = renderer.prepare(avatar, Placement(width, height, opaque=False))
    still = canvas.draw(np.zeros(52, np.float32), np.zeros(6, np.float32))
    unit = avatar.manifest.head.eye_distance
    moves: dict[float, dict[str, list[float]]] = {margin: {} for margin in margins}
    changed: dict[float, float] = dict.fromkeys(margins, 0.0)
    for turn in POSES:
        turned = canvas.draw(turn.shapes, turn.head)
        away = _away(avatar, person.draw(turn.shapes, turn.head)[..., 3], unit)
        different = (turned != still).any(-1)
        for margin in margins:
            outside = away > margin
            moves[margin][turn.label] = _displacements(still, turned, outside, different)
            if outside.any():
                changed[margin] = max(changed[margin], float(different[outside].mean()))
    found = [_summary(margin, moves[margin], changed[margin]) for margin in margins]
    return [motion for motion in found if motion.blocks >= _FEWEST]


def _summary(margin: float, moves: dict[str, list[float]], changed: float) -> Motion:
    every = np.array([size for sizes in moves.values() for size in sizes] or [0.0])
    worst = max(moves, key=lambda label: max(moves[label], default=0.0))
    return Motion(
        margin=margin,
        worst=float(every.max()),
        pose=worst,
        within=float((every <= BOUND).mean()),
        changed=changed,
        blocks=sum(len(sizes) for sizes in moves.values()),
    )


def _away(avatar: Avatar, turned: ByteArray, unit: float) -> NDArray[np.float32]:
    """Distance of each pixel from the person, at rest and turned, eye distances."""
    outside = ((avatar.textures["matte"] < 64) & (turned < 64)).astype(np.uint8)
    if outside.all():
        return np.full(outside.shape, np.inf, np.float32)
    return np.asarray(cv2.distanceTransform(outside, cv2.DIST_L2, 5) / np.float32(unit), np.float32)


def _displacements(
    still: ByteArray, turned: ByteArray, outside: NDArray[np.bool_], different: NDArray[np.bool_]
) -> list[float]:
    """How far every block that lies wholly outside moved, pixels; blocks without structure are left out."""
    a, b = (np.asarray(cv2.cvtColor(p, cv2.COLOR_RGB2GRAY), np.float32) for p in (still, turned))
    sizes = []
    for y in range(_REACH, a.shape[0] - _BLOCK - _REACH + 1, _BLOCK):
        for x in range(_REACH, a.shape[1] - _BLOCK - _REACH + 1, _BLOCK):
            here = (slice(y, y + _BLOCK), slice(x, x + _BLOCK))
            if not outside[here].all() or not _structured(a[here]):
                continue
            sizes.append(_displacement(a[here], b, x, y) if different[here].any() else 0.0)
    return sizes


def _structured(block: NDArray[np.float32]) -> bool:
    """Whether the block varies both across and down."""
    return bool(min(block.std(0).mean(), block.std(1).mean()) > _CONTRAST / 2 and block.std() > _CONTRAST)


def _displacement(block: NDArray[np.float32], picture: NDArray[np.float32], x: int, y: int) -> float:
    """Distance from (x, y) to where the block fits best, to a fraction of a pixel by parabolas."""
    window = picture[y - _REACH : y + _BLOCK + _REACH, x - _REACH : x + _BLOCK + _REACH]
    fit = np.asarray(cv2.matchTemplate(window, block, cv2.TM_SQDIFF), np.float64)
    j, i = np.unravel_index(int(fit.argmin()), fit.shape)
    dy = j - _REACH + (_vertex(fit[j - 1 : j + 2, i]) if 0 < j < len(fit) - 1 else 0.0)
    dx = i - _REACH + (_vertex(fit[j, i - 1 : i + 2]) if 0 < i < fit.shape[1] - 1 else 0.0)
    return float(np.hypot(dx, dy))


def _vertex(three: NDArray[np.float64]) -> float:
    bend = three[0] - 2 * three[1] + three[2]
    return float(0.5 * (three[0] - three[2]) / bend) if bend > 0 else 0.0
