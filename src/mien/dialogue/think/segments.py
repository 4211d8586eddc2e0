"""Pieces of an answer become clauses to speak: the first one as soon as it may be, the others as whole as they come.

A clause ends where a sentence does, at a comma when enough words stand before it, or at a space when
nobody wrote a comma for too long. Marks of feelings are closed at each cut and opened again behind it: every clause
is a script of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from mien.dialogue.script import escape
from mien.dialogue.text import CLOSERS, ENDERS, PAUSERS, clean, identity, is_full_stop, is_speakable
from mien.dialogue.think.base import Citation, Piece
from mien.dialogue.think.markup import Mark, Markup

FIRST_COMMA: Final = 12
"""Length before which no comma ends the first clause, in letters; a Chinese character counts as :data:`HAN` of them."""
FIRST_JOINT: Final = 36
"""Length from which the first clause also ends before a word such as "and" or "because"."""
LATER_COMMA: Final = 60
FIRST_LONGEST: Final = 72
LATER_LONGEST: Final = 240
HAN: Final = 3

_DEEPEST: Final = 4
_JOINT: Final = re.compile(r"\s(?:and|but|because|which|who|while|where|when|if|so|or|until|unless|although) \Z", re.I)
_PAUSERS: Final = PAUSERS | frozenset("—–")


@dataclass(frozen=True, slots=True)
class Clause:
    """What is spoken at once. script: with marks, each opened and closed in it. text: for captions and the history.

    number: from 0. citations: what the words so far rest on, those that are new.
    """

    script: str
    text: str
    number: int
    citations: tuple[Citation, ...] = ()


class Segmenter:
    """One answer's pieces in, its clauses out. How the text is cut into pieces changes nothing."""

    def __init__(self) -> None:
        self._markup = Markup()
        self._plain = ""
        self._weight = 0
        self._marks: list[tuple[int, Mark]] = []  # where in the plain text, in order
        self._open: list[Mark] = []  # feelings that were open where the plain text begins
        self._count = 0
        self._cited: list[Citation] = []

    def push(self, piece: Piece | str) -> list[Clause]:
        """The next words; the clauses that they end."""
        if isinstance(piece, Piece):
            self._cited += piece.citations
        return list(self._ended(self._markup.push(piece if isinstance(piece, str) else piece.text)))

    def close(self) -> list[Clause]:
        """Nothing more comes: the clauses that are left."""
        return [*self._ended(self._markup.close()), *self._cut(len(self._plain))]

    def _ended(self, items: Iterable[str]) -> Iterator[Clause]:
        for item in items:
            for part in [item] if isinstance(item, Mark) else item:
                yield from self._add(item if isinstance(item, Mark) else part)

    def _add(self, item: str) -> Iterator[Clause]:
        if isinstance(item, Mark):
            self._marks.append((len(self._plain), item))
        elif item == "\n":
            yield from self._cut(len(self._plain))
        else:
            joint = None if self._count or self._weight < FIRST_JOINT else _JOINT.search(self._plain)
            if self._plain and self._ends_before(item):
                yield from self._cut(len(self._plain))
            elif joint and joint.start() >= FIRST_JOINT:
                yield from self._cut(joint.start() + 1)
            if self._plain or not (
                item.isspace() or item in CLOSERS or item in ENDERS or item in PAUSERS or item == "."
            ):
                self._plain += item
                self._weight += HAN if ord(item) > 0x2E80 else 1
            if self._weight >= (LATER_LONGEST if self._count else FIRST_LONGEST):
                yield from self._cut(self._last_gap())

    def _ends_before(self, item: str) -> bool:
        """Whether the clause is over, now that it is known what follows."""
        if item in ENDERS or item in CLOSERS or item == ".":
            return False
        bare = self._plain.rstrip().rstrip("".join(CLOSERS)) or " "
        end = bare[-1]
        if end == ".":
            return self._plain[-1].isspace() is False and self._is_stop(len(bare) - 1, item)
        if end in ENDERS:
            return not (end in "!?" and self._plain[-1] == end and item.isascii() and item.isalnum())
        if end in _PAUSERS and self._weight >= (LATER_COMMA if self._count else FIRST_COMMA):
            return not item.isdigit() and (ord(end) > 0x7F or item.isspace() or ord(item) > 0x2E80)
        return False

    def _is_stop(self, at: int, item: str) -> bool:
        return is_full_stop(f"{self._plain}{item}x", 0, at)

    def _last_gap(self) -> int:
        """Where to cut what is too long: behind the last comma or space, unless that leaves only a little."""
        for i in range(len(self._plain), len(self._plain) // 3, -1):
            behind = self._plain[i : i + 1]
            if self._plain[i - 1] in _PAUSERS and not behind.isdigit():
                return i
        for i in range(len(self._plain), len(self._plain) // 3, -1):
            if self._plain[i - 1].isspace():
                return i
        return len(self._plain)

    def _cut(self, at: int) -> Iterator[Clause]:
        """Speak the plain text up to ``at``; what has no sound waits for words only where it holds a pause or a cue."""
        script, text, left = _scripted(self._plain[:at], [m for m in self._marks if _belongs(m, at)], self._open)
        kept = [(pos - at, mark) for pos, mark in self._marks if not _belongs((pos, mark), at)]
        waiting = [m for pos, m in self._marks if _belongs((pos, m), at) and m.startswith(("[pause", "[cue"))]
        rest = self._plain[at:].lstrip()
        shift = len(self._plain) - at - len(rest)
        self._plain, self._open = rest, left
        self._weight = sum(HAN if ord(c) > 0x2E80 else 1 for c in rest)
        self._marks = [(max(0, pos - shift), mark) for pos, mark in kept]
        if is_speakable(text):
            cited, self._cited = tuple(self._cited), []
            yield Clause(script, text, self._count, cited)
            self._count += 1
        else:
            self._marks = [(0, mark) for mark in waiting[-_DEEPEST:]] + self._marks


def segment(pieces: Iterable[Piece | str]) -> Iterator[Clause]:
    """Clauses of an answer as its pieces come."""
    segmenter = Segmenter()
    for piece in pieces:
        yield from segmenter.push(piece)
    yield from segmenter.close()


def _belongs(placed: tuple[int, Mark], at: int) -> bool:
    """Whether a mark is of the text before ``at``; one that opens a feeling there is of what follows."""
    position, mark = placed
    return position < at or (position == at and mark.startswith(("[/", "[pause", "[cue")))


def _scripted(plain: str, marks: list[tuple[int, Mark]], opened: list[Mark]) -> tuple[str, str, list[Mark]]:
    """The script of a clause, its text, and the feelings that are open behind it."""
    stack = list(opened)
    script, shown, at = "".join(stack), "", 0
    for position, mark in [*marks, (len(plain), Mark(""))]:
        words = _spoken(plain[at:position], first=not shown)
        script, shown, at = script + escape(words), shown + words, position
        if mark.startswith("[/"):
            names = [_name(m) for m in stack]
            if mark[2:-1] in names:
                for _ in range(len(stack) - (len(names) - 1 - names[::-1].index(mark[2:-1]))):
                    script += f"[/{_name(stack.pop())}]"
        elif mark.startswith(("[pause", "[cue")):
            script += mark
        elif mark and len(stack) < _DEEPEST:
            script += mark
            stack.append(mark)
    closing = "".join(f"[/{_name(m)}]" for m in reversed(stack))
    bare = script.rstrip()
    return f"{bare}{closing}", shown.strip(), stack


def _spoken(plain: str, *, first: bool) -> str:
    """Without emoji and what else has no sound; single spaces."""
    words = re.sub(r"\s+(?=[,.;!?，。；！？、\s]|$)", lambda m: " " if m.end() == len(m.string) else "",
                   re.sub(r"\s+", " ", clean(identity(plain)).text))  # fmt: skip
    return words.lstrip() if first else words


def _name(mark: Mark) -> str:
    return mark[1:-1].partition(" ")[0]
