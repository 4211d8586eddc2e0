"""Mouth, jaw, cheeks, nose and brows of the 52 coefficients of a face: bounded least squares, frame by frame.

A face is rest + Σ c · shape; the c are sought that explain the landmarks, each in 0…1. What one picture cannot tell is
settled by a price: of all mixtures that look the same the one with the fewest and smallest shapes wins, so opposite
shapes never fight. The lips' gap and the mouth's width are rows of their own, for the eye looks at them. Eyes are read
directly (:mod:`mien.face.video.eyes`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mien.errors import UsageError
from mien.face.video import points as at
from mien.face.video.neutral import lip_gap
from mien.face.video.pose import Array
from mien.face.video.response import EMBEDDED, Response
from mien.types import ARKIT_SHAPES, SHAPE_INDEX, FloatArray

DEPTH: Final = 0.15
"""How much the net's depth counts beside what is seen."""
RIDGE: Final = 0.03
"""Price of a coefficient's square, over what its shape moves in the mean square: tells mixtures apart."""
FLOOR: Final = 3e-4
"""The same whatever the shape moves, eye distances²: keeps shapes that move next to nothing from answering noise."""
DEAD: Final = 0.018
"""How much of a lone coefficient is taken for trembling, times the below: rare shapes have to explain more."""
SWEEPS: Final = 60
_UNSEEN: Final = ("eye", "cheekPuff", "tongueOut", "jawForward")
"""Shapes that flat landmarks do not show, or that are read elsewhere."""
_WEIGHTS: Final = ((at.LIPS, 1.0), (at.JAW, 0.8), (at.CHEEKS, 0.4), (at.BROWS, 8.0), (at.RIGID, 0.15))
_GAP: Final = 25.0
"""Weight of the lips' gap."""
_WIDTH: Final = 25.0
"""Weight of the mouth's width."""
_LINE: Final = 6.0
"""Weight of how high each corner stands against the middle of the upper lip."""
MOST_PARTING: Final = 1.2
"""How far the lips' parting is raised at most to meet what is seen; it is lowered as far as needed."""
_SHUT_GAP: Final = 0.012
_OPEN_GAP: Final = 0.045
"""Gaps under the first, beyond that of shut lips, are shut lips that the net draws apart; over
the second lips are open. Eye distances: 0.8 and 2.8 mm."""
_PARTING: Final = [
    SHAPE_INDEX[name]
    for name in ("jawOpen", "mouthFunnel", "mouthLowerDownLeft", "mouthLowerDownRight", "mouthUpperUpLeft",
                 "mouthUpperUpRight")
]  # fmt: skip
_RARE: Final = {
    "cheekSquint": 6.0, "noseSneer": 5.0, "mouthShrug": 6.0, "mouthDimple": 7.0, "mouthPress": 4.0, "mouthStretch": 5.0,
    "mouthRoll": 3.0, "mouthClose": 2.0, "mouthLowerDown": 1.5, "mouthUpperUp": 1.5, "jawLeft": 3.0, "jawRight": 3.0,
    "mouthFunnel": 3.0, "mouthFrown": 2.0,
}  # fmt: skip


@dataclass(frozen=True)
class Basis:
    """A person's face and how it moves, in the face's frame and eye distances.

    face: (478, 3) at rest, lips together. shapes: (52, 478, 3) displacement at 1.0, in ARKIT_SHAPES order.
    """

    face: FloatArray
    shapes: FloatArray

    def __post_init__(self) -> None:
        if self.face.shape != (at.COUNT, 3) or self.shapes.shape != (len(ARKIT_SHAPES), at.COUNT, 3):
            raise UsageError("A basis has a face (478, 3) and shapes (52, 478, 3).")

    def pose(self, coefficients: NDArray[Any]) -> Array:
        """The face with these coefficients, (n, 52) → (n, 478, 3)."""
        return np.asarray(self.face + np.tensordot(np.asarray(coefficients, np.float64), self.shapes, 1))


class Solver:
    """Coefficients from un-posed landmarks. Holds what is common to all pictures of a person."""

    def __init__(self, basis: Basis, response: Response = EMBEDDED, shut: float = 0.02) -> None:
        """shut: gap that the landmarks show between this person's closed lips, eye distances."""
        self._names = [name for name in ARKIT_SHAPES if not name.startswith(_UNSEEN)]
        self._columns = [SHAPE_INDEX[name] for name in self._names]
        self._rows, weight = _rows()
        shapes = basis.shapes.astype(np.float64).copy()
        # With mouthClose goes the jaw: what is sought is how far the lips are apart, and how far the jaw drops unseen
        shapes[SHAPE_INDEX["mouthClose"]] += shapes[SHAPE_INDEX["jawOpen"]]
        self._shapes = np.einsum("mk,vkc->vmc", self._rows, shapes[self._columns])
        self._shapes *= response.of_shapes()[self._columns][:, None, None]
        self._rest = self._rows @ basis.face.astype(np.float64)
        self._weighted = self._shapes * weight[:, None]
        self._gram = np.einsum("vma,wmb->abvw", self._weighted, self._shapes)
        moves = np.einsum("vma,vma->v", self._weighted[..., :2], self._shapes[..., :2])
        self._gap = shapes[:, list(at.LOWER_RIM), 1].mean(1) - shapes[:, list(at.UPPER_RIM), 1].mean(1)
        self._shut, self._gap_seen = shut, response.gap
        self._ridge = RIDGE * moves + FLOOR
        self._dead = DEAD * np.array([_rare(name) for name in self._names]) * moves

    def solve(self, local: Array, rotation: Array) -> FloatArray:
        """local: (n, 478, 3) un-posed landmarks. rotation: (n, 3, 3) of the head. Returns float32 (n, 52), 0…1."""
        seen = np.einsum("mk,nkc->nmc", self._rows, local) - self._rest
        trust = np.einsum("nca,c,ncb->nab", rotation, np.array([1.0, 1.0, DEPTH]), rotation)
        gram = np.einsum("nab,abvw->nvw", trust, self._gram)
        pull = np.einsum("vma,nma->nv", self._weighted, np.einsum("nab,nmb->nma", trust, seen)) - self._dead
        found = _bounded(gram, pull, self._ridge)
        out = np.zeros((len(local), len(ARKIT_SHAPES)), np.float32)
        out[:, self._columns] = found
        out[:, _PARTING] *= self._parting(local, out)[:, None]
        jaw, close = SHAPE_INDEX["jawOpen"], SHAPE_INDEX["mouthClose"]
        out[:, jaw] = np.minimum(out[:, jaw] + out[:, close], 1)
        out[:, close] = np.minimum(out[:, close], out[:, jaw])
        return out

    def _parting(self, local: Array, found: FloatArray) -> Array:
        """By how much to change what parts the lips so that they are exactly as far apart as seen, (n,)."""
        gap = np.maximum(lip_gap(local) - self._shut, 0)
        sure = np.clip((gap - _SHUT_GAP) / (_OPEN_GAP - _SHUT_GAP), 0, 1)
        seen = gap * sure * sure * (3 - 2 * sure) / self._gap_seen
        parted = found[:, _PARTING] @ self._gap[_PARTING]
        others = np.maximum(found @ self._gap - parted, 0)  # lips pressed together part no further
        return np.asarray(np.clip((seen - others) / np.maximum(parted, 1e-4), 0, MOST_PARTING))


def _rows() -> tuple[Array, Array]:
    """What is compared, as sums of points (m, 478), and each row's weight (m,), 1 in all."""
    rows, weights = [], []

    def add(plus: int, minus: int | None, weight: float) -> None:
        row = np.zeros(at.COUNT)
        row[plus] = 1
        if minus is not None:
            row[minus] = -1
        rows.append(row)
        weights.append(weight)

    eyes = set(at.EYE_POINTS)
    for points, weight in _WEIGHTS:
        for point in points:
            if point not in eyes:
                add(point, None, weight)
    for upper, lower in zip(at.UPPER_RIM, at.LOWER_RIM, strict=True):
        add(lower, upper, _GAP / len(at.UPPER_RIM))
    right, left = at.MOUTH_CORNERS
    add(left, right, _WIDTH)
    for corner in (right, left):
        add(corner, 0, _LINE)
    total = np.array(weights)
    return np.array(rows), total / total.sum()


def _rare(name: str) -> float:
    return next((times for start, times in _RARE.items() if name.startswith(start)), 1.0)


def _bounded(gram: Array, pull: Array, ridge: Array) -> Array:
    """Minimise ½ xᵀ G x − pᵀ x + ½ Σ ridge x² for 0 ≤ x ≤ 1, n problems at once, by cyclic coordinate descent."""
    x = np.zeros_like(pull)
    diagonal = np.einsum("nvv->nv", gram) + ridge
    slope = pull.copy()  # minus the gradient, but for the ridge
    for _ in range(SWEEPS):
        for v in range(x.shape[1]):
            value = np.clip(x[:, v] + (slope[:, v] - ridge[v] * x[:, v]) / diagonal[:, v], 0, 1)
            step = value - x[:, v]
            if step.any():
                slope -= gram[:, :, v] * step[:, None]
                x[:, v] = value
    return x
