"""Rows of the store's tables to values and back, and the changes of state as single statements."""

from __future__ import annotations

import getpass
import hashlib
import json
import sqlite3
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from mien.apps.jobs.states import Entry, Fault, Job, State, Wish
from mien.errors import MissingError

GONE: Final = "It is no longer in the batch."
_ANEW: Final = "This row was changed, so the job is done anew."


def job(row: sqlite3.Row) -> Job:
    """A row of ``jobs``."""
    fault = row["fault"]
    return Job(
        id=row["id"], batch=row["batch"], position=row["position"], line=row["line"], kind=row["kind"],
        arguments=json.loads(row["arguments"]), key=row["key"],
        targets={role: Path(path) for role, path in json.loads(row["targets"]).items()},
        priority=row["priority"], review=bool(row["review"]), state=State(row["state"]), attempt=row["attempt"],
        failures=row["failures"], crashes=row["crashes"], approved=row["approved"] > 0,
        released=row["approved"] > 1, owner=row["owner"],
        fault=None if fault is None else Fault(**json.loads(fault)), seconds=row["seconds"],
        report=json.loads(row["report"]),
    )  # fmt: skip


def find(base: sqlite3.Connection, wanted: str | Job) -> Job:
    """Raises MissingError."""
    id = wanted if isinstance(wanted, str) else wanted.id
    row = base.execute("SELECT * FROM jobs WHERE id=?", (id,)).fetchone()
    if row is None:
        raise MissingError(
            f"There is no job '{id}' in this store.", hint="See: mien batch status STORE", code="missing.job"
        )
    return job(row)


def written(value: Mapping[str, Any]) -> str:
    """As JSON, the same for equal values."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def now() -> str:
    """The time on the wall, for people."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def still_ours(base: sqlite3.Connection, claimed: Job) -> bool:
    """Whether a job is still in the hands, and the attempt, that it was claimed for."""
    row = base.execute("SELECT owner, attempt, state FROM jobs WHERE id=?", (claimed.id,)).fetchone()
    return row is not None and tuple(row) == (claimed.owner, claimed.attempt, State.RUNNING)


def begin(base: sqlite3.Connection, id: str, attempt: int, owner: str) -> None:
    """A job is claimed."""
    base.execute("UPDATE jobs SET state='running', attempt=?, owner=? WHERE id=?", (attempt, owner, id))
    base.execute("INSERT INTO attempts(job, number, owner, began) VALUES (?, ?, ?, ?)", (id, attempt, owner, now()))


def end(
    base: sqlite3.Connection, of: Job, state: State, fault: Fault | None, outcome: str = "", seconds: float = 0.0
) -> None:
    """A job comes into a state in which nobody has it; the attempt that runs, if any, ends with ``outcome``."""
    told = None if fault is None else written(asdict(fault))
    base.execute("UPDATE jobs SET state=?, owner='', fault=? WHERE id=?", (state, told, of.id))
    if of.state == State.RUNNING:
        base.execute(
            "UPDATE attempts SET outcome=?, seconds=?, message=? WHERE job=? AND number=? AND outcome=''",
            (outcome or "interrupted", seconds, "" if fault is None else fault.message, of.id, of.attempt),
        )


def take(base: sqlite3.Connection, batch: str, position: int, wish: Wish, old: Job | None, again: bool) -> str:
    """A row of a batch into the table. Returns what that was: "new", "changed", "same" or "again"."""
    targets = {role: str(path) for role, path in wish.targets.items()}
    values = (
        batch, position, wish.line, wish.kind, written(wish.arguments), wish.key, written(targets), wish.priority,
        int(wish.review), wish.id,
    )  # fmt: skip
    if old is None:
        base.execute(
            "INSERT INTO jobs(batch, position, line, kind, arguments, key, targets, priority, review, id, state) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'queued')",
            values,
        )
        return "new"
    base.execute(
        "UPDATE jobs SET batch=?, position=?, line=?, kind=?, arguments=?, key=?, targets=?, priority=?, review=? "
        "WHERE id=?",
        values,
    )
    if old.key != wish.key or {k: str(p) for k, p in old.targets.items()} != targets:
        end(base, old, State.QUEUED, None, "cancelled")
        base.execute("UPDATE jobs SET failures=0, crashes=0, approved=0 WHERE id=?", (wish.id,))
        base.execute(
            "INSERT INTO logs(job, at, attempt, text) VALUES (?, ?, ?, ?)", (wish.id, now(), old.attempt, _ANEW)
        )
        return "changed"
    mended = old.state == State.QUARANTINED and old.fault is not None and old.fault.mends_outside
    back = old.state == State.CANCELLED and old.fault is not None and old.fault.message == GONE
    if again or mended or back:
        end(base, old, State.QUEUED, None)
        base.execute("UPDATE jobs SET failures=0, crashes=0 WHERE id=?", (wish.id,))
        return "again"
    return "same"


def enter(base: sqlite3.Connection, who: str, action: str, of: Job, why: str) -> None:
    """A row of the audit log."""
    last = base.execute("SELECT number, mark FROM audit ORDER BY number DESC LIMIT 1").fetchone()
    number, before = (1, "") if last is None else (last["number"] + 1, last["mark"])
    entry = Entry(number, now(), (who or _me()).strip(), action, of.id, of.key, why, "")
    base.execute(
        "INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (number, entry.at, entry.who, action, of.id, of.key, why, marked(before, entry)),
    )


def marked(before: str, entry: Entry) -> str:
    """The mark of a row that follows another."""
    words = [before, entry.number, entry.at, entry.who, entry.action, entry.job, entry.key, entry.why]
    return hashlib.sha256(json.dumps(words, ensure_ascii=False).encode()).hexdigest()


def _me() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"
