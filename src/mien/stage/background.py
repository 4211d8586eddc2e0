"""What is behind the person: a colour, two that run into each other, a picture, a video that loops, the portrait's own
surroundings blurred.
"""

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
    "Use a picture or video file, a colour such as '#20304f' or teal, two with a comma between them, or one of source, "
    "blur and transparent."
)


@dataclass(frozen=True, slots=True)
class BackgroundSpec:
    """A checked choice. kind: "source", "transparent", "blur", "colour", "gradient", "picture" or "video".

    colour: of all, or of the top, with lower at the bottom. path: of a picture or video. data: a picture as a file has
    it.
    """

    kind: str
    colour: tuple[int, int, int] = (0, 0, 0)
    lower: tuple[int, int, int] = (0, 0, 0)
    path: Path | None = None
    data: bytes | None = None

    @property
    def own(self) -> bool:
        """Whether the portrait's own background is shown, so that nothing has to be composed."""
        return self.kind == "source"


def parse_background(text: str, *, files: bool = True) -> BackgroundSpec:
    """What ``--background`` says. files: False = no file is looked for. Raises UsageError for what is neither a word, a
    colour nor a file.
    """
    word = text.strip()
    if word.lower() in ("source", "portrait", ""):
        return BackgroundSpec("source")
    if word.lower() in ("transparent", "blur"):
        return BackgroundSpec(word.lower())
    if files and len(word) < 4096 and "\0" not in word:
        path = Path(word)
        with suppress(OSError):
            if path.is_file():
                return BackgroundSpec("video" if path.suffix.lower() in _VIDEO_ENDINGS else "picture", path=path)
    top, comma, bottom = word.partition(",")
    if comma and "(" not in word:
        return BackgroundSpec("gradient", colour=parse_colour(top.strip()), lower=parse_colour(bottom.strip()))
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
    source = spec.path or spec.data
    if spec.kind == "picture" and source is not None:
        still = load_picture(source, width, height)
    elif spec.kind == "gradient":
        still = gradient(spec.colour, spec.lower, width, height)
    elif spec.kind == "blur":
        still = blurred_surroundings(avatar, framing, width, height)
    else:
        still = np.full((height, width, 3), spec.colour, np.uint8)
    return lambda tick: still


def gradient(top: tuple[int, int, int], bottom: tuple[int, int, int], width: int, height: int) -> ByteArray:
    """One colour running into another from top to bottom. Half a level of noise, always the same, hides the steps."""
    share = np.linspace(0, 1, height)[:, None, None]
    smooth = np.broadcast_to(np.array(top) * (1 - share) + np.array(bottom) * share, (height, width, 3))
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, (height, width, 1))
    return np.round(smooth + noise).clip(0, 255).astype(np.uint8)


def load_picture(path: Path | bytes, width: int, height: int) -> ByteArray:
    """A picture that fills width × height: scaled, its middle kept. Transparent parts become white. path: of a file, or
    what is in one.
    """
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
