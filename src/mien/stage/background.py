"""What is behind the person: a colour, a picture, a video that loops, the portrait's own surroundings blurred."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from mien.avatar import Avatar
from mien.errors import UsageError
from mien.stage.framing import Framing
from mien.stage.layers.footage import Footage
from mien.stage.layers.pictures import read_picture
from mien.types import ByteArray

Backdrop = Callable[[int], ByteArray]
"""Tick → the picture behind the person then, uint8 (h, w, 3). The array must not be changed."""

_VIDEO_ENDINGS: Final = frozenset({".mp4", ".m4v", ".mov", ".webm", ".mkv", ".avi", ".gif", ".mpg", ".mpeg", ".ts"})
_HINT: Final = (
    "Use a picture or video file, a colour such as '#20304f' or teal, or one of source, blur and transparent."
)


@dataclass(frozen=True, slots=True)
class BackgroundSpec:
    """A checked choice. kind: "source", "transparent", "blur", "colour", "picture" or "video"."""

    kind: str
    colour: tuple[int, int, int] = (0, 0, 0)
    path: Path | None = None

    @property
    def own(self) -> bool:
        """Whether the portrait's own background is shown, so that nothing has to be composed."""
        return self.kind == "source"


def parse_background(text: str) -> BackgroundSpec:
    """What ``--background`` says. Raises UsageError for what is neither a word, a colour nor a file."""
    word = text.strip()
    if word.lower() in ("source", "portrait", ""):
        return BackgroundSpec("source")
    if word.lower() in ("transparent", "blur"):
        return BackgroundSpec(word.lower())
    if len(word) < 4096 and "\0" not in word:
        path = Path(word)
        with suppress(OSError):
            if path.is_file():
                return BackgroundSpec("video" if path.suffix.lower() in _VIDEO_ENDINGS else "picture", path=path)
    return BackgroundSpec("colour", colour=parse_colour(word))


def parse_colour(text: str) -> tuple[int, int, int]:
    """Red, green, blue from a CSS name, ``#rgb``, ``#rrggbb``, ``rgb(…)`` or ``hsl(…)``. Raises UsageError."""
    from PIL import ImageColor

    try:
        colour = ImageColor.getrgb(text if len(text) < 100 else "")
    except ValueError:
        shown = text if len(text) < 60 else text[:57] + "…"
        raise UsageError(f"The background '{shown}' is neither a file nor a colour.", hint=_HINT) from None
    return colour[0], colour[1], colour[2]


def open_backdrop(spec: BackgroundSpec, width: int, height: int, avatar: Avatar, framing: Framing) -> Backdrop:
    """The backdrop for a canvas. Not for kinds "source" and "transparent". Raises InputError for unreadable files."""
    if spec.kind == "video" and spec.path is not None:
        footage = Footage(spec.path, (0, 0, width, height), loop=True)
        return lambda tick: footage.at(tick).pixels
    if spec.kind == "picture" and spec.path is not None:
        still = load_picture(spec.path, width, height)
    elif spec.kind == "blur":
        still = blurred_surroundings(avatar, framing, width, height)
    else:
        still = np.full((height, width, 3), spec.colour, np.uint8)
    return lambda tick: still


def load_picture(path: Path, width: int, height: int) -> ByteArray:
    """A picture that fills width × height: scaled, its middle kept. Transparent parts become white."""
    pixels = read_picture(path, width, height)
    if pixels.shape[2] == 3:
        return pixels
    from mien.stage.blend import blend_rows

    paper = np.full((height, width, 3), 255, np.uint8)
    blend_rows(pixels, paper)
    return paper


def blurred_surroundings(avatar: Avatar, framing: Framing, width: int, height: int) -> ByteArray:
    """The portrait's own background out of focus, without the person's colours bleeding into it."""
    import cv2

    shrink = 4
    size = (-(-width // shrink), -(-height // shrink))
    matrix = np.array([[framing.scale, 0, framing.x], [0, framing.scale, framing.y]]) / shrink
    smooth = cv2.GaussianBlur(avatar.textures["color"], (0, 0), max(0.3, 0.4 * shrink / framing.scale))
    picture = cv2.warpAffine(smooth, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    matte = cv2.warpAffine(avatar.textures["matte"], matrix, size, borderMode=cv2.BORDER_REPLICATE)
    matte = cv2.dilate(matte, np.ones((7, 7), np.uint8))
    open_ = (1.0 - matte.astype(np.float32) / 255.0)[..., None]
    total, weight = np.zeros((*picture.shape[:2], 3), np.float32), np.zeros((*picture.shape[:2], 1), np.float32)
    for part, trust in ((0.025, 1.0), (0.1, 1e-2), (0.4, 1e-4)):  # wider circles fill in behind the person
        sigma = part * max(size)
        total += trust * cv2.GaussianBlur(picture * open_, (0, 0), sigma)
        weight += trust * cv2.GaussianBlur(open_, (0, 0), sigma).reshape(weight.shape)
    total += 1e-6 * picture.mean(axis=(0, 1))
    blurred = np.clip(total / (weight + 1e-6), 0, 255)
    return cv2.resize(blurred, (width, height), interpolation=cv2.INTER_CUBIC).clip(0, 255).astype(np.uint8)
