"""What commands print: tables and bars on a terminal, plain lines elsewhere, JSON lines under ``--json``.

Results go to standard output; progress, notes and errors to standard error, so that output can be piped. Under
``--json`` standard output holds JSON objects only, one a line, each with an ``event`` (docs/cli.md has the schema).
"""

from __future__ import annotations

import errno
import json
import math
import os
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, TextIO

from mien.errors import MienError

_PLAIN_EVERY = 5.0  # seconds between progress lines where there is no terminal
_JSON_EVERY = 0.25  # seconds between progress events


class _State:
    """Set once by the command line; commands only print."""

    json: bool = False
    lock = threading.Lock()
    kept: TextIO | None = None
    """Standard output, where a library must not have it."""


class Progress(Protocol):
    """A bar, a sequence of lines, or events. ``done`` counts from 0 to the total."""

    def update(self, done: int, total: int | None = None) -> None:
        """Say how much is done in all, and the total where it is known better now.

        Safe from any thread; cheap enough to call for every frame.
        """
        ...


def configure(*, as_json: bool) -> None:
    """Choose JSON lines or words for people."""
    _State.json = as_json


def keep_output() -> None:
    """From now on only what this module prints reaches standard output; what libraries print there by themselves goes
    to standard error, to the process's end.
    """
    out = sys.__stdout__
    if out is not None and sys.stdout is out and _State.kept is None:
        out.flush()
        _State.kept = os.fdopen(os.dup(1), "w", encoding=out.encoding, errors="replace")
        os.dup2(2, 1)


def is_json() -> bool:
    """Whether ``--json`` was given."""
    return _State.json


def event(name: str, /, plain: str = "", **fields: Any) -> None:
    """Report something: a JSON line under ``--json``; else ``plain`` on standard output, nothing if it is empty."""
    if _State.json:
        _write(_out(), json.dumps(_plain_value({"event": name, **fields}), ensure_ascii=False, allow_nan=False))
    elif plain:
        _write(_out(), plain)


def line(text: str = "") -> None:
    """A line of a result for people; nothing under ``--json`` (use :func:`event` for what programs need)."""
    if not _State.json:
        _write(_out(), text)


def note(text: str) -> None:
    """A remark on standard error: what is being fetched, what was adjusted. Under ``--json``: event ``note``."""
    if _State.json:
        event("note", message=text)
    else:
        _write(sys.stderr, text)


def table(name: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], title: str = "") -> None:
    """A table. Under ``--json``: one event ``name`` with ``rows`` as objects, keys are the columns in snake case."""
    listed = [list(row) for row in rows]
    if _State.json:
        keys = [column.lower().replace(" ", "_") for column in columns]
        event(name, rows=[dict(zip(keys, row, strict=True)) for row in listed])
    elif _out().isatty():
        _rich_table(columns, listed, title)
    else:
        _plain_table(columns, listed, title)


@contextmanager
def progress(label: str, total: int, unit: str = "") -> Iterator[Progress]:
    """Show work of ``total`` steps (frames, bytes) with the time left: ``with progress("Rendering", n) as bar``."""
    if _State.json:
        yield _Lines(label, total, unit, _JSON_EVERY)
    elif sys.stderr.isatty():
        with _rich_bar(label, total) as bar:
            yield bar
    else:
        yield _Lines(label, total, unit, _PLAIN_EVERY)


def error(failure: MienError) -> None:
    """One sentence and its hint on standard error; under ``--json`` also event ``error`` on standard output."""
    if _State.json:
        event(
            "error",
            code=failure.code,
            message=failure.message,
            hint=failure.hint,
            retryable=failure.retryable,
            exit_status=failure.exit_status,
        )
    _write(sys.stderr, f"mien: {_one_line(failure.message)}")
    if failure.hint:
        _write(sys.stderr, f"  {_one_line(failure.hint)}")


def _out() -> TextIO:
    return _State.kept or sys.stdout


def _one_line(text: str) -> str:
    """Names of files may hold characters that end a line; a sentence stays one."""
    return " ".join(text.splitlines())


class _Lines:
    """Progress as plain lines on standard error, or as JSON events: now and then, and at the end."""

    def __init__(self, label: str, total: int, unit: str, every: float) -> None:
        self._label, self._total, self._unit, self._every = label, max(total, 1), unit, every
        self._begin = self._last = time.monotonic()
        self._done = 0
        self._lock = threading.Lock()

    def update(self, done: int, total: int | None = None) -> None:
        with self._lock:
            now = time.monotonic()
            self._total = max(total or self._total, 1)
            finished = done >= self._total > self._done
            self._done = max(self._done, done)
            if not finished and now - self._last < self._every:
                return
            self._last = now
        self._report(done, now - self._begin)

    def _report(self, done: int, seconds: float) -> None:
        left = seconds * (self._total - done) / done if done else None
        if _State.json:
            event(
                "progress",
                stage=self._label,
                done=done,
                total=self._total,
                seconds=round(seconds, 2),
                eta=None if left is None else round(left, 2),
            )
            return
        eta = "" if left is None or done >= self._total else f", {_duration(left)} left"
        unit = f" {self._unit}" if self._unit else ""
        _write(sys.stderr, f"{self._label}: {100 * done // self._total} % ({done}/{self._total}{unit}{eta})")


@contextmanager
def _rich_bar(label: str, total: int) -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as RichProgress

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with RichProgress(*columns, console=Console(stderr=True)) as shown:
        task = shown.add_task(label, total=total)

        class Bar:
            def update(self, done: int, total: int | None = None) -> None:
                shown.update(task, completed=done, total=total)

        yield Bar()


def _rich_table(columns: Sequence[str], rows: Sequence[Sequence[Any]], title: str) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    shown = Table(title=title or None, title_justify="left")
    for column in columns:
        shown.add_column(column)
    for row in rows:
        shown.add_row(*(Text(_cell(value)) for value in row))
    Console(file=_out()).print(shown)


def _plain_table(columns: Sequence[str], rows: Sequence[Sequence[Any]], title: str) -> None:
    """Columns aligned with spaces, readable and easy to cut."""
    text = [list(columns), *([_cell(value) for value in row] for row in rows)]
    widths = [max(_width(row[i]) for row in text) for i in range(len(columns))]
    if title:
        line(title)
    for row in text:
        line("  ".join(value + " " * (w - _width(value)) for value, w in zip(row, widths, strict=True)).rstrip())


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _width(text: str) -> int:
    """Columns on a terminal: Chinese characters take two."""
    from unicodedata import east_asian_width

    return sum(2 if east_asian_width(c) in "WF" else 1 for c in text)


def _duration(seconds: float) -> str:
    whole = max(0, round(seconds))
    return f"{whole // 60} min {whole % 60} s" if whole >= 60 else f"{whole} s"


def _plain_value(value: Any) -> Any:
    """What JSON can hold: numpy becomes lists and numbers, a number that is none becomes null, the rest words."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(key): _plain_value(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain_value(inner) for inner in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, str | int) else str(value)


def _write(stream: Any, text: str) -> None:
    """Whole lines only, whatever thread they come from; characters the terminal lacks become question marks."""
    with _State.lock:
        try:
            _put(stream, text + "\n")
        except OSError as error:
            if error.errno not in (errno.EPIPE, errno.EIO):
                raise  # else the reader has left (``| head``), or the terminal was closed: the work goes on, unheard
            with Path(os.devnull).open("wb") as nowhere:
                os.dup2(nowhere.fileno(), stream.fileno())


def _put(stream: Any, text: str) -> None:
    try:
        stream.write(text)
    except UnicodeEncodeError:
        encoding = stream.encoding or "ascii"
        stream.write(text.encode(encoding, "replace").decode(encoding))
    stream.flush()
