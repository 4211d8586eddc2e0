"""What ``mien batch`` shows while it runs: a live table on a terminal, lines elsewhere, events under ``--json``."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mien.apps.cli import console
from mien.errors import InputError

if TYPE_CHECKING:
    from mien.apps.jobs.run import Change, Run
    from mien.apps.jobs.store import Store

_PROGRESS_EVERY: Final = 1.0  # seconds
_PLAIN_EVERY: Final = 10.0


class Desk:
    """What is shown while a batch runs: a live table on a terminal, lines elsewhere, events under ``--json``."""

    def __init__(self, file: Path, store: Store) -> None:
        self._file, self._store = file, store
        self._begun = self._shown = time.monotonic()
        self._stack = ExitStack()
        self._screen: Any = None

    def __enter__(self) -> Desk:
        if not console.is_json() and sys.stderr.isatty():
            from mien.apps.cli.batch_table import Screen

            self._screen = self._stack.enter_context(Screen(self._file.name))
        return self

    def __exit__(self, *failure: object) -> None:
        self._stack.close()

    def tell(self, change: Change) -> None:
        """Something happened to a job."""
        with self._unheard():
            self._tell(change)

    def watch(self, run: Run) -> None:
        """Called several times a second."""
        with self._unheard():
            self._watch(run)

    @contextmanager
    def _unheard(self) -> Iterator[None]:
        """Where nothing can be printed (a terminal is gone, a log's disk is full), the batch goes on all the same."""
        try:
            yield
        except OSError:
            if self._screen is not None:
                self._screen = None
                with suppress(OSError):
                    self._stack.close()

    def _tell(self, change: Change) -> None:
        job = change.job
        console_line = ""
        if change.what not in ("running", "note"):
            took = f" in {change.seconds:.1f} s" if change.seconds else ""
            console_line = f"{job.id}: {change.what}{took}" + (f": {change.message}" if change.message else "")
        if console.is_json():
            console.event(
                "job", id=job.id, line=job.line, state=str(self._store.job(job.id).state), what=change.what,
                output=str(job.output), attempt=job.attempt, seconds=round(change.seconds, 2), message=change.message,
            )  # fmt: skip
        elif self._screen is not None:
            if console_line:
                self._screen.say(console_line)
        elif console_line:
            console.note(console_line)

    def _watch(self, run: Run) -> None:
        if self._screen is not None:
            self._screen.show(run, self._store.counts(run.batch))
            return
        now = time.monotonic()
        every = _PROGRESS_EVERY if console.is_json() else _PLAIN_EVERY
        if now - self._shown < every:
            return
        self._shown = now
        counts = self._store.counts(run.batch)
        if console.is_json():
            going = [{"id": r.job.id, "done": r.done, "total": r.total} for r in run.running.values()]
            console.event("jobs_progress", "", films=going, **_keys(counts))
        else:
            console.note(counted(counts))

    def standing(self) -> str:
        """How many are done, for a sentence."""
        counts = self._store.counts(str(self._file.absolute()))
        done = next(count for state, count in counts.items() if state == "done")
        return f"{done} of {sum(counts.values())} jobs are done"

    def done(self, peak: int) -> None:
        """The run is over: say how it stands. Raises InputError when some jobs are quarantined.

        peak: most bytes that one worker took.
        """
        self._stack.close()
        counts = self._store.counts(str(self._file.absolute()))
        seconds = time.monotonic() - self._begun
        console.event(
            "batch_done", plain=f"{self._file.name}: {counted(counts)} in {seconds:.1f} s", seconds=round(seconds, 2),
            peak=peak, **_keys(counts),
        )  # fmt: skip
        bad = next(count for state, count in counts.items() if state == "quarantined")
        if bad:
            raise InputError(
                f"{bad} job{'s are' if bad > 1 else ' is'} quarantined.",
                hint=f"See: mien batch status {short(self._file)}", code="input.quarantined",
            )  # fmt: skip


def short(path: Path) -> str:
    """As seen from here where that is shorter."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def counted(counts: Any) -> str:
    """How many jobs are in each state, in words."""
    return ", ".join(f"{count} {state}" for state, count in counts.items() if count) or "no jobs"


def _keys(counts: Any) -> dict[str, Any]:
    return {str(state).replace("-", "_"): count for state, count in counts.items()}
