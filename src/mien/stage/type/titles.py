"""Titles and lower thirds: a few words that come, stay and go."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from mien.errors import UsageError
from mien.stage.layer import Layer, Patch
from mien.stage.layers.still import Still
from mien.stage.layers.timed import WAYS, Entrance, Timed
from mien.stage.type import bidi
from mien.stage.type.burned import CaptionStyle, text_style
from mien.stage.type.safe import Area, safe_area
from mien.stage.type.style import Shadow, TextStyle, parse_colour
from mien.stage.type.text import Layout, check_text, fit_text
from mien.timeline import to_ticks

if TYPE_CHECKING:
    from PIL.Image import Image

ACCENT: Final = "#ffc93c"
PLACES: Final = ("top", "upper", "middle", "lower")
ENTRANCES: Final = (*WAYS, "wipe")

_PLACE: Final = {"top": 0.0, "upper": 0.03, "middle": 0.5, "lower": 0.8}  # share of the free height
_SPEED: Final = to_ticks(0.45)
_BETTER: Final = 0.76  # to this size titles shrink for lines that end well
_PANEL: Final = "#12151bd8"
_QUIET: Final = "#ffffffd0"


@dataclass(frozen=True, slots=True)
class TitleStyle:
    """How titles and lower thirds look, and how they come and go.

    place: of a title: "top", "upper", "middle", "lower". platform: whose edges stay free. size: 0.5…2, times the usual.
    enter, leave: "cut", "fade", "up", "down", "left", "right", "wipe" (uncovered in the direction of reading); "" =
    the usual: up for titles, wipe for lower thirds. enter_ticks, leave_ticks: how long that takes. opacity: 0…1, of all
    of it. colour: of the words. accent: of the rule and the bar. font,
    language: as in :class:`~mien.stage.type.style.TextStyle`.
    """

    place: str = "upper"
    platform: str = "none"
    size: float = 1.0
    enter: str = ""
    leave: str = ""
    enter_ticks: int = _SPEED
    leave_ticks: int = _SPEED
    opacity: float = 1.0
    colour: str = "#ffffff"
    accent: str = ACCENT
    font: str = ""
    language: str = ""

    def __post_init__(self) -> None:
        if self.place not in PLACES:
            raise UsageError(f"'{self.place}' is no place for a title.", hint=f"Use one of {', '.join(PLACES)}.")
        if not 0.5 <= self.size <= 2:
            raise UsageError(f"Titles {self.size:g} times their size are outside 0.5 to 2.")
        for way in (self.enter, self.leave):
            if way and way not in ENTRANCES:
                raise UsageError(f"'{way}' is no way to come or go.", hint=f"Use one of {', '.join(ENTRANCES)}.")
        for colour in (self.colour, self.accent):
            parse_colour(colour)
        safe_area(self.platform, 1080, 1920)


_USUAL: Final = TitleStyle()


def title(
    text: str, canvas: tuple[int, int], start: int, end: int, style: TitleStyle = _USUAL, *, subtitle: str = ""
) -> Layer:
    """Large words in the middle, and smaller ones under a rule. canvas: width, height, pixels. start, end: ticks."""
    picture, area = _title(text, subtitle, canvas, style)
    x = (canvas[0] - picture.width) // 2
    top = area.top + _PLACE[style.place] * area.height - _PLACE[style.place] * picture.height
    patch = Patch(x, round(top), np.asarray(picture), 1)
    return _timed(patch, canvas, start, end, style, ("up", "fade"), rtl=bool(bidi.base_level(text)))


def lower_third(
    name: str, role: str, canvas: tuple[int, int], start: int, end: int, style: TitleStyle = _USUAL
) -> Layer:
    """A name and what somebody is, low at the side where reading begins, above where captions are."""
    rtl = bool(bidi.base_level(name))
    picture = _panel(name, role, canvas, style, rtl=rtl)
    area = safe_area(style.platform, *canvas)
    captions = text_style(CaptionStyle(platform=style.platform), canvas)
    bottom = area.bottom - 2 * captions.leading * captions.size - 0.6 * captions.size
    x = area.right - picture.width if rtl else area.left
    patch = Patch(x, round(bottom) - picture.height, np.asarray(picture), 1)
    return _timed(patch, canvas, start, end, style, ("wipe", "wipe"), rtl=rtl)


def check_title(text: str, style: TitleStyle = _USUAL) -> tuple[str, ...]:
    """Raises what painting it would raise; returns the names of emoji that would be left out."""
    return check_text(text, TextStyle(40, font=style.font, language=style.language))


class Wiped:
    """A patch that is uncovered from one side, and covered again."""

    def __init__(self, patch: Patch, start: int, end: int, *, enter: int, leave: int, rtl: bool) -> None:
        """enter, leave: ticks that it takes, 0 = at once."""
        self._patch, self._start, self._end = patch, start, end
        self._enter, self._leave, self._rtl = enter, leave, rtl

    def at(self, tick: int) -> Patch | None:
        """What is uncovered."""
        if not self._start <= tick < self._end:
            return None
        shares = [1.0]
        if self._enter:
            shares.append(_eased((tick - self._start) / self._enter))
        if self._leave:
            shares.append(_eased((self._end - tick) / self._leave))
        width = self._patch.pixels.shape[1]
        shown = round(min(shares) * width)
        if shown <= 0:
            return None
        if shown == width:
            return self._patch
        pixels = self._patch.pixels[:, width - shown :] if self._rtl else self._patch.pixels[:, :shown]
        x = self._patch.x + (width - shown if self._rtl else 0)
        return Patch(x, self._patch.y, pixels, self._patch.version + 1 + shown)


def _eased(part: float) -> float:
    """Fast first, then coming to rest (cubic)."""
    return 1.0 - (1.0 - min(max(part, 0.0), 1.0)) ** 3


def _timed(
    patch: Patch, canvas: tuple[int, int], start: int, end: int, style: TitleStyle, usual: tuple[str, str], *, rtl: bool
) -> Layer:
    enter, leave = style.enter or usual[0], style.leave or usual[1]
    layer: Layer = Still(patch)
    ways = ((enter, style.enter_ticks), (leave, style.leave_ticks))
    if "wipe" in (enter, leave):
        wiped = [ticks if way == "wipe" else 0 for way, ticks in ways]
        layer = Wiped(patch, start, end, enter=wiped[0], leave=wiped[1], rtl=rtl)
    coming, going = (Entrance("cut") if way in ("wipe", "cut") else Entrance(way, ticks) for way, ticks in ways)
    return Timed(layer, start, end, canvas[1], enter=coming, leave=going, opacity=style.opacity)


def _em(canvas: tuple[int, int], style: TitleStyle) -> float:
    width, height = canvas
    return style.size * min(0.098 * width, 0.105 * height)


def _title(text: str, subtitle: str, canvas: tuple[int, int], style: TitleStyle) -> tuple[Image, Area]:
    area = safe_area(style.platform, *canvas)
    side = max(area.left, canvas[0] - area.right)
    room = canvas[0] - 2 * side
    em = _em(canvas, style)
    lettering = TextStyle(
        max(8.0, em), colour=style.colour, shadow=Shadow(0, 0.03, 0.13, "#000000d0"), outline=0.026,
        outline_colour="#0d0f1480", leading=1.22, font=style.font, language=style.language,
    )  # fmt: skip
    big = fit_text(text, lettering, room, 3 * lettering.leading * em + 1, better=_BETTER)
    layouts: list[Layout] = [big]
    if subtitle:
        small = replace(
            lettering, size=max(8.0, 0.46 * em), leading=1.35, outline=0.045, shadow=Shadow(0, 0.04, 0.18, "#000000e0")
        )
        layouts.append(fit_text(subtitle, small, room, 2 * small.leading * small.size + 1, better=_BETTER))
    return _stacked(layouts, style, big.style.size), area


def _stacked(layouts: list[Layout], style: TitleStyle, em: float) -> Image:
    """Layouts one above the other, a short rule between them."""
    from PIL import Image, ImageDraw

    pad = round(0.6 * em)
    gap = round(0.5 * em) if len(layouts) > 1 else 0
    width = round(max(layout.width for layout in layouts)) + 2 * pad
    height = round(sum(layout.height for layout in layouts)) + gap * (len(layouts) - 1) + 2 * pad
    picture = Image.new("RGBA", (width, height))
    y = float(pad)
    for number, layout in enumerate(layouts):
        if number:
            middle, half, thick = width / 2, 0.55 * em, max(2, round(0.05 * em))
            top = round(y + 0.45 * gap)
            rule = (round(middle - half), top, round(middle + half), top + thick - 1)
            ImageDraw.Draw(picture).rounded_rectangle(rule, thick / 2, fill=parse_colour(style.accent))
            y += gap
        _lay(picture, layout, (width - layout.width) / 2, y)
        y += layout.height
    return picture


def _lay(picture: Image, layout: Layout, x: float, y: float) -> None:
    from PIL import Image

    block = layout.paint()
    over = Image.new("RGBA", picture.size)
    over.paste(Image.fromarray(block.pixels), (round(x) + block.x, round(y) + block.y))
    picture.alpha_composite(over)


def _panel(name: str, role: str, canvas: tuple[int, int], style: TitleStyle, *, rtl: bool) -> Image:
    """Name and role on a panel with a bar at the side where reading begins."""
    from PIL import Image, ImageDraw

    area = safe_area(style.platform, *canvas)
    em = max(10.0, 0.54 * _em(canvas, style))
    room = 0.8 * area.width
    side = "right" if rtl else "left"
    lettering = TextStyle(em, colour=style.colour, align=side, leading=1.24, font=style.font, language=style.language)
    layouts = [fit_text(name, lettering, room, 1.3 * em)]
    if role:
        small = replace(lettering, size=max(8.0, 0.66 * em), weight=400, colour=_QUIET, leading=1.32)
        layouts.append(fit_text(role, small, room, 2 * small.leading * small.size + 1))
    bar, across, down = max(3, round(0.13 * em)), round(0.5 * em), round(0.3 * em)
    width = round(max(layout.width for layout in layouts)) + 2 * across + bar
    height = round(sum(layout.height for layout in layouts)) + 2 * down
    picture = Image.new("RGBA", (width, height))
    pen = ImageDraw.Draw(picture)
    pen.rectangle((0, 0, width - 1, height - 1), fill=parse_colour(_PANEL))
    left = width - bar if rtl else 0
    pen.rectangle((left, 0, left + bar - 1, height - 1), fill=parse_colour(style.accent))
    y = float(down)
    for layout in layouts:
        _lay(picture, layout, width - bar - across - layout.width if rtl else bar + across, y)
        y += layout.height
    return picture
