"""YAML as a tree with places, from PyYAML's events; its constructors, which act on tags, are not used."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final

import yaml

from mien.apps.studio.source import DEEPEST, MOST_VALUES, Mark, Node, Unreadable, merge

_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_HARMLESS: Final = frozenset({f"tag:yaml.org,2002:{kind}" for kind in ("str", "int", "float", "bool", "map", "seq")})


def parse_yaml(text: str) -> Node:
    """The one document of a text. Raises Unreadable with its place."""
    try:
        return _Reader(text).document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise Unreadable(*_place(mark), f"this is not YAML: {_said(error, text)}.") from None
    except yaml.YAMLError as error:
        raise Unreadable(1, 1, f"this is not YAML: {' '.join(str(error).split())}.") from None


def _said(error: yaml.MarkedYAMLError, text: str) -> str:
    """What PyYAML says, with what usually is meant."""
    said = " ".join(part for part in (error.context, error.problem) if part).rstrip(".")
    mark = error.problem_mark
    if mark is not None and text[mark.index : mark.index + 1] == "\t":
        return "a tab indents here; indent with spaces"
    if "mapping values are not allowed" in said:
        return f"{said}; put text that holds ': ' into quotes"
    if "found undefined alias" in said:
        return f"{said}; name it with & before, or put text that begins with * into quotes"
    return f"{said}; check what is open above, and put text with special characters into quotes"


@dataclass
class _Open:
    """A mapping or list that is being read."""

    node: Node
    anchor: str | None
    is_map: bool
    fields: dict[str, Node] = field(default_factory=dict)
    keys: dict[str, Mark] = field(default_factory=dict)
    items: list[Node] = field(default_factory=list)
    merged: list[Node] = field(default_factory=list)
    key: str | None = None

    def path(self) -> str:
        """Of the next value."""
        return self.node.inner(self.key or "") if self.is_map else self.node.inner(len(self.items))


class _Reader:
    def __init__(self, text: str) -> None:
        self._events: Iterator[Any] = yaml.parse(text, Loader=_LOADER)
        self._anchors: dict[str, Node] = {}
        self._stack: list[_Open] = []
        self._root: Node | None = None
        self._values = 0

    def document(self) -> Node:
        documents = 0
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise Unreadable(*_place(event.start_mark), "a second document begins here; a project is one.")
            else:
                self._take(event)
        if self._root is None or self._root.absent:
            raise Unreadable(0, 0, "the file is empty; make one with mien studio new.")
        return self._root

    def _take(self, event: Any) -> None:
        if isinstance(event, yaml.ScalarEvent):
            self._scalar(event)
        elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            self._begin(event)
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            self._end()
        elif isinstance(event, yaml.AliasEvent):
            self._alias(event)

    def _scalar(self, event: Any) -> None:
        self._check(event)
        quoted = event.style not in (None, "") or event.tag == "tag:yaml.org,2002:str"
        at = Mark(*_place(event.start_mark))
        parent = self._stack[-1] if self._stack else None
        if parent is not None and parent.is_map and parent.key is None:
            if event.anchor:
                raise Unreadable(at.line, at.column, "a field's name cannot be an anchor; put it before the value.")
            self._name(parent, event.value, at)
            return
        span = (event.start_mark.index, event.end_mark.index)
        self._add(Node(at, self._path(), event.value, quoted, span=span), event.anchor)

    def _name(self, parent: _Open, name: str, at: Mark) -> None:
        if name in parent.keys:
            where = parent.keys[name].line
            raise Unreadable(at.line, at.column, f"'{name}' was given in line {where} already; keep one of the two.")
        parent.key = name
        parent.keys[name] = at

    def _begin(self, event: Any) -> None:
        self._check(event)
        at = Mark(*_place(event.start_mark))
        if len(self._stack) >= DEEPEST:
            raise Unreadable(at.line, at.column, f"this is over {DEEPEST} levels deep; a project needs 6.")
        if self._stack and self._stack[-1].is_map and self._stack[-1].key is None:
            raise Unreadable(at.line, at.column, "a field's name must be a word.")
        is_map = isinstance(event, yaml.MappingStartEvent)
        if event.anchor:
            self._anchors.pop(event.anchor, None)
        self._stack.append(_Open(Node(at, self._path()), event.anchor, is_map))

    def _end(self) -> None:
        done = self._stack.pop()
        if not done.is_map:
            self._add(replace(done.node, items=tuple(done.items)), done.anchor)
            return
        node: Node | None = replace(done.node, fields=done.fields, keys=done.keys)
        for base in done.merged:
            node = merge(base, node)
        assert node is not None
        self._add(replace(node, mark=done.node.mark), done.anchor)

    def _alias(self, event: Any) -> None:
        at = Mark(*_place(event.start_mark))
        if any(one.anchor == event.anchor for one in self._stack):
            message = f"*{event.anchor} stands inside &{event.anchor}, a cycle; write the value out."
            raise Unreadable(at.line, at.column, message)
        if event.anchor not in self._anchors:
            message = f"there is no &{event.anchor} before; put text that begins with * into quotes."
            raise Unreadable(at.line, at.column, message)
        if self._stack and self._stack[-1].is_map and self._stack[-1].key is None:
            raise Unreadable(at.line, at.column, "a field's name must be a word.")
        self._add(self._moved(self._anchors[event.anchor], self._path(), at), None)

    def _moved(self, node: Node, path: str, at: Mark) -> Node:
        """A copy under another field, whose problems are told where it is used. It counts as if it were written."""
        self._count(at)
        moved = replace(node, path=path, mark=at)
        if node.fields is not None:
            inner = {key: self._moved(value, moved.inner(key), at) for key, value in node.fields.items()}
            return replace(moved, fields=inner, keys=dict.fromkeys(inner, at))
        if node.items is not None:
            return replace(moved, items=tuple(self._moved(v, moved.inner(i), at) for i, v in enumerate(node.items)))
        return moved

    def _path(self) -> str:
        return self._stack[-1].path() if self._stack else ""

    def _add(self, node: Node, anchor: str | None) -> None:
        self._count(node.mark)
        if anchor:
            self._anchors[anchor] = node
        if not self._stack:
            self._root = node
            return
        parent = self._stack[-1]
        if not parent.is_map:
            parent.items.append(node)
            return
        assert parent.key is not None
        if parent.key == "<<":
            self._merge(parent, node)
        else:
            parent.fields[parent.key] = node
        parent.key = None

    def _merge(self, parent: _Open, node: Node) -> None:
        """``<<: *defaults`` or a list of such."""
        given = node.items if node.items is not None else (node,)
        for one in given:
            if one.fields is None:
                raise Unreadable(node.mark.line, node.mark.column, "<< takes another mapping, such as *defaults.")
            path = parent.node.path
            inner = {key: self._moved(v, parent.node.inner(key), node.mark) for key, v in one.fields.items()}
            parent.merged.append(replace(one, path=path, fields=inner, keys=dict.fromkeys(inner, node.mark)))
        del parent.keys["<<"]

    def _count(self, at: Mark) -> None:
        self._values += 1
        if self._values > MOST_VALUES:
            message = f"the file has over {MOST_VALUES:,} values, aliases written out; split it into several projects."
            raise Unreadable(at.line, at.column, message)

    def _check(self, event: Any) -> None:
        if event.tag and event.tag != "!" and event.tag not in _HARMLESS:
            shown = event.tag.replace("tag:yaml.org,2002:", "!!")
            message = f"the tag {shown} has no meaning here; delete it, or put the text into quotes."
            raise Unreadable(*_place(event.start_mark), message)


def _place(mark: Any) -> tuple[int, int]:
    return (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
