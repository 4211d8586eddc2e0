"""Kinds of several values: lists, names, moments, and groups of fields that make a model."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from mien.apps.studio.kinds import Bad, Book, Choice, Kind, Number, Reader, Schema, Text, Time, Told, lowered, nearest
from mien.apps.studio.source import Node
from mien.apps.studio.values import Moment, shown

REQUIRED: Final = object()


@dataclass(frozen=True)
class Listing:
    """A list; a single value counts as a list of one."""

    inner: Kind
    most: int
    what: str = "values"
    least: int = 0
    single: bool = True

    def read(self, node: Node, reader: Reader) -> tuple[Any, ...]:
        """See :class:`Kind`."""
        if node.items is None and not self.single:
            raise Bad(node, f"this is no list; write each of the {self.what} after a dash.")
        items = (node,) if node.items is None else node.items
        if len(items) > self.most:
            raise Bad(node, f"these are {len(items):,} {self.what}; write at most {self.most:,}.")
        if len(items) < self.least:
            raise Bad(node, f"these are {len(items)} {self.what}; write at least {self.least}.")
        return tuple(read_all(((item, self.inner) for item in items), reader))

    def schema(self, book: Book) -> Schema:
        """See :class:`Kind`."""
        inner = self.inner.schema(book)
        many = {"type": "array", "items": inner, "minItems": self.least, "maxItems": self.most}
        return {"anyOf": [inner, many]} if self.single else many


@dataclass(frozen=True)
class Named:
    """A mapping from names to values."""

    inner: Kind
    most: int
    what: str = "names"
    pattern: str = r"\w[\w \-]{0,63}"

    def read(self, node: Node, reader: Reader) -> dict[str, Any]:
        """See :class:`Kind`."""
        if node.fields is None:
            raise Bad(node, f"these are no fields; write {self.what} as name: value.")
        if len(node.fields) > self.most:
            raise Bad(node, f"these are {len(node.fields):,} {self.what}; write at most {self.most}.")
        for name in node.fields:
            if not re.fullmatch(self.pattern, name):
                mark = node.keys.get(name, node.mark)
                reader.note(mark, node.path, f"{shown(name)} is no name; use letters, digits, '-' and '_'.")
        values = read_all(((value, self.inner) for value in node.fields.values()), reader)
        return dict(zip(node.fields, values, strict=True))

    def schema(self, book: Book) -> Schema:
        """See :class:`Kind`."""
        names = {"pattern": f"^{self.pattern}$"}
        inner = self.inner.schema(book)
        return {"type": "object", "propertyNames": names, "maxProperties": self.most, "additionalProperties": inner}


def read_all(pairs: Iterable[tuple[Node, Kind]], reader: Reader) -> list[Any]:
    """The values of all; what is wrong with any is noted, and then Told is raised."""
    values, failed = [], False
    for node, kind in pairs:
        try:
            values.append(kind.read(node, reader))
        except Bad as bad:
            reader.note(bad.node.mark, bad.node.path, bad.message)
            failed = True
        except Told:
            failed = True
    if failed:
        raise Told
    return values


@dataclass(frozen=True)
class FromTo:
    """Two values, at the beginning and at the end; one stands for both."""

    inner: Kind

    def read(self, node: Node, reader: Reader) -> tuple[Any, Any]:
        """See :class:`Kind`."""
        if node.items is None:
            value = self.inner.read(node, reader)
            return value, value
        if len(node.items) != 2:
            raise Bad(node, f"these are {len(node.items)} values; write two, [from, to], or one.")
        first, last = read_all(((item, self.inner) for item in node.items), reader)
        return first, last

    def schema(self, book: Book) -> Schema:
        """See :class:`Kind`."""
        inner = self.inner.schema(book)
        return {"anyOf": [inner, {"type": "array", "items": inner, "minItems": 2, "maxItems": 2}]}


_MOMENT: Final[dict[str, Kind]] = {
    "word": Text(80, example="a word of the script"),
    "cue": Text(64, r"[\w.\-]{1,64}", "logo, where the script has [cue logo]"),
    "number": Number(1, 1000, whole=True),
    "edge": Choice("start", "end"),
    "shift": Time(-60.0, 60.0),
}


@dataclass(frozen=True)
class When:
    """A moment of a scene: a time, or a word that is said, or a cue of the script."""

    def read(self, node: Node, reader: Reader) -> Moment:
        """See :class:`Kind`."""
        if node.fields is None:
            return Moment(Time(0.0, 3600.0).read(node, reader))
        given = {key: value for key, value in node.fields.items() if not value.absent}
        if refuse_unknown(node, _MOMENT, reader):
            raise Told
        if ("word" in given) == ("cue" in given):
            raise Bad(node, "this is no moment; write 2s, {word: a word of the script} or {cue: its name}.")
        values = read_all(((value, _MOMENT[key]) for key, value in given.items()), reader)
        read = dict(zip(given, values, strict=True))
        return Moment(ticks=read.pop("shift", 0), **read)

    def schema(self, book: Book) -> Schema:
        """See :class:`Kind`."""
        properties = {key: kind.schema(book) for key, kind in _MOMENT.items()}
        only = [{"required": ["word"]}, {"required": ["cue"]}]
        spoken = {"type": "object", "properties": properties, "additionalProperties": False, "oneOf": only}
        return {"anyOf": [Time().schema(book), spoken]}


@dataclass(frozen=True, slots=True)
class Item:
    """What a dataclass's field is in the file. about: for people. key: its name there. off: false switches it off."""

    kind: Kind
    about: str
    required: bool
    key: str
    off: bool


def item(kind: Kind, about: str, default: Any = REQUIRED, *, key: str = "", off: bool = False) -> Any:
    """A field of a model. default: REQUIRED, a value, or a factory (dict, a class) of values."""
    metadata = {"item": Item(kind, about, default is REQUIRED, key, off)}
    if default is REQUIRED:
        return dataclasses.field(metadata=metadata)
    if callable(default):
        return dataclasses.field(default_factory=default, metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


@cache
def items_of(made: type) -> dict[str, tuple[str, Item]]:
    """Name in the file → name in the model, and what it is."""
    found = [(f.name, f.metadata["item"]) for f in dataclasses.fields(made) if "item" in f.metadata]
    return {about.key or name: (name, about) for name, about in found}


@dataclass(frozen=True)
class Group:
    """Fields that make a model. made: its dataclass; its ``rules(given)`` yields (field, message) of what does not fit
    together. short: makes fields of a single value, None where it cannot; short_form: the JSON Schema of such.
    """

    made: type
    what: str
    short: Callable[[Node], Node | None] | None = None
    short_form: Mapping[str, Any] = field(default_factory=lambda: {"type": "string"})

    def read(self, node: Node, reader: Reader) -> Any:
        """See :class:`Kind`."""
        if node.fields is None:
            expanded = self.short(node) if self.short is not None and node.text is not None else None
            if expanded is None or expanded.fields is None:
                raise Bad(node, f"this is {_form(node)}; write {self.what}.")
            node = expanded
        items = items_of(self.made)
        assert node.fields is not None
        failed = refuse_unknown(node, items, reader)
        values: dict[str, Any] = {}
        for key, value in node.fields.items():
            if key in items and not value.absent:
                failed = not _read_into(values, items[key], value, reader) or failed
        for key, (name, about) in items.items():
            if about.required and name not in values and (key not in node.fields or node.fields[key].absent):
                reader.note(node.mark, node.path, f"'{key}' is missing; add it: {lowered(about.about)}")
                failed = True
        if failed:
            raise Told
        return self._made(node, values, reader)

    def _made(self, node: Node, values: dict[str, Any], reader: Reader) -> Any:
        made = self.made(**values)
        rules = getattr(made, "rules", None)
        assert node.fields is not None
        given = frozenset(key for key, value in node.fields.items() if not value.absent)
        wrong = list(rules(given)) if rules is not None else []
        for key, message in wrong:
            at = node.fields.get(key) or node
            reader.note(node.keys.get(key, at.mark), at.path, message)
        if wrong:
            raise Told
        return made

    def schema(self, book: Book) -> Schema:
        """See :class:`Kind`."""
        reference = book.refer(self.made.__name__, lambda: self.definition(book))
        return {"anyOf": [dict(self.short_form), reference]} if self.short is not None else reference

    def definition(self, book: Book) -> Schema:
        """The fields."""
        items = items_of(self.made)
        properties = {key: _property(about, book) for key, (_, about) in items.items()}
        required = [key for key, (_, about) in items.items() if about.required]
        made: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
        summary = (self.made.__doc__ or "").strip().split("\n\n", maxsplit=1)[0]
        made["description"] = " ".join(summary.split())
        return {**made, "required": required} if required else made


def _read_into(values: dict[str, Any], target: tuple[str, Item], node: Node, reader: Reader) -> bool:
    name, about = target
    if about.off and node.off:
        values[name] = None
        return True
    try:
        values[name] = about.kind.read(node, reader)
    except Bad as bad:
        reader.note(bad.node.mark, bad.node.path, bad.message)
    except Told:
        pass
    return name in values


def _property(about: Item, book: Book) -> Schema:
    inner = about.kind.schema(book)
    if about.off:
        inner = {"anyOf": [inner, {"enum": [False, "none"]}]}
    if not about.required:
        inner = {"anyOf": [inner, {"type": "null"}]}
    return {"description": about.about, **inner}


def _form(node: Node) -> str:
    return "a list" if node.items is not None else shown(node.text or "")


def refuse_unknown(node: Node, known: Iterable[str], reader: Reader) -> bool:
    """Note each field that there is not, with the one that was meant. Returns whether there was any."""
    names = list(known)
    unknown = [key for key in node.fields or {} if key not in names]
    for key in unknown:
        mark = node.keys.get(key, node.mark)
        meant = nearest(key, names)
        right = f"write {meant}" if meant else f"fields here are {', '.join(names)}"
        reader.note(mark, node.inner(key), f"there is no field {shown(key)} here; {right}.")
    return bool(unknown)
