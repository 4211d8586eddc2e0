"""How often somebody may do something."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final

from mien.errors import BackendError

_MOST_KNOWN: Final = 4096


class Rate:
    """So many in a minute for each visitor, a third of them at once (a token bucket). 0 = any. Safe from any thread."""

    def __init__(self, a_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._each, self._most, self._clock = a_minute / 60.0, max(1.0, a_minute / 3), clock
        self._free = a_minute == 0
        self._lock = threading.Lock()
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, who: str) -> None:
        """One more. Raises BackendError ("busy.rate") when that is too many."""
        if self._free:
            return
        now = self._clock()
        with self._lock:
            left, since = self._left.pop(who, (self._most, now))
            left = min(self._most, left + (now - since) * self._each)
            self._left[who] = (max(left - 1, 0) if left >= 1 else left, now)
            if len(self._left) > _MOST_KNOWN:
                self._left.popitem(last=False)
        if left < 1:
            raise BackendError(
                "Too many sessions were opened in a short time.", hint="Wait a few seconds.", code="busy.rate"
            )


class Once:
    """Keeps what is dear to find out, for some seconds."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._kept: dict[str, tuple[float, Any]] = {}

    def get(self, key: str, make: Any) -> Any:
        """What was made for the key, or is made now."""
        now = time.monotonic()
        at, value = self._kept.get(key, (0.0, None))
        if value is None or now - at > self._seconds:
            value = make()
            if len(self._kept) > 64:
                self._kept.clear()
            self._kept[key] = (now, value)
        return value


class Places:
    """So many at once. Belongs to the event loop."""

    def __init__(self, most: int) -> None:
        self._free = most

    def take(self) -> None:
        """Raises BackendError ("busy") when all are taken."""
        if not self._free:
            raise BackendError("Too much is being spoken at once.", hint="Try again in a second.", code="busy")
        self._free -= 1

    def give(self) -> None:
        """One is free again."""
        self._free += 1
