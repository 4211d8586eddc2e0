"""Small fonts that tests make, so that no test depends on what this machine has."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest
from fontTools.colorLib.builder import buildCOLR, buildCPAL
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen

from mien.stage.type import fonts, shape
from mien.stage.type.fonts import OWN, Fonts

HEBREW = "אבגדהוזחטיכלמנסעפצקרשתםןךףץ"
ARABIC = "ابتثجحخدذرزسشصضطظعغفقكلمنهويةى،؟"
EMOJI = "🍵🎉🏽👍👨👩👧🇨🇳🇫🇷❤⃣"


def make_font(
    path: Path,
    family: str,
    characters: Iterable[str],
    weight: int = 400,
    colour: bool = False,
    step: int = 0,
    version: int = 0,
) -> Path:
    """A font whose letters are rectangles.

    step: how much each is wider than the one before, thousandths of an em. version: of the table of colours.
    """
    names = {ord(char): f"g{number}" for number, char in enumerate(dict.fromkeys(characters))}
    order = [".notdef", *names.values()]
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder(order)
    builder.setupCharacterMap(names)
    widths = {name: 500 + step * number for number, name in enumerate(order)}
    builder.setupGlyf({name: _rectangle(width, 700) for name, width in widths.items()})
    builder.setupHorizontalMetrics({name: (width, 50) for name, width in widths.items()})
    builder.setupHorizontalHeader(ascent=880, descent=-120)
    builder.setupNameTable({"familyName": family, "styleName": "Bold" if weight >= 700 else "Regular"})
    builder.setupOS2(usWeightClass=weight)
    builder.setupPost()
    if colour:
        solid = {"Format": 2, "PaletteIndex": 0, "Alpha": 1.0}
        layers: dict[str, Any] = {name: [(name, 0)] for name in order}
        paints: dict[str, Any] = {name: {"Format": 10, "Glyph": name, "Paint": solid} for name in order}
        builder.font["COLR"] = buildCOLR(paints if version else layers, version=version)
        builder.font["CPAL"] = buildCPAL([[(0.1, 0.8, 0.2, 1.0)]])
    builder.save(path)
    return path


def _rectangle(width: int, height: int) -> Any:
    pen = TTGlyphPen(None)
    pen.moveTo((50, 0))
    for point in ((50, height), (width - 50, height), (width - 50, 0)):
        pen.lineTo(point)
    pen.closePath()
    return pen.glyph()


@cache
def folder() -> Path:
    """Fonts for Hebrew, Arabic and emoji."""
    place = Path(mkdtemp(prefix="mien-fonts-"))
    make_font(place / "hebrew.ttf", "Square Hebrew", HEBREW + " ", step=7)
    make_font(place / "arabic.ttf", "Square Arabic", ARABIC + " ", step=7)
    make_font(place / "emoji.ttf", "Square Emoji", EMOJI + "0123456789", colour=True)
    return place


def use(monkeypatch: pytest.MonkeyPatch, *folders: Path) -> Fonts:
    """From now on there are Mien's own fonts and those in ``folders``, whatever the machine has."""
    library = Fonts(OWN, folders)
    for module in (fonts, shape):
        monkeypatch.setattr(module, "fonts", lambda: library)
    return library
