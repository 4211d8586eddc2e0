"""Takes the trembling out of tracked motion without making it late: what moves further than the noise stays crisp.

A bilateral filter over time (Tomasi and Manduchi, "Bilateral filtering for gray and color images", 1998): a row is the
mean of its neighbours, weighted by how near they are in time and in value. A blink or a closure differs from its
neighbours by far more than the noise, so nothing is averaged into it; still stretches are averaged fully. The window
lies on both sides of a row, so there is no lag; it costs a look-ahead of :data:`REACH` seconds.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.float64]

REACH: Final = 0.16
"""Seconds to either side that a row may be averaged over."""
_TIME: Final = 0.07
"""Standard deviation of the weight over time, seconds."""
_MOST_ROWS: Final = 24


class Smoother:
    """Push rows with their times, read smoothed rows. Chunked equals whole.

    noise: (c,) of each column, in its own unit: differences well below are trembling.
    """

    def __init__(self, noise: NDArray[Any]) -> None:
        self._noise = np.asarray(noise, np.float64)
        self._times: list[float] = []
        self._rows: list[Rows] = []
        self._trust: list[Rows] = []
        self._next = 0
        self._closed = False

    def push(self, time: float, row: NDArray[Any], trust: NDArray[Any] | float = 1.0) -> None:
        """The next row, (c,). trust: how much it counts, 0…1, for all columns or each."""
        self._times.append(time)
        self._rows.append(np.asarray(row, np.float64))
        self._trust.append(np.broadcast_to(np.asarray(trust, np.float64), self._noise.shape))

    def close(self) -> None:
        """No more rows."""
        self._closed = True

    def read(self) -> list[tuple[float, Rows]]:
        """All rows that are final and were not read yet, with their times."""
        ready = []
        while self._next < len(self._times) and (self._closed or self._complete()):
            ready.append((self._times[self._next], self._smoothed()))
            self._next += 1
            self._forget()
        return ready

    def _complete(self) -> bool:
        return self._times[-1] - self._times[self._next] > REACH or len(self._times) - self._next > _MOST_ROWS

    def _window(self) -> slice:
        now = self._times[self._next]
        low = high = self._next
        while low > 0 and now - self._times[low - 1] <= REACH and self._next - low < _MOST_ROWS:
            low -= 1
        while high + 1 < len(self._times) and self._times[high + 1] - now <= REACH and high - self._next < _MOST_ROWS:
            high += 1
        return slice(low, high + 1)

    def _smoothed(self) -> Rows:
        window = self._window()
        times, rows = np.array(self._times[window]), np.array(self._rows[window])
        far = (times - self._times[self._next]) / _TIME
        differs = (rows - self._rows[self._next]) / self._noise
        # where the row itself is not believed (gaze under a lid), its neighbours count whatever their value
        differs *= self._trust[self._next]
        weight = np.exp(-0.5 * (far**2)[:, None] - 0.5 * differs**2) * np.array(self._trust[window])
        return np.asarray((weight * rows).sum(0) / np.maximum(weight.sum(0), 1e-12))

    def _forget(self) -> None:
        drop = self._next - _MOST_ROWS
        if drop > 0:
            del self._times[:drop], self._rows[:drop], self._trust[:drop]
            self._next -= drop
