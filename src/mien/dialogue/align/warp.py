"""The cheapest way through a recording: each of its rows is a row of the reference, or lies in a pause between words.

Dynamic time warping (Sakoe and Chiba, 1978) in the form of a Viterbi search: costs are summed over the recording's
rows, so that all paths pay for the same sound, whatever they take for speech.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numba import njit

from mien.types import FloatArray, IntArray

NO_PAUSE: Final = np.float32(1e9)
"""What entering a pause costs where there can be none."""

_FAR: Final = 1e9


def warp(
    cost: FloatArray,
    silence: FloatArray,
    other: FloatArray,
    enter: FloatArray,
    leave: FloatArray,
    open_start: FloatArray,
    stay: float,
    skip: float,
) -> tuple[IntArray, float]:
    """The best path and its cost.

    cost: (n, m), of taking row i for reference row j. silence: (n,), of taking row i for a pause; other: (n,), for a
    pause in which something untranscribed may be said. enter: (m + 1,), of a pause before reference row j (j = m: after
    the last), :data:`NO_PAUSE` where there can be none; negative: ``other`` counts there, entering costs its amount.
    leave: (m + 1,), of ending with j rows done. open_start: (m + 1,), of starting with j rows done.
    stay, skip: of using a reference row once more, and of leaving one out. All float32.

    path: int32 (n,), j, or -1 - j in the pause before reference row j.
    """
    path = np.empty(len(cost), np.int32)
    total = _search(cost, silence, other, enter, leave, open_start, np.float32(stay), np.float32(skip), path)
    return path, float(total)


@njit("f4(f4[:,::1], f4[::1], f4[::1], f4[::1], f4[::1], f4[::1], f4, f4, i4[::1])", cache=True, nogil=True)
def _search(cost, silence, other, enter, leave, open_start, stay, skip, path):  # type: ignore[no-untyped-def] # noqa: PLR0912
    n, m = cost.shape
    far = np.float32(_FAR)
    spoken, paused = np.full(m, far, np.float32), np.full(m + 1, far, np.float32)
    next_spoken, next_paused = np.empty(m, np.float32), np.empty(m + 1, np.float32)
    how_spoken, how_paused = np.zeros((n, m), np.int8), np.zeros((n, m + 1), np.int8)
    for i in range(n):
        for j in range(m):
            if i == 0:
                best, how = open_start[j], 4
            else:
                best, how = spoken[j] + stay, 0
                if j >= 1 and spoken[j - 1] < best:
                    best, how = spoken[j - 1], 1
                if j >= 2 and spoken[j - 2] + skip < best:
                    best, how = spoken[j - 2] + skip, 2
                if j >= 3 and spoken[j - 3] + 2 * skip < best:
                    best, how = spoken[j - 3] + 2 * skip, 3
                if paused[j] < best:
                    best, how = paused[j], 4
                if j >= 1 and paused[j - 1] + skip < best:
                    best, how = paused[j - 1] + skip, 5
            next_spoken[j] = best + cost[i, j]
            how_spoken[i, j] = how
        for j in range(m + 1):
            best, how = far, 0
            if enter[j] < NO_PAUSE:
                toll = abs(enter[j])
                if i == 0:
                    best = open_start[j]
                else:
                    best = paused[j]
                    if j >= 1 and spoken[j - 1] + toll < best:
                        best, how = spoken[j - 1] + toll, 1
                    if j >= 2 and spoken[j - 2] + skip + toll < best:
                        best, how = spoken[j - 2] + skip + toll, 2
                best += other[i] if enter[j] < 0 else silence[i]
            next_paused[j] = best
            how_paused[i, j] = how
        spoken, next_spoken = next_spoken, spoken
        paused, next_paused = next_paused, paused
    total, at, pausing = far * np.float32(4), 0, True
    for j in range(m + 1):
        if paused[j] + leave[j] < total:
            total, at, pausing = paused[j] + leave[j], j, True
        if j >= 1 and spoken[j - 1] + leave[j] < total:
            total, at, pausing = spoken[j - 1] + leave[j], j - 1, False
    for i in range(n - 1, -1, -1):
        path[i] = -1 - at if pausing else at
        if pausing:
            pausing = how_paused[i, at] == 0
            at -= how_paused[i, at]
        else:
            how = how_spoken[i, at]
            pausing = how >= 4
            at -= how if how <= 3 else how - 4
    return total
