"""The store of jobs: what is to be done, what was done, by whom, and what people decided. It alone owns the truth.

A folder: ``jobs.sqlite3`` (WAL, every change of state synchronous, so that it outlives power loss), ``made/`` (films
that are rendered but not yet delivered), ``work/`` (films in the making), ``owners/`` (locks of runs). Several runs and
people may use a store at once, on one machine: SQLite's WAL does not work on network drives.

Clock times are kept for people to read. No decision looks at them.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from mien.apps.jobs import rows, schema
from mien.apps.jobs.ballast import Ballast
from mien.apps.jobs.leases import Owner, Watch
from mien.apps.jobs.states import Artefact, Attempt, Entry, Fault, Job, Line, Planned, State, Wish
from mien.errors import InputError, MissingError, OutputError, UsageError

MOST_LOGGED: Final = 400
"""Lines of a job's log that are kept, the latest."""

FILM: Final = "review.film"
"""Code of jobs that wait with their film made."""

_ENDED: Final = (State.DONE, State.QUARANTINED, State.CANCELLED)


class Store:
    """A store, opened; safe from any thread. A context: leaving it closes the base."""

    def __init__(self, folder: Path, *, create: bool = True) -> None:
        """create: make it where there is none, else MissingError. Raises OutputError, InputError for a damaged one."""
        self.folder = folder.absolute()
        file = self.folder / schema.FILE
        if not file.is_file():
            if not create:
                raise MissingError(
                    f"There is no job store in '{folder}'.", hint="Run: mien batch FILE", code="missing.store"
                )
            _make_folder(self.folder)
        for name in ("made", "work", "owners"):
            with suppress(OSError):
                (self.folder / name).mkdir(exist_ok=True)
        self._base = schema.connect(file)
        self._lock = threading.RLock()
        self._ballast = Ballast(self.folder)
        self._watch = Watch(self.folder)

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *failure: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the base. Idempotent."""
        with self._lock:
            self._base.close()

    # What is to be done

    def plan(self, batch: str, wishes: Sequence[Wish], *, again: frozenset[str] = frozenset()) -> Planned:
        """Take over the rows of a batch: new ones, changed ones (another key), and who is gone.

        batch: its name, such as the path of its file. again: jobs that were done and whose results are no longer there.
        Raises UsageError when an id belongs to another batch of this store.
        """
        counts = dict.fromkeys(("new", "changed", "same", "again", "gone"), 0)
        with self._commit() as base:
            before = {row["id"]: rows.job(row) for row in base.execute("SELECT * FROM jobs")}
            for position, wish in enumerate(wishes):
                old = before.pop(wish.id, None)
                if old is not None and old.batch != batch:
                    raise UsageError(
                        f"The job '{wish.id}' is already in this store, from {old.batch}.",
                        hint="Give it another id, or this batch another --store.",
                    )
                counts[rows.take(base, batch, position, wish, old, wish.id in again)] += 1
            for left in before.values():
                if left.batch == batch and left.state not in _ENDED:
                    counts["gone"] += 1
                    rows.end(base, left, State.CANCELLED, Fault("cancelled", rows.GONE))
        return Planned(**counts)

    def claim(self, owner: Owner, *, not_now: Iterable[str] = (), batch: str = "") -> Job | None:
        """The next job for this run: the highest priority, then the order of the batch; None when nothing can begin.

        not_now: jobs that wait for their time. A job that makes the same as one that runs waits, too, and is then
        copied. batch: only of this one.
        """
        kept_back = set(not_now)
        with self._commit() as base:
            busy = {row[0] for row in base.execute("SELECT key FROM jobs WHERE state='running'")}
            waiting = base.execute(  # few columns: there may be very many rows to sort
                "SELECT id, key, batch, attempt FROM jobs WHERE state IN ('queued', 'failed-retrying') "
                "ORDER BY priority DESC, position"
            )
            for id, key, of, attempt in waiting:
                if id not in kept_back and key not in busy and batch in ("", of):
                    rows.begin(base, id, attempt + 1, owner.id)
                    return rows.find(base, id)
        return None

    def enter(self, owner: Owner) -> None:
        """Make a run known before it claims anything."""
        with self._commit() as base:
            base.execute("INSERT INTO owners(id, host) VALUES (?, ?)", (owner.id, owner.host))

    def beat(self, owner: Owner) -> None:
        """A heartbeat, also of a run that was taken for dead. Not synchronous: it means nothing after power loss."""
        with self._commit(durable=False) as base:
            base.execute(
                "INSERT INTO owners(id, host) VALUES (?, ?) ON CONFLICT(id) DO UPDATE SET beats=beats+1",
                (owner.id, owner.host),
            )

    def leave(self, owner: Owner) -> None:
        """This run ends: what it still has is free again."""
        with self._commit() as base:
            self._free(base, owner.id, "interrupted")

    def recover(self, owner: Owner) -> list[str]:
        """Free what dead runs had. Returns the dead owners. Asked now and then; cheap."""
        with self._lock:
            others = self._base.execute("SELECT * FROM owners WHERE id<>?", (owner.id,)).fetchall()
        dead = [row["id"] for row in others if self._watch.is_dead(row["id"], row["host"], row["beats"])]
        if dead:
            with self._commit() as base:
                for gone in dead:
                    self._free(base, gone, "lost")
            self._watch.forget(dead)
        return dead

    # How it ends. ``job`` is as claimed: where it was given to another run since, nothing changes: False

    def holds(self, job: Job) -> bool:
        """Whether it is still as it was claimed."""
        with self._lock:
            return rows.still_ours(self._base, job)

    def finish(
        self, job: Job, artefacts: Sequence[Artefact], *, how: str, seconds: float = 0.0,
        report: Mapping[str, Any] | None = None,
    ) -> bool:  # fmt: skip
        """It is done and delivered. how: "rendered", "found" or "copied", see :class:`Attempt`."""
        with self._commit() as base:
            if not rows.still_ours(base, job):
                return False
            base.execute("DELETE FROM artefacts WHERE job=?", (job.id,))
            for made in artefacts:
                base.execute(
                    "INSERT INTO artefacts VALUES (?, ?, ?, ?, ?, ?)",
                    (job.id, made.role, str(made.path), made.sha256, made.size, job.key),
                )
            rows.end(base, job, State.DONE, None, how, seconds)
            base.execute(
                "UPDATE jobs SET seconds=?, report=? WHERE id=?", (seconds, rows.written(report or {}), job.id)
            )
        return True

    def fail(self, job: Job, fault: Fault, *, final: bool, crashed: bool = False, seconds: float = 0.0) -> bool:
        """It failed. final: it is quarantined, else it is tried again. crashed: its worker died."""
        state = State.QUARANTINED if final else State.RETRYING
        with self._commit() as base:
            if not rows.still_ours(base, job):
                return False
            rows.end(base, job, state, fault, "crashed" if crashed else "failed", seconds)
            column = "crashes" if crashed else "failures"
            base.execute(f"UPDATE jobs SET {column}={column}+1 WHERE id=?", (job.id,))  # noqa: S608
        return True

    def release(self, job: Job, outcome: str = "interrupted") -> bool:
        """It was given up through no fault of its own, and waits again."""
        with self._commit() as base:
            if not rows.still_ours(base, job):
                return False
            rows.end(base, job, State.QUEUED, None, outcome)
        return True

    # What people decide

    def await_review(self, job: str | Job, why: str = "", *, by: str = "mien", made: bool = False) -> bool:
        """Nothing more happens to a job until a person decides: neither rendered nor, if it is, delivered.

        why: shown to who decides. by: who asks, for the audit log. made: it is rendered, and what is looked at is the
        film. False when it was ended or has passed before. Raises MissingError.
        """
        with self._commit() as base:
            found = rows.find(base, job)
            if isinstance(job, Job) and not rows.still_ours(base, job):
                return False
            passed = found.released if made else found.approved
            if found.state in (*_ENDED, State.WAITING) or passed:
                return False
            fault = Fault(FILM if made else "review", why or "A person looks at it first.")
            rows.end(base, found, State.WAITING, fault, "waiting")
            rows.enter(base, by, "asked", found, why)
        return True

    def decide(self, job: str | Job, who: str, approved: bool, why: str = "") -> Job:
        """A person's decision on a job that waits: approved jobs go on, rejected ones are quarantined.

        who: their name, kept in the audit log with why. Raises UsageError without a name or when it does not wait.
        """
        if not who.strip():
            raise UsageError("Who decides?", hint="Give a name with --who.")
        with self._commit() as base:
            found = rows.find(base, job)
            if found.state != State.WAITING:
                raise UsageError(f"The job '{found.id}' does not wait for a decision; it is {found.state}.")
            if approved:
                seen = found.fault is not None and found.fault.code == FILM
                base.execute("UPDATE jobs SET approved=? WHERE id=?", (2 if seen else 1, found.id))
                rows.end(base, found, State.QUEUED, None)
            else:
                sentence = f"{who} rejected it: {why}" if why else f"{who} rejected it."
                rows.end(base, found, State.QUARANTINED, Fault("rejected", sentence))
            rows.enter(base, who, "approved" if approved else "rejected", found, why)
        return self.job(found.id)

    def cancel(self, job: str | Job, *, who: str = "", why: str = "") -> bool:
        """Take a job out, a running one too: its run notices. False when it had ended before. Raises MissingError."""
        with self._commit() as base:
            found = rows.find(base, job)
            if found.state in _ENDED:
                return False
            rows.end(base, found, State.CANCELLED, Fault("cancelled", why or "It was cancelled."), "cancelled")
            rows.enter(base, who, "cancelled", found, why)
        return True

    def retry(self, job: str | Job, *, who: str = "", why: str = "") -> bool:
        """Queue a job that failed, was cancelled or rejected; False for one that is done or in the queue anyhow."""
        with self._commit() as base:
            found = rows.find(base, job)
            if found.state not in (State.QUARANTINED, State.CANCELLED, State.RETRYING):
                return False
            rows.end(base, found, State.QUEUED, None)
            base.execute("UPDATE jobs SET failures=0, crashes=0, approved=0 WHERE id=?", (found.id,))
            rows.enter(base, who, "retried", found, why)
        return True

    # What stands there

    def job(self, id: str) -> Job:
        """Raises MissingError."""
        with self._lock:
            return rows.find(self._base, id)

    def jobs(self, *states: State, batch: str = "") -> list[Job]:
        """All jobs, or those in these states, in the order of their batches."""
        with self._lock:
            found = self._base.execute("SELECT * FROM jobs ORDER BY batch, position").fetchall()
        wanted = [rows.job(row) for row in found if not batch or row["batch"] == batch]
        return [job for job in wanted if not states or job.state in states]

    def counts(self, batch: str = "") -> dict[State, int]:
        """How many jobs are in each state."""
        with self._lock:
            found = self._base.execute(
                f"SELECT state, count(*) FROM jobs {'WHERE batch=?' if batch else ''} GROUP BY state",  # noqa: S608
                (batch,) if batch else (),
            ).fetchall()
        tally = {State(row[0]): int(row[1]) for row in found}
        return {state: tally.get(state, 0) for state in State}

    def waiting(self) -> list[Job]:
        """The review queue."""
        return self.jobs(State.WAITING)

    def artefacts(self, job: str | Job) -> list[Artefact]:
        """What a job delivered."""
        with self._lock:
            found = self._base.execute("SELECT * FROM artefacts WHERE job=? ORDER BY role", (_id(job),)).fetchall()
        return [Artefact(row["role"], Path(row["path"]), row["sha256"], row["size"]) for row in found]

    def equals(self, job: Job) -> list[list[Artefact]]:
        """What was delivered before under the same key, by other jobs or by this one under other names."""
        with self._lock:
            found = self._base.execute("SELECT DISTINCT job FROM artefacts WHERE key=?", (job.key,)).fetchall()
        return [self.artefacts(row["job"]) for row in found]

    def attempts(self, job: str | Job) -> list[Attempt]:
        """Every try, in order."""
        with self._lock:
            found = self._base.execute("SELECT * FROM attempts WHERE job=? ORDER BY number", (_id(job),)).fetchall()
        return [Attempt(*tuple(row)) for row in found]

    def log(self, job: str | Job, text: str) -> None:
        """Keep a line of what happened to a job; the oldest go when there are too many."""
        with self._commit(durable=False) as base:
            found = rows.find(base, job)
            base.execute(
                "INSERT INTO logs(job, at, attempt, text) VALUES (?, ?, ?, ?)",
                (found.id, rows.now(), found.attempt, text[:2000]),
            )
            base.execute(
                "DELETE FROM logs WHERE job=? AND number <= "
                "(SELECT number FROM logs WHERE job=? ORDER BY number DESC LIMIT 1 OFFSET ?)",
                (found.id, found.id, MOST_LOGGED),
            )

    def log_of(self, job: str | Job) -> list[Line]:
        """A job's log. Raises MissingError."""
        id = self.job(_id(job)).id
        with self._lock:
            found = self._base.execute("SELECT * FROM logs WHERE job=? ORDER BY number", (id,)).fetchall()
        return [Line(row["at"], row["attempt"], row["text"]) for row in found]

    def audit(self, job: str | Job | None = None) -> list[Entry]:
        """The audit log, of one job or all. Raises InputError when a row was changed from outside."""
        with self._lock:
            found = [Entry(*tuple(row)) for row in self._base.execute("SELECT * FROM audit ORDER BY number")]
        mark = ""
        for entry in found:
            mark = rows.marked(mark, entry)
            if mark != entry.mark:
                raise InputError(f"Row {entry.number} of the audit log was changed from outside.", code="input.audit")
        return [entry for entry in found if job is None or entry.job == _id(job)]

    def note(self, who: str, action: str, job: str | Job, why: str = "") -> None:
        """A further row of the audit log. Raises MissingError."""
        with self._commit() as base:
            rows.enter(base, who, action, rows.find(base, job), why)

    def _free(self, base: sqlite3.Connection, owner: str, outcome: str) -> None:
        for row in base.execute("SELECT * FROM jobs WHERE state='running' AND owner=?", (owner,)).fetchall():
            rows.end(base, rows.job(row), State.QUEUED, None, outcome)
        base.execute("DELETE FROM owners WHERE id=?", (owner,))

    @contextmanager
    def _commit(self, *, durable: bool = True) -> Iterator[sqlite3.Connection]:
        """One change, whole or not at all. Where the disk is full, the ballast makes room for it."""
        with self._lock, self._ballast.giving_way():
            try:
                self._base.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
                self._base.execute("BEGIN IMMEDIATE")
                yield self._base
                self._base.execute("COMMIT")
            except BaseException as error:
                if self._base.in_transaction:
                    self._base.execute("ROLLBACK")
                if isinstance(error, sqlite3.Error):
                    raise _sentence(error, self.folder) from error
                raise


def _id(job: str | Job) -> str:
    return job if isinstance(job, str) else job.id


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"The job store '{folder}' cannot be made: {error.strerror or error}.", hint="Name another with --store."
        ) from None


def _sentence(error: sqlite3.Error, folder: Path) -> OutputError | InputError:
    if "full" in str(error):
        return OutputError(
            f"The disk of the job store '{folder}' is full.", hint="Make room, then run the batch again.",
            code="output.space",
        )  # fmt: skip
    if "malformed" in str(error) or "not a database" in str(error):
        return InputError(
            f"The job store '{folder}' is damaged: {error}.", hint="Move it away and run the batch again."
        )
    return OutputError(f"The job store '{folder}' cannot be written: {error}.")
