"""The canvas: how many pixels a film has."""

from __future__ import annotations

import math
import re
from typing import Final

from mien.errors import UsageError

_FILM_SIDE: Final = 720
_PREVIEW_SIDE: Final = 360
_SMALLEST, _LARGEST = 64, 4096
_WIDE: Final = 16 / 9
_SHAPES: Final = (9 / 16, 2 / 3, 3 / 4, 4 / 5, 1.0, 5 / 4, 4 / 3, 3 / 2, _WIDE)  # what players and platforms know
_HINT: Final = "Use --size 512, 720p, 1080p or 640x480, with --aspect 9:16, 16:9 or 1:1."


def check_size(size: str, aspect: str) -> None:
    """Raise UsageError when the words cannot make a canvas, whatever the portrait's shape."""
    canvas_size(size, aspect, (1, 1))


def canvas_size(size: str, aspect: str, picture: tuple[int, int], *, preview: bool = False) -> tuple[int, int]:
    """Width and height in pixels, both even.

    size: "512" is a square or, with an aspect, the shorter side; "720p" the shorter side, 16:9 without an aspect;
    "640x480" is exact; "auto" is 720 on the shorter side (360 for previews). aspect: "9:16" …; "auto" with size
    "auto" is the usual shape nearest to that of ``picture`` (width, height). Raises UsageError.
    """
    exact = re.fullmatch(r"(\d+)x(\d+)", size)
    shape = _ratio(aspect)
    if exact:
        return _exact(int(exact[1]), int(exact[2]), shape, aspect)
    lines = re.fullmatch(r"(\d+)(p?)", size)
    if lines:
        side = int(lines[1])
        shape = shape or (_WIDE if lines[2] else 1.0)
    elif size == "auto":
        side = _PREVIEW_SIDE if preview else _FILM_SIDE
        shape = shape or _nearest_shape(picture[0] / picture[1])
    else:
        raise UsageError(f"'{size}' is not a size.", hint=_HINT)
    width, height = (side * shape, side) if shape >= 1 else (side, side / shape)
    return _checked(2 * round(width / 2), 2 * round(height / 2))


def _nearest_shape(shape: float) -> float:
    return min(_SHAPES, key=lambda usual: abs(math.log(shape / usual)))


def _exact(width: int, height: int, shape: float | None, aspect: str) -> tuple[int, int]:
    if shape is not None and abs(width / max(height, 1) / shape - 1) > 0.02:
        raise UsageError(f"{width}x{height} is not {aspect}.", hint="Leave --aspect out, or give --size as one number.")
    _checked(width, height)
    if width % 2 or height % 2:
        even = f"{width + width % 2}x{height + height % 2}"
        raise UsageError(f"{width}x{height} has an odd side, which films cannot have.", hint=f"Use {even}.")
    return width, height


def _checked(width: int, height: int) -> tuple[int, int]:
    if min(width, height) < _SMALLEST or max(width, height) > _LARGEST:
        raise UsageError(f"{width}x{height} is outside {_SMALLEST} to {_LARGEST} pixels a side.", hint=_HINT)
    return width, height


def _ratio(aspect: str) -> float | None:
    if aspect == "auto":
        return None
    found = re.fullmatch(r"(\d{1,3}):(\d{1,3})", aspect)
    if not found or not int(found[1]) or not int(found[2]):
        raise UsageError(f"'{aspect}' is not an aspect ratio.", hint="Use 9:16, 16:9, 1:1 or auto.")
    ratio = int(found[1]) / int(found[2])
    if not 0.25 <= ratio <= 4:
        raise UsageError(f"{aspect} is too narrow for a film.", hint="Use ratios from 1:4 to 4:1.")
    return ratio
