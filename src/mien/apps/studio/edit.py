"""Changing single fields in the text of a project: everything else, comments included, stays as somebody wrote it.

A change is made in the text and then checked: the new text must mean exactly what was asked for, else it is refused.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, Literal

import yaml

from mien.apps.studio.source import ProjectError, parse, to_json
from mien.errors import UsageError

_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_STEP: Final = re.compile(r"([^.\[\]]+)|\[(\d{1,6})\]")
_LAST: Final = ("scenes", "layers")
"""Fields that stay behind new ones."""

Op = Literal["set", "remove", "insert", "move"]


@dataclass(frozen=True, slots=True)
class Change:
    """One change. field: such as "scenes[0].script". value: as JSON has it, of set and insert (before that item of a
    list, or behind its last). to: the place in the list after a move.
    """

    op: Op
    field: str
    value: Any = None
    to: int = 0


class Unchangeable(UsageError):
    """What was asked for cannot be written into this text field by field."""

    default_code = "project.form"


def change(text: str, name: str, changes: Iterable[Change]) -> str:
    """The text with changes. name: of its file. Raises ProjectError for a text that cannot be read, Unchangeable."""
    tree = to_json(parse(text, name))
    if Path(name).suffix.lower() == ".toml":
        raise _refusal("TOML is changed as text only")
    for one in changes:
        wanted = _meant(tree, one)
        text = _written(text if text.endswith("\n") else text + "\n", name, one, wanted)
        tree = wanted
    return text


def steps(field: str) -> list[str | int]:
    """The way to a field."""
    return [int(number) if number else word for word, number in _STEP.findall(field)]


def _written(text: str, name: str, one: Change, wanted: Any) -> str:
    """The first way of writing it that means what is wanted."""
    for lines in (True, False):
        try:
            made = _Text(text, lines).changed(one)
            if to_json(parse(made, name)) == wanted:
                return made
        except (ProjectError, yaml.YAMLError, _Elsewhere, RecursionError):
            continue
    raise _refusal(f"'{one.field[:80]}' cannot be changed here")


def _refusal(what: str) -> Unchangeable:
    return Unchangeable(f"{what[:1].upper()}{what[1:]}.", hint="Change the text of the file instead.")


def _meant(tree: Any, one: Change) -> Any:
    """The values after a change."""
    made, way = copy.deepcopy(tree), steps(one.field)
    try:
        at = made
        for step, then in pairwise(way):
            if isinstance(step, str) and at.get(step) is None and isinstance(then, str):
                at[step] = {}
            at = at[step]
        last: Any = way[-1]
        if one.op == "set" and (isinstance(at, dict) or isinstance(last, int)):
            at[last] = one.value
        elif one.op == "remove":
            del at[last]
        elif one.op == "insert" and isinstance(at, list) and 0 <= last <= len(at):
            at.insert(last, one.value)
        elif one.op == "move" and isinstance(at, list) and 0 <= one.to < len(at):
            at.insert(one.to, at.pop(last))
        else:
            raise KeyError(last)
    except (KeyError, IndexError, TypeError, AttributeError):
        raise _refusal(f"there is no place for '{one.field[:80]}'") from None
    return made


class _Elsewhere(Exception):
    """The place is not written where it means something."""


class _Text:
    """A text with the places of its values. lines: whether words of several lines are written as such."""

    def __init__(self, text: str, lines: bool) -> None:
        self._text, self._lines = text, lines
        self._root: Any = yaml.compose(text, Loader=_LOADER)

    def changed(self, one: Change) -> str:
        way = steps(one.field)
        node, flow = self._root, bool(self._root.flow_style)
        for number, step in enumerate(way[:-1]):
            inner = _inner(node, step)
            if inner is None or _empty(inner):  # a group that is not written yet
                return self._added(node, way[number:], one.value, flow)
            node = inner
            flow = flow or bool(getattr(node, "flow_style", True))
        if isinstance(node, yaml.MappingNode):
            return self._in_mapping(node, str(way[-1]), one, flow)
        if isinstance(node, yaml.SequenceNode) and isinstance(way[-1], int):
            return self._in_list(node, way[-1], one, flow)
        raise _Elsewhere

    def _in_mapping(self, node: Any, key: str, one: Change, flow: bool) -> str:
        found = next((i for i, (name, _) in enumerate(node.value) if name.value == key), None)
        if one.op == "remove" and found is not None:
            return self._without(node, found, flow)
        if one.op != "set":
            raise _Elsewhere
        if found is None:
            return self._added(node, [key], one.value, flow)
        name, old = node.value[found]
        start = self._text.index(":", name.end_mark.index) + 1
        return self._put(start, self._end(old), one.value, name.start_mark.column, flow, " ")

    def _added(self, node: Any, way: list[str | int], value: Any, flow: bool) -> str:
        """With a further field of a mapping, or a group with it."""
        for step in reversed(way[1:]):
            if not isinstance(step, str):
                raise _Elsewhere
            value = {step: value}
        if not isinstance(node, yaml.MappingNode) or not isinstance(way[0], str):
            raise _Elsewhere
        place = next((i for i, (name, _) in enumerate(node.value) if name.value == way[0]), None)
        if place is not None:  # its name stands there without a value
            name, old = node.value[place]
            start = self._text.index(":", name.end_mark.index) + 1
            return self._put(start, self._end(old), value, name.start_mark.column, flow, " ")
        if flow:
            comma = ", " if node.value else ""
            at = self._end(node.value[-1][1]) if node.value else node.start_mark.index + 1
            return self._cut(at, at, f"{comma}{_flow(way[0])}: {_flow(value)}")
        names = [name.value for name, _ in node.value]
        before = next((names.index(last) for last in _LAST if last in names and way[0] != last), len(names))
        column = node.value[0][0].start_mark.column
        if before == 0:
            raise _Elsewhere
        at = self._line_end(self._end(node.value[before - 1][1]))
        words = f"{' ' * column}{_flow(way[0])}:"
        return self._cut(at, at, f"{words}{self._value(value, column)}\n")

    def _without(self, node: Any, number: int, flow: bool) -> str:
        """Without a field of a mapping."""
        spans = [(name.start_mark.index, self._end(value)) for name, value in node.value]
        if flow:
            return self._without_item(spans, number)
        start, end = spans[number]
        line = self._line_start(start)
        if not self._text[line:start].strip():
            return self._cut(line, self._line_end(end), "")
        if number + 1 == len(spans):
            raise _Elsewhere
        return self._cut(start, spans[number + 1][0], "")

    def _in_list(self, node: Any, number: int, one: Change, flow: bool) -> str:
        spans = [(item.start_mark.index, self._end(item)) for item in node.value]
        if one.op == "set":
            start, end = spans[number]
            return self._put(start, end, one.value, node.start_mark.column, True, "")
        if not spans:
            raise _Elsewhere
        if flow:
            if one.op == "remove":
                return self._without_item(spans, number)
            words = [self._text[start:end] for start, end in spans]
            self._reorder(words, number, one, _flow(one.value))
            return self._cut(spans[0][0], spans[-1][1], ", ".join(words))
        return self._in_lines(spans, number, one)

    def _in_lines(self, spans: list[tuple[int, int]], number: int, one: Change) -> str:
        """A list of which each item begins with a dash on a line of its own."""
        starts = [self._line_start(self._text.rindex("-", 0, start)) for start, _ in spans]
        if any(self._text[line:start].strip() != "-" for line, (start, _) in zip(starts, spans, strict=True)):
            raise _Elsewhere
        stop = self._line_end(spans[-1][1])
        parts = [self._text[a:b] for a, b in zip(starts, [*starts[1:], stop], strict=True)]
        gap = "\n" if parts[0].endswith("\n\n") else ""
        parts = [part.rstrip("\n") + "\n" for part in parts]
        if len(parts) == 1 and parts[0].count("\n") > 1:
            gap = "\n"
        indent = len(parts[0]) - len(parts[0].lstrip(" "))
        short = parts[0].lstrip(" -").startswith("{")
        item = _flow(one.value) if short else self._item(one.value, indent)
        self._reorder(parts, number, one, f"{' ' * indent}- {item}\n")
        if not parts:
            raise _Elsewhere
        return self._cut(starts[0], stop, gap.join(parts))

    @staticmethod
    def _reorder(parts: list[str], number: int, one: Change, new: str) -> None:
        if one.op == "insert":
            parts.insert(number, new)
            return
        part = parts.pop(number)
        if one.op == "move":
            parts.insert(one.to, part)

    def _without_item(self, spans: list[tuple[int, int]], number: int) -> str:
        start, end = spans[number]
        if number + 1 < len(spans):
            return self._cut(start, spans[number + 1][0], "")
        return self._cut(spans[number - 1][1] if number else start, end, "")

    def _put(self, start: int, end: int, value: Any, column: int, flow: bool, space: str) -> str:
        if flow:
            return self._cut(start, end, space + _flow(value))
        words = self._value(value, column)
        if "\n" in words:
            end = self._line_end(end) - 1
        return self._cut(start, end, words)

    def _value(self, value: Any, column: int) -> str:
        """A value behind its name and colon, in a mapping at this column."""
        inner = " " * (column + 2)
        if isinstance(value, str) and "\n" in value and self._lines:
            mark = "|" if value.endswith("\n") else "|-"
            body = value.removesuffix("\n")
            return f" {mark}\n" + "\n".join(inner + line if line else "" for line in body.split("\n"))
        if isinstance(value, list) and any(isinstance(one, dict) for one in value):
            return "".join(f"\n{inner}- {_flow(one)}" for one in value)
        return f" {_flow(value)}"

    def _item(self, value: Any, indent: int) -> str:
        """An item of a list: what has fields has a line for each."""
        if not isinstance(value, dict) or not value:
            return _flow(value)
        column = indent + 2
        fields = [f"{_flow(key)}:{self._value(inner, column)}" for key, inner in value.items()]
        return f"\n{' ' * column}".join(fields)

    def _end(self, node: Any) -> int:
        """The character after a value."""
        if isinstance(node, yaml.CollectionNode) and not node.flow_style:
            inner = [one for item in node.value for one in (item if isinstance(item, tuple) else (item,))]
            return max(self._end(one) for one in inner)
        end: int = node.end_mark.index
        while end > node.start_mark.index and self._text[end - 1] in "\n \t":
            end -= 1
        return end

    def _line_start(self, at: int) -> int:
        return self._text.rfind("\n", 0, at) + 1

    def _line_end(self, at: int) -> int:
        """After the line's end."""
        found = self._text.find("\n", at)
        return len(self._text) if found < 0 else found + 1

    def _cut(self, start: int, end: int, words: str) -> str:
        return self._text[:start] + words + self._text[end:]


def _inner(node: Any, step: str | int) -> Any:
    if isinstance(node, yaml.MappingNode):
        return next((value for name, value in node.value if name.value == step), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step]
    raise _Elsewhere


def _empty(node: Any) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.value in ("", "~", "null") and not node.style


class _Dumper(yaml.SafeDumper):  # type: ignore[misc]
    """Writes words of several lines in one."""


def _words(dumper: Any, text: str) -> Any:
    style = '"' if re.search(r"[\n\t\x85\u2028\u2029]", text) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _words)


def _flow(value: Any) -> str:
    """A value on one line."""
    made = yaml.dump([value], Dumper=_Dumper, default_flow_style=True, allow_unicode=True, width=10**9, sort_keys=False)
    return str(made).strip()[1:-1]
