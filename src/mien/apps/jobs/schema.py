"""The tables of a job store, and opening them. SQLite in WAL mode; what must not be lost is written synchronously."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final

from mien.errors import InputError, OutputError

VERSION: Final = 1
FILE: Final = "jobs.sqlite3"
_BUSY: Final = 30.0  # seconds to wait for another process's commit

_TABLES: Final = """
CREATE TABLE jobs(
  id TEXT PRIMARY KEY, batch TEXT NOT NULL, position INTEGER NOT NULL, line INTEGER NOT NULL,
  kind TEXT NOT NULL, arguments TEXT NOT NULL, key TEXT NOT NULL, targets TEXT NOT NULL,
  priority INTEGER NOT NULL, review INTEGER NOT NULL, approved INTEGER NOT NULL DEFAULT 0,
  state TEXT NOT NULL CHECK(state IN ('queued', 'running', 'done', 'failed-retrying', 'quarantined', 'cancelled',
    'waiting-for-review')),
  attempt INTEGER NOT NULL DEFAULT 0, failures INTEGER NOT NULL DEFAULT 0, crashes INTEGER NOT NULL DEFAULT 0,
  owner TEXT NOT NULL DEFAULT '', fault TEXT, seconds REAL NOT NULL DEFAULT 0, report TEXT NOT NULL DEFAULT '{}'
);
CREATE INDEX jobs_order ON jobs(state, priority DESC, position);
CREATE INDEX jobs_key ON jobs(key, state);
CREATE TABLE owners(id TEXT PRIMARY KEY, host TEXT NOT NULL, beats INTEGER NOT NULL DEFAULT 0);
CREATE TABLE attempts(
  job TEXT NOT NULL REFERENCES jobs(id) ON DELETE CASCADE, number INTEGER NOT NULL, owner TEXT NOT NULL,
  began TEXT NOT NULL, outcome TEXT NOT NULL DEFAULT '', seconds REAL NOT NULL DEFAULT 0,
  message TEXT NOT NULL DEFAULT '', PRIMARY KEY(job, number)
);
CREATE TABLE artefacts(
  job TEXT NOT NULL REFERENCES jobs(id) ON DELETE CASCADE, role TEXT NOT NULL, path TEXT NOT NULL,
  sha256 TEXT NOT NULL, size INTEGER NOT NULL, key TEXT NOT NULL, PRIMARY KEY(job, role)
);
CREATE INDEX artefacts_key ON artefacts(key);
CREATE TABLE logs(
  number INTEGER PRIMARY KEY, job TEXT NOT NULL REFERENCES jobs(id) ON DELETE CASCADE, at TEXT NOT NULL,
  attempt INTEGER NOT NULL, text TEXT NOT NULL
);
CREATE INDEX logs_job ON logs(job, number);
CREATE TABLE audit(
  number INTEGER PRIMARY KEY, at TEXT NOT NULL, who TEXT NOT NULL, action TEXT NOT NULL, job TEXT NOT NULL,
  key TEXT NOT NULL, why TEXT NOT NULL, mark TEXT NOT NULL
);
CREATE TRIGGER audit_kept BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log only grows'); END;
CREATE TRIGGER audit_fixed BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log only grows'); END;
"""

_INDEX: Final = "CREATE INDEX IF NOT EXISTS jobs_batch ON jobs(batch, state)"
"""For counting, which is done several times a second."""


def connect(file: Path) -> sqlite3.Connection:
    """The base of a store, with its tables. Raises InputError for what is none, OutputError where it cannot be."""
    try:
        base = sqlite3.connect(file, timeout=_BUSY, isolation_level=None, check_same_thread=False)
        base.execute("PRAGMA journal_mode=WAL")
        base.execute("PRAGMA synchronous=FULL")
        base.execute("PRAGMA foreign_keys=ON")
        _prepare(base, file)
    except sqlite3.DatabaseError as error:
        if "not a database" in str(error) or "malformed" in str(error):
            raise InputError(
                f"The job store '{file}' is damaged: {error}.",
                hint="Move its folder away and run the batch again; films that are there are made again.",
            ) from None
        raise OutputError(
            f"The job store '{file}' cannot be opened: {error}.", hint="Name another with --store."
        ) from None
    base.row_factory = sqlite3.Row
    return base


def _prepare(base: sqlite3.Connection, file: Path) -> None:
    base.execute("BEGIN IMMEDIATE")
    try:
        found = base.execute("PRAGMA user_version").fetchone()[0]
        if found == 0:
            for statement in _statements(_TABLES):
                base.execute(statement)
            base.execute(f"PRAGMA user_version={VERSION}")
        if found in (0, VERSION):
            base.execute(_INDEX)
        base.execute("COMMIT")
    except BaseException:
        base.execute("ROLLBACK")
        raise
    if found not in (0, VERSION):
        raise InputError(
            f"The job store '{file}' was written by another version of Mien (format {found}, not {VERSION}).",
            hint="Finish the batch with that version, or use another --store.",
        )


def _statements(text: str) -> list[str]:
    """The statements one by one: ``executescript`` would commit before it begins."""
    found, begun = [], ""
    for line in text.splitlines(keepends=True):
        begun += line
        if sqlite3.complete_statement(begun):
            found.append(begun)
            begun = ""
    return found
