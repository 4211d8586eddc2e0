"""Who has a job, and whether that run is still alive: locks and counted heartbeats, never the clock on the wall.

Every run of a batch is an owner: a random name, a file in the store's folder that it keeps locked while it lives, and a
number in the store that it counts up. A lock that is free says at once that its owner is dead, kill -9 and power loss
included. Where there are no locks, an owner is dead when its number stood still for ``SILENCE`` seconds of the
*watcher's* monotonic clock; whoever was taken for dead wrongly finds its results refused (``Store.finish``).
"""

from __future__ import annotations

import os
import secrets
import socket
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

SILENCE: Final = 60.0
"""Seconds without a heartbeat after which an owner counts as dead."""
BEAT: Final = 5.0
"""Seconds between heartbeats."""


class Owner:
    """This run. A context: leaving it frees the lock. folder: of the store."""

    def __init__(self, folder: Path) -> None:
        self.id = secrets.token_hex(8)
        self.host = socket.gethostname()
        self._file = _place(folder, self.id)
        self._file.parent.mkdir(exist_ok=True)
        self._lock = _locked(self._file)

    def __enter__(self) -> Owner:
        return self

    def __exit__(self, *failure: object) -> None:
        self.close()

    def close(self) -> None:
        """Free the lock. Idempotent."""
        if self._lock is not None:
            with suppress(OSError):
                self._file.unlink()
            with suppress(OSError):
                os.close(self._lock)
            self._lock = None


class Watch:
    """Looks after other owners. clock: seconds that only grow."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder, self._clock = folder, clock
        self._seen: dict[str, tuple[int, float]] = {}

    def is_dead(self, owner: str, host: str, beats: int) -> bool:
        """Whether an owner is gone, from what the store says of it now. Asked again and again."""
        if host == socket.gethostname() and is_free(_place(self._folder, owner)):
            return True
        before, since = self._seen.get(owner, (-1, 0.0))
        now = self._clock()
        if beats != before:
            self._seen[owner] = (beats, now)
            return False
        return now - since > SILENCE

    def forget(self, dead: Iterable[str]) -> None:
        """Remove what dead owners left."""
        for owner in dead:
            self._seen.pop(owner, None)
            with suppress(OSError):
                _place(self._folder, owner).unlink()


def _place(folder: Path, owner: str) -> Path:
    return folder / "owners" / owner


def _locked(file: Path) -> int | None:
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o644)
    if sys.platform != "win32":
        import fcntl

        with suppress(OSError):  # a file system without locks: heartbeats alone tell
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return descriptor


def is_free(file: Path) -> bool:
    """Whether nobody holds the lock. False where locks tell nothing."""
    if sys.platform == "win32":  # what is open cannot be deleted there
        try:
            file.unlink(missing_ok=True)
        except OSError:
            return False
        return True
    import fcntl

    try:
        descriptor = os.open(file, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return True  # its owner has left in good order
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    else:
        return True
    finally:
        os.close(descriptor)
