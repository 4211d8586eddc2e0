"""Script marks: one small grammar for feelings, pauses and cues inside plain text (``docs/script-marks.md``).

    [happy]…[/happy]   [sad 0.5]…[/sad]   [pause 500ms]   [pause 1.2s]   [cue logo]   [[ and ]] for brackets

Everything else is spoken as it stands. Parsing keeps for every character where it stood in the source.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from mien.dialogue.text import Mapped, check_length, join
from mien.errors import InputError
from mien.timeline import to_ticks
from mien.types import EMOTION_NAMES, Emotion

LONGEST_PAUSE: Final = 60.0
"""Seconds."""

FEELINGS: Final = {
    "neutral": (0.0, 0.0), "happy": (0.8, 0.5), "sad": (-0.7, -0.5), "angry": (-0.7, 0.7), "surprised": (0.3, 0.8),
    "tender": (0.5, -0.4), "serious": (-0.1, -0.2),
}  # fmt: skip
"""Valence and arousal of each name, rounded from the positions of affect words on Russell's circumplex (1980)."""

_CUE_NAME = re.compile(r"[\w.\-]{1,64}\Z")
_DURATION = re.compile(r"(\d{1,6}(?:\.\d{1,6})?|\.\d{1,6})\s?(ms|s)\Z")
_STRENGTH = re.compile(r"\d{1,3}(?:\.\d{1,6})?\Z|\.\d{1,6}\Z")
_LONGEST_MARK = 120
_HALF_CHARACTER = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Say:
    """Text to speak. emotion: of the innermost open mark; None outside all marks."""

    text: Mapped
    emotion: Emotion | None = None


@dataclass(frozen=True, slots=True)
class Pause:
    """Silence. ticks: its length. at: source index of its mark."""

    ticks: int
    at: int
    emotion: Emotion | None = None


@dataclass(frozen=True, slots=True)
class CuePoint:
    """A named moment. at: source index of its mark."""

    name: str
    at: int


Segment = Say | Pause | CuePoint


@dataclass(frozen=True)
class Script:
    """A parsed script. segments: in the order of the source."""

    source: str
    segments: tuple[Segment, ...]

    @cached_property
    def plain(self) -> Mapped:
        """The text without its marks."""
        return join([s.text for s in self.segments if isinstance(s, Say)])

    def caption(self, start: int, stop: int) -> str:
        """What a caption shows for the source's characters start…stop: the text without marks, emoji included."""
        first, last = bisect_left(self.plain.begin, start), bisect_left(self.plain.begin, stop)
        return self.plain.text[first:last]


@dataclass(slots=True)
class _Parser:
    source: str
    segments: list[Segment] = field(default_factory=list)
    open: list[tuple[str, Emotion, int]] = field(default_factory=list)
    chars: list[str] = field(default_factory=list)
    begin: list[int] = field(default_factory=list)
    end: list[int] = field(default_factory=list)

    @property
    def emotion(self) -> Emotion | None:
        return self.open[-1][1] if self.open else None

    def keep(self, i: int, size: int) -> int:
        self.chars.append(self.source[i])
        self.begin.append(i)
        self.end.append(i + size)
        return i + size

    def flush(self) -> None:
        if self.chars:
            text = Mapped("".join(self.chars), tuple(self.begin), tuple(self.end))
            self.segments.append(Say(text, self.emotion))
            self.chars, self.begin, self.end = [], [], []

    def refuse(self, at: int, what: str, hint: str = "Write [[ for a bracket that is part of the text.") -> InputError:
        line = self.source.count("\n", 0, at) + 1
        column = at - self.source.rfind("\n", 0, at)
        return InputError(f"Line {line}, column {column}: {what}", hint=hint, code="input.script")

    def mark(self, at: int) -> int:
        """Handle the mark that opens at ``at``; return the index after it."""
        stop = self.source.find("]", at, at + _LONGEST_MARK)
        if stop < 0 or "\n" in self.source[at:stop]:
            raise self.refuse(at, "this '[' has no ']' on its line.")
        body = self.source[at + 1 : stop].strip()
        name, _, argument = body.partition(" ")
        argument = argument.strip()
        if name == "pause":
            self.flush()
            self.segments.append(Pause(self.duration(argument, at), at, self.emotion))
        elif name == "cue":
            self.cue(argument, at)
        elif name.startswith("/"):
            self.close(body[1:].strip(), at)
        elif name in EMOTION_NAMES:
            self.feel(name, argument, at)
        else:
            known = ", ".join(f"[{n}]" for n in (*EMOTION_NAMES, "pause 500ms", "cue name"))
            shown = body if body.isprintable() else ascii(body)
            raise self.refuse(at, f"there is no mark '[{shown}]'.", f"Marks are {known}; write [[ for a bracket.")
        return stop + 1

    def duration(self, argument: str, at: int) -> int:
        found = _DURATION.match(argument)
        if not found:
            raise self.refuse(at, "a pause needs a length.", "Write it as [pause 500ms] or [pause 1.2s].")
        seconds = float(found[1]) * (0.001 if found[2] == "ms" else 1.0)
        if not 0 < seconds <= LONGEST_PAUSE:
            raise self.refuse(at, "a pause lasts from 1ms to 60s.", "Use several pauses for a longer one.")
        return max(1, to_ticks(seconds))

    def cue(self, argument: str, at: int) -> None:
        if not _CUE_NAME.match(argument):
            raise self.refuse(at, "a cue needs a name.", "Write it as [cue logo]: letters, digits, '.', '-' and '_'.")
        self.flush()
        self.segments.append(CuePoint(argument, at))

    def feel(self, name: str, argument: str, at: int) -> None:
        strength = 1.0
        if argument:
            strength = float(argument) if _STRENGTH.match(argument) else math.nan
            if not 0 <= strength <= 1:
                raise self.refuse(at, f"the strength of [{name}] goes from 0 to 1.", f"Write it as [{name} 0.5].")
        self.flush()
        self.open.append((name, feeling(name, strength), at))

    def close(self, name: str, at: int) -> None:
        if not self.open:
            raise self.refuse(at, f"[/{name}] closes nothing.")
        if self.open[-1][0] != name:
            inner = self.open[-1][0]
            raise self.refuse(at, f"[/{name}] comes while [{inner}] is open.", f"Close [{inner}] first.")
        self.flush()
        self.open.pop()


def feeling(name: str, strength: float = 1.0) -> Emotion:
    """The emotion of a name in :data:`~mien.types.EMOTION_NAMES`, with its place on the two axes."""
    valence, arousal = FEELINGS[name]
    return Emotion(valence, arousal, name, strength)


def escape(text: str) -> str:
    """Plain text as a script: brackets doubled. ``parse(escape(t)).plain.text == t``."""
    return text.replace("[", "[[").replace("]", "]]")


def parse(source: str) -> Script:
    """Parse a script. Raises InputError naming line and column, or for more than 200,000 characters.

    Halves of surrogate pairs, which no file can hold, become U+FFFD; indices stay those of ``source``.
    """
    check_length(source)
    source = _HALF_CHARACTER.sub("\ufffd", source)
    parser = _Parser(source)
    i = 0
    while i < len(source):
        char = source[i]
        if char in "[]" and source.startswith(char, i + 1):
            i = parser.keep(i, 2)
        elif char == "[":
            i = parser.mark(i)
        else:
            i = parser.keep(i, 1)
    if parser.open:
        name, _, at = parser.open[-1]
        raise parser.refuse(at, f"[{name}] is never closed.", f"Add [/{name}] where it ends.")
    parser.flush()
    return Script(source, tuple(parser.segments))
