"""A folder of documents that can be searched: an index in the cache, kept up to date file by file.

The index is SQLite with FTS5, which ranks by BM25 (Robertson and Zaragoza 2009); what it finds is ranked again by how
much of the question it covers. Files that did not change are not read again; it can be thrown away at any time.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from mien import config
from mien.dialogue.think import tokens
from mien.dialogue.think.passages import Passage
from mien.dialogue.think.reading import READERS, read_document
from mien.errors import InputError, MienError, MissingError, OutputError

MAX_FILES: Final = 2_000
MAX_BYTES: Final = 1 << 30
"""Of all documents together."""

_LEAST: Final = 1.2  # weight that a question has at least, in parts of what a word has that stands in one passage
_RARE: Final = ""  # stands for such a word among the weights
_FORMAT: Final = 1  # of the index; another one, or other tokens, starts a new index
_FEWEST: Final = 20  # passages that are assumed: in fewer, rarity says little
_CANDIDATES: Final = 48
_MOST_TOKENS: Final = 96  # of one question
_LOOK_AGAIN: Final = 10.0  # seconds after which a question lets the folder be looked through again
_TABLES: Final = """
CREATE TABLE IF NOT EXISTS documents (
    id INTEGER PRIMARY KEY, name TEXT UNIQUE, size INTEGER, changed INTEGER, hash TEXT, fault TEXT);
CREATE TABLE IF NOT EXISTS passages (
    id INTEGER PRIMARY KEY, document INTEGER, place TEXT, question TEXT, text TEXT, asked TEXT, told TEXT);
CREATE INDEX IF NOT EXISTS by_document ON passages (document);
CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5 (tokens, tokenize = 'unicode61 remove_diacritics 0');
CREATE VIRTUAL TABLE IF NOT EXISTS counts USING fts5vocab (words, 'row');
"""


@dataclass(frozen=True, slots=True)
class Found:
    """A passage. cover: how much of the question it answers to, 0…1. score: what it is ranked by."""

    passage: Passage
    cover: float
    score: float


class Library:
    """The documents in a folder, or one file. Safe from any thread; several processes may share the index.

    index: the file of the index, default in the cache by the folder's path. Raises MissingError where there is none.
    """

    def __init__(self, folder: Path | str, index: Path | None = None) -> None:
        self.folder = Path(folder).expanduser().resolve()
        if not self.folder.exists():
            raise MissingError(
                f"There are no documents at '{folder}'.", hint="Name a folder or a file.", code="missing.documents"
            )
        named = hashlib.sha256(f"{_FORMAT} {tokens.version()} {self.folder}".encode()).hexdigest()[:20]
        self.index = index or config.cache_dir() / "knowledge" / f"{named}.sqlite3"
        self._lock = threading.RLock()
        self._looked = -math.inf
        self._looking = threading.Lock()
        self._base = _open(self.index)
        self._reader = _connected(self.index)  # nobody who asks waits for what is being read in
        self._reading = threading.RLock()

    def refresh(self, told: Callable[[str], None] | None = None) -> None:
        """Read what is new or changed, forget what is gone. told: hears each document that cannot be read, and why."""
        self._looked = time.monotonic()
        present = dict(self._files())
        with self._lock:
            known = {n: (i, s, c, h) for i, n, s, c, h in self._base.execute(
                "SELECT id, name, size, changed, hash FROM documents")}  # fmt: skip
        for name in known.keys() - present.keys():
            self._forget(known[name][0])
        for name, path in present.items():
            self._take(name, path, known.get(name))
        if told:
            for fault in self.faults():
                told(fault)

    def faults(self) -> list[str]:
        """A sentence for each document that cannot be read."""
        with self._reading:
            return [
                row[0] for row in self._reader.execute("SELECT fault FROM documents WHERE fault <> '' ORDER BY name")
            ]

    def documents(self) -> list[str]:
        """Names of what can be answered from."""
        with self._reading:
            return [row[0] for row in self._reader.execute("SELECT name FROM documents WHERE fault = '' ORDER BY name")]

    def __len__(self) -> int:
        with self._reading:
            return int(self._reader.execute("SELECT count(*) FROM passages").fetchone()[0])

    def search(self, text: str, limit: int = 4) -> list[Passage]:
        """The best passages for a question or a few words, the best first."""
        return [found.passage for found in self.find(text, limit)]

    def find(self, text: str, limit: int = 4) -> list[Found]:
        """The best passages, the best first, with how well they fit. A few milliseconds."""
        self._look_again()
        asked = tokens.units(text)[:_MOST_TOKENS]
        wanted = tokens.tokens_of(asked)[: 3 * _MOST_TOKENS]
        if not wanted:
            return []
        with self._reading:
            weigh = self._weights(wanted)
            rows = self._reader.execute(
                "SELECT d.name, p.place, p.text, p.question, p.asked, p.told FROM words w JOIN passages p ON p.id = "
                "w.rowid JOIN documents d ON d.id = p.document WHERE words MATCH ? ORDER BY bm25(words) LIMIT ?",
                (" OR ".join(f'"{token}"' for token in wanted), _CANDIDATES),
            ).fetchall()
        literal = _literally(asked)
        judged = [
            _judged(Passage(n, p, t, q), a, b, asked if tokens.is_cjk(t) == tokens.is_cjk(text) else literal, weigh)
            for n, p, t, q, a, b in rows
        ]
        judged.sort(key=lambda found: -found.score)
        return judged[:limit]

    def cover(self, asked: list[tokens.Unit], text: str) -> float:
        """How much of a question any text answers to, 0…1, by the weights of this library's words."""
        with self._reading:
            weigh = self._weights(tokens.tokens_of(asked))
        return _cover(asked, frozenset(tokens.index_tokens(text)), weigh)

    def close(self) -> None:
        """Let go of the index. Idempotent."""
        with self._lock, self._reading:
            self._base.close()
            self._reader.close()

    def _weights(self, wanted: list[str]) -> dict[str, float]:
        """How rare each token is: the inverse document frequency of BM25; what no document has counts as in one."""
        total = self._reader.execute("SELECT count(*) FROM passages").fetchone()[0]
        term = "SELECT term, doc FROM counts WHERE term IN (SELECT value FROM json_each(?))"
        counts: dict[str, int] = dict(self._reader.execute(term, (json.dumps(wanted),)).fetchall())
        return {t: _rarity(total, counts.get(t, 1)) for t in wanted} | {_RARE: _rarity(total, 1)}

    def _look_again(self) -> None:
        """Let another thread look whether files changed; the question is answered from what is known."""
        if time.monotonic() - self._looked < _LOOK_AGAIN or not self._looking.acquire(blocking=False):
            return

        def look() -> None:
            try:
                with contextlib.suppress(MienError, OSError, sqlite3.Error):
                    self.refresh()
            finally:
                self._looking.release()

        threading.Thread(target=look, name="mien-library", daemon=True).start()

    def _files(self) -> Iterator[tuple[str, Path]]:
        """Documents by name, without hidden ones and without links that lead out of the folder."""
        if self.folder.is_file():
            if self.folder.suffix.lower() not in READERS:
                raise InputError(
                    f"'{self.folder.name}' is no kind of document that can be read.",
                    hint=f"There are {' '.join(READERS)}.", code="input.document",
                )  # fmt: skip
            yield self.folder.name, self.folder
            return
        count = size = 0
        for place, folders, names in os.walk(self.folder):
            folders[:] = sorted(f for f in folders if not f.startswith("."))
            for name in sorted(names):
                path = Path(place) / name
                if name.startswith((".", "~$")) or path.suffix.lower() not in READERS or not path.is_file():
                    continue
                if not path.resolve().is_relative_to(self.folder):
                    continue
                count, size = count + 1, size + path.stat().st_size
                if count > MAX_FILES or size > MAX_BYTES:
                    raise InputError(
                        f"'{self.folder}' holds more than {MAX_FILES:,} documents or {MAX_BYTES >> 20:,} MB.",
                        hint="Name a smaller folder.", code="input.document",
                    )  # fmt: skip
                yield path.relative_to(self.folder).as_posix(), path

    def _take(self, name: str, path: Path, known: tuple[int, int, int, str] | None) -> None:
        """Read a file unless it is as it was."""
        try:
            state = path.stat()
            if known and known[1:3] == (state.st_size, state.st_mtime_ns):
                return
            with path.open("rb") as file:
                hashed = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError:
            return  # it went away meanwhile
        if known and known[3] == hashed:
            self._write(lambda: self._base.execute(
                "UPDATE documents SET size = ?, changed = ? WHERE id = ?",
                (state.st_size, state.st_mtime_ns, known[0])))  # fmt: skip
            return
        passages: list[Passage] = []
        fault = ""
        try:
            passages = read_document(path, name)
        except InputError as error:
            fault = str(error)
        row = (name, state.st_size, state.st_mtime_ns, hashed, fault)
        self._write(lambda: self._put(row, passages))

    def _put(self, row: tuple[str, int, int, str, str], passages: list[Passage]) -> None:
        old = self._base.execute("SELECT id FROM documents WHERE name = ?", row[:1]).fetchone()
        if old:
            self._remove(old[0])
        place = "INSERT INTO documents (name, size, changed, hash, fault) VALUES (?, ?, ?, ?, ?)"
        document = self._base.execute(place, row).lastrowid
        for passage in passages:
            asked = " ".join(tokens.index_tokens(passage.question))
            heading = "" if passage.question else passage.place.partition(" (")[0]
            told = " ".join(tokens.index_tokens(f"{heading}\n{passage.text}"))
            number = self._base.execute(
                "INSERT INTO passages (document, place, question, text, asked, told) VALUES (?, ?, ?, ?, ?, ?)",
                (document, passage.place, passage.question, passage.text, asked, told),
            ).lastrowid
            self._base.execute("INSERT INTO words (rowid, tokens) VALUES (?, ?)", (number, f"{asked} {told}"))

    def _forget(self, document: int) -> None:
        self._write(lambda: self._remove(document))

    def _remove(self, document: int) -> None:
        self._base.execute("DELETE FROM words WHERE rowid IN (SELECT id FROM passages WHERE document = ?)", (document,))
        self._base.execute("DELETE FROM passages WHERE document = ?", (document,))
        self._base.execute("DELETE FROM documents WHERE id = ?", (document,))

    def _write(self, work: Callable[[], object]) -> None:
        with self._lock:
            try:
                self._base.execute("BEGIN IMMEDIATE")
                work()
                self._base.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    self._base.execute("ROLLBACK")
                raise


def _rarity(total: int, count: int) -> float:
    total = max(total, _FEWEST)
    return max(0.1, math.log(1 + (total - count + 0.5) / (count + 0.5)))


def _judged(passage: Passage, asked: str, told: str, wanted: list[tokens.Unit], weigh: dict[str, float]) -> Found:
    """How well a passage fits. Of a list's entry above all its question counts, and that it asks for nothing else."""
    question, whole = frozenset(asked.split()), frozenset(told.split()) | frozenset(asked.split())
    cover = _cover(wanted, whole, weigh)
    if not question:
        return Found(passage, cover, cover)
    straight = max(_cover(wanted, frozenset(tokens.index_tokens(one)), weigh) for one in passage.question.split("\n"))
    back = max(_likeness(wanted, one) for one in passage.question.split("\n"))
    return Found(passage, max(straight, 0.9 * cover), 0.6 * straight + 0.4 * cover + 0.25 * back)


def _literally(asked: list[tokens.Unit]) -> list[tokens.Unit]:
    """The same, shown by its own words only: ideas do not lead to a document in another language."""
    kept = (replace(unit, ways=tuple((t, s) for t, s in unit.ways if s == 1.0 or s < tokens.IDEA)) for unit in asked)
    return [unit for unit in kept if any(sure == 1.0 for _, sure in unit.ways)]


def _cover(asked: list[tokens.Unit], present: frozenset[str], weigh: dict[str, float]) -> float:
    """The part of what is asked for, weighed by rarity, that is present, 0…1.

    What only names the documents' common subject weighs too little to be an answer to anything.
    """
    have = whole = 0.0
    least = _LEAST * weigh[_RARE]
    for unit in asked:
        own = [weigh[token] for token, sure in unit.ways if sure == 1.0]
        weight = min(own or [weigh[token] for token, _ in unit.ways]) * unit.worth
        whole += weight
        have += weight * max((sure for token, sure in unit.ways if token in present), default=0.0)
    return have / max(whole, least) if whole else 0.0


def _likeness(asked: list[tokens.Unit], question: str) -> float:
    """The part of a listed question that the visitor's own words show, 0…1."""
    theirs = tokens.units(question)
    if not theirs:
        return 0.0
    said = frozenset(tokens.tokens_of(asked))
    return sum(max((s for t, s in u.ways if t in said), default=0.0) for u in theirs) / len(theirs)


def _open(file: Path) -> sqlite3.Connection:
    """The index; one that is damaged is made anew. Raises OutputError where none can be written."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            return _connected(file)
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError) and "locked" in str(error):
                raise
            file.unlink(missing_ok=True)
            return _connected(file)
    except (OSError, sqlite3.Error) as error:
        raise OutputError(f"The index of the documents cannot be kept at {file}: {error}.") from None


def _connected(file: Path) -> sqlite3.Connection:
    file.touch(mode=0o600, exist_ok=True)
    base = sqlite3.connect(file, timeout=10.0, isolation_level=None, check_same_thread=False)
    try:
        base.execute("PRAGMA journal_mode = WAL")
        base.execute("PRAGMA synchronous = NORMAL")
        base.executescript(_TABLES)
    except BaseException:
        base.close()
        raise
    return base
