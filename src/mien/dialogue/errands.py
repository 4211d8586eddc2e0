"""Threads that ask somebody outside, and may be left behind: nobody waits for a request that is not wanted any more."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from mien.turn import Turn

MOST_LEFT: Final = 4
"""Threads that were left and have not ended yet; who begins another one then waits for one of them."""
_LOOK: Final = 0.02


class Errands:
    """Begins threads and keeps count of those that were left. Safe from any thread.

    Each one must end by itself in bounded time, as a request does whose connection is shut or whose server is silent.
    most: see :data:`MOST_LEFT`.
    """

    def __init__(self, name: str, most: int = MOST_LEFT) -> None:
        self._name, self._most = name, most
        self._lock = threading.Lock()
        self._left: list[threading.Thread] = []

    @property
    def left(self) -> int:
        """How many were left and still run."""
        with self._lock:
            return self._count()

    @contextmanager
    def running(self, work: Callable[[], None], turn: Turn) -> Iterator[None]:
        """Run work in a thread, which is left behind at the end of the block. Raises Cut when the turn ends before."""
        turn.check()
        while self.left >= self._most:
            turn.wait(_LOOK)
            turn.check()
        thread = threading.Thread(target=work, name=self._name, daemon=True)
        thread.start()
        try:
            yield
        finally:
            with self._lock:
                self._left.append(thread)

    def _count(self) -> int:
        self._left = [thread for thread in self._left if thread.is_alive()]
        return len(self._left)
