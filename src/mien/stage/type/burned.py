"""Captions in the picture, timed with every word: :class:`BurnedCaptions`."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING, Final

import numpy as np

from mien.captions import FILE, Caption, CaptionWord, Room
from mien.errors import UsageError
from mien.linebreak import CLAUSE, SENTENCE, columns, is_wide
from mien.stage.layer import Patch
from mien.stage.type.looks import LOOKS, Look
from mien.stage.type.safe import Area, safe_area
from mien.stage.type.style import TextStyle
from mien.stage.type.text import Block, Layout, check_text, fit_text
from mien.stage.type.wrap import Span, breaks, wrap
from mien.timeline import to_ticks

if TYPE_CHECKING:
    from mien.types import ByteArray

PLACES: Final = ("bottom", "middle", "top")

_POP: Final = (0.84, 1.05, 1.0)  # sizes that a big word takes on its way in
_POP_STEP: Final = to_ticks(0.04)
_DESCENT: Final = 0.12  # ems by which letters may leave the em square below
_KEPT: Final = 4  # captions whose layout is kept
_BIG_WIDE, _BIG_NARROW = 10, 13  # columns of a big word
_SILENT_ENDS: Final = "，。、；：,.;: \u3000"


@dataclass(frozen=True, slots=True)
class CaptionStyle:
    """How burned-in captions look and where they are.

    look: "plain", "box", "karaoke" or "big-word". platform: whose edges stay free (:mod:`mien.stage.type.safe`).
    place: "bottom", "middle" or "top" of what is free, or "" = the look's own. size: 0.5…2, times the look's own.
    colour, accent: of words, and of the word that is said; "" = the look's own. font, language: as in
    :class:`~mien.stage.type.style.TextStyle`.
    """

    look: str = "plain"
    platform: str = "none"
    place: str = ""
    size: float = 1.0
    colour: str = ""
    accent: str = ""
    font: str = ""
    language: str = ""

    def __post_init__(self) -> None:
        if self.look not in LOOKS:
            raise UsageError(f"'{self.look}' is not a style of captions.", hint=f"Use one of {', '.join(LOOKS)}.")
        if self.place and self.place not in PLACES:
            raise UsageError(f"'{self.place}' is no place for captions.", hint=f"Use one of {', '.join(PLACES)}.")
        if not 0.5 <= self.size <= 2:
            raise UsageError(f"Captions {self.size:g} times their size are outside 0.5 to 2.")
        safe_area(self.platform, 1080, 1920)


def text_style(style: CaptionStyle, canvas: tuple[int, int]) -> TextStyle:
    """The lettering on a canvas of (width, height) pixels."""
    look = LOOKS[style.look]
    width, height = canvas
    em = style.size * min(look.of_width * width, look.of_height * height)
    return replace(
        look.text, size=max(8.0, em), colour=style.colour or look.text.colour, font=style.font, language=style.language
    )


def caption_room(style: CaptionStyle, canvas: tuple[int, int]) -> Room:
    """What :func:`mien.captions.make_captions` should cut words for."""
    if LOOKS[style.look].big:
        return FILE
    em = text_style(style, canvas).size
    columns = _room(style, canvas).width / em
    return Room(min(FILE.narrow, max(8, int(columns / 0.54))), min(FILE.wide, max(8, 2 * int(columns))), 2)


def check_captions(captions: Sequence[Caption], style: CaptionStyle) -> tuple[str, ...]:
    """Raises what painting them would raise; returns the names of emoji that would be left out."""
    lettering = text_style(style, (1080, 1920))
    names = (name for caption in captions for name in check_text("\n".join(caption.lines), lettering))
    return tuple(dict.fromkeys(names))


class BurnedCaptions:
    """A layer of captions, cut with :func:`caption_room`. Nothing changes but when a word does."""

    def __init__(self, captions: Sequence[Caption], canvas: tuple[int, int], style: CaptionStyle) -> None:
        self._style, self._canvas = style, canvas
        self._look: Look = LOOKS[style.look]
        self._text = text_style(style, canvas)
        self._area = _room(style, canvas)
        shown = [_with_words(caption) for caption in captions if caption.end > caption.start]
        self._shown = [group for caption in shown for group in _groups(caption)] if self._look.big else shown
        self._starts = [caption.start for caption in self._shown]
        self._numbers = [0, *accumulate(len(caption.words) + len(_POP) + 1 for caption in self._shown)]
        self._layout = lru_cache(_KEPT)(self._laid_out)
        self._patch = lru_cache(2 * _KEPT)(self._painted)

    def at(self, tick: int) -> Patch | None:
        """What is shown."""
        number = bisect_right(self._starts, tick) - 1
        if number < 0 or tick >= self._shown[number].end:
            return None
        return self._patch(number, self._state(number, tick))

    def _state(self, number: int, tick: int) -> int:
        """What of a caption changes: the word that is said, counted from 1, or how far a big word has come in."""
        caption = self._shown[number]
        if self._look.big:
            return min(len(_POP) - 1, (tick - caption.start) // _POP_STEP)
        if not self._look.follows:
            return 0
        return sum(word.start <= tick for word in caption.words)

    def _laid_out(self, number: int) -> Layout:
        words = self._shown[number].words
        text, spans = _flowing(words)
        lines = self._look.lines
        height = lines * self._text.leading * self._text.size + 1
        return fit_text(text, self._text, self._area.width - 2 * self._inset(), height, words=spans)

    def _inset(self) -> float:
        """What boxes and outlines add at the sides, pixels."""
        return self._text.size * max(self._text.outline, self._text.box.across if self._text.box else 0.0)

    def _painted(self, number: int, state: int) -> Patch:
        layout = self._layout(number)
        accent = self._style.accent or self._look.accent
        if self._look.big:
            block = layout.paint(dict.fromkeys(range(len(layout.words)), accent) if self._accented(number) else None)
        else:
            block = layout.paint({state - 1: accent} if state else None)
        pixels, x, y = self._at_place(layout, block)
        if self._look.big and _POP[state] != 1.0:
            pixels, x, y = _scaled(pixels, x, y, _POP[state])
        return Patch(*_inside(x, y, pixels, self._canvas), pixels, self._numbers[number] + state)

    def _accented(self, number: int) -> bool:
        """Every third big word has the accent, and the last one of a sentence."""
        return number % 3 == 2 or self._shown[number].lines[0][-1:] in "!！?？"

    def _at_place(self, layout: Layout, block: Block) -> tuple[ByteArray, int, int]:
        area, place = self._area, self._style.place or self._look.place
        if place == "bottom":
            top = area.bottom - layout.height - self._down()
        elif place == "top":
            top = area.top + self._down()
        else:
            top = area.top + self._look.middle * area.height - layout.height / 2
        top = max(area.top, min(top, area.bottom - layout.height - self._down()))
        left = (area.left + area.right - layout.width) / 2
        return block.pixels, round(left) + block.x, round(top) + block.y

    def _down(self) -> float:
        """What boxes, outlines and descenders add above and below, pixels."""
        text = self._text
        letters = _DESCENT + text.outline - (text.leading - 1) / 2
        return text.size * max(text.box.down if text.box else 0.0, letters, 0.0)


def _room(style: CaptionStyle, canvas: tuple[int, int]) -> Area:
    """What is free, as far to the left of the middle as to the right: centred text looks centred in the film."""
    area = safe_area(style.platform, *canvas)
    side = max(area.left, canvas[0] - area.right)
    return Area(side, area.top, canvas[0] - side, area.bottom)


def _with_words(caption: Caption) -> Caption:
    """A caption without times of words has one word: all of it."""
    if caption.words:
        return caption
    words = tuple(
        CaptionWord(caption.start, caption.end, line + " ", number) for number, line in enumerate(caption.lines)
    )
    return replace(caption, words=words)


def _flowing(words: Sequence[CaptionWord]) -> tuple[str, list[tuple[int, int]]]:
    """The text of words in one line, and where in it each word is, without the space around it."""
    text, spans = "", list[tuple[int, int]]()
    for number, word in enumerate(words):
        if number and word.line != words[number - 1].line and text[-1:].strip() and word.text[:1].strip():
            text += "" if is_wide(text[-1]) or is_wide(word.text[0]) else " "
        start = len(text)
        text += word.text
        bare = word.text.strip()
        begin = start + word.text.index(bare) if bare else start
        spans.append((begin, begin + len(bare)))
    lead = len(text) - len(text.lstrip())
    return text.strip(), [(max(0, a - lead), max(0, b - lead)) for a, b in spans]


def _groups(caption: Caption) -> list[Caption]:
    """A caption as big words: one or a few at a time, cut after punctuation and else into even pieces."""
    text, spans = _flowing(caption.words)
    pieces: list[list[CaptionWord]] = []
    last = -1
    starts = [start for start, _ in _pieces(text, spans)]
    for (start, _), word in zip(spans, caption.words, strict=True):
        piece = bisect_right(starts, start)
        if piece != last:
            pieces.append([])
        pieces[-1].append(word)
        last = piece
    groups = []
    for words, following in zip(pieces, [*(piece[0].start for piece in pieces[1:]), caption.end], strict=True):
        kept = (*words[:-1], replace(words[-1], text=words[-1].text.rstrip(_SILENT_ENDS)))
        shown = "".join(word.text for word in kept).strip()
        if shown and following > words[0].start:
            groups.append(Caption(words[0].start, following, (shown,), tuple(replace(word, line=0) for word in kept)))
    return groups


def _pieces(text: str, spans: Sequence[Span]) -> list[Span]:
    """Where big words begin and end."""
    found: list[Span] = []
    begin = 0
    ends = [at for at, quality in breaks(text, spans) if quality in (CLAUSE, SENTENCE)]
    for end in ends:
        part = text[begin:end]

        def wide(a: int, b: int, part: str = part) -> float:
            bare = part[a:b].rstrip()
            return columns(bare.rstrip(_SILENT_ENDS)) + float(b - a - len(bare))

        inside = [(max(a, begin) - begin, min(b, end) - begin) for a, b in spans if a < end and b > begin]
        limit = _BIG_WIDE if is_wide(part[0]) else _BIG_NARROW
        found += [(begin + a, begin + b) for a, b in wrap(part, limit, wide, inside).lines]
        begin = end
    return found


def _scaled(pixels: ByteArray, x: int, y: int, scale: float) -> tuple[ByteArray, int, int]:
    """A picture about its own middle."""
    from PIL import Image

    height, width = pixels.shape[:2]
    size = max(1, round(width * scale)), max(1, round(height * scale))
    picture = Image.fromarray(pixels).convert("RGBa").resize(size, Image.Resampling.BILINEAR).convert("RGBA")
    return np.asarray(picture), x + (width - size[0]) // 2, y + (height - size[1]) // 2


def _inside(x: int, y: int, pixels: ByteArray, canvas: tuple[int, int]) -> tuple[int, int]:
    """Never over the edge, whatever a shadow adds."""
    height, width = pixels.shape[:2]
    return min(max(x, 0), max(0, canvas[0] - width)), min(max(y, 0), max(0, canvas[1] - height))
