"""What is behind the person: a colour, a picture, a video that loops, the portrait's own surroundings blurred."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import numpy as np

from mien.avatar import Avatar
from mien.errors import InputError, UsageError
from mien.footage import moving, open_file, upright
from mien.stage.framing import Framing
from mien.timeline import TICKS_PER_SECOND
from mien.types import ByteArray

Backdrop = Callable[[int], ByteArray]
"""Tick → the picture behind the person then, uint8 (h, w, 3). The array must not be changed."""

_MAX_PIXELS: Final = 120_000_000
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
        return LoopingVideo(spec.path, width, height).at
    if spec.kind == "picture" and spec.path is not None:
        still = load_picture(spec.path, width, height)
    elif spec.kind == "blur":
        still = blurred_surroundings(avatar, framing, width, height)
    else:
        still = np.full((height, width, 3), spec.colour, np.uint8)
    return lambda tick: still


def load_picture(path: Path, width: int, height: int) -> ByteArray:
    """A picture that fills width × height: scaled, its middle kept. Transparent parts become white."""
    from PIL import Image, ImageOps

    try:
        with Image.open(path) as opened:
            if opened.width * opened.height > _MAX_PIXELS:
                raise InputError(f"The background {path.name} has over {_MAX_PIXELS // 10**6} million pixels.")
            opened.draft("RGB", (2 * width, 2 * height))
            upright = ImageOps.exif_transpose(opened)
            if upright.has_transparency_data:
                paper = Image.new("RGBA", upright.size, "white")
                upright = Image.alpha_composite(paper, upright.convert("RGBA"))
            fitted = ImageOps.fit(upright.convert("RGB"), (width, height), Image.Resampling.LANCZOS)
            return np.asarray(fitted)
    except InputError:
        raise
    except Exception as error:  # Pillow's decoders raise many kinds for damaged files
        raise InputError(
            f"The background {path.name} cannot be read as a picture.", hint="Use a PNG, JPEG, WebP or AVIF file."
        ) from error


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


class LoopingVideo:
    """A video file decoded in step with the film, from its beginning again when it ends. One frame in memory.

    Times asked for must not fall. Raises InputError when it cannot be opened or has no pictures.
    """

    def __init__(self, path: Path, width: int, height: int) -> None:
        self._path, self._size = path, (width, height)
        self._round_start = Fraction(0)
        self._frames = self._decode()
        self._shown: ByteArray | None = None
        self._pending = next(self._frames, None)
        if self._pending is None:
            raise InputError(f"The background video {path.name} holds no pictures.", hint="Use another file.")

    def at(self, tick: int) -> ByteArray:
        """The picture at a tick, uint8 (h, w, 3), filling the canvas."""
        now = Fraction(tick, TICKS_PER_SECOND)
        due: Any = None
        while self._pending is not None and (self._pending[0] <= now or (self._shown is None and due is None)):
            due = self._pending[1]
            self._pending = next(self._frames, None)
        if due is not None:
            self._shown = self._fit(due)
        assert self._shown is not None
        return self._shown

    def _decode(self) -> Iterator[tuple[Fraction, Any]]:
        """Film time and frame, round after round. A round that shows nothing ends it."""
        while True:
            last, step = None, Fraction(1, 25)
            for seconds, frame in self._round():
                if last is not None and seconds > last:
                    step = seconds - last
                last = seconds
                yield self._round_start + seconds, frame
            if last is None:
                return
            self._round_start += last + step

    def _round(self) -> Iterator[tuple[Fraction, Any]]:
        import av.error

        try:
            with open_file(self._path) as file:
                streams = moving(file)
                if not streams:
                    return
                stream = streams[0]
                stream.thread_type = "SLICE"
                first = None
                for frame in file.decode(stream):
                    if frame.pts is None or frame.time_base is None:
                        continue
                    seconds = frame.pts * frame.time_base
                    first = seconds if first is None else first
                    yield seconds - first, frame
        except (OSError, av.error.FFmpegError, ValueError) as error:
            raise InputError(
                f"The background video {self._path.name} cannot be decoded.", hint="Convert it to mp4."
            ) from error

    def _fit(self, frame: Any) -> ByteArray:
        import cv2

        pixels = upright(frame)
        width, height = self._size
        scale = max(width / pixels.shape[1], height / pixels.shape[0])
        crop_w, crop_h = min(pixels.shape[1], round(width / scale)), min(pixels.shape[0], round(height / scale))
        x, y = (pixels.shape[1] - crop_w) // 2, (pixels.shape[0] - crop_h) // 2
        part = np.ascontiguousarray(pixels[y : y + crop_h, x : x + crop_w])
        quality = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        return np.asarray(cv2.resize(part, (width, height), interpolation=quality), np.uint8)
