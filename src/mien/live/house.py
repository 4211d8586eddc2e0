"""All sessions of a process: who may come in, who is there, and that nothing is left of who has gone."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from mien.errors import BackendError, InputError
from mien.live.ears import Ears
from mien.live.session import Session
from mien.machine import cores

PER_CORE: Final = 3
"""Talking sessions, 512², 25 frames a second, that a core carries: `python -m benchmarks.live_sessions capacity 6`."""
ALONE: Final = 60.0
"""Seconds after which a session that nobody watches is closed."""


@dataclass(eq=False)
class Guest:
    """Somebody's session. seen: when anybody was last there, seconds of the monotonic clock."""

    id: str
    session: Session
    ears: Ears | None = None
    owner: str = ""
    seen: float = field(default_factory=time.monotonic)

    def close(self) -> None:
        """End everything of it."""
        try:
            if self.ears is not None:
                self.ears.close()
        finally:
            self.session.close()


class House:
    """Sessions by their secret names. Safe from any thread.

    most: sessions at once; 0 = as many as this machine carries. per_owner: the same for one token, 0 = no limit.
    """

    def __init__(self, most: int = 0, per_owner: int = 0, alone: float = ALONE) -> None:
        self.most = most or PER_CORE * cores()
        self._why = "" if most else ", as many as this machine carries at full speed"
        self.opened = self.refused = 0
        self._per_owner, self._alone = per_owner, alone
        self._lock = threading.Lock()
        self._guests: dict[str, Guest] = {}
        self._coming: list[str] = []

    def open(self, make: Callable[[], Guest], owner: str = "", most: int = 0) -> Guest:
        """Let somebody in. make: makes the session, slowly perhaps; its id is given here. most: of this owner, 0 = as
        for all owners.

        Raises BackendError ("busy" when the house is full, "busy.token"), and whatever ``make`` raises.
        """
        with self._lock:
            self._admit(owner, most or self._per_owner)
            self._coming.append(owner)
        try:
            guest = make()
        finally:
            with self._lock:
                self._coming.remove(owner)
        guest.id, guest.owner = secrets.token_urlsafe(18), owner
        with self._lock:
            self._guests[guest.id] = guest
            self.opened += 1
        return guest

    def get(self, name: str) -> Guest:
        """A session by its name. Raises InputError for one that is not there (any more)."""
        with self._lock:
            guest = self._guests.get(name)
        if guest is None:
            raise InputError("There is no such session (any more).", hint="Open a new one.", code="session.unknown")
        guest.seen = time.monotonic()
        return guest

    def close(self, name: str) -> None:
        """Let somebody go. Unknown names are fine."""
        with self._lock:
            guest = self._guests.pop(name, None)
        if guest is not None:
            guest.close()

    def sweep(self) -> int:
        """Close the sessions that nobody watches any more. Returns how many."""
        now = time.monotonic()
        with self._lock:
            for guest in self._guests.values():
                if guest.session.watched:
                    guest.seen = now
            gone = [g.id for g in self._guests.values() if now - g.seen > self._alone]
        for name in gone:
            self.close(name)
        return len(gone)

    def guests(self) -> tuple[Guest, ...]:
        """Who is there."""
        with self._lock:
            return tuple(self._guests.values())

    def shut(self) -> None:
        """Close all."""
        for guest in self.guests():
            self.close(guest.id)

    def _admit(self, owner: str, most: int) -> None:
        here = len(self._guests) + len(self._coming)
        if here >= self.most:
            self.refused += 1
            raise BackendError(
                f"All {self.most} places are taken{self._why}.", hint="Try again when somebody has left.", code="busy"
            )
        mine = sum(g.owner == owner for g in self._guests.values()) + self._coming.count(owner)
        if most and mine >= most:
            self.refused += 1
            told = f"This token has its {most} sessions already."
            raise BackendError(told, hint="Close one first.", code="busy.token")
