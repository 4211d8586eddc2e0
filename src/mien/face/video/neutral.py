"""The person's face at rest, found in a stretch of video: lips together, eyes open, brows where they mostly are."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mien.face.video import points as at
from mien.face.video.pose import Array, fit_poses, own_frame

_ROUNDS: Final = 3
_FRONTAL: Final = 0.5
"""Share of the pictures, the ones least turned, that the shape of the face is read from."""
_FEWEST: Final = 8
_SHUT_PERCENTILE: Final = 4
_SHUT_MOST: Final = 0.04


def rest_face(points: NDArray[Any]) -> Array:
    """The face at rest, (478, 3), in its own frame.

    points: (n, 478, 3) pixels, every one a face. Shape first (generalised Procrustes over the less turned half), then
    for the lower face the pictures with the lips nearest to each other and, among them, the usual width of the mouth;
    for the upper face those with usual brows and lids.
    """
    seen = np.asarray(points, np.float64)
    local = _aligned(seen)
    lower = np.median(local[_relaxed_mouth(local)], 0)
    upper = np.median(local[_relaxed_eyes(local)], 0)
    face = np.median(local, 0)
    below = face[:, 1] > _nose_root(face)
    face[below], face[~below] = lower[below], upper[~below]
    return own_frame(face)


def _aligned(seen: Array) -> Array:
    """The less turned pictures in the frame of their common shape."""
    shape = own_frame(seen[_least_turned(seen, own_frame(seen[0]), 1)[0]])
    for _ in range(_ROUNDS):
        chosen = seen[_least_turned(seen, shape, max(_FEWEST, int(_FRONTAL * len(seen))))]
        local = fit_poses(chosen, shape).local(chosen)
        shape = own_frame(np.median(local, 0))
    return fit_poses(chosen, shape).local(chosen)


def _least_turned(seen: Array, shape: Array, count: int) -> NDArray[np.intp]:
    turn = np.abs(fit_poses(seen, shape).angles()[:, :2])
    return np.argsort(turn.sum(1), kind="stable")[:count]


def _relaxed_mouth(local: Array) -> NDArray[np.intp]:
    gap = lip_gap(local)
    closed = np.argsort(gap, kind="stable")[: max(_FEWEST, len(gap) // 5)]
    right, left = at.MOUTH_CORNERS
    width = local[closed, left, 0] - local[closed, right, 0]
    usual = np.argsort(np.abs(width - np.median(width)), kind="stable")
    return np.asarray(closed[usual[: max(_FEWEST, len(closed) // 2)]])


def _relaxed_eyes(local: Array) -> NDArray[np.intp]:
    opening = np.minimum(lid_gap(local, "Left"), lid_gap(local, "Right"))
    brows = local[:, list(at.BROWS), 1].mean(1)
    open_eyes = np.flatnonzero(opening >= np.median(opening) * 0.85)
    usual = np.argsort(np.abs(brows[open_eyes] - np.median(brows[open_eyes])), kind="stable")
    return np.asarray(open_eyes[usual[: max(_FEWEST, len(usual) // 2)]])


def _nose_root(face: Array) -> float:
    return float(face[197, 1])


def lip_gap(local: Array) -> Array:
    """Opening of the inner lips, mean over their middle, (n,), eye distances; measured along the face's down axis."""
    return np.asarray((local[:, list(at.LOWER_RIM), 1] - local[:, list(at.UPPER_RIM), 1]).mean(1))


def shut_lips(local: Array) -> float:
    """The gap that landmarks show between a person's closed lips, eye distances, 0.04 (2.5 mm) at most.

    local: a stretch of un-posed landmarks, (n, 478, 3).
    """
    return float(np.clip(np.percentile(lip_gap(local), _SHUT_PERCENTILE), 0.0, _SHUT_MOST))


def lid_gap(local: Array, side: str) -> Array:
    """Opening between the lids of one eye, mean over its middle, (n,), eye distances."""
    gaps = local[:, list(at.LOWER_LID[side]), :2] - local[:, list(at.UPPER_LID[side]), :2]
    return np.asarray(np.linalg.norm(gaps, axis=2).mean(1))
