"""Batch files: CSV, JSON lines and YAML, read into rows that know the line they stand in.

Values of CSV are text; what is empty was not given. JSON lines and YAML may hold numbers and true or false, too.
"""

from __future__ import annotations

import csv
import io
import json
import re
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

_BROKEN_CELL: Final = re.compile(r"#(REF|N/A|NAME\?|VALUE|DIV/0|NUM|NULL|SPILL|CALC)[!?]?")
"""What spreadsheets show instead of a value that they cannot work out."""
_AS_UTF8: Final = "Save it as UTF-8 (in Excel: CSV UTF-8)."


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
            f"'{file.name}' is no batch file.",
            hint="A batch is a .csv, .jsonl or .yaml file; spreadsheets save their tables as CSV UTF-8.",
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
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(f"{file.name}, line {line}: {_encoding(data)}.", hint=_AS_UTF8) from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise InputError(f"{file.name}, line {line}: a zero byte stands here, so it is no text.", hint=_AS_UTF8)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _encoding(data: bytes) -> str:
    """What is said of text that is not UTF-8: Chinese spreadsheets write GBK unless they are told otherwise."""
    try:
        letters = [letter for letter in data.decode("gb18030") if letter > "\x7f"]
    except UnicodeDecodeError:
        return "it is not UTF-8 text"
    usual = sum("\u4e00" <= letter <= "\u9fff" or letter in "，。！？、；：“”（）《》" for letter in letters)
    return "it is GBK text, not UTF-8" if usual > 0.9 * len(letters) else "it is not UTF-8 text"


def _csv(text: str, name: str) -> Iterator[Row]:
    csv.field_size_limit(LONGEST_VALUE)
    above, mark, text = _delimiter(text)
    table = csv.reader(io.StringIO(text), delimiter=mark, strict=True)
    line = above + 1
    try:
        heads = [head.strip() for head in next(table, [])]
        _check_heads(heads, f"{name}, line {line}")
        line = above + table.line_num + 1
        for cells in table:
            if any(cell.strip() for cell in cells):
                values = {head: cell.strip() for head, cell in zip(heads, cells, strict=False) if cell.strip()}
                yield Row(line, values, _fault_of(cells, heads))
            line = above + table.line_num + 1
    except csv.Error as error:
        raise InputError(
            f"{name}, line {line}: {_not_csv(error)}.",
            hint='Put text that holds commas, quotes or line breaks between quotes: "…".',
        ) from None


def _delimiter(text: str) -> tuple[int, str, str]:
    """Lines above the table, what stands between the columns, and the table.

    Spreadsheets write commas, semicolons or tabs, by country, and may say so in a first line: ``sep=;``.
    """
    head, _, below = text.partition("\n")
    if (told := re.fullmatch(r'"?sep=([,;\t])"?', head.strip(" "))) is not None:
        return 1, told[1], below
    return 0, max(",;\t", key=lambda mark: (head.count(mark), mark == ",")), text


def _fault_of(cells: list[str], heads: list[str]) -> str:
    """What is wrong with a row as a row, "" = nothing."""
    if any(cell.strip() for cell in cells[len(heads) :]):
        return f"It has {len(cells)} values, but there are {len(heads)} columns."
    for head, cell in zip(heads, cells, strict=False):
        shown = cell.strip()
        if _BROKEN_CELL.fullmatch(shown):
            return f"The {head} is {shown}: the spreadsheet could not work it out."
        if shown.startswith("=") and len(shown) > 1:
            return f"The {head} is a formula, not its value: {shown[:40]}"
    return ""


def _not_csv(error: csv.Error) -> str:
    if "end of data" in str(error):
        return "a quote that is opened in this row is never closed"
    if "field limit" in str(error):
        return f"a value of this row is longer than {LONGEST_VALUE:,} letters, or a quote in it is never closed"
    return f"it is not CSV ({error})"


def _check_heads(heads: list[str], place: str) -> None:
    doubled = {head for head in heads if head and heads.count(head) > 1}
    if doubled:
        raise InputError(f"{place}: the column '{min(doubled)}' is there twice.")
    if not any(heads):
        raise InputError(f"{place}: no columns.", hint="The first line names them: id,portrait,text,output")
    if not {"id", "output", "out"} & {head.lower() for head in heads}:
        raise InputError(
            f"{place}: there is neither a column id nor a column output.",
            hint="The first line names the columns: id,portrait,text,output",
        )


def _jsonl(text: str, name: str) -> Iterator[Row]:
    for number, line in enumerate(text.split("\n"), 1):  # other line ends may stand in a string
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
