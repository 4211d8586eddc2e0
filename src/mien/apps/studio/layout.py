"""Where people and layers are in the picture where the project does not say, in whole pixels where it does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mien.apps.studio.person import Person, Place

Box = tuple[int, int, int, int]
"""x, y, width, height on the canvas, pixels."""

_ALONE: Final = {"bust": (1.0, 0.62), "circle": (0.5, 0.5), "rectangle": (0.84, 0.5)}
"""Shares of the canvas's width and height for somebody alone."""
_LOW: Final = 0.94
"""Where in the free height a box that stands nowhere is: near the bottom, above what players draw there."""
_OVERLAP: Final = 1.32
"""Busts side by side are wider than their share, for shoulders leave room beside heads."""
_UNEQUAL: Final = 1.35
"""How much larger than the smallest head others may be."""
_BEYOND: Final = 0.06
"""Share of the canvas's width by which shoulders may leave it."""


def person_box(person: Person, index: int, count: int, canvas: tuple[int, int], shape: float, *, behind: bool) -> Box:
    """Where somebody is. index: from the left, of count people. shape: width / height of their picture. behind: whether
    there is a background of its own.
    """
    width, height = canvas
    if person.shape == "full" or (person.place is None and count == 1 and not behind and person.shape == "rectangle"):
        return 0, 0, width, height
    if person.place is not None:
        ratio = 1.0 if person.shape == "circle" else shape
        return placed(person.place, canvas, ratio, (0.6, 0.6) if count == 1 else (0.9 / count, 0.6))
    if count == 1:
        return _alone(person.shape, canvas)
    if person.shape == "rectangle":
        return _split(index, count, canvas)
    return _beside(person.shape, index, count, canvas)


def placed(place: Place, canvas: tuple[int, int], ratio: float, usual: tuple[float, float]) -> Box:
    """A box of a place. ratio: width / height of what is in it, for a place that gives less than both sides. usual:
    shares of the canvas that it fits into where the place gives neither.
    """
    width = None if place.width is None else place.width.pixels(canvas[0])
    height = None if place.height is None else place.height.pixels(canvas[1])
    if width is None and height is None:
        width = min(usual[0] * canvas[0], usual[1] * canvas[1] * ratio)
    if width is None:
        width = (height or 0.0) * ratio
    if height is None:
        height = width / ratio
    x, y = place.corner((width, height), canvas)
    return round(x), round(y), max(2, round(width)), max(2, round(height))


def centres(boxes: Mapping[str, Box], canvas: tuple[int, int]) -> dict[str, float]:
    """Where each stands, from left (0) to right (1)."""
    return {who: (x + width / 2) / canvas[0] for who, (x, _, width, _) in boxes.items()}


def level(boxes: Mapping[str, Box], heads: Mapping[str, float], canvas: tuple[int, int]) -> dict[str, Box]:
    """Boxes of people side by side whose heads are about equally large: the larger ones shrink. They keep their middle
    and stand on the same ground.

    heads: how large each head is in its box, pixels.
    """
    wanted = min(heads.values(), default=0.0) * _UNEQUAL
    out = {}
    for who, (x, y, width, height) in boxes.items():
        share = min(1.0, wanted / heads[who]) if heads[who] else 1.0
        wide, high = max(2, round(width * share)), max(2, round(height * share))
        left = 0 if x < 0 else canvas[0] - wide if x + width > canvas[0] else x + (width - wide) // 2
        out[who] = (x if share == 1.0 else left, y + height - high, wide, high)
    return out


def _alone(shape: str, canvas: tuple[int, int]) -> Box:
    width, height = canvas
    across, down = _ALONE[shape]
    wide, high = round(width * across), round(height * down)
    if shape == "bust":
        wide = min(wide, round(high * 1.4))
        return (width - wide) // 2, height - high, wide, high
    wide = high = min(wide, high)
    return (width - wide) // 2, round((height - high) * _LOW), wide, high


def _split(index: int, count: int, canvas: tuple[int, int]) -> Box:
    """The canvas in equal parts: one above the other where it is upright, else side by side."""
    width, height = canvas
    if height > width:
        top, bottom = (round(height * k / count) for k in (index, index + 1))
        return 0, top, width, bottom - top
    left, right = (round(width * k / count) for k in (index, index + 1))
    return left, 0, right - left, height


def _beside(shape: str, index: int, count: int, canvas: tuple[int, int]) -> Box:
    width, height = canvas
    middle = width * (index + 0.5) / count
    if shape == "circle":
        size = round(min(0.9 * width / count, 0.45 * height))
        return round(middle - size / 2), round((height - size) * 0.6), size, size
    wide = round(width / count * _OVERLAP)
    high = min(round(0.62 * height), round(wide * 1.25))
    left = round(min(max(middle - wide / 2, -_BEYOND * width), (1 + _BEYOND) * width - wide))
    return left, height - high, wide, high
