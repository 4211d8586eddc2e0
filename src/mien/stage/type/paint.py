"""Painting text that is laid out: box, shadow, outline, letters, emoji, from the lowest to the highest."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

from mien.stage.type import shape
from mien.stage.type.shape import Run
from mien.stage.type.style import Box, Shadow, TextStyle, parse_colour
from mien.types import ByteArray

if TYPE_CHECKING:
    from PIL.Image import Image

ASCENT: Final = 0.88
"""Of the em, above the baseline, as CJK fonts have it."""

_OVERHANG: Final = 0.5  # ems by which letters may leave their line

Corners = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Line:
    """A line in a layout. x: where its ink begins; baseline: below the top; width: of its ink; pixels.

    runs: from left to right, the first begins ``blank`` pixels before x: full-width punctuation is half empty.
    """

    x: float
    baseline: float
    width: float
    runs: tuple[Run, ...]
    blank: float = 0.0


class Painter:
    """Paints lines, as often as wanted; what does not change is painted once."""

    def __init__(self, lines: Sequence[Line], style: TextStyle, width: float, height: float) -> None:
        self._lines, self._style = lines, style
        reach = _OVERHANG + style.outline
        if style.shadow:
            reach += 3 * style.shadow.blur + max(abs(style.shadow.x), abs(style.shadow.y))
        if style.box:
            reach = max(reach, max(style.box.across, style.box.down) + 0.1)
        self._pad = math.ceil(reach * style.size) + 2
        self._kept: dict[str, ByteArray] = {}
        self._size = math.ceil(width) + 2 * self._pad, math.ceil(height) + 2 * self._pad

    def paint(self, marks: Sequence[tuple[Corners, str]] = ()) -> tuple[ByteArray, int, int]:
        """Pixels, uint8 (h, w, 4), and where they begin. marks: corners within which letters have another colour."""
        left, top, _, _ = self._visible
        pixels = self._painted(self._style.colour)
        if marks:
            pixels = pixels.copy()
        across, down = left - self._pad, top - self._pad
        for (x, y, x2, y2), colour in marks:
            rows = slice(max(0, math.floor(y) - down), max(0, math.ceil(y2) - down))
            columns = slice(max(0, math.floor(x) - across), max(0, math.ceil(x2) - across))
            pixels[rows, columns] = self._painted(colour)[rows, columns]
        return pixels, across, down

    def _painted(self, colour: str) -> ByteArray:
        """All of it with letters of one colour."""
        from PIL import Image

        if colour not in self._kept:
            size = self._under.size
            picture = Image.alpha_composite(
                self._under, _cut(Image.new("RGBA", size, parse_colour(colour)), self._letters)
            )
            if self._emoji is not None:
                picture = Image.alpha_composite(picture, self._emoji)
            self._kept[colour] = np.asarray(picture.crop(self._visible))
        return self._kept[colour]

    @cached_property
    def _visible(self) -> tuple[int, int, int, int]:
        """What shows of the canvas."""
        from PIL import ImageChops

        shown = ImageChops.lighter(self._under.getchannel("A"), self._letters)
        if self._emoji is not None:
            shown = ImageChops.lighter(shown, self._emoji.getchannel("A"))
        return shown.getbbox() or (0, 0, 1, 1)

    @cached_property
    def _letters(self) -> Image:
        """Where letters are, "L"."""
        return self._mask(0.0)

    def _mask(self, stroke: float) -> Image:
        from PIL import Image

        mask = Image.new("L", self._size)
        for x, baseline, run in self._placed():
            if not run.face.colour:
                shape.draw(run, x, baseline, mask, self._style, stroke)
        return mask

    @cached_property
    def _emoji(self) -> Image | None:
        from PIL import Image

        if not any(run.face.colour for line in self._lines for run in line.runs):
            return None
        picture = Image.new("RGBA", self._size)
        for x, baseline, run in self._placed():
            if run.face.colour:
                shape.draw_emoji(run, x, baseline, picture, self._style)
        return picture

    def _placed(self) -> list[tuple[float, float, Run]]:
        found: list[tuple[float, float, Run]] = []
        for line in self._lines:
            x = line.x - line.blank + self._pad
            for run in line.runs:
                found.append((x, round(line.baseline) + self._pad, run))
                x += run.width
        return found

    @cached_property
    def _under(self) -> Image:
        """Everything below the letters."""
        from PIL import Image

        style = self._style
        picture = Image.new("RGBA", self._size)
        if style.box:
            picture = Image.alpha_composite(picture, self._box(style.box))
        outline = self._mask(style.outline * style.size) if style.outline else None
        if style.shadow:
            picture = Image.alpha_composite(picture, self._shadow(style.shadow, outline or self._letters))
        if outline is not None:
            picture = Image.alpha_composite(
                picture, _cut(Image.new("RGBA", self._size, parse_colour(style.outline_colour)), outline)
            )
        return picture

    def _shadow(self, shadow: Shadow, letters: Image) -> Image:
        from PIL import Image, ImageChops, ImageFilter

        em = self._style.size
        cast = ImageChops.lighter(letters, self._emoji.getchannel("A")) if self._emoji is not None else letters
        cast = ImageChops.offset(cast, round(shadow.x * em), round(shadow.y * em))
        cast = cast.filter(ImageFilter.GaussianBlur(shadow.blur * em))
        return _cut(Image.new("RGBA", self._size, parse_colour(shadow.colour)), cast)

    def _box(self, box: Box) -> Image:
        from PIL import Image, ImageDraw, ImageFilter

        em, mask = self._style.size, Image.new("L", self._size)
        pen = ImageDraw.Draw(mask)
        for left, top, right, bottom in _bars(self._lines, box, em):
            pad = self._pad
            corners = (round(left) + pad, round(top) + pad, round(right) + pad - 1, round(bottom) + pad - 1)
            pen.rectangle(corners, fill=255)
        if box.radius:
            soft = mask.filter(ImageFilter.GaussianBlur(0.55 * box.radius * em))
            steep = max(1.0, 0.9 * box.radius * em)
            mask = soft.point([min(255, max(0, round((v - 127.5) * steep + 127.5))) for v in range(256)])
        return _cut(Image.new("RGBA", self._size, parse_colour(box.colour)), mask)


def _bars(lines: Sequence[Line], box: Box, em: float) -> list[Corners]:
    """The rectangles of a box. By line, those of nearly one width get one, since small steps look like mistakes."""
    bars = [
        [
            line.x - box.across * em, line.baseline - (ASCENT + box.down) * em,
            line.x + line.width + box.across * em, line.baseline + (1 - ASCENT + box.down) * em,
        ]
        for line in lines
        if line.runs
    ]  # fmt: skip
    if not bars:
        return []
    if not box.by_line:
        columns = list(zip(*bars, strict=True))
        return [(min(columns[0]), min(columns[1]), max(columns[2]), max(columns[3]))]
    for above, below in pairwise(bars):
        middle = (above[3] + below[1]) / 2
        above[3] = below[1] = middle
        for side, outer in ((0, min), (2, max)):
            if abs(above[side] - below[side]) < 1.6 * box.radius * em:
                above[side] = below[side] = outer(above[side], below[side])
    return [(a, b, c, d) for a, b, c, d in bars]


def _cut(colour: Image, mask: Image) -> Image:
    """A coloured picture whose alpha is multiplied by a mask."""
    from PIL import ImageChops

    colour.putalpha(ImageChops.multiply(colour.getchannel("A"), mask))
    return colour
