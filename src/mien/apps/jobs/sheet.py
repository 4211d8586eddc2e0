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

from mien.errors import InputError, MissingError

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
    """A list of mappings; or a mapping with that list as ``jobs`` and what all rows share as ``defaults``."""
    try:
        import yaml
    except ImportError:
        raise MissingError(
            "YAML files need PyYAML.", hint="Install it with: pip install 'mien[studio]'", code="missing.yaml"
        ) from None
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise InputError(f"{name}, line {line}: it is not YAML ({error.problem}).") from None
    except (yaml.YAMLError, RecursionError):
        raise InputError(f"{name} is not YAML.") from None
    shared, jobs = _parts(root, name)
    for node in jobs:
        row = _of_node(node)
        yield Row(row.line, {**shared, **row.values}, row.fault)


def _parts(root: Any, name: str) -> tuple[Mapping[str, Value], list[Any]]:
    if root is None:
        return {}, []
    if root.id == "sequence":
        return {}, root.value
    found = {key.value: value for key, value in root.value} if root.id == "mapping" else {}
    jobs, unknown = found.get("jobs"), set(found) - {"jobs", "defaults"}
    if jobs is None or jobs.id != "sequence" or unknown:
        raise InputError(f"{name}: a batch is a list of jobs.", hint="Or: defaults: {…} and jobs: [{…}, …].")
    if "defaults" not in found:
        return {}, jobs.value
    shared = _of_node(found["defaults"])
    if shared.fault:
        raise InputError(f"{name}, line {shared.line}: {shared.fault}")
    return shared.values, jobs.value


def _of_node(node: Any) -> Row:
    """A mapping of plain values. All stay as they are written: YAML itself would make 969 of the aspect 16:9."""
    line = node.start_mark.line + 1
    if node.id != "mapping":
        return Row(line, {}, "It is no mapping of names and values.")
    values: dict[str, Any] = {}
    for key, inner in node.value:
        name = key.value if key.id == "scalar" else "?"
        if name == "?" or inner.id != "scalar":
            return Row(line, {}, f"'{name}' must be text, a number, or true or false.")
        if name in values:
            return Row(line, {}, f"'{name}' is there twice.")
        values[name] = None if inner.tag == "tag:yaml.org,2002:null" else inner.value
    return _row(line, values)


_READERS: Final = {".csv": _csv, ".tsv": _csv, ".jsonl": _jsonl, ".ndjson": _jsonl, ".yaml": _yaml, ".yml": _yaml}
