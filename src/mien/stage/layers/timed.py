"""When a layer is there, and how it comes and goes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from mien.stage.layer import Layer, Patch
from mien.stage.layers.still import faded
from mien.timeline import TICKS_PER_SECOND

WAYS: Final = ("cut", "fade", "up", "down", "left", "right")
"""How a layer enters or leaves: at once, fading, or fading while it slides that way."""
SLIDE: Final = 0.03
"""Share of the canvas's height over which it slides."""
_STEPS: Final = 2**16


@dataclass(frozen=True, slots=True)
class Entrance:
    """way: one of :data:`WAYS`. ticks: how long it takes."""

    way: str = "fade"
    ticks: int = TICKS_PER_SECOND * 3 // 10


class Timed:
    """A layer from one tick to another. The inner layer may begin anywhere; it is asked with the film's own ticks."""

    def __init__(
        self, layer: Layer, start: int, end: int, height: int, *,
        enter: Entrance = Entrance("cut"), leave: Entrance = Entrance("cut"), opacity: float = 1.0,
    ) -> None:  # fmt: skip
        """height: of the canvas, pixels. opacity: 0…1, of the layer where it is wholly there."""
        self._layer, self._start, self._end, self._opacity = layer, start, end, opacity
        self._enter, self._leave, self._slide = enter, leave, SLIDE * height
        self._steady: tuple[int, Patch] | None = None

    def at(self, tick: int) -> Patch | None:
        """What is shown of it."""
        if not self._start <= tick < self._end:
            return None
        patch = self._layer.at(tick)
        if patch is None:
            return None
        entered, x, y = self._moved(self._enter, tick - self._start, -1)
        left, x2, y2 = self._moved(self._leave, self._end - tick, 1)
        shown = entered * left
        opacity = shown * self._opacity
        if shown == 1.0:
            return self._whole(patch)
        if opacity <= 0.0:
            return None
        version = hash((patch.version, round(opacity * _STEPS), x + x2, y + y2))
        return Patch(patch.x + x + x2, patch.y + y + y2, faded(patch.pixels, opacity), version)

    def _whole(self, patch: Patch) -> Patch:
        if self._opacity == 1.0:
            return patch
        if self._steady is None or self._steady[0] != patch.version:
            self._steady = (
                patch.version,
                Patch(patch.x, patch.y, faded(patch.pixels, self._opacity), hash((patch.version, "steady"))),
            )
        return self._steady[1]

    def _moved(self, entrance: Entrance, passed: int, side: int) -> tuple[float, int, int]:
        """How much is there, and where: opacity, pixels to the right, pixels down. side: -1 coming, 1 going."""
        if entrance.way == "cut" or passed >= entrance.ticks:
            return 1.0, 0, 0
        part = 1 - (1 - passed / entrance.ticks) ** 3  # fast first, then coming to rest
        x, y = {"up": (0, -1), "down": (0, 1), "left": (-1, 0), "right": (1, 0)}.get(entrance.way, (0, 0))
        way = round(self._slide * (1 - part)) * side
        return part, x * way, y * way
