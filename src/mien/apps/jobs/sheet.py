"""Batch files: CSV, JSON lines and YAML, read into rows that know the line they stand in.

Values of CSV are text; what is empty was not given. JSON lines and YAML may hold numbers and true or false, too.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from mien.apps.studio.source import Node, parse
from mien.errors import InputError

MOST_ROWS: Final = 100_000
MOST_BYTES: Final = 64_000_000
LONGEST_VALUE: Final = 1_000_000

Value = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Row:
    """A row. line: of the file, from 1. fault: why it cannot be read, "" = it could."""

    line: int
    values: Mapping[str, Value]
    fault: str = ""


def read_rows(file: Path) -> list[Row]:
    """All rows of a batch file, by its ending. Raises InputError for a file that cannot be read at all."""
    kind = file.suffix.lower()
    if kind not in _READERS:
        raise InputError(
            f"'{file.name}' is no batch file.", hint="A batch is a .csv, .jsonl or .yaml file; see docs/batch.md."
        )
    rows = []
    for row in _READERS[kind](_text(file), file.name):
        rows.append(row)
        if len(rows) > MOST_ROWS:
            raise InputError(f"{file.name} has more than {MOST_ROWS:,} rows.", hint="Split it into several batches.")
    if not rows:
        raise InputError(f"{file.name} holds no jobs.", hint="Each row is one film: id, portrait, text, output.")
    return rows


def _text(file: Path) -> str:
    try:
        if file.is_dir():
            raise InputError(f"'{file}' is a folder, not a batch file.")
        with file.open("rb") as stream:
            data = stream.read(MOST_BYTES + 1)
    except OSError as error:
        raise InputError(f"The batch file '{file}' cannot be read: {error.strerror or error}.") from None
    except ValueError:
        raise InputError("The name of the batch file is not one.") from None
    if len(data) > MOST_BYTES:
        raise InputError(f"{file.name} is over 64 MB.", hint="Split it into several batches.")
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        raise InputError(f"{file.name} is not UTF-8 text.", hint="Save it as UTF-8 (CSV UTF-8 in Excel).") from None


def _csv(text: str, name: str) -> Iterator[Row]:
    csv.field_size_limit(LONGEST_VALUE)
    table = csv.reader(io.StringIO(text), delimiter=_delimiter(text), strict=True)
    try:
        heads = [head.strip() for head in next(table, [])]
        _check_heads(heads, name)
        line = table.line_num + 1
        for cells in table:
            begun, line = line, table.line_num + 1
            if not any(cell.strip() for cell in cells):
                continue
            many = len(cells) > len(heads) and any(cell.strip() for cell in cells[len(heads) :])
            fault = f"It has {len(cells)} values, but there are {len(heads)} columns." if many else ""
            yield Row(begun, {head: cell for head, cell in zip(heads, cells, strict=False) if cell.strip()}, fault)
    except csv.Error as error:
        raise InputError(
            f"{name}, line {table.line_num}: it is not CSV ({error}).",
            hint='Put text that holds commas, quotes or line breaks between quotes: "…".',
        ) from None


def _delimiter(text: str) -> str:
    """What stands between the columns: spreadsheets write commas, semicolons or tabs, by country."""
    head = text.partition("\n")[0]
    return max(",;\t", key=lambda mark: (head.count(mark), mark == ","))


def _check_heads(heads: list[str], name: str) -> None:
    doubled = {head for head in heads if head and heads.count(head) > 1}
    if doubled:
        raise InputError(f"{name}, line 1: the column '{min(doubled)}' is there twice.")
    if not any(heads):
        raise InputError(f"{name}, line 1: no columns.", hint="The first line names them: id,portrait,text,output")


def _jsonl(text: str, name: str) -> Iterator[Row]:
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line, object_pairs_hook=_once)
        except (ValueError, RecursionError) as error:
            yield Row(number, {}, f"It is not JSON: {str(error) or 'nested too deeply'}.")
            continue
        yield _row(number, value)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError("a name is there twice")
    return made


def _row(line: int, value: object) -> Row:
    if not isinstance(value, dict):
        return Row(line, {}, "It is no object of names and values.")
    for name, inner in value.items():
        if inner is not None and not isinstance(inner, str | int | float | bool):
            return Row(line, {}, f"'{name}' must be text, a number, or true or false.")
    return Row(line, {str(name): inner for name, inner in value.items() if inner is not None and inner != ""})


def _yaml(text: str, name: str) -> Iterator[Row]:
    """A list of mappings; or a mapping with that list as ``jobs`` and what all rows share as ``defaults``.

    Values stay as they are written: plain YAML would make the number 969 of the aspect 16:9.
    """
    root = parse(text, name)
    if root.items is not None or root.absent:
        jobs, shared = root.items or (), Row(0, {})
    else:
        listed, fields = root.get("jobs"), root.fields or {}
        if listed is None or listed.items is None or set(fields) - {"jobs", "defaults"}:
            raise InputError(f"{name}: a batch is a list of jobs.", hint="Or: defaults: {…} and jobs: [{…}, …].")
        jobs, shared = listed.items, _of_node(fields["defaults"]) if "defaults" in fields else Row(0, {})
    if shared.fault:
        raise InputError(f"{name}, line {shared.line}: {shared.fault}")
    for node in jobs:
        row = _of_node(node)
        yield Row(row.line, {**shared.values, **row.values}, row.fault)


def _of_node(node: Node) -> Row:
    line = node.mark.line
    if node.fields is None:
        return Row(line, {}, "It is no mapping of names and values.")
    for name, inner in node.fields.items():
        if inner.text is None:
            return Row(line, {}, f"'{name}' must be text, a number, or true or false.")
    return Row(line, {name: inner.text or "" for name, inner in node.fields.items() if not inner.absent})


_READERS: Final = {".csv": _csv, ".tsv": _csv, ".jsonl": _jsonl, ".ndjson": _jsonl, ".yaml": _yaml, ".yml": _yaml}
