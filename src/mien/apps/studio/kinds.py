"""Kinds of fields: each reads its value, says in one sentence what is wrong with it, and knows its JSON Schema."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any, Final, Protocol

from mien.apps.studio.source import Mark, Node, Problem
from mien.apps.studio.values import Length, Moment, parse_colour, parse_decibels, parse_length, parse_time, shown
from mien.errors import MienError
from mien.timeline import TICKS_PER_SECOND

Schema = dict[str, Any]
REQUIRED: Final = object()


class Bad(Exception):
    """A value that cannot be used. message: one sentence that also says what would be right."""

    def __init__(self, node: Node, message: str) -> None:
        super().__init__(message)
        self.node, self.message = node, message


class Told(Exception):
    """Something inside was wrong, and has been noted."""


@dataclass(frozen=True, slots=True)
class Asset:
    """A file that a project names. field: where. kind: "picture", "sound", "video", "document", "font" or
    "text"."""

    field: str
    mark: Mark
    path: Path
    kind: str


@dataclass
class Reader:
    """What a reading of a file found. folder: what paths are relative to. outside: whether they may leave it.

    exist: whether files must be there.
    """

    folder: Path
    outside: bool = False
    exist: bool = True
    problems: list[Problem] = field(default_factory=list)
    assets: list[Asset] = field(default_factory=list)
    _told: set[tuple[Mark, str]] = field(default_factory=set)

    def note(self, mark: Mark, path: str, message: str) -> None:
        """A problem; the same one of a default that several scenes inherit is noted once."""
        if (mark, message) not in self._told or mark == Mark():
            self._told.add((mark, message))
            self.problems.append(Problem(mark.line, mark.column, path, message))


class Kind(Protocol):
    """What a field takes."""

    def read(self, node: Node, reader: Reader) -> Any:
        """Its value. Raises Bad or Told."""
        ...

    def schema(self, book: Book) -> Schema:
        """Its JSON Schema. book: where definitions are put."""
        ...


class Book:
    """The definitions of a JSON Schema, each written once."""

    def __init__(self) -> None:
        self.definitions: dict[str, Schema] = {}

    def of(self, group: Group) -> Schema:
        """A reference to a group's definition."""
        name = group.made.__name__
        if name not in self.definitions:
            self.definitions[name] = {}
            self.definitions[name] = group.definition(self)
        return {"$ref": f"#/$defs/{name}"}


def _text(node: Node, what: str) -> str:
    if node.text is None:
        form = "a list" if node.items is not None else "fields"
        raise Bad(node, f"this is {form}; write {what}.")
    return node.text


def _parsed(node: Node, what: str, parser: Callable[[str], Any]) -> Any:
    try:
        return parser(_text(node, what))
    except MienError as error:
        raise Bad(node, error.message) from None


@dataclass(frozen=True)
class Text:
    """Words. longest: characters. pattern, example: what they look like."""

    longest: int = 200
    pattern: str = ""
    example: str = "text"
    lines: bool = False

    def read(self, node: Node, reader: Reader) -> str:
        """See :class:`Kind`."""
        text = _text(node, self.example)
        if not text.strip():
            raise Bad(node, f"this is empty; write {self.example}, or leave the field out.")
        if len(text) > self.longest:
            raise Bad(node, f"this has {len(text):,} characters; write at most {self.longest:,}.")
        if self.pattern and not re.fullmatch(self.pattern, text):
            raise Bad(node, f"{shown(text)} does not fit; write it like {self.example}.")
        if not self.lines and "\n" in text.strip():
            raise Bad(node, "this has several lines; write one.")
        return text if self.lines else text.strip()

    def schema(self, book: Book) -> Schema:
        """See :class:`Kind`."""
        pattern = {"pattern": f"^(?:{self.pattern})$"} if self.pattern else {}
        return {"type": ["string", "number", "boolean"], "maxLength": self.longest, **pattern}


@dataclass(frozen=True)
class Number:
    """A number from low to high. percent: 120% may be written for 1.2."""

    low: float
    high: float
    whole: bool = False
    percent: bool = False
    unit: str = ""

    def read(self, node: Node, reader: Reader) -> float:
        """See :class:`Kind`."""
        text = _text(node, "a number").strip()
        wanted = f"write {'a whole number' if self.whole else 'a number'} from {self.low:.12g} to {self.high:.12g}"
        share = self.percent and text.endswith("%")
        bare = text[:-1].strip() if share else text
        if not re.fullmatch(r"[+-]?(?:\d{1,15}|\d{0,15}\.\d{1,15}|\d{1,15}\.)(?:[eE][+-]?\d{1,2})?", bare):
            raise Bad(node, f"{shown(text)} is not a number; {wanted}{self.unit and ' ' + self.unit}.")
        value = float(bare) / (100.0 if share else 1.0)
        if not math.isfinite(value) or not self.low <= value <= self.high:
            raise Bad(node, f"{shown(text)} is out of range; {wanted}{self.unit and ' ' + self.unit}.")
        if self.whole and value != int(value):
            raise Bad(node, f"{shown(text)} is not whole; {wanted}.")
        return int(value) if self.whole else value

    def schema(self, book: Book) -> Schema:
        """See :class:`Kind`."""
        number = {"type": "integer" if self.whole else "number", "minimum": self.low, "maximum": self.high}
        if not self.percent:
            return number
        return {"anyOf": [number, {"type": "string", "pattern": r"^\s*[\d.]+\s*%\s*$"}]}


@dataclass(frozen=True)
class Flag:
    """true or false."""

    def read(self, node: Node, reader: Reader) -> bool:
        """See :class:`Kind`."""
        text = _text(node, "true or false").strip().lower()
        if text not in ("true", "false"):
            raise Bad(node, f"{shown(text)} is neither; write true or false.")
        return text == "true"

    def schema(self, book: Book) -> Schema:
        """See :class:`Kind`."""
        return {"type": "boolean"}


class Choice:
    """One of some words; a function where they are known only when asked."""

    def __init__(self, *names: str, ask: Callable[[], Iterable[str]] | None = None) -> None:
        self._names, self._ask = names, ask

    @property
    def names(self) -> tuple[str, ...]:
        """The words."""
        return self._names if self._ask is None else (*self._names, *self._ask())

    def read(self, node: Node, reader: Reader) -> str:
        """See :class:`Kind`."""
        listed = ", ".join(self.names[:-1]) + f" or {self.names[-1]}"
        text = _text(node, listed).strip()
        if text not in self.names:
            raise Bad(node, f"{shown(text)} is not one of them; write {nearest(text, self.names) or listed}.")
        return text

    def schema(self, book: Book) -> Schema:
        """See :class:`Kind`."""
        return {"enum": list(self.names)}


_SPAN_PATTERN: Final = r"^\s*(0|[+-]?[\d.]+\s?(ms|s|sec|m|min|h)|(\d+:)?\d+:\d+([.,]\d+)?)\s*$"


@dataclass(frozen=True)
class Time:
    """A time such as 1.5s, in ticks. low, high: seconds."""

    low: float = 0.0
    high: float = 3600.0

    def read(self, node: Node, reader: Reader) -> int:
        """See :class:`Kind`."""
        ticks: int = _parsed(node, "a time such as 3s", parse_time)
        if ticks < 0 <= self.low:
            raise Bad(node, f"{shown(node.text or '')} is negative; write a time from {self.low:g}s on.")
        if not self.low <= ticks / TICKS_PER_SECOND <= self.high:
            raise Bad(
                node, f"{shown(node.text or '')} is out of range; write a time from {self.low:g}s to {self.high:g}s."
            )
        return ticks

    def schema(self, book: Book) -> Schema:
        """See :class:`Kind`."""
        return {"anyOf": [{"const": 0}, {"type": "string", "pattern": _SPAN_PATTERN}]}


@dataclass(frozen=True)
class Measure:
    """A length such as 60% or 120px. positive: more than nothing."""

    positive: bool = False

    def read(self, node: Node, reader: Reader) -> Length:
        """See :class:`Kind`."""
        length: Length = _parsed(node, "a length such as 60%", parse_length)
        if self.positive and length.value <= 0:
            raise Bad(node, f"{shown(node.text or '')} is no size; write more, such as 60% or 120px.")
        return length

    def schema(self, book: Book) -> Schema:
        """See :class:`Kind`."""
        return {"anyOf": [{"const": 0}, {"type": "string", "pattern": r"^\s*(0|[+-]?[\d.]+\s?(%|px))\s*$"}]}


@dataclass(frozen=True)
class Decibels:
    """A loudness such as -18dB."""

    low: float = -60.0
    high: float = 12.0

    def read(self, node: Node, reader: Reader) -> float:
        """See :class:`Kind`."""
        value: float = _parsed(node, "a loudness such as -18dB", parse_decibels)
        if not self.low <= value <= self.high:
            text = shown(node.text or "")
            raise Bad(node, f"{text} is out of range; write a loudness from {self.low:g}dB to {self.high:g}dB.")
        return value

    def schema(self, book: Book) -> Schema:
        """See :class:`Kind`."""
        return {"type": "string", "pattern": r"^\s*[+-]?[\d.]+\s?[dD][bB]\s*$"}


@dataclass(frozen=True)
class Paint:
    """A colour."""

    def read(self, node: Node, reader: Reader) -> Any:
        """See :class:`Kind`."""
        return _parsed(node, "a colour such as teal", parse_colour)

    def schema(self, book: Book) -> Schema:
        """See :class:`Kind`."""
        return {"type": "string"}


@dataclass(frozen=True)
class File:
    """A file beside the project. kind: what it holds, as :class:`Asset` has it."""

    kind: str

    def read(self, node: Node, reader: Reader) -> Path:
        """Its absolute path. See :class:`Kind`."""
        from mien.apps.studio.files import find

        text = _text(node, f"the name of a {self.kind} file")
        if not text.strip():
            raise Bad(node, f"this is empty; write the name of a {self.kind} file.")
        path = find(text, node, reader)
        reader.assets.append(Asset(node.path, node.mark, path, self.kind))
        return path

    def schema(self, book: Book) -> Schema:
        """See :class:`Kind`."""
        return {"type": "string", "minLength": 1, "maxLength": 1000}


@dataclass(frozen=True)
class Font:
    """The name of a font, or a file of it beside the project."""

    def read(self, node: Node, reader: Reader) -> str:
        """A family, or an absolute path. See :class:`Kind`."""
        text = Text(200, example="a font's name such as Noto Serif").read(node, reader)
        if Path(text).suffix.lower() in (".ttf", ".otf", ".ttc", ".otc"):
            return str(File("font").read(node, reader))
        return text

    def schema(self, book: Book) -> Schema:
        """See :class:`Kind`."""
        return {"type": "string", "maxLength": 200}


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
        reference = book.of(self)
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


def nearest(word: str, names: Iterable[str]) -> str:
    """The name that was probably meant, "" where none is like it."""
    like = {name.lower().replace("_", "-"): name for name in names}
    found = get_close_matches(word[:64].lower().replace("_", "-").strip(), like, n=1, cutoff=0.7)
    return like[found[0]] if found else ""


def lowered(sentence: str) -> str:
    """A sentence as the end of another."""
    return sentence[:1].lower() + sentence[1:]
