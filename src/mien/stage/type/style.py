"""How text looks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from mien.errors import UsageError

Colour = tuple[int, int, int, int]
"""Red, green, blue, alpha, 0…255."""

WHITE: Final = "#ffffff"


@dataclass(frozen=True, slots=True)
class Shadow:
    """x, y: how far it falls, ems. blur: standard deviation, ems."""

    x: float = 0.0
    y: float = 0.04
    blur: float = 0.09
    colour: str = "#000000a0"


@dataclass(frozen=True, slots=True)
class Box:
    """What lies behind text. across, down: how far it reaches beyond it, radius: of its corners; ems.

    by_line: it follows the lines instead of lying around all of them.
    """

    colour: str = "#101216c8"
    across: float = 0.42
    down: float = 0.2
    radius: float = 0.28
    by_line: bool = False


@dataclass(frozen=True, slots=True)
class TextStyle:
    """size: of the em, pixels; all other lengths are in ems, so that a smaller text looks the same.

    weight: 1…1000, 400 regular, 700 bold. outline: its width around the letters, in outline_colour. letters: extra
    space between them (scripts that join their letters keep them joined). leading: from one line to the next. align:
    "left", "center", "right", or "start", where the text's own direction begins. font: a family's name or a font file,
    "" = Mien's own. language: BCP 47; picks Chinese, Japanese or Korean forms. Colours are "#rrggbb", "#rrggbbaa" or a
    name.
    """

    size: float
    weight: int = 700
    colour: str = WHITE
    outline: float = 0.0
    outline_colour: str = "#0d0f14"
    shadow: Shadow | None = None
    box: Box | None = None
    letters: float = 0.0
    leading: float = 1.3
    align: str = "center"
    font: str = ""
    language: str = ""

    def __post_init__(self) -> None:
        if not 4 <= self.size <= 2000:
            raise UsageError(f"A text size of {self.size:g} pixels is outside 4 to 2000.")
        if self.align not in ("left", "center", "right", "start"):
            raise UsageError(f"'{self.align}' is no alignment.", hint="Use left, center, right or start.")
        for text in (self.colour, self.outline_colour):
            parse_colour(text)


def parse_colour(text: str) -> Colour:
    """Raises UsageError for what is no colour."""
    from PIL import ImageColor

    try:
        values = ImageColor.getrgb(text)
    except ValueError:
        raise UsageError(
            f"'{text}' is not a colour.", hint='Use "#rrggbb", "#rrggbbaa" or a name such as white.'
        ) from None
    return (*values, 255)[:4] if len(values) == 3 else values
