"""A paragraph: its characters with their faces and directions, and any stretch of it as runs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Final

from mien.stage.type import bidi, shape
from mien.stage.type.faces import Face
from mien.stage.type.fonts import OWN
from mien.stage.type.shape import Piece, Run
from mien.stage.type.style import TextStyle
from mien.stage.type.wrap import Span, Wrapped, wrap

_CLOSING: Final = frozenset("，。、；：）】》〉」』〕\ue001\ue003")
_OPENING: Final = frozenset("（【《〈「『〔\ue000\ue002")
_PUNCTUATION: Final = _CLOSING | _OPENING | frozenset("！？")
_RTL: Final = frozenset({"ar", "fa", "he", "iw", "ur", "yi", "ps", "sd", "ug", "ckb", "dv", "syr"})
"""Languages that are written from right to left."""
_HALF: Final = 0.5  # ems
_EMPTY_RIGHT: Final = dict.fromkeys(_CLOSING, 0.5) | dict.fromkeys("！？", 0.4)
_EMPTY_LEFT: Final = dict.fromkeys(_OPENING, 0.5)


class Paragraph:
    """Text without newlines. start: where it begins in all of the text, characters."""

    def __init__(self, text: str, style: TextStyle, start: int = 0) -> None:
        """Raises MissingError as :func:`mien.stage.type.shape.faced` does."""
        self.text, self.style, self.start = text, style, start
        self.pieces = shape.faced(text, style)
        self.base = _base(text, style.language)
        self._levels = bidi.levels(text, self.base)
        self._faces = _drawing(self.pieces)
        self._drawn = "".join(piece.text for piece in self.pieces)
        self._tight = _tight(self._drawn, self._faces)
        self._width = lru_cache(4096)(self._measured)

    @property
    def unseen(self) -> list[Piece]:
        """What no font draws."""
        return [piece for piece in self.pieces if piece.face is None]

    def wrapped(self, width: float, whole: Sequence[Span]) -> Wrapped:
        """Its lines within ``width`` pixels. whole: words, characters of the paragraph."""
        return wrap(self.text, width, self._width, whole, self._blank_after)

    def blank(self, begin: int, end: int) -> tuple[float, float]:
        """What has no ink at the ends of a line, pixels: full-width punctuation is half empty."""
        line = self._drawn[begin:end].strip()
        if not line:
            return 0.0, 0.0
        em = self.style.size
        return _EMPTY_LEFT.get(line[0], 0.0) * em, _EMPTY_RIGHT.get(line[-1], 0.0) * em

    def _blank_after(self, end: int) -> float:
        return self.blank(max(0, end - 1), end)[1]

    def runs(self, begin: int, end: int) -> list[Run]:
        """A line from left to right, without the space at its end."""
        end = begin + len(self.text[begin:end].rstrip())
        levels = bidi.for_line(self.text[begin:end], self._levels[begin:end], self.base)
        found: list[Run] = []
        kept: list[int] = []
        at = begin
        while at < end:
            stop = at + 1
            while stop < end and self._goes_on(levels, begin, at, stop):
                stop += 1
            run = self._run(at, stop, levels[at - begin])
            if run is not None:
                found.append(run)
                kept.append(levels[at - begin])
            at = stop
        return bidi.visual(found, kept)

    def _goes_on(self, levels: Sequence[int], begin: int, at: int, stop: int) -> bool:
        if stop - 1 in self._tight:
            return False
        return levels[stop - begin] == levels[at - begin] and self._faces[stop] == self._faces[at]

    def _run(self, at: int, stop: int, level: int) -> Run | None:
        face = self._faces[at]
        if face is None:
            return None
        text, rtl = self._drawn[at:stop], bool(level % 2)
        width = shape.width(text, face, rtl, self.style) - (_HALF * self.style.size if stop - 1 in self._tight else 0.0)
        return Run(self.start + at, text, face, rtl, width)

    def _measured(self, begin: int, end: int) -> float:
        """Width in the order of reading, with the space at the end."""
        total, at = 0.0, begin
        while at < end:
            stop = at + 1
            while stop < end and self._goes_on(self._levels, 0, at, stop):
                stop += 1
            run = self._run(at, stop, self._levels[at])
            total += run.width if run is not None else 0.0
            at = stop
        return total


def _base(text: str, language: str) -> int:
    """The paragraph's direction: a language's own, even where a foreign word comes first; else the first letter's."""
    if language.lower().partition("-")[0] in _RTL and bidi.has_rtl(text):
        return 1
    return bidi.base_level(text)


def _drawing(pieces: Sequence[Piece]) -> list[Face | None]:
    """The face of every character. Beside an emoji that no font draws, one of two spaces goes, too."""
    faces = [piece.face for piece in pieces]
    for number, piece in enumerate(pieces):
        if piece.face is None and number and pieces[number - 1].text.isspace():
            seen = zip(pieces[number + 1 :], faces[number + 1 :], strict=True)
            after = next((one.text for one, face in seen if face is not None), "")
            if not after or not after[0].isalnum():
                faces[number - 1] = None
    return [face for piece, face in zip(pieces, faces, strict=True) for _ in piece.text]


def reach(run: Run, word: Span, style: TextStyle) -> tuple[float, float] | None:
    """From where to where a word lies in a run, pixels from its left end; None where it does not."""
    first, last = max(word[0] - run.start, 0), min(word[1] - run.start, len(run.text))
    if first >= last:
        return None
    before = shape.width(run.text[:first], run.face, run.rtl, style) if first else 0.0
    until = shape.width(run.text[:last], run.face, run.rtl, style) if last < len(run.text) else run.width
    return (run.width - until, run.width - before) if run.rtl else (before, until)


def _tight(drawn: str, faces: Sequence[Face | None]) -> frozenset[int]:
    """Where one full-width punctuation mark follows another, and half an em of white between them is too much."""
    found = set()
    for at, (first, second) in enumerate(pairwise(drawn)):
        closing = first in _CLOSING and second in _PUNCTUATION
        face = faces[at]
        if (closing or (first in _OPENING and second in _OPENING)) and face is not None and face.path.parent == OWN:
            found.add(at)
    return frozenset(found)
