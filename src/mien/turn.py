"""The turn fence: one object that goes with an answer through language model, speech, face, pictures and sending.

Whoever ends the turn, because a visitor cut in or left, ends it everywhere at once: stages that work look at the
fence between two steps, stages that wait are woken by what they hung on it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field


class Cut(Exception):
    """The turn is over; what was being made for it is not wanted any more. Never an error to tell a user of."""


@dataclass(eq=False)
class Turn:
    """One answer. number: rises by one with each, as :attr:`mien.types.SpeechPart.turn`. Safe from any thread."""

    number: int = 0
    _over: threading.Event = field(default_factory=threading.Event, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _hung: list[Callable[[], None]] = field(default_factory=list, repr=False)

    @property
    def over(self) -> bool:
        """Whether the turn was cut."""
        return self._over.is_set()

    def check(self) -> None:
        """Raise Cut when the turn is over."""
        if self.over:
            raise Cut

    def cut(self) -> None:
        """End the turn. Idempotent; what was hung on it runs once, in the order it was hung, in this thread."""
        with self._lock:
            if self._over.is_set():
                return
            self._over.set()
            hung, self._hung = self._hung, []
        for wake in hung:
            with suppress(Exception):  # one stage that fails to wake must not keep the others asleep
                wake()

    def when_cut(self, wake: Callable[[], None]) -> Callable[[], None]:
        """Hang something on the fence, quick and harmless: it runs when the turn is cut, at once if it is already.

        Returns what takes it off again; taking it off twice is harmless.
        """
        with self._lock:
            if not self._over.is_set():
                self._hung.append(wake)
                return lambda: self._take_off(wake)
        wake()
        return lambda: None

    def wait(self, seconds: float) -> bool:
        """Sleep until the turn is cut, ``seconds`` at most. Returns whether it is over."""
        return self._over.wait(seconds)

    def _take_off(self, wake: Callable[[], None]) -> None:
        with self._lock, suppress(ValueError):
            self._hung.remove(wake)
