"""TOML as a tree with places: :mod:`tomllib` reads and refuses, a scan of what it accepted finds where things are."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from typing import Any, Final

from mien.apps.studio.source import DEEPEST, MOST_VALUES, Mark, Node, Unreadable, scalar

_PLACE = re.compile(r"\s*\(at (?:line (\d+), column (\d+)|end of document)\)")
_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
_VALUE: Final = re.compile(r"[^,\]}#\n]+")
_BASIC: Final = re.compile(r'"(?:[^"\\\n]|\\.)*"')
_MULTI: Final = re.compile(r'"""(?:[^\\]|\\.)*?"""(?:"{0,2})', re.DOTALL)
_LITERAL: Final = re.compile(r"'[^'\n]*'")
_MULTI_LITERAL: Final = re.compile(r"'''.*?'''(?:'{0,2})", re.DOTALL)
_SPACE: Final = re.compile(r"[ \t]*")
_GAP: Final = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")

_Key = tuple[str | int, ...]


def parse_toml(text: str) -> Node:
    """The tree of a text. Raises Unreadable with its place."""
    text = text.replace("\r\n", "\n")
    if not text.strip():
        raise Unreadable(0, 0, "the file is empty; make one with mien studio new.")
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _refused(str(error), text) from None
    except ValueError:  # Python's own bound on digits, which tomllib leaves to it
        raise Unreadable(*_longest_number(text), "this number has thousands of digits; write a shorter one.") from None
    except RecursionError:
        raise Unreadable(0, 0, f"this is over {DEEPEST} levels deep; a project needs 6.") from None
    return _Tree(_Scan(text)).build(data, (), "")


def _longest_number(text: str) -> tuple[int, int]:
    """Line and column of the longest row of digits."""
    found = max(re.finditer(r"[0-9_]+", text), key=lambda digits: len(digits[0]))
    start = found.start()
    return text.count("\n", 0, start) + 1, start - text.rfind("\n", 0, start)


def _refused(said: str, text: str) -> Unreadable:
    found = _PLACE.search(said)
    line, column = (int(found[1]), int(found[2])) if found and found[1] else (text.rstrip().count("\n") + 1, 1)
    what = " ".join(_PLACE.sub("", said).split()).rstrip(".")
    return Unreadable(line, column, f"this is not TOML: {what}; text stands in quotes, a section is [name].")


class _Tree:
    """Values of tomllib at the places of a scan."""

    def __init__(self, scan: _Scan) -> None:
        self._scan, self._values = scan, 0

    def build(self, value: Any, key: _Key, path: str) -> Node:
        mark = self._scan.values.get(key, Mark(1, 1))
        self._values += 1
        if self._values > MOST_VALUES:
            raise Unreadable(mark.line, mark.column, f"the file has over {MOST_VALUES:,} values; split it.")
        if len(key) > DEEPEST:
            raise Unreadable(mark.line, mark.column, f"this is over {DEEPEST} levels deep; a project needs 6.")
        at = Node(mark, path)
        if isinstance(value, dict):
            fields = {name: self.build(inner, (*key, name), at.inner(name)) for name, inner in value.items()}
            keys = {name: self._scan.keys.get((*key, name), mark) for name in value}
            return Node(mark, path, fields=fields, keys=keys)
        if isinstance(value, list):
            items = tuple(self.build(inner, (*key, i), at.inner(i)) for i, inner in enumerate(value))
            return Node(mark, path, items=items)
        text, quoted = scalar(value)
        return Node(mark, path, text, quoted, span=self._scan.spans.get(key, (0, 0)))


@dataclass
class _Scan:
    """Where names and values stand. The text is valid TOML, so nothing is checked again."""

    text: str
    keys: dict[_Key, Mark] = field(default_factory=dict)
    values: dict[_Key, Mark] = field(default_factory=dict)
    spans: dict[_Key, tuple[int, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._at = 0
        self._line, self._line_start, self._seen = 1, 0, 0
        self._table: _Key = ()
        self._counts: dict[_Key, int] = {}
        self._skip(_GAP)
        while self._at < len(self.text):
            if self.text[self._at] == "[":
                self._header()
            else:
                self._pair(self._table)
            self._skip(_GAP)

    def _mark(self) -> Mark:
        self._line += self.text.count("\n", self._seen, self._at)
        self._line_start = self.text.rfind("\n", self._seen, self._at) + 1 or self._line_start
        self._seen = self._at
        return Mark(self._line, self._at - self._line_start + 1)

    def _skip(self, pattern: re.Pattern[str]) -> None:
        found = pattern.match(self.text, self._at)
        assert found is not None
        self._at = found.end()

    def _header(self) -> None:
        many = self.text.startswith("[[", self._at)
        mark = self._mark()
        self._at += 2 if many else 1
        names = self._names()
        self._at += 2 if many else 1
        key: _Key = ()
        for name in names[:-1]:
            key = self._last((*key, name))
            self._put(key, mark)
        key = (*key, names[-1])
        self._put(key, mark)
        if many:
            number = self._counts.get(key, 0)
            self._counts[key] = number + 1
            key = (*key, number)
            self._put(key, mark)
        self._table = key

    def _last(self, key: _Key) -> _Key:
        """A table, or the last one of its name where there are several."""
        return (*key, self._counts[key] - 1) if key in self._counts else key

    def _put(self, key: _Key, mark: Mark) -> None:
        self.keys.setdefault(key, mark)
        self.values.setdefault(key, mark)

    def _names(self) -> list[str]:
        names = []
        while True:
            self._skip(_SPACE)
            names.append(self._name())
            self._skip(_SPACE)
            if not self.text.startswith(".", self._at):
                return names
            self._at += 1

    def _name(self) -> str:
        start = self._at
        if self.text[start] not in "\"'":
            self._skip(_BARE)
            return self.text[start : self._at]
        self._skip(_BASIC if self.text[start] == '"' else _LITERAL)
        return next(iter(tomllib.loads(f"{self.text[start : self._at]} = 0")))

    def _pair(self, table: _Key) -> None:
        mark = self._mark()
        names = self._names()
        self._at += 1  # =
        self._skip(_SPACE)
        key = table
        for name in names:
            key = (*key, name)
            self.keys.setdefault(key, mark)
            self.values.setdefault(key, mark)
        self._value(key)

    def _value(self, key: _Key) -> None:
        start, mark = self._at, self._mark()
        self.values[key] = mark
        if len(self.values) > 2 * MOST_VALUES:  # tables count twice here; the tree counts exactly
            raise Unreadable(mark.line, mark.column, f"the file has over {MOST_VALUES:,} values; split it.")
        char = self.text[start]
        if char == "[":
            self._list(key)
        elif char == "{":
            self._inline(key)
        else:
            self._skip(self._pattern(start))
            while self.text[self._at - 1] in " \t":
                self._at -= 1
            self.spans[key] = (start, self._at)

    def _pattern(self, start: int) -> re.Pattern[str]:
        if self.text.startswith('"""', start):
            return _MULTI
        if self.text.startswith("'''", start):
            return _MULTI_LITERAL
        return {'"': _BASIC, "'": _LITERAL}.get(self.text[start], _VALUE)

    def _list(self, key: _Key) -> None:
        self._at += 1
        number = 0
        while True:
            self._skip(_GAP)
            if self.text[self._at] == "]":
                self._at += 1
                return
            self._value((*key, number))
            number += 1
            self._skip(_GAP)
            if self.text[self._at] == ",":
                self._at += 1

    def _inline(self, key: _Key) -> None:
        self._at += 1
        while True:
            self._skip(_GAP)
            if self.text[self._at] == "}":
                self._at += 1
                return
            self._pair(key)
            self._skip(_GAP)
            if self.text[self._at] == ",":
                self._at += 1
