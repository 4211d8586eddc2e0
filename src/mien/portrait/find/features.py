"""Measures that everything else refers to: where eyes and lips are in a mesh, and how large a face is."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mien.portrait.topology import LOWER_LID, LOWER_LIP, UPPER_LID, UPPER_LIP

Points = NDArray[np.float64]

RIGHT_EYE: Final = LOWER_LID["Right"][0] + UPPER_LID["Right"][0][1:-1]
"""The person's right eye: lower lid from the outer to the inner corner, then upper lid likewise, 16 points."""
LEFT_EYE: Final = LOWER_LID["Left"][0][::-1] + UPPER_LID["Left"][0][-2:0:-1]
UPPER_INNER_LIP: Final = UPPER_LIP[-1]
LOWER_INNER_LIP: Final = LOWER_LIP[-1]

CLOSED_GAP: Final = 0.05
"""Lips nearer than this (in eye distances) are closed, and get snapped to the line between them."""


def eye_centres(points: NDArray[np.floating[Any]]) -> tuple[Points, Points]:
    """Centres of the person's right and left eye (means of the lid contours), (3,) each."""
    lids = points[list(RIGHT_EYE)], points[list(LEFT_EYE)]
    return lids[0].mean(0).astype(np.float64), lids[1].mean(0).astype(np.float64)


def eye_distance(points: NDArray[np.floating[Any]]) -> float:
    """The unit of face sizes: distance between the eye centres in space, pixels."""
    right, left = eye_centres(points)
    return float(np.linalg.norm(left - right))


def lip_gap(points: NDArray[np.floating[Any]]) -> float:
    """Opening between the inner lips at the middle of the mouth, in eye distances."""
    return float(np.linalg.norm(points[14] - points[13])) / eye_distance(points)
