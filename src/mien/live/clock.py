"""The clock that a session waits on. Only pacing and sending look at it; everything else counts ticks."""

from __future__ import annotations

import threading
import time
from typing import Protocol


class Clock(Protocol):
    """Seconds that only rise."""

    def now(self) -> float:
        """Seconds since some moment."""
        ...

    def wait(self, until: float, wake: threading.Event) -> None:
        """Sleep until then; less when ``wake`` is set."""
        ...


class WallClock:
    """The machine's own."""

    def now(self) -> float:
        """Seconds, monotonic."""
        return time.monotonic()

    def wait(self, until: float, wake: threading.Event) -> None:
        """Sleep."""
        remaining = until - time.monotonic()
        if remaining > 0:
            wake.wait(remaining)


class VirtualClock:
    """Time that passes as fast as somebody waits for it: hours of a session in minutes. For one session."""

    def __init__(self) -> None:
        self._now = 0.0

    def now(self) -> float:
        """Seconds since it was made."""
        return self._now

    def wait(self, until: float, wake: threading.Event) -> None:
        """It is then."""
        if not wake.is_set():
            self._now = max(self._now, until)
