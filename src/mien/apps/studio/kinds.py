"""Kinds of single values: each reads its own, says in one sentence what is wrong with it, and knows its JSON Schema."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, Protocol

from mien.apps.studio.source import Mark, Node, Problem
from mien.apps.studio.values import Length, parse_colour, parse_decibels, parse_length, parse_time, shown
from mien.errors import MienError
from mien.timeline import TICKS_PER_SECOND

Schema = dict[str, Any]


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

    def refer(self, name: str, define: Callable[[], Schema]) -> Schema:
        """A reference to a definition, which is made where it is not there yet."""
        if name not in self.definitions:
            self.definitions[name] = {}
            self.definitions[name] = define()
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


def _is_control(char: str) -> bool:
    return unicodedata.category(char) in ("Cc", "Cs") and char not in "\t\n\r"


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
        if (sign := next((c for c in text if _is_control(c)), "")) != "":
            raise Bad(node, f"the character U+{ord(sign):04X} cannot stand in text; delete it.")
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


def nearest(word: str, names: Iterable[str]) -> str:
    """The name that was probably meant, "" where none is like it."""
    like = {name.lower().replace("_", "-"): name for name in names}
    found = get_close_matches(word[:64].lower().replace("_", "-").strip(), like, n=1, cutoff=0.7)
    return like[found[0]] if found else ""


def lowered(sentence: str) -> str:
    """A sentence as the end of another."""
    return sentence[:1].lower() + sentence[1:]
