"""The people of a film, ready to be drawn. What scenes have in common (avatars, canvases, shadows) is made once."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

import numpy as np

from mien import plugins
from mien.apps.studio.drawn import Drawn
from mien.apps.studio.layout import Box
from mien.apps.studio.performed import Movement
from mien.apps.studio.person import Person
from mien.apps.studio.plan import subject
from mien.avatar import Avatar
from mien.engine import place
from mien.render.base import Canvas, PartialCanvas
from mien.stage.layer import Layer, Patch
from mien.stage.layers.person import Person as Figure
from mien.stage.layers.person import fading, mask_of, masked, shadow
from mien.stage.layers.still import Still
from mien.types import ByteArray, FloatArray

_ROUND: Final = 0.045
"""Radius of a box's corners, of its shorter side."""
_SHADOW: Final = 0.022
"""Softness of a shadow, of the canvas's shorter side."""
_KEPT: Final = 4
"""People, each of a size and shape, that are kept ready: about 50 MB each at 1080 x 1920."""


class Figures:
    """Makes the layers that show people on a canvas of (width, height). tell: told when an avatar has to be made."""

    def __init__(self, canvas: tuple[int, int], fps: Fraction, tell: Callable[[str], None] = lambda _: None) -> None:
        self._canvas, self._fps, self._tell = canvas, fps, tell
        self._avatars: dict[tuple[object, ...], Avatar] = {}
        self._easels: OrderedDict[tuple[object, ...], Easel] = OrderedDict()
        self._renderer: Any = None

    def avatar(self, person: Person) -> Avatar:
        """Somebody's avatar. Raises InputError."""
        key = _face(person)
        if key not in self._avatars:
            self._avatars[key] = subject(person).load(self._tell)
        return self._avatars[key]

    def layers(self, person: Person, box: Box, movement: Movement, first: int, stack: ExitStack) -> list[Layer]:
        """A shadow if there is one, what of the person keeps still, what moves. first: frame of the film at which the
        movement begins. stack: ends with the scene.
        """
        easel = self._easel(person, box)
        drawn = Drawn(easel.draw, movement, first, self._fps)
        stack.callback(drawn.close)
        x, y = box[:2]
        left, top = easel.region[:2]
        moving = Figure(drawn, x + left, y + top, easel.mask)
        still = Still(Patch(x, y, easel.still))
        if easel.shadow is None:
            return [still, moving]
        soft, margin = easel.shadow
        return [Still(Patch(x - margin, y - margin + margin // 4, soft)), still, moving]

    def _easel(self, person: Person, box: Box) -> Easel:
        key = (*_face(person), box, person.shape, person.shadow)
        easel = self._easels.pop(key, None) or self._prepared(person, box)
        self._easels[key] = easel
        while len(self._easels) > _KEPT:
            self._easels.popitem(last=False)
        return easel

    def _prepared(self, person: Person, box: Box) -> Easel:
        if self._renderer is None:
            self._renderer = plugins.load("render", "mesh")()
        _, _, width, height = box
        placement = place(self.avatar(person), width, height, opaque=person.shape != "bust")
        canvas = self._renderer.prepare(self.avatar(person), placement)
        mask = mask_of(person.shape, width, height, _radius(person, box, self._canvas))
        if person.shape == "bust":
            mask = fading(width, height, _inside(box, self._canvas))
        return Easel.of(canvas, mask, _SHADOW * min(self._canvas) if person.shadow else None)


@dataclass(frozen=True)
class Easel:
    """A canvas on which several scenes draw in turn.

    region: x0, y0, x1, y1 of its box, where motion can change something. mask: of the region, None = all is seen.
    still: the whole box, uint8 (h, w, 3 or 4), with a hole where the region goes unless what goes there hides it.
    shadow: as from :func:`~mien.stage.layers.person.shadow`.
    """

    canvas: Canvas
    region: tuple[int, int, int, int]
    mask: ByteArray | None
    still: ByteArray
    shadow: tuple[ByteArray, int] | None
    lock: threading.Lock

    @classmethod
    def of(cls, canvas: Canvas, mask: ByteArray | None, blur: float | None) -> Easel:
        """blur: of a shadow, pixels, None = without."""
        rest = canvas.draw(np.zeros(52, np.float32), np.zeros(6, np.float32))
        height, width = rest.shape[:2]
        region = canvas.region if isinstance(canvas, PartialCanvas) else (0, 0, width, height)
        whole = rest if mask is None else masked(rest, mask)
        soft = None if blur is None else shadow(_alpha(whole), blur)
        x0, y0, x1, y1 = region
        part = None if mask is None else np.ascontiguousarray(mask[y0:y1, x0:x1])
        if whole.shape[2] == 4:
            whole[y0:y1, x0:x1, 3] = 0
        return cls(canvas, region, part, whole, soft, threading.Lock())

    def draw(self, shapes: FloatArray, head: FloatArray) -> ByteArray:
        """What is in the region, uint8 (h, w, 3 or 4). It must not be changed. From any thread."""
        with self.lock:
            if isinstance(self.canvas, PartialCanvas):
                return self.canvas.draw_region(shapes, head)
            return self.canvas.draw(shapes, head)


def _face(person: Person) -> tuple[object, ...]:
    return person.portrait, person.name, person.crop, person.face


def _alpha(pixels: ByteArray) -> ByteArray:
    if pixels.shape[2] == 4:
        return np.ascontiguousarray(pixels[..., 3])
    return np.full(pixels.shape[:2], 255, np.uint8)


def _radius(person: Person, box: Box, canvas: tuple[int, int]) -> float:
    """Round corners for boxes that stand free."""
    x, y, width, height = box
    free = x > 0 and y > 0 and x + width < canvas[0] and y + height < canvas[1]
    return _ROUND * min(width, height) if person.shape == "rectangle" and free else 0.0


def _inside(box: Box, canvas: tuple[int, int]) -> tuple[bool, bool, bool]:
    """Whether the left, right and lower edge of a box lie within the picture."""
    x, y, width, height = box
    return x > 0, x + width < canvas[0], y + height < canvas[1]
