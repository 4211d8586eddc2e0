"""What happens in a session, to everybody who wants to know.

The session tells from its own threads and must not be held up: each subscriber has a bounded queue. When it is full,
the oldest event that only mattered at its time goes first (what somebody is just saying, what was said word by word),
then the oldest of all; the subscriber is told how many it missed.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

Event = dict[str, Any]

WAITING: Final = 256
"""Events that wait for a subscriber at most."""
_PASSING: Final = frozenset({"partial", "text", "note", "latency"})


class Hub:
    """Safe from any thread. listen: told of each event at once, in the session's thread; must be quick."""

    def __init__(self, listen: Callable[[Event], None] = lambda _: None) -> None:
        self._listen = listen
        self._lock = threading.Lock()
        self._subscribers: tuple[Subscriber, ...] = ()
        self._closed = False
        self.lost = 0

    @property
    def waiting(self) -> int:
        """The longest queue."""
        return max((s.waiting for s in self._subscribers), default=0)

    def tell(self, event: Event) -> None:
        """Hand an event to everybody; never waits."""
        self._listen(event)
        for subscriber in self._subscribers:
            self.lost += subscriber.put(event)

    def subscribe(self) -> Subscriber:
        """A new one, in the running event loop. Leave with :meth:`Subscriber.close`."""
        subscriber = Subscriber(self._leave)
        with self._lock:
            self._subscribers = (*self._subscribers, subscriber)
            if self._closed:
                subscriber.end()
        return subscriber

    def close(self) -> None:
        """Everybody's stream ends after what waits."""
        with self._lock:
            self._closed = True
            for subscriber in self._subscribers:
                subscriber.end()

    def _leave(self, subscriber: Subscriber) -> None:
        with self._lock:
            self._subscribers = tuple(s for s in self._subscribers if s is not subscriber)


class Subscriber:
    """Iterate it in the event loop that made it; ``put`` and ``end`` come from any thread."""

    def __init__(self, leave: Callable[[Subscriber], None]) -> None:
        self._leave = leave
        self._loop = asyncio.get_running_loop()
        self._wake = asyncio.Event()
        self._lock = threading.Lock()
        self._queue: deque[Event] = deque()
        self._missed = 0
        self._ended = self._rung = False

    @property
    def waiting(self) -> int:
        """Events that wait."""
        return len(self._queue)

    def put(self, event: Event) -> int:
        """Append. Returns how many were dropped for it."""
        with self._lock:
            if self._ended:
                return 0
            dropped = len(self._queue) >= WAITING
            if dropped:
                self._drop()
            self._queue.append(event)
        self._ring()
        return int(dropped)

    def end(self) -> None:
        """Nothing more comes."""
        with self._lock:
            self._ended = True
        self._ring()

    def close(self) -> None:
        """Leave the hub. Idempotent."""
        self._leave(self)

    async def __aiter__(self) -> AsyncIterator[Event]:
        while True:
            event, ended = self._take()
            if event is not None:
                yield event
            elif ended:
                return
            else:
                await self._wake.wait()

    def _take(self) -> tuple[Event | None, bool]:
        with self._lock:
            self._rung = False
            self._wake.clear()
            if self._missed:
                missed, self._missed = self._missed, 0
                return {"type": "missed", "count": missed}, False
            return (self._queue.popleft() if self._queue else None), self._ended

    def _drop(self) -> None:
        passing = next((i for i, e in enumerate(self._queue) if e["type"] in _PASSING), 0)
        del self._queue[passing]
        self._missed += 1

    def _ring(self) -> None:
        """Wake the reader, once for everything that came since it last looked."""
        with self._lock:
            if self._rung:
                return
            self._rung = True
        try:
            self._loop.call_soon_threadsafe(self._wake.set)
        except RuntimeError:  # the loop has ended: nobody reads any more
            self._ended = True
