"""Does the picture jump, shake or flicker?"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from mien.types import ByteArray

Points = NDArray[np.float64]


def jerk(points: Points, rate: float) -> float:
    """Root mean square of the third derivative of points over time, units of the points a second cubed.

    points: (n, k, 2) at ``rate`` a second; nan for fewer than four.
    """
    if len(points) < 4:
        return float("nan")
    third = np.diff(points, 3, axis=0) * rate**3
    return float(np.sqrt((third**2).sum(-1).mean()))


def jump(points: Points) -> float:
    """Largest single-frame jump: how far the mean of the points is from midway between its neighbours in time.

    A steady motion, however fast, scores 0; one frame out of line scores its distance. Units of the points.
    """
    if len(points) < 3:
        return float("nan")
    middle = points.mean(1)
    return float(np.linalg.norm(middle[1:-1] - (middle[:-2] + middle[2:]) / 2, axis=1).max())


def flicker(pictures: Iterable[ByteArray], still: NDArray[np.bool_]) -> float:
    """PSNR between neighbouring pictures where nothing moves, dB: the mean over the film; inf when nothing changes.

    still: (h, w), pixels that the motion does not reach.
    """
    before: NDArray[np.float32] | None = None
    errors = []
    for picture in pictures:
        now = picture[still].astype(np.float32)
        if before is not None:
            errors.append(float(((now - before) ** 2).mean()))
        before = now
    if not errors:
        return float("nan")
    mean = float(np.mean(errors))
    return 10 * float(np.log10(255**2 / mean)) if mean > 0 else float("inf")
