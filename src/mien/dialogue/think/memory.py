"""What is kept of visitors between two talks: facts they told, a summary, the last of what was said.

Nothing is kept of anybody unless ``[think] memory`` says "on", or says "ask" and the visitor agreed. Only what was
really heard is kept, without long numbers and addresses. The file is readable by its owner alone; what is erased is
overwritten. Everything is bounded, and goes by itself when a visitor has not come for ``keep_days``.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from mien import config
from mien.dialogue.think.base import Role, Said
from mien.dialogue.think.facts import LONGEST_VALUE, Fact, facts_in, redacted
from mien.errors import InputError, MissingError, OutputError

MOST_FACTS: Final = 40
MOST_SAID: Final = 120
"""Things said, by both sides, that are kept of one visitor."""
MOST_VISITORS: Final = 20_000
LONGEST_SAID: Final = 1_000
LONGEST_SUMMARY: Final = 1_500

_LONGEST_NAME: Final = 128
_DAY: Final = 86_400.0
_TABLES: Final = """
CREATE TABLE IF NOT EXISTS visitors (id TEXT PRIMARY KEY, agreed INTEGER, first REAL, last REAL, summary TEXT);
CREATE TABLE IF NOT EXISTS facts (
    visitor TEXT REFERENCES visitors ON DELETE CASCADE, key TEXT, value TEXT, at REAL, PRIMARY KEY (visitor, key));
CREATE TABLE IF NOT EXISTS said (
    id INTEGER PRIMARY KEY, visitor TEXT REFERENCES visitors ON DELETE CASCADE, role TEXT, text TEXT, at REAL);
CREATE INDEX IF NOT EXISTS said_by ON said (visitor, id);
"""
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Remembered:
    """All that is kept of a visitor. first, last: seconds since 1970. said: oldest first."""

    visitor: str
    agreed: bool
    first: float
    last: float
    summary: str = ""
    facts: tuple[Fact, ...] = ()
    said: tuple[Said, ...] = ()

    @property
    def known(self) -> tuple[str, ...]:
        """As :attr:`mien.dialogue.think.base.Question.known` wants it."""
        return (*(fact.text for fact in self.facts), *((f"earlier talks: {self.summary}",) if self.summary else ()))

    def export(self) -> dict[str, Any]:
        """As plain values, for JSON: what a visitor is given who asks for what is kept of them."""
        return {
            "visitor": self.visitor, "agreed": self.agreed, "first": self.first, "last": self.last,
            "summary": self.summary, "facts": {fact.key: fact.value for fact in self.facts},
            "said": [{"role": s.role, "text": s.text} for s in self.said],
        }  # fmt: skip


class Memory:
    """The memory of all visitors in one file. Safe from any thread, and for several processes at once.

    file: default ``memory.sqlite3`` in the data folder. mode: as ``[think] memory``. Raises OutputError.
    """

    def __init__(
        self, file: Path | None = None, *, mode: str = "", keep_days: int = 0, clock: Callable[[], float] = time.time
    ) -> None:
        settings = config.load().think
        self.file = file or config.data_dir() / "memory.sqlite3"
        self.mode = mode or settings.memory
        self._keep = (keep_days or settings.keep_days) * _DAY
        self._clock = clock
        self._lock = threading.RLock()
        self._base: sqlite3.Connection | None = None

    def agree(self, visitor: str, yes: bool = True) -> None:
        """The visitor agrees to be remembered, or does not any more: then all that is kept of them is erased."""
        _check_name(visitor)
        if not yes:
            self.erase(visitor)
        elif self.mode != "off":
            self._do(lambda base: self._enter(base, visitor, agreed=True))

    def recall(self, visitor: str) -> Remembered | None:
        """All that is kept of a visitor, to be shown to them; None when nothing is."""
        _check_name(visitor)
        if self._base is None and not self.file.exists():
            return None
        return self._do(lambda base: self._read(base, visitor))

    def known(self, visitor: str) -> Remembered | None:
        """What may be used of a visitor in a talk: None where the memory is off, or the visitor has not agreed."""
        return self.recall(visitor) if self._may(visitor) else None

    def heard(self, visitor: str, *said: Said) -> list[Fact]:
        """Keep what was said and heard, where that is allowed. Returns the facts found in the visitor's own words."""
        _check_name(visitor)
        if not self._may(visitor):
            return []
        found = [fact for s in said if s.role == "user" for fact in facts_in(s.text)]
        self._do(lambda base: self._keep_all(base, visitor, said, found))
        return found

    def learn(self, visitor: str, facts: tuple[Fact, ...] = (), summary: str = "") -> None:
        """Keep facts and a summary that a language model made of a talk, where that is allowed."""
        _check_name(visitor)
        if self._may(visitor):
            self._do(lambda base: self._keep_all(base, visitor, (), facts, redacted(summary)[:LONGEST_SUMMARY]))

    def visitors(self) -> list[Remembered]:
        """Everybody of whom something is kept, without what was said, the last one first."""
        if self._base is None and not self.file.exists():
            return []
        listed = self._do(lambda base: base.execute("SELECT id FROM visitors ORDER BY last DESC").fetchall())
        return [kept for row in listed if (kept := self.recall(row[0]))]

    def erase(self, visitor: str) -> bool:
        """Forget a visitor for good. Returns whether there was anything."""
        _check_name(visitor)
        if self._base is None and not self.file.exists():
            return False
        gone = self._do(lambda base: base.execute("DELETE FROM visitors WHERE id = ?", (visitor,)).rowcount)
        self._scrub()
        return gone > 0

    def erase_all(self) -> int:
        """Forget everybody for good. Returns how many there were."""
        if self._base is None and not self.file.exists():
            return 0
        gone = self._do(lambda base: base.execute("DELETE FROM visitors").rowcount)
        self._scrub()
        return gone

    def close(self) -> None:
        """Let go of the file. Idempotent."""
        with self._lock:
            base, self._base = self._base, None
            if base is not None:
                base.close()

    def _may(self, visitor: str) -> bool:
        if self.mode == "on":
            return True
        kept = self.recall(visitor) if self.mode == "ask" else None
        return kept is not None and kept.agreed

    def _enter(self, base: sqlite3.Connection, visitor: str, *, agreed: bool | None = None) -> None:
        now = self._clock()
        base.execute("INSERT OR IGNORE INTO visitors VALUES (?, 0, ?, ?, '')", (visitor, now, now))
        base.execute("UPDATE visitors SET last = ?, agreed = max(agreed, ?) WHERE id = ?", (now, bool(agreed), visitor))
        base.execute(
            "DELETE FROM visitors WHERE id IN (SELECT id FROM visitors ORDER BY last DESC LIMIT -1 OFFSET ?)",
            (MOST_VISITORS,),
        )

    def _keep_all(
        self, base: sqlite3.Connection, visitor: str, said: tuple[Said, ...], facts: Any, summary: str = ""
    ) -> None:
        self._enter(base, visitor)
        now = self._clock()
        for one in said:
            text = redacted(" ".join(one.text.split()))[:LONGEST_SAID]
            if text:
                base.execute(
                    "INSERT INTO said (visitor, role, text, at) VALUES (?, ?, ?, ?)", (visitor, one.role, text, now)
                )
        for fact in facts:
            value = redacted(fact.value)[:LONGEST_VALUE]
            base.execute("INSERT OR REPLACE INTO facts VALUES (?, ?, ?, ?)", (visitor, fact.key[:40], value, now))
        if summary:
            base.execute("UPDATE visitors SET summary = ? WHERE id = ?", (summary, visitor))
        for table, most, key in (("said", MOST_SAID, "id"), ("facts", MOST_FACTS, "at")):
            base.execute(
                f"DELETE FROM {table} WHERE visitor = ? AND rowid NOT IN "  # noqa: S608 (names of our own tables)
                f"(SELECT rowid FROM {table} WHERE visitor = ? ORDER BY {key} DESC LIMIT ?)",
                (visitor, visitor, most),
            )

    def _read(self, base: sqlite3.Connection, visitor: str) -> Remembered | None:
        row = base.execute("SELECT agreed, first, last, summary FROM visitors WHERE id = ?", (visitor,)).fetchone()
        if row is None:
            return None
        facts = base.execute("SELECT key, value FROM facts WHERE visitor = ? ORDER BY at, key", (visitor,)).fetchall()
        said = base.execute("SELECT role, text FROM said WHERE visitor = ? ORDER BY id", (visitor,)).fetchall()
        return Remembered(
            visitor, bool(row[0]), row[1], row[2], row[3], tuple(Fact(k, v) for k, v in facts),
            tuple(Said(_role(r), t) for r, t in said),
        )  # fmt: skip

    def _do(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        with self._lock:
            try:
                base = self._base = self._base or self._opened()
                with _transaction(base):
                    return work(base)
            except (sqlite3.Error, OSError) as error:
                raise OutputError(
                    f"The memory of visitors at {self.file} cannot be used: {error}.",
                    hint="Check the file's permissions, or remove it.", code="output.memory",
                ) from None  # fmt: skip

    def _opened(self) -> sqlite3.Connection:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self.file.touch(mode=0o600, exist_ok=True)
        self.file.chmod(0o600)
        base = sqlite3.connect(self.file, timeout=10.0, isolation_level=None, check_same_thread=False)
        try:
            base.execute("PRAGMA journal_mode = WAL")
            base.execute("PRAGMA secure_delete = ON")
            base.execute("PRAGMA foreign_keys = ON")
            base.executescript(_TABLES)
            with _transaction(base):
                base.execute("DELETE FROM visitors WHERE last < ?", (self._clock() - self._keep,))
        except BaseException:
            base.close()
            raise
        return base

    def _scrub(self) -> None:
        """What was erased also leaves the log that SQLite writes ahead."""
        with self._lock, contextlib.suppress(sqlite3.Error):
            if self._base is not None:
                self._base.execute("PRAGMA wal_checkpoint(TRUNCATE)")


@contextlib.contextmanager
def _transaction(base: sqlite3.Connection) -> Iterator[None]:
    base.execute("BEGIN IMMEDIATE")
    try:
        yield
        base.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            base.execute("ROLLBACK")
        raise


def require(memory: Memory, visitor: str) -> Remembered:
    """What is kept of a visitor. Raises MissingError when nothing is."""
    kept = memory.recall(visitor)
    if kept is None:
        raise MissingError(
            f"Nothing is remembered of '{visitor[:60]}'.", hint="See: mien memory list", code="missing.visitor"
        )
    return kept


def _role(role: str) -> Role:
    return "assistant" if role == "assistant" else "user"


def _check_name(visitor: str) -> None:
    if not visitor or len(visitor) > _LONGEST_NAME or not visitor.isprintable():
        raise InputError(f"A visitor's name has 1 to {_LONGEST_NAME} printable characters.", code="input.visitor")
