"""People drawn a few frames ahead of when they are needed, so that drawing, composing and encoding overlap."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from fractions import Fraction
from typing import Final

from mien.apps.studio.performed import Movement
from mien.timeline import frames_in
from mien.types import ByteArray, FloatArray

_AHEAD: Final = 3


def frame_at(tick: int, fps: Fraction) -> int:
    """Number of the frame that is shown at a tick."""
    return frames_in(tick + 1, fps) - 1


class Drawn:
    """Somebody's pictures by tick. first: frame of the film at which the movement begins; before and after, they keep
    still. draw: draws a moment's shapes and head, from any thread.
    """

    def __init__(
        self, draw: Callable[[FloatArray, FloatArray], ByteArray], movement: Movement, first: int, fps: Fraction
    ) -> None:
        self._picture, self._movement, self._first, self._fps = draw, movement, first, fps
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="mien-draw")
        self._coming: dict[int, Future[ByteArray]] = {}
        self._last: tuple[int, ByteArray] | None = None

    def __call__(self, tick: int) -> ByteArray:
        """The picture, uint8 (h, w, 3) or (h, w, 4). It must not be changed."""
        row = self._row(frame_at(tick, self._fps) - self._first)
        if self._last is not None and self._last[0] == row:
            return self._last[1]
        wanted = self._coming.pop(row, None) or self._pool.submit(self._draw, row)
        for ahead in range(row + 1, min(row + 1 + _AHEAD, len(self._movement.shapes))):
            if ahead not in self._coming:
                self._coming[ahead] = self._pool.submit(self._draw, ahead)
        for old in [r for r in self._coming if not row < r <= row + _AHEAD]:
            self._coming.pop(old).cancel()
        self._last = row, wanted.result()
        return self._last[1]

    def close(self) -> None:
        """End the thread. Idempotent."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _row(self, row: int) -> int:
        return min(max(row, 0), len(self._movement.shapes) - 1)

    def _draw(self, row: int) -> ByteArray:
        return self._picture(self._movement.shapes[row], self._movement.head[row])
