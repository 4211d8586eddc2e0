"""Who speaks in a project: face, place in the picture, voice and manner."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from mien.apps.studio.groups import Group, item
from mien.apps.studio.kinds import Choice, File, Flag, Measure, Number, Text
from mien.apps.studio.source import Node
from mien.apps.studio.values import Length
from mien.types import EMOTION_NAMES

LANGUAGE: Final = Text(40, r"auto|[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*", "zh, en or auto")

PICTURES: Final = frozenset({".png", ".jpg", ".jpeg", ".webp", ".avif", ".bmp", ".tif", ".tiff", ".gif"})
VIDEOS: Final = frozenset({".mp4", ".m4v", ".mov", ".webm", ".mkv", ".avi", ".mpg", ".mpeg", ".ts"})
LARGEST: Final = 4
"""Times the canvas's side that a box may measure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a box is on the canvas, as CSS's background-position has it.

    x, y: in %, the point of the box at that share of it lies at that share of the canvas (0% flush left or top, 50%
    in the middle, 100% flush right or bottom); in px, its left or top edge. width, height: of the box, None = by the
    content's own shape; with both the content fills the box.
    """

    x: Length = item(Measure(), "From the left: 50% is the middle, 100% flush right.", Length(50.0, "%"))
    y: Length = item(Measure(), "From the top: 50% is the middle, 100% flush with the bottom.", Length(50.0, "%"))
    width: Length | None = item(Measure(positive=True), "Of the canvas's width, or pixels.", None)
    height: Length | None = item(Measure(positive=True), "Of the canvas's height, or pixels.", None)

    def too_large(self, canvas: tuple[int, int]) -> bool:
        """Whether a side is over :data:`LARGEST` times that of a canvas of width and height pixels."""
        sides = zip((self.width, self.height), canvas, strict=True)
        return any(side is not None and side.pixels(whole) > LARGEST * whole for side, whole in sides)

    def corner(self, box: tuple[float, float], canvas: tuple[int, int]) -> tuple[float, float]:
        """Left and top, pixels, of a box of width and height pixels on a canvas."""
        left, top = (
            length.value if length.unit == "px" else length.value / 100.0 * (whole - size)
            for length, size, whole in zip((self.x, self.y), box, canvas, strict=True)
        )
        return left, top


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """Who speaks, as ``mien voice list`` names them."""

    name: str = item(Text(300, example="auto, or a name from: mien voice list"), "As mien voice list has it.", "auto")
    rate: float = item(Number(0.5, 2.0), "Speed; 1 is the voice's own.", 1.0)
    pitch: float = item(Number(-1.0, 1.0), "Higher or lower.", 0.0)
    volume: float = item(Number(0.0, 2.0), "1 is usual.", 1.0)
    lexicon: Path | None = item(File("text"), "Pronunciations, as docs/voices.md has them.", None)
    fallback: bool = item(Flag(), "Where this voice fails, the embedded one speaks.", False)


def _shapes() -> tuple[str, ...]:
    from mien.stage.layers.person import SHAPES

    return SHAPES


def _voice(node: Node) -> Node:
    return Node(node.mark, node.path, fields={"name": node}, keys={"name": node.mark})


VOICE: Final = Group(Voice, "a voice's name, or {name: …, rate: 1.1}", _voice)
PLACE: Final = Group(Place, "a place such as {x: 50%, y: 100%, height: 60%}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who speaks: either a picture of a face or a kept avatar, or nobody that is seen.

    portrait: a picture. name: of a kept avatar (``mien avatar list``). hidden: only the voice is there. place: None =
    by the planner. The last eight are as in the settings ([face]); None = as they have it.
    """

    portrait: Path | None = item(File("picture"), "A picture of a face.", None)
    name: str = item(Text(100, example="a name from: mien avatar list"), "A kept avatar instead.", "")
    hidden: bool = item(Flag(), "Only the voice is there.", False)
    crop: str = item(Choice("auto", "none", "head", "bust"), "How much of the picture becomes the avatar.", "auto")
    face: int = item(Number(0, 63, whole=True), "Which face of the picture; 0 is the largest.", 0)
    place: Place | None = item(PLACE, "Where in the picture.", None)
    shape: str = item(Choice(ask=_shapes), "How the picture is cut.", "rectangle")
    shadow: bool = item(Flag(), "A soft shadow behind.", False)
    voice: Voice = item(VOICE, "Who speaks for them.", Voice)
    language: str = item(LANGUAGE, "Of the words; auto tells by the letters.", "auto")
    emotion: str | None = item(Choice(*EMOTION_NAMES), "The feeling where the script has no mark.", None)
    style: str | None = item(Choice("lively", "serious", "cartoon"), "How they move.", None)
    lip_strength: float | None = item(Number(0.0, 2.0), "1 is usual.", None)
    head_motion: float | None = item(Number(0.0, 2.0), "1 is usual.", None)
    blink_rate: float | None = item(Number(0.0, 2.0), "1 is usual.", None)
    smoothing: float | None = item(Number(0.0, 1.0), "Of the lips.", None)
    voice_expression: float | None = item(Number(0.0, 1.0), "How much the voice shows in the face.", None)
    seed: int | None = item(Number(0, 2**32 - 1, whole=True), "Another number, other idle life.", None)

    def rules(self, given: frozenset[str]) -> Iterator[tuple[str, str]]:
        """What does not fit together."""
        if self.portrait is not None and self.name:
            yield "name", "a portrait and a kept avatar are given; keep one of the two."
        if not (self.portrait or self.name or self.hidden):
            yield "portrait", "nobody is there to speak; name a picture with portrait, or write avatar: none."

    @property
    def options(self) -> dict[str, Any]:
        """What is set, by the names that :func:`mien.make` has for it."""
        named = {
            "crop": self.crop, "face": self.face, "voice": self.voice.name, "rate": self.voice.rate,
            "pitch": self.voice.pitch, "volume": self.voice.volume, "lexicon": self.voice.lexicon,
            "fallback": self.voice.fallback, "language": self.language, "emotion": self.emotion, "style": self.style,
            "lip_strength": self.lip_strength, "head_motion": self.head_motion, "blink_rate": self.blink_rate,
            "smoothing": self.smoothing, "voice_expression": self.voice_expression, "seed": self.seed,
        }  # fmt: skip
        return {key: value for key, value in named.items() if value is not None}


def avatar_fields(node: Node) -> Node:
    """What a single value means as an avatar: none, a picture's file, or the name of a kept one."""
    text = (node.text or "").strip()
    if node.off:
        said = Node(node.mark, node.path, "true")
        return Node(node.mark, node.path, fields={"hidden": said}, keys={"hidden": node.mark})
    key = "portrait" if Path(text).suffix.lower() in PICTURES else "name"
    return Node(node.mark, node.path, fields={key: node}, keys={key: node.mark})


PERSON: Final = Group(
    Person, "a picture of a face, or {portrait: anna.jpg}", avatar_fields, {"type": ["string", "boolean"]}
)
