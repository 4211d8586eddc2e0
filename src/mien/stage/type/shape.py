"""Runs of text in one font and one direction: how wide they are, and drawing them.

Shaping is Pillow's, by raqm and HarfBuzz where the FriBiDi library is here; without it letters are set one by one,
which is right for Chinese, Japanese, Latin, Greek and Cyrillic, and is refused for scripts that need more.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mien.errors import InputError, MissingError
from mien.linebreak import is_wide
from mien.stage.type import clusters
from mien.stage.type.faces import Face
from mien.stage.type.fonts import fonts, user_folder
from mien.stage.type.style import TextStyle

if TYPE_CHECKING:
    from PIL.Image import Image as PilImage

_FULL_WIDTH: Final = dict(zip("‘’“”·…—", map(chr, range(0xE000, 0xE007)), strict=True))
"""Punctuation that is wide beside Chinese, at its place in Mien's own fonts (scripts/make_fonts.py)."""
_STRIKES: Final = (109, 136, 160, 128, 96, 72, 64, 48, 40, 32, 20)  # sizes in which emoji fonts hold pictures
_EMOJI: Final = 0.96  # ems of text in which an em of emoji is drawn
_EMOJI_ROOM: Final = 0.06  # ems on either side
_EMOJI_DROP: Final = 0.12  # ems below the baseline
_SHAPED: Final = ((0x0590, 0x08FF), (0x0900, 0x109F), (0x1780, 0x18AF), (0x1A00, 0x1AFF), (0xA800, 0xABFF))
_JOINED: Final = ((0x0600, 0x08FF), (0x1800, 0x18AF), (0x0900, 0x0DFF))
_SMALL: Final = 40.0
"""Pixels of the em below which letters are drawn larger, and made small afterwards."""
_FINE: Final = 4
_MAPPED: Final = 48 << 20
"""Bytes of a font file from which it is mapped instead of read: collections of the system, which is careful."""
FRIBIDI: Final = "Linux: apt install libfribidi0, or your system's package; macOS: brew install fribidi."
"""What to do where text from right to left cannot be set."""


@dataclass(frozen=True, slots=True)
class Run:
    """Clusters of text in one face, running one way.

    start: where it begins in the text, characters. rtl: whether it runs right to left.
    """

    start: int
    text: str
    face: Face
    rtl: bool
    width: float


@cache
def can_shape() -> bool:
    """Whether Pillow finds the FriBiDi library and so lays out all scripts."""
    from PIL import features

    return bool(features.check("raqm"))


@dataclass(frozen=True, slots=True)
class Piece:
    """A cluster with the face that draws it. face None: an emoji for which there is no font."""

    text: str
    face: Face | None


def faced(text: str, style: TextStyle) -> list[Piece]:
    """The clusters of a text with their faces. Raises MissingError for a letter that no font has."""
    found: list[Piece] = []
    lacking: list[str] = []
    split = clusters.split(text)
    for number, cluster in enumerate(split):
        _check_shaping(cluster)
        drawn = cluster if style.font else _beside(cluster, split, number)
        face = _face_of(drawn, found[-1].face if found else None, style)
        if face is None and not clusters.is_emoji(cluster):
            lacking.append(cluster)
        found.append(Piece(drawn, face))
    if lacking:
        raise missing(lacking)
    return found


def missing(lacking: list[str]) -> InputError | MissingError:
    """The error that names what no font has."""
    named = [f"'{cluster}' ({clusters.name(cluster)})" for cluster in dict.fromkeys(lacking)]
    more = f" and {len(named) - 3} more" if len(named) > 3 else ""
    return MissingError(
        f"No font here has {', '.join(named[:3])}{more}.",
        hint=f"Install a font that has it, or put its file into {user_folder()}.",
        code="missing.glyph",
    )


def _face_of(cluster: str, before: Face | None, style: TextStyle) -> Face | None:
    """Space goes with what is before it, so that no word is torn from its script."""
    if cluster.isspace() and before is not None and not before.colour and before.has(" "):
        return before
    return fonts().pick(cluster, style.weight, style.language, style.font)


def _beside(cluster: str, split: list[str], number: int) -> str:
    """Quotation marks, dots and dashes are wide where what they stand beside is."""
    if cluster not in _FULL_WIDTH:
        return cluster
    sides = (range(number - 1, -1, -1), range(number + 1, len(split)))
    near = [next((split[i] for i in side if split[i] not in _FULL_WIDTH), "") for side in sides]
    wide = any(side and is_wide(side[0]) and not clusters.is_emoji(side) for side in near)
    return _FULL_WIDTH[cluster] if wide else cluster


def _check_shaping(cluster: str) -> None:
    if can_shape() or not any(first <= ord(char) <= last for char in cluster for first, last in _SHAPED):
        return
    rtl = unicodedata.bidirectional(cluster[0]) in ("R", "AL", "AN")
    what = "Right-to-left text" if rtl else f"Text such as '{cluster}'"
    raise MissingError(f"{what} needs the FriBiDi library, which is not here.", hint=FRIBIDI, code="missing.fribidi")


def width(text: str, face: Face, rtl: bool, style: TextStyle) -> float:
    """How far the pen moves, pixels."""
    if face.colour:
        return sum(_emoji_width(cluster, face, style.size) for cluster in clusters.split(text))
    advance = _advance(text, face, rtl, style)
    if style.letters and not _is_joined(text):
        advance += style.letters * style.size * len(clusters.split(text))
    return advance


@lru_cache(16384)
def _advance(text: str, face: Face, rtl: bool, style: TextStyle) -> float:
    fine = _fineness(style.size)
    return float(load(face, style.size * fine, style.weight).getlength(_drawn(text), **_manner(rtl, style))) / fine


def _fineness(size: float) -> int:
    """How much larger letters are drawn than they are wanted: FreeType sets each on whole pixels, and where they are
    small the gaps between them become uneven.
    """
    return _FINE if size < _SMALL else 1


def _drawn(text: str) -> str:
    return "".join(" " if char.isspace() else char for char in text if char not in "\u00ad\u200b\ufeff")


def _manner(rtl: bool, style: TextStyle) -> dict[str, Any]:
    if not can_shape():
        return {}
    manner: dict[str, Any] = {"direction": "rtl" if rtl else "ltr"}
    if style.language:
        manner["language"] = style.language
    if style.letters:
        manner["features"] = ["-liga", "-clig"]
    return manner


def _is_joined(text: str) -> bool:
    return any(first <= ord(char) <= last for char in text for first, last in _JOINED)


def draw(run: Run, x: float, baseline: float, mask: PilImage, style: TextStyle, stroke: float = 0.0) -> None:
    """Draw a run into a mask ("L"). x: where its left end is. stroke: width of an outline around it, pixels."""
    from PIL import Image, ImageChops, ImageDraw

    fine, around = _fineness(style.size), math.ceil(style.size + stroke)
    left, top = (0, 0) if fine == 1 else (math.floor(x) - around, math.floor(baseline) - 2 * around)
    large = mask if fine == 1 else Image.new("L", (fine * (math.ceil(run.width) + 2 * around + 1), fine * 3 * around))
    pen, font = ImageDraw.Draw(large), load(run.face, style.size * fine, style.weight)
    for at, text in _placed(run, style):
        pen.text(
            ((x + at - left) * fine, (baseline - top) * fine), _drawn(text), fill=255, font=font, anchor="ls",
            stroke_width=stroke * fine, **_manner(run.rtl, style),
        )  # fmt: skip
    if fine > 1:
        over = Image.new("L", mask.size)
        over.paste(large.reduce(fine), (left, top))
        mask.paste(ImageChops.lighter(mask, over))


def _placed(run: Run, style: TextStyle) -> Iterator[tuple[float, str]]:
    """What is drawn at once, and how far from the left end: all of it, or letter by letter where they are spaced."""
    if not style.letters or _is_joined(run.text):
        yield 0.0, run.text
        return
    done = ""
    for number, cluster in enumerate(clusters.split(run.text)):
        before = _advance(done, run.face, run.rtl, style) + style.letters * style.size * number if done else 0.0
        done += cluster
        yield (run.width - width(done, run.face, run.rtl, style) if run.rtl else before), cluster


def draw_emoji(run: Run, x: float, baseline: float, picture: PilImage, style: TextStyle) -> None:
    """Draw a run of a coloured font into a picture ("RGBA")."""
    split = clusters.split(run.text)
    for cluster in reversed(split) if run.rtl else split:
        drawn = _emoji(_for_font(cluster), run.face, style.size)
        if drawn is not None:
            at = round(x + _EMOJI_ROOM * style.size), round(baseline + _EMOJI_DROP * style.size - drawn.height)
            picture.alpha_composite(drawn, (max(0, at[0]), max(0, at[1])))
        x += _emoji_width(cluster, run.face, style.size)


def _emoji_width(cluster: str, face: Face, size: float) -> float:
    if cluster.isspace():
        return 0.28 * size
    drawn = _emoji(_for_font(cluster), face, size)
    return drawn.width + 2 * _EMOJI_ROOM * size if drawn is not None else 0.0


def _for_font(cluster: str) -> str:
    """A cluster as an emoji font wants it."""
    return cluster if can_shape() else "".join(c for c in cluster if not clusters.is_silent(c))


@lru_cache(256)
def _emoji(cluster: str, face: Face, size: float) -> PilImage | None:
    """An emoji cut out and brought to size, None where it has no picture."""
    from PIL import Image, ImageDraw

    strike, font = _strike(face, round(size * _EMOJI * 2))
    canvas = Image.new("RGBA", (4 * strike, 3 * strike))
    manner: dict[str, Any] = {"direction": "ltr"} if can_shape() else {}
    ImageDraw.Draw(canvas).text((strike, strike), cluster, font=font, embedded_color=True, **manner)
    box = canvas.getbbox()
    if box is None:
        return None
    cut = canvas.crop(box)
    scale = 1.12 * _EMOJI * size / max(cut.size)
    wanted = max(1, round(cut.width * scale)), max(1, round(cut.height * scale))
    return cut.convert("RGBa").resize(wanted, Image.Resampling.LANCZOS).convert("RGBA")


@lru_cache(16)
def _strike(face: Face, wanted: int) -> tuple[int, Any]:
    """A size in which an emoji font draws: any, or one of those in which it holds pictures."""
    from PIL import ImageFont

    for strike in (*_STRIKES, wanted):
        try:
            return strike, ImageFont.truetype(_source(face.path), strike, face.index)
        except OSError:
            continue
    raise InputError(f"The font file '{face.path}' cannot be drawn with.")


def _source(path: Path) -> str | BytesIO:
    """What Pillow opens. FreeType maps a file into memory, and a mapped file that somebody writes anew takes the whole
    process with it (SIGBUS); so what is not huge is read.
    """
    about = path.stat()
    return str(path) if about.st_size > _MAPPED else BytesIO(_content(path, about.st_mtime_ns))


@lru_cache(8)
def _content(path: Path, changed: int) -> bytes:
    return path.read_bytes()


@lru_cache(128)
def load(face: Face, size: float, weight: int) -> Any:
    """A face at a size, for drawing. Raises InputError for a font that is damaged."""
    from PIL import ImageFont

    try:
        font = ImageFont.truetype(_source(face.path), size, face.index)
        if face.weights:
            axes = font.get_variation_axes()
            wanted: list[float] = [axis["default"] or 0 for axis in axes]
            for number, axis in enumerate(axes):
                if b"eight" in axis["name"]:
                    wanted[number] = min(max(weight, face.weights[0]), face.weights[1])
            font.set_variation_by_axes(wanted)
    except (OSError, ValueError):
        raise InputError(f"The font file '{face.path}' cannot be drawn with.") from None
    return font
