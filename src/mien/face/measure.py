"""Millimetres behind a row of shapes, on a face with 63 mm between the eyes: how open and how wide the mouth is."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.face.visemes import TRAVEL, WIDENS
from mien.types import ARKIT_SHAPES

__all__ = ["WIDENS", "aperture_mm", "width_mm"]


def _row(travel: dict[str, float]) -> NDArray[np.float64]:
    row = np.zeros(len(ARKIT_SHAPES))
    for name, millimetres in travel.items():
        for i, shape in enumerate(ARKIT_SHAPES):
            if shape == name:
                row[i] = millimetres
            elif shape in (f"{name}Left", f"{name}Right"):
                row[i] = millimetres / 2
    return row


_OPENS: Final = _row(TRAVEL | {"mouthClose": -TRAVEL["jawOpen"]})
_WIDENS: Final = _row(WIDENS)


def aperture_mm(shapes: NDArray[np.floating]) -> NDArray[np.float64]:
    """Gap between the lips at their centre, millimetres, 0 = closed. shapes: (…, 52), 0…1. Returns (…,)."""
    return np.maximum(shapes @ _OPENS, 0.0)


def width_mm(shapes: NDArray[np.floating]) -> NDArray[np.float64]:
    """Distance between the corners of the mouth, millimetres more (or less) than at rest. shapes: (…, 52). (…,)."""
    return np.asarray(shapes @ _WIDENS, np.float64)
