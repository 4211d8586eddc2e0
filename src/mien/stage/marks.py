"""The last step of a picture: what marks it as made by a machine, for eyes and for ``mien verify``."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mien.config import TrustConfig
from mien.errors import InputError, UsageError
from mien.stage.label import Label, paint, words_of
from mien.stage.watermark.embed import PUBLIC_KEY, Watermark
from mien.types import ByteArray

_MOST_KEY: Final = 4096


@dataclass(frozen=True)
class Marks:
    """Which marks. label: words, "" = none. payload: of the invisible mark, None = none. key: its key."""

    label: str = ""
    payload: int | None = None
    key: str = PUBLIC_KEY

    def check(self) -> None:
        """Raise MissingError where no font here has the label's letters."""
        if self.label:
            paint(self.label, 640, 360)

    def finisher(self) -> Finisher | None:
        """What puts them into pictures; None when there are none."""
        return Finisher(self) if self.label or self.payload is not None else None


class Finisher:
    """Marks pictures: the label first, and the invisible mark through it all. The same picture, the same result."""

    def __init__(self, marks: Marks) -> None:
        self._label = Label(marks.label) if marks.label else None
        self._mark = Watermark(marks.payload, marks.key) if marks.payload is not None else None

    def __call__(self, tick: int, pixels: ByteArray) -> ByteArray:
        """A new array; pixels: uint8 (h, w, 3 or 4)."""
        if self._label is not None:
            pixels = pixels.copy()
            self._label.draw(pixels)
        return pixels if self._mark is None else self._mark(tick, pixels)


def marks_of(settings: TrustConfig, about: Iterable[str], language: str = "") -> Marks:
    """The marks that the settings ask for. about: what the film is of; of that an "auto" payload is made.

    Raises UsageError, InputError.
    """
    label = words_of(settings.label, language) if settings.label else ""
    if not settings.watermark:
        return Marks(label)
    payload = payload_of(about) if settings.watermark == "auto" else int(settings.watermark)
    if payload >= 1 << 32:
        raise UsageError(f"The watermark {payload} is over {(1 << 32) - 1}.", hint="Use a smaller number, or auto.")
    return Marks(label, payload, read_key(settings.key_file))


def payload_of(about: Iterable[str]) -> int:
    """32 bits that are the same for the same words: the first of their SHA-256."""
    digest = hashlib.sha256("\0".join(about).encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:4], "big")


def read_key(file: str) -> str:
    """The watermark's key: the content of a file without white space at its ends, or the public one for "".

    Raises InputError.
    """
    if not file:
        return PUBLIC_KEY
    try:
        with Path(file).expanduser().open("rb") as stream:
            text = stream.read(_MOST_KEY + 1).decode("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"The key file '{file}' cannot be read: {getattr(error, 'strerror', None) or error}."
        ) from None
    if not text or len(text) > _MOST_KEY:
        raise InputError(f"The key file '{file}' must hold 1 to {_MOST_KEY} characters.", hint="Any words will do.")
    return text
