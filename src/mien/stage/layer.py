"""What lies one upon the other in a picture, and the compositor that draws again only what changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from mien.types import ByteArray


@dataclass(frozen=True, slots=True)
class Patch:
    """What a layer shows at a moment.

    x, y: its top left corner, canvas pixels, possibly outside. pixels: uint8 (h, w, 3), or (h, w, 4) with straight
    alpha. version: two patches of one layer with equal versions are the same pixels at the same place.
    """

    x: int
    y: int
    pixels: ByteArray
    version: int = 0


class Layer(Protocol):
    """Something in the picture."""

    def at(self, tick: int) -> Patch | None:
        """What it shows, None = nothing. The same tick gives the same patch, in any order of asking."""
        ...


@dataclass(frozen=True, slots=True)
class _Box:
    """Rows top to bottom and columns left to right, ends not included."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def empty(self) -> bool:
        return self.right <= self.left or self.bottom <= self.top

    def within(self, other: _Box) -> _Box:
        return _Box(
            max(self.left, other.left), max(self.top, other.top),
            min(self.right, other.right), min(self.bottom, other.bottom),
        )  # fmt: skip

    def around(self, other: _Box) -> _Box:
        return _Box(
            min(self.left, other.left), min(self.top, other.top),
            max(self.right, other.right), max(self.bottom, other.bottom),
        )  # fmt: skip


class Stack:
    """Layers from the lowest to the highest on a canvas, black where none is opaque."""

    def __init__(self, layers: Sequence[Layer], width: int, height: int) -> None:
        self._layers = tuple(layers)
        self._all = _Box(0, 0, width, height)
        self._shown: list[Patch | None] = [None] * len(self._layers)
        self._picture = np.zeros((height, width, 3), np.uint8)

    def at(self, tick: int) -> ByteArray:
        """The picture, uint8 (height, width, 3). It is the stack's own and changes with the next call."""
        patches = [layer.at(tick) for layer in self._layers]
        changed = [
            box
            for old, new in zip(self._shown, patches, strict=True)
            if not _same(old, new)
            for box in self._boxes(old, new)
        ]
        self._shown = patches
        for box in _merged(changed):
            self._draw(box)
        return self._picture

    def _boxes(self, *patches: Patch | None) -> list[_Box]:
        boxes = [_box(patch).within(self._all) for patch in patches if patch is not None]
        return [box for box in boxes if not box.empty]

    def _draw(self, box: _Box) -> None:
        """All layers, within a box. What an opaque one hides is not drawn."""
        from mien.stage.blend import blend_rows

        visible = [p for p in self._shown if p is not None and not _box(p).within(box).empty]
        first = max((i for i, p in enumerate(visible) if _hides(p, box)), default=-1)
        if first < 0:
            self._picture[box.top : box.bottom, box.left : box.right] = 0
        for patch in visible[max(first, 0) :]:
            part = _box(patch).within(box)
            out = self._picture[part.top : part.bottom, part.left : part.right]
            rows, columns = part.top - patch.y, part.left - patch.x
            over = patch.pixels[rows : rows + out.shape[0], columns : columns + out.shape[1]]
            if over.shape[2] == 3:
                out[:] = over
            else:
                blend_rows(over, out)


def _same(old: Patch | None, new: Patch | None) -> bool:
    return old is new or (old is not None and new is not None and old.version == new.version)


def _box(patch: Patch) -> _Box:
    height, width = patch.pixels.shape[:2]
    return _Box(patch.x, patch.y, patch.x + width, patch.y + height)


def _hides(patch: Patch, box: _Box) -> bool:
    return patch.pixels.shape[2] == 3 and _box(patch).within(box) == box


def _merged(boxes: list[_Box]) -> list[_Box]:
    """Boxes that overlap become one around them, so that nothing is drawn twice."""
    out: list[_Box] = []
    for box in boxes:
        wide = box
        while hit := next((o for o in out if not o.within(wide).empty), None):
            out.remove(hit)
            wide = wide.around(hit)
        out.append(wide)
    return out
