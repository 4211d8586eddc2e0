"""What is seen in a project: the canvas, backgrounds, layers, and how one scene becomes the next."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

from mien.apps.studio.groups import FromTo, Group, Listing, When, item
from mien.apps.studio.kinds import (  # fmt: skip
    Bad,
    Book,
    Choice,
    Decibels,
    File,
    Flag,
    Font,
    Measure,
    Number,
    Paint,
    Reader,
    Schema,
    Text,
    Time,
)
from mien.apps.studio.person import PICTURES, PLACE, VIDEOS, Place
from mien.apps.studio.source import Node
from mien.apps.studio.values import Colour, Length, Moment, parse_colour, shown
from mien.errors import MienError
from mien.stage.size import canvas_size
from mien.timeline import TICKS_PER_SECOND, parse_fps

DEFAULT_CHANGE: Final = TICKS_PER_SECOND * 2 // 5
_POINTS: Final = {
    "centre": (0.5, 0.5), "center": (0.5, 0.5), "left": (0.0, 0.5), "right": (1.0, 0.5), "top": (0.5, 0.0),
    "bottom": (0.5, 1.0), "top-left": (0.0, 0.0), "top-right": (1.0, 0.0), "bottom-left": (0.0, 1.0),
    "bottom-right": (1.0, 1.0),
}  # fmt: skip


@dataclass(frozen=True)
class _Rate:
    """A frame rate."""

    def read(self, node: Node, reader: Reader) -> Fraction:
        try:
            return parse_fps((node.text or "")[:20])
        except MienError as error:
            raise Bad(node, f"{error.message.rstrip('.')}; write 24, 25, 29.97, 30, 50 or 60.") from None

    def schema(self, book: Book) -> Schema:
        return {"type": ["number", "string"]}


@dataclass(frozen=True)
class _Point:
    """Where a picture is looked at: a word, or two shares."""

    def read(self, node: Node, reader: Reader) -> tuple[float, float]:
        if node.items is not None and len(node.items) == 2:
            x, y = (Number(0.0, 1.0, percent=True).read(one, reader) for one in node.items)
            return x, y
        text = (node.text or "").strip()
        if text not in _POINTS:
            raise Bad(
                node, f"{shown(text)} is no place in a picture; write left, right, top, bottom, centre or top-left."
            )
        return _POINTS[text]

    def schema(self, book: Book) -> Schema:
        share = Number(0.0, 1.0, percent=True).schema(book)
        pair = {"type": "array", "items": share, "minItems": 2, "maxItems": 2}
        return {"anyOf": [{"enum": list(_POINTS)}, pair]}


@dataclass(frozen=True)
class _Pan:
    """Two points, or one for both. [left, right] are two; [20%, 30%] is one."""

    def read(self, node: Node, reader: Reader) -> tuple[tuple[float, float], tuple[float, float]]:
        single = node.items is None or all((one.text or "x").strip()[0] in "0123456789." for one in node.items)
        if single:
            point = _Point().read(node, reader)
            return point, point
        first, last = FromTo(_Point()).read(node, reader)
        return first, last

    def schema(self, book: Book) -> Schema:
        return FromTo(_Point()).schema(book)


@dataclass(frozen=True, slots=True, kw_only=True)
class Canvas:
    """How many pixels, and how often. size: "1080x1920", or "1080p" with an aspect; sides are even, 64…4096."""

    size: str = item(Text(20, r"\d{2,5}x\d{2,5}|\d{2,5}p?", "1080x1920 or 1080p"), "1080x1920, or 1080p.", "1080")
    aspect: str = item(Text(10, r"\d{1,3}:\d{1,3}|auto", "9:16, 16:9 or 1:1"), "9:16, 16:9, 1:1 or another.", "auto")
    fps: Fraction = item(_Rate(), "Frames a second.", Fraction(25))

    def rules(self, given: frozenset[str]) -> Iterator[tuple[str, str]]:
        """What does not fit together."""
        try:
            self.pixels  # noqa: B018
        except MienError as error:
            yield "size" if "size" in given else "aspect", f"{error.message.rstrip('.')}; write 1080x1920 or 1080p."

    @property
    def pixels(self) -> tuple[int, int]:
        """Width and height."""
        upright = "x" not in self.size and self.aspect == "auto"
        return canvas_size(self.size, "9:16" if upright else self.aspect, (9, 16))


def _canvas(node: Node) -> Node:
    key = "aspect" if ":" in (node.text or "") else "size"
    return Node(node.mark, node.path, fields={key: node}, keys={key: node.mark})


CANVAS: Final = Group(Canvas, "a size such as 1080x1920, or {aspect: 9:16}", _canvas)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trim:
    """A part of a file. start, end: ticks of the file; end None = its own."""

    start: int = item(Time(0, 6 * 3600), "Where it begins.", 0, key="from")
    end: int | None = item(Time(0, 6 * 3600), "Where it ends.", None, key="to")

    def rules(self, given: frozenset[str]) -> Iterator[tuple[str, str]]:
        """What does not fit together."""
        if self.end is not None and self.end <= self.start:
            yield "to", "the part ends before it begins; write a later time."


TRIM: Final = Group(Trim, "a part such as {from: 2s, to: 8s}")
ZOOM: Final = FromTo(Number(1.0, 8.0, percent=True))
PAN: Final = _Pan()
WHOLE: Final = Trim()
_MIDDLE: Final = (0.5, 0.5)
_Point2 = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Background:
    """What is behind everything: exactly one of colour, gradient, picture, video and blur.

    gradient: two colours or more along angle (degrees; 0 goes up, 90 to the right). zoom: of the picture, from and to;
    1 just fills the canvas. pan: where it is looked at, from and to; 0…1 from left to right, top to bottom. blur: the
    portrait's own surroundings, out of focus. dim: 0…1, how much darker.
    """

    colour: Colour | None = item(Paint(), "One colour.", None)
    gradient: tuple[Colour, ...] = item(Listing(Paint(), 8, "colours", 2, single=False), "Colours in a row.", ())
    angle: float = item(Number(-360, 360), "Of the gradient; 0 goes up, 90 to the right.", 180.0)
    picture: Path | None = item(File("picture"), "A picture that fills the canvas.", None)
    video: Path | None = item(File("video"), "A video that fills the canvas.", None)
    blur: bool = item(Flag(), "The portrait's own surroundings, out of focus.", False)
    zoom: tuple[float, float] = item(ZOOM, "From and to; 1 just fills the canvas.", (1.0, 1.0))
    pan: tuple[_Point2, _Point2] = item(PAN, "Where it is looked at, from and to.", (_MIDDLE, _MIDDLE))
    loop: bool = item(Flag(), "The video begins again when it ends.", True)
    trim: Trim = item(TRIM, "The part of the video.", WHOLE)
    dim: float = item(Number(0.0, 1.0, percent=True), "How much darker.", 0.0)

    def rules(self, given: frozenset[str]) -> Iterator[tuple[str, str]]:
        """What does not fit together."""
        kinds = [key for key in _BEHIND if getattr(self, key)]
        if len(kinds) != 1:
            have = " and ".join(kinds) or "nothing"
            yield kinds[-1] if kinds else "", f"this is {have}; write one of colour, gradient, picture, video and blur."
        elif misplaced := [key for key, of in _BELONGS.items() if key in given and kinds[0] not in of]:
            yield misplaced[0], f"a {kinds[0]} has no {misplaced[0]}; leave it out."

    @property
    def kind(self) -> str:
        """colour, gradient, picture, video or blur."""
        return next(key for key in _BEHIND if getattr(self, key))


_BEHIND: Final = ("colour", "gradient", "picture", "video", "blur")
_BELONGS: Final = {
    "zoom": ("picture",),
    "pan": ("picture",),
    "loop": ("video",),
    "trim": ("video",),
    "angle": ("gradient",),
}


def _background(node: Node) -> Node | None:
    text = (node.text or "").strip()
    suffix = Path(text).suffix.lower()
    if text == "blur":
        return Node(node.mark, node.path, fields={"blur": Node(node.mark, node.path, "true")})
    key = "picture" if suffix in PICTURES else "video" if suffix in VIDEOS else "colour"
    if key == "colour":
        try:
            parse_colour(text)
        except MienError:
            return None
    return Node(node.mark, node.path, fields={key: node}, keys={key: node.mark})


BACKGROUND: Final = Group(Background, "a picture, a video, a colour such as teal, or blur", _background)


def _ways_to_the_next() -> tuple[str, ...]:
    from mien.stage.layers.changes import KINDS

    return KINDS


def _ways_of_entering() -> tuple[str, ...]:
    from mien.stage.type.titles import ENTRANCES

    return ENTRANCES


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """From a scene to the next. ticks: how long both are seen; a cut takes none."""

    kind: str = item(Choice(ask=_ways_to_the_next), "How one becomes the other.", "fade")
    ticks: int = item(Time(0.0, 5.0), "How long it takes.", DEFAULT_CHANGE, key="for")

    @property
    def length(self) -> int:
        """Ticks that the two scenes overlap."""
        return 0 if self.kind == "cut" else self.ticks


@dataclass(frozen=True, slots=True, kw_only=True)
class Entrance:
    """How a layer comes or goes. kind: "" = as is usual for it. ticks: how long it takes, None = as is usual."""

    kind: str = item(Choice(ask=_ways_of_entering), "At once, fading, or sliding; words also wipe.", "fade")
    ticks: int | None = item(Time(0.0, 5.0), "How long it takes.", None, key="for")


def _of_kind(node: Node) -> Node:
    return Node(node.mark, node.path, fields={"kind": node}, keys={"kind": node.mark})


TRANSITION: Final = Group(Transition, "a way such as fade, or {kind: fade, for: 0.4s}", _of_kind)
_ENTRANCE: Final = Group(Entrance, "a way such as fade, or {kind: fade, for: 0.3s}", _of_kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class LowerThird:
    """Who is seen, in the lower third of the picture."""

    name: str = item(Text(80, example="a name"), "The first line.")
    role: str = item(Text(120, example="what they do"), "The second line.", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """Something in front of the background: exactly one of picture, video, slides, title and lower_third.

    at: when it comes. ticks: how long it stays, or until: when it goes; None of both = to the scene's end. page: of the
    slides, from 1. fit: how it fills a place that has both sides. volume: of a video's sound, dB; None = silent.
    behind: under the people. opacity: 0…1.
    """

    picture: Path | None = item(File("picture"), "A picture; its transparency is kept.", None)
    video: Path | None = item(File("video"), "A video.", None)
    slides: Path | None = item(File("document"), "A PDF, or a PPTX where LibreOffice is there.", None)
    title: str = item(Text(300, example="words", lines=True), "Words; a second line is smaller.", "")
    lower_third: LowerThird | None = item(Group(LowerThird, "{name: …, role: …}"), "Who is seen.", None)
    page: int = item(Number(1, 2000, whole=True), "Of the slides.", 1)
    colour: Colour | None = item(Paint(), "Of words.", None)
    size: Length | None = item(Measure(positive=True), "Of words: the height of a line.", None)
    font: str = item(Font(), "Of words: a font's name, or a file of it.", "")
    at: Moment = item(When(), "When it comes.", Moment())
    ticks: int | None = item(Time(0.04, 3600), "How long it stays.", None, key="for")
    until: Moment | None = item(When(), "When it goes.", None)
    place: Place | None = item(PLACE, "Where; None = as is usual for it.", None)
    fit: str = item(Choice("cover", "contain", "stretch"), "How it fills a place with both sides.", "cover")
    zoom: tuple[float, float] = item(ZOOM, "Of a picture, from and to.", (1.0, 1.0))
    pan: tuple[_Point2, _Point2] = item(PAN, "Where a picture is looked at, from and to.", (_MIDDLE, _MIDDLE))
    trim: Trim = item(TRIM, "The part of a video.", WHOLE)
    loop: bool = item(Flag(), "A video begins again when it ends.", False)
    volume_db: float | None = item(Decibels(), "Of a video's own sound; without it, it is silent.", None, key="volume")
    enter: Entrance = item(_ENTRANCE, "How it comes.", Entrance(kind=""))
    leave: Entrance = item(_ENTRANCE, "How it goes.", Entrance(kind=""), key="exit")
    opacity: float = item(Number(0.0, 1.0, percent=True), "1 hides what is behind.", 1.0)
    behind: bool = item(Flag(), "Under the people instead of over them.", False)

    def rules(self, given: frozenset[str]) -> Iterator[tuple[str, str]]:
        """What does not fit together."""
        kinds = [key for key in SHOWN if getattr(self, key)]
        if len(kinds) != 1:
            have = " and ".join(kinds) or "nothing"
            yield kinds[-1] if kinds else "", f"this shows {have}; write one of {', '.join(SHOWN)}."
            return
        if self.ticks is not None and self.until is not None:
            yield "until", "both for and until are given; keep one of the two."
        if self.until is not None and self.until.fixed and self.at.fixed and self.until.ticks <= self.at.ticks:
            yield "until", "this goes before it comes; write a later time, or for: 3s."
        for key, entrance in (("enter", self.enter), ("exit", self.leave)):
            if entrance.kind == "wipe" and kinds[0] not in _WORDS:
                yield key, f"a {kinds[0]} cannot wipe; write fade, up, down, left or right."
        if misplaced := [key for key, of in _SHOWS.items() if key in given and kinds[0] not in of]:
            yield misplaced[0], f"a {kinds[0]} has no {misplaced[0]}; leave it out."

    @property
    def kind(self) -> str:
        """picture, video, slides, title or lower_third."""
        return next(key for key in SHOWN if getattr(self, key))


SHOWN: Final = ("picture", "video", "slides", "title", "lower_third")
_WORDS: Final = ("title", "lower_third")
_SHOWS: Final[dict[str, tuple[str, ...]]] = {
    "page": ("slides",), "zoom": ("picture", "slides"), "pan": ("picture", "slides"), "trim": ("video",),
    "loop": ("video",), "volume": ("video",), "colour": _WORDS, "size": _WORDS, "font": _WORDS,
    "fit": ("picture", "slides"),
}  # fmt: skip
LAYER: Final[Any] = Group(Layer, "a layer such as {picture: leaf.png, at: 1s, for: 3s}")
