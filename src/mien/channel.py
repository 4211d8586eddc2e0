"""A bounded hand-over between two threads that ends, fails and is abandoned without anybody waiting for ever."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from typing import Generic, TypeVar

T = TypeVar("T")

_PATIENCE = 0.5  # seconds; waits are cut up so that Ctrl-C is noticed on systems whose locks cannot be interrupted


class Abandoned(Exception):
    """The reader has gone; the writer should stop."""


class Finished(Exception):
    """Nothing more comes."""


class Channel(Generic[T]):
    """At most ``size`` items wait in it; a full one slows the writer.

    The writer calls :meth:`put`, then :meth:`finish` or :meth:`fail`. The reader iterates. A failure reaches the reader
    at once, before what still waits; :meth:`abandon` reaches a writer at once, even one that is blocked.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._items: deque[T] = deque()
        self._changed = threading.Condition()
        self._finished = False
        self._abandoned = False
        self._error: BaseException | None = None

    def put(self, item: T) -> None:
        """Append, waiting for room. Raises Abandoned when the reader has gone."""
        with self._changed:
            while len(self._items) >= self._size and not self._abandoned:
                self._changed.wait(_PATIENCE)
            if self._abandoned:
                raise Abandoned
            self._items.append(item)
            self._changed.notify_all()

    def finish(self) -> None:
        """Nothing more comes; the reader gets what waits, then ends."""
        with self._changed:
            self._finished = True
            self._changed.notify_all()

    def fail(self, error: BaseException) -> None:
        """The writer broke: the reader raises ``error``."""
        with self._changed:
            self._error = self._error or error
            self._changed.notify_all()

    def abandon(self) -> None:
        """The reader leaves: what waits is dropped, the writer gets Abandoned. Idempotent."""
        with self._changed:
            self._abandoned = True
            self._items.clear()
            self._changed.notify_all()

    @property
    def over(self) -> bool:
        """Whether nothing will pass any more."""
        with self._changed:
            return self._abandoned or self._finished or self._error is not None

    def get(self) -> T:
        """The next item, waiting for it. Raises Finished after the last one, and the writer's error if it broke.

        Several readers may share a channel; each item goes to one of them.
        """
        with self._changed:
            while not (self._items or self._finished or self._error or self._abandoned):
                self._changed.wait(_PATIENCE)
            if self._error is not None:
                raise self._error
            if not self._items:
                raise Finished
            item = self._items.popleft()
            self._changed.notify_all()
            return item

    def __iter__(self) -> Iterator[T]:
        while True:
            try:
                item = self.get()
            except Finished:
                return
            yield item


class Promise(Generic[T]):
    """One value that one thread makes and another waits for."""

    def __init__(self) -> None:
        self._made = threading.Event()
        self._value: T | None = None
        self._error: BaseException | None = None

    def keep(self, value: T) -> None:
        """Here it is."""
        self._value = value
        self._made.set()

    def fail(self, error: BaseException) -> None:
        """It cannot be made."""
        self._error = error
        self._made.set()

    def result(self) -> T:
        """The value, waiting for it; raises what :meth:`fail` was given."""
        while not self._made.wait(_PATIENCE):
            pass
        if self._error is not None:
            raise self._error
        return self._value  # type: ignore[return-value]
