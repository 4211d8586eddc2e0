"""The queue of films: jobs of a job store, and a run beside the server that renders them.

The store owns the truth: what a server that ended had begun, the next one goes on with.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from mien.apps.jobs.local import LocalCrew
from mien.apps.jobs.run import Run
from mien.apps.jobs.states import OPEN, Job, Wish
from mien.apps.jobs.store import Store
from mien.errors import InputError, MienError, MissingError
from mien.transmit.atomic import output_error

MOST_OPEN: Final = 100
"""Films that may be queued."""
_LOOK: Final = 10.0
"""Seconds after which the queue is looked at though nobody said so: ``mien review`` may have let something pass."""
_AGAIN: Final = 5.0
"""Seconds after which a run that broke is begun again."""

_log = logging.getLogger(__name__)


class _Over(Exception):
    """The server ends."""


class Renders:
    """Safe from any thread once it is open. place: the folder of all that it keeps. screen: as
    :class:`mien.apps.jobs.run.Run` takes it.
    """

    def __init__(
        self, place: Path, screen: Callable[[], Callable[[Job], str]] | None = None, workers: int = 1
    ) -> None:  # fmt: skip
        self._place, self._workers, self._screen = place, workers, screen
        self.folder = place / "films"
        """Of what films are made of, and where they are put."""
        self._frames: dict[str, tuple[int, int]] = {}
        self._wake = threading.Event()
        self._over = threading.Event()
        self._thread: threading.Thread | None = None
        self._store: Store | None = None

    @property
    def store(self) -> Store:
        """Raises MissingError before it is open."""
        if self._store is None:
            raise MissingError("The studio is not open.", code="missing.studio")
        return self._store

    def open(self) -> None:
        """Open the store and go on with what is in it. Raises OutputError, InputError."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise output_error(error, self.folder) from error
        self._store = Store(self._place / "jobs")
        self._wake.set()
        self._thread = threading.Thread(target=self._go_on, name="mien-studio-films", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the workers; what they had is queued again. Idempotent."""
        self._over.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(20)
        if self._store is not None:
            self._store.close()
            self._store = None

    def check_room(self) -> None:
        """Raises InputError when too many films are queued."""
        if len(self.store.jobs(*OPEN)) >= MOST_OPEN:
            raise InputError(f"{MOST_OPEN} films are queued.", hint="Wait, or cancel some.", code="busy.studio")

    def add(self, wish: Wish) -> None:
        """Queue a film."""
        self.store.plan(wish.id, [wish])
        self.wake()

    def wake(self) -> None:
        """Look at the queue: something in it was changed."""
        self._wake.set()

    def frames(self, id: str) -> tuple[int, int]:
        """Of a film that runs: done, and in all."""
        return self._frames.get(id, (0, 0))

    def _go_on(self) -> None:
        """Render whatever is queued, until the server ends."""
        while not self._over.is_set():
            self._wake.wait(_LOOK)
            self._wake.clear()
            try:
                if not self._over.is_set() and self._anything():
                    self._run()
            except _Over:
                return
            except MienError as error:
                _log.warning("Films: %s", error)
                self._later()
            except Exception:
                _log.exception("The queue of films broke.")
                self._later()

    def _anything(self) -> bool:
        counts = self.store.counts()
        return any(counts[state] for state in OPEN)

    def _run(self) -> None:
        with LocalCrew(self._workers) as crew:
            more: dict[str, Any] = {} if self._screen is None else {"screen": self._screen()}
            Run(self.store, crew, "", watch=self._watch, **more).go()

    def _watch(self, run: Run) -> None:
        self._frames = {id: (one.done, one.total) for id, one in run.running.items()}
        if self._over.is_set():
            raise _Over

    def _later(self) -> None:
        if not self._over.wait(_AGAIN):
            self._wake.set()
