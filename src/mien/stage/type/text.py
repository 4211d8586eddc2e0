"""Text set in lines and painted: :func:`set_text`; :func:`lay_out` for text that is painted in several ways."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from mien.stage.type import clusters
from mien.stage.type.paint import ASCENT, Line, Painter
from mien.stage.type.paragraph import Paragraph, reach
from mien.stage.type.style import TextStyle
from mien.stage.type.wrap import Span
from mien.types import ByteArray

_SHRINK: Final = 0.93


@dataclass(frozen=True, slots=True)
class Region:
    """A rectangle, pixels, right and bottom not included."""

    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True, slots=True)
class Block:
    """Painted text.

    pixels: uint8 (h, w, 4), straight alpha, no more than what shows. x, y: where they begin, seen from the top left
    corner of the layout; negative where a shadow, outline or box reaches beyond it. width, height: of the layout.
    words: where each word is, in the layout's pixels, one region a line. left_out: emoji for which no font is here.
    """

    pixels: ByteArray
    x: int
    y: int
    width: float
    height: float
    words: tuple[tuple[Region, ...], ...] = ()
    left_out: tuple[str, ...] = ()


def set_text(text: str, style: TextStyle, width: float, *, words: Sequence[Span] = ()) -> Block:
    """Lines of text within ``width`` pixels, painted.

    Lines end at newlines, and where they have to: between Chinese characters by the East Asian rules, between words
    elsewhere, with lines of even length; nothing is hyphenated and an emoji is never cut. words: ranges of characters
    that stay together and whose places the block tells. Raises MissingError for a letter that no font here has, and for
    right-to-left text without the FriBiDi library.
    """
    return lay_out(text, style, width, words=words).paint()


def check_text(text: str, style: TextStyle) -> tuple[str, ...]:
    """Raises what :func:`set_text` would raise; returns the names of emoji that it would leave out."""
    unseen = (piece for line in text.split("\n") for piece in Paragraph(line, style).unseen)
    return tuple(dict.fromkeys(clusters.name(piece.text) for piece in unseen))


def lay_out(text: str, style: TextStyle, width: float, *, words: Sequence[Span] = ()) -> Layout:
    """As :func:`set_text`, to be painted later, once or in several ways."""
    lines: list[tuple[Paragraph, Span]] = []
    left_out: list[str] = []
    torn, poor, start = False, False, 0
    for line in text.split("\n"):
        paragraph = Paragraph(line, style, start)
        left_out += [clusters.name(piece.text) for piece in paragraph.unseen]
        inside = [(max(a - start, 0), min(b - start, len(line))) for a, b in words]
        wrapped = paragraph.wrapped(width, [(a, b) for a, b in inside if a < b])
        lines += [(paragraph, span) for span in wrapped.lines]
        torn, poor = torn or wrapped.torn, poor or wrapped.poor
        start += len(line) + 1
    return Layout(_placed(lines, style), style, words, tuple(dict.fromkeys(left_out)), torn, poor)


def fit_text(
    text: str, style: TextStyle, width: float, height: float, *,
    words: Sequence[Span] = (), smallest: float = 0.5, better: float = 1.0,
) -> Layout:  # fmt: skip
    """As :func:`lay_out`, smaller where it would be higher or a word would be cut, down to ``smallest`` of its size.

    better: down to which size lines that end well are looked for.
    """
    scale, first = 1.0, None
    while True:
        layout = lay_out(text, replace(style, size=max(4.0, style.size * scale)), width, words=words)
        fits = layout.height <= height and not layout.torn
        if first is None and (fits or scale <= smallest):
            first = layout
        if first is not None and ((fits and not layout.poor) or scale * _SHRINK < better):
            return layout if fits and not layout.poor else first
        scale = max(smallest, scale * _SHRINK)


class Layout:
    """Text in lines, not yet painted.

    width, height: pixels, without what shadows, outlines and boxes add. words, left_out: as :class:`Block` has them.
    torn: whether a word is cut that should be whole. poor: whether a line ends where a reader stumbles.
    """

    def __init__(
        self, lines: Sequence[Line], style: TextStyle, words: Sequence[Span], left_out: tuple[str, ...],
        torn: bool, poor: bool,
    ) -> None:  # fmt: skip
        self.lines, self.style, self.left_out = tuple(lines), style, left_out
        self.torn, self.poor = torn, poor
        self.width = max((line.width for line in lines), default=0.0)
        self.height = len(lines) * style.leading * style.size
        self.words = tuple(tuple(self._regions(word)) for word in words)
        self._painter = Painter(self.lines, style, self.width, self.height)

    def paint(self, colours: Mapping[int, str] | None = None) -> Block:
        """colours: of words, by their number, where they are not the style's."""
        marks = [
            ((r.left, r.top, r.right, r.bottom), colour)
            for word, colour in (colours or {}).items()
            for r in self.words[word]
        ]
        pixels, x, y = self._painter.paint(marks)
        return Block(pixels, x, y, self.width, self.height, self.words, self.left_out)

    def _regions(self, word: Span) -> Iterator[Region]:
        em, pitch = self.style.size, self.style.leading * self.style.size
        for line in self.lines:
            found, x = [], line.x - line.blank
            for run in line.runs:
                part = reach(run, word, self.style)
                if part is not None:
                    found.append((x + part[0], x + part[1]))
                x += run.width
            if found:
                top = line.baseline - ASCENT * em - (pitch - em) / 2
                yield Region(min(a for a, _ in found), top, max(b for _, b in found), top + pitch)


def _placed(lines: Sequence[tuple[Paragraph, Span]], style: TextStyle) -> list[Line]:
    """Lines with their places, aligned."""
    runs = [tuple(paragraph.runs(*span)) for paragraph, span in lines]
    blanks = [paragraph.blank(*span) for paragraph, span in lines]
    widths = [sum(run.width for run in line) - sum(blank) for line, blank in zip(runs, blanks, strict=True)]
    widest = max(widths, default=0.0)
    pitch = style.leading * style.size
    found = []
    for number, (paragraph, _) in enumerate(lines):
        side = style.align if style.align != "start" else ("right" if paragraph.base else "left")
        x = {"left": 0.0, "center": (widest - widths[number]) / 2, "right": widest - widths[number]}[side]
        baseline = number * pitch + (pitch - style.size) / 2 + ASCENT * style.size
        found.append(Line(x, baseline, widths[number], runs[number], blanks[number][0]))
    return found
