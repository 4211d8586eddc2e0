"""Project files as they are written: YAML or TOML as a tree in which every value knows its line, column and field.

YAML is read by its 1.2 rules where they differ (``no`` is a word, ``9:16`` is no number): every scalar keeps its text,
and the field that takes it decides what it means. Nothing is constructed from tags, and a file cannot grow in memory:
size, depth, values and what aliases repeat are bounded.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from mien.errors import InputError, UsageError

LARGEST_FILE: Final = 1_000_000
"""Bytes."""
MOST_VALUES: Final = 50_000
DEEPEST: Final = 24
_INTEGER: Final = re.compile(r"[+-]?\d{1,15}")
_FLOAT: Final = re.compile(r"[+-]?(?:\d{1,15}\.\d{0,15}|\.\d{1,15})(?:[eE][+-]?\d{1,2})?")
ENDINGS: Final = (".yaml", ".yml", ".toml", ".json")


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in a file. line, column: from 1; 0 where there is no file."""

    line: int = 0
    column: int = 0


@dataclass(frozen=True, slots=True)
class Node:
    """A value of the file.

    mark: where it begins. path: its field, such as "scenes[0].script". text: of a scalar, None for what is no scalar.
    quoted: the scalar was written in quotes, so it is text whatever it looks like. fields, keys: of a mapping, the
    values and where their names stand. items: of a list. span: where a scalar stands in the file, characters.
    """

    mark: Mark = Mark()
    path: str = ""
    text: str | None = None
    quoted: bool = False
    fields: Mapping[str, Node] | None = None
    keys: Mapping[str, Mark] = field(default_factory=dict)
    items: tuple[Node, ...] | None = None
    span: tuple[int, int] = (0, 0)

    @property
    def absent(self) -> bool:
        """Whether nothing was written, or null."""
        return self.text in ("", "~", "null") and not self.quoted

    @property
    def off(self) -> bool:
        """Whether it says that there shall be none: false or none."""
        return self.text in ("false", "none") and not self.quoted

    def inner(self, key: str | int) -> str:
        """The field of a value inside this one."""
        if isinstance(key, int):
            return f"{self.path}[{key}]"
        name = " ".join("".join(c if c.isprintable() else " " for c in key[:200]).split())[:60]
        return f"{self.path}.{name}" if self.path else name

    def get(self, key: str) -> Node | None:
        """A value of a mapping, None where it is not written."""
        found = (self.fields or {}).get(key)
        return None if found is None or found.absent else found


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """What is wrong at a place of a project file, and what would be right. line, column: from 1, 0 = no place.

    field: such as "scenes[0].script", "" = the file. message: one sentence.
    """

    line: int
    column: int
    field: str
    message: str

    def told(self, file: str) -> str:
        """The whole sentence: file, line, column, field and message."""
        place = f"{file}:{self.line}:{self.column}" if self.line else file
        return f"{place}: {self.field}: {self.message}" if self.field else f"{place}: {self.message}"


class ProjectError(UsageError):
    """A project file that cannot be used. problems: all that were found, by line. Exit status 2."""

    default_code = "project"

    def __init__(self, file: str, problems: list[Problem]) -> None:
        self.file = file
        self.problems = tuple(sorted(set(problems)))
        more = len(self.problems) - 1
        hint = f"There {'is one more problem' if more == 1 else f'are {more} more'}: mien studio check {file}"
        super().__init__(self.problems[0].told(file), hint=hint if more else "")

    @property
    def sentences(self) -> tuple[str, ...]:
        """One for each problem."""
        return tuple(problem.told(self.file) for problem in self.problems)


class Unreadable(Exception):
    """The text is no tree. Raised by the readers, told by :func:`parse`."""

    def __init__(self, line: int, column: int, message: str) -> None:
        super().__init__(message)
        self.problem = Problem(line, column, "", message)


def read_text(path: Path) -> str:
    """The text of a project file, without a byte order mark. Raises InputError, ProjectError."""
    try:
        if path.is_dir():
            raise InputError(f"'{path}' is a folder, not a project file.", hint="Name the file inside it.")
        if path.exists() and not path.is_file():  # a pipe, of which nobody may ever write the other end
            raise InputError(f"'{path}' is no file.", hint="Name a project, .yaml or .toml.")
        with path.open("rb") as stream:
            data = stream.read(LARGEST_FILE + 1)
    except FileNotFoundError:
        hint = "Make one: mien studio new NAME"
        raise InputError(f"There is no project file '{path}'.", hint=hint) from None
    except (OSError, ValueError) as error:
        raise InputError(f"The project file '{path}' cannot be read: {getattr(error, 'strerror', error)}.") from None
    if len(data) > LARGEST_FILE:
        raise ProjectError(path.name, [Problem(0, 0, "", "the file is over 1 MB; split it into several projects.")])
    return _decoded(data, path.name).replace("\r\n", "\n")


def _decoded(data: bytes, name: str) -> str:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - data.rfind(b"\n", 0, error.start)
        problem = Problem(line, column, "", "this is not UTF-8 text; save the file as UTF-8.")
        raise ProjectError(name, [problem]) from None
    for i, char in enumerate(text):
        if (char < " " and char not in "\t\n\r") or "\x7f" <= char < "\xa0" or char in "\ufffe\uffff":
            line, column = text.count("\n", 0, i) + 1, i - text.rfind("\n", 0, i)
            problem = Problem(line, column, "", f"the character U+{ord(char):04X} cannot stand in text; delete it.")
            raise ProjectError(name, [problem])
    return text


def parse(text: str, name: str) -> Node:
    """The tree of a text. name: its file's, whose ending says which language it is in. Raises ProjectError."""
    ending = Path(name).suffix.lower()
    if ending not in ENDINGS:
        message = f"'{ending}' is no ending of a project; name the file .yaml or .toml."
        raise ProjectError(name, [Problem(0, 0, "", message)])
    try:
        if ending == ".toml":
            from mien.apps.studio.source_toml import parse_toml as reader
        else:
            from mien.apps.studio.source_yaml import parse_yaml as reader
        return reader(text)
    except Unreadable as error:
        raise ProjectError(name, [error.problem]) from None


def to_json(node: Node) -> Any:
    """The values of a tree as JSON has them, by YAML's core schema: unquoted numbers, true, false and null are such."""
    if node.fields is not None:
        return {key: to_json(value) for key, value in node.fields.items()}
    if node.items is not None:
        return [to_json(item) for item in node.items]
    return None if node.absent else node.text if node.quoted else _typed(node.text or "")


def _typed(text: str) -> Any:
    if text in ("true", "false"):
        return text == "true"
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text


def merge(base: Node | None, over: Node | None, *, instead: tuple[frozenset[str], ...] = ()) -> Node | None:
    """A mapping with another's fields on top, mappings inside likewise; what is no mapping replaces.

    instead: sets of fields of which one drives out the others.
    """
    if base is None or over is None or base.fields is None or over.fields is None:
        return base if over is None else over
    given = {key for key, value in over.fields.items() if not value.absent}
    driven = {key for group in instead if given & group for key in group - given}
    fields = {key: value for key, value in base.fields.items() if key not in driven}
    for key, value in over.fields.items():
        if not value.absent:
            fields[key] = merge(fields.get(key), value) or value
        else:
            fields.setdefault(key, value)
    return replace(over, fields=fields, keys={**base.keys, **over.keys})


def scalar(value: Any) -> tuple[str, bool]:
    """Text of a value, and whether it is text whatever it looks like."""
    if value is None:
        return "", False
    if isinstance(value, bool):
        return str(value).lower(), False
    if isinstance(value, str):
        return value, True
    return (repr(value) if isinstance(value, float) else str(value)), False
