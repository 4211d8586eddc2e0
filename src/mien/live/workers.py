"""The threads of a session's turns: one works, those that were asked for later wait for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from mien.turn import Turn

LEAVES: Final = 0.15
"""Seconds that a turn which was cut has to leave; then the next begins all the same."""
MOST_LEFT: Final = 4
"""Turns that were cut, have not left, and are not waited for. With more, the next waits for one of them."""
_LOOK: Final = 0.02


@dataclass(frozen=True, eq=False)
class _Worker:
    turn: Turn
    thread: threading.Thread


class Workers:
    """Begins turns in the order they were asked for; :meth:`begin` under the session's lock."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._there: list[_Worker] = []

    def begin(self, turn: Turn, work: Callable[[], None]) -> None:
        """Work on a turn, in a thread, when what was asked for before is done or was cut. Returns at once."""

        def run() -> None:
            self._await(worker)
            work()

        worker = _Worker(turn, threading.Thread(target=run, name="mien-turn", daemon=True))
        with self._lock:
            self._there.append(worker)
            worker.thread.start()

    def join(self, seconds: float) -> None:
        """Wait for the latest turn to leave; not in its own thread."""
        with self._lock:
            latest = self._there[-1].thread if self._there else None
        if latest is not None and latest is not threading.current_thread():
            latest.join(seconds)

    def _await(self, worker: _Worker) -> None:
        """Until those before have left, or need not be waited for."""
        cut_since = 0.0
        while (before := self._before(worker)) and not worker.turn.over:
            now = time.monotonic()
            if any(not one.turn.over for one in before):
                cut_since = 0.0
            else:
                cut_since = cut_since or now
                if now - cut_since >= LEAVES and len(before) <= MOST_LEFT:
                    return
            before[-1].thread.join(_LOOK)

    def _before(self, worker: _Worker) -> list[_Worker]:
        """Those that are there and were asked for earlier."""
        with self._lock:
            self._there = [one for one in self._there if one.thread.is_alive()]
            return self._there[: self._there.index(worker)]
