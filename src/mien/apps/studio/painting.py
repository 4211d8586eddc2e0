"""The pictures of a film of several scenes, each a pure function of its number."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from fractions import Fraction

from mien.stage.layer import Layer, Patch, Stack
from mien.stage.layers.changes import between
from mien.timeline import frame_tick
from mien.types import ByteArray

Built = tuple[list[Layer], Callable[[], None]]
"""Layers, from the lowest to the highest, and what frees them."""


@dataclass(frozen=True)
class Part:
    """A scene on the film's time line. first: its first frame. frames: how many. change, overlap: how it comes after
    the scene before it, and for how many frames both are seen. build: makes its layers, which take the film's ticks.
    """

    first: int
    frames: int
    build: Callable[[], Built]
    change: str = "cut"
    overlap: int = 0

    @property
    def end(self) -> int:
        """The frame after its last."""
        return self.first + self.frames


@dataclass
class _Ready:
    layers: list[Layer]
    free: Callable[[], None]
    alone: Stack
    covered: Stack


@dataclass
class _Screen:
    """A layer that shows what it was given."""

    patch: Patch | None = field(default=None)

    def at(self, tick: int) -> Patch | None:
        return self.patch


class Painting:
    """Draws the frames of a film. A context: leaving it frees everything. Not thread-safe.

    parts: in order; each but the first begins ``overlap`` frames before the end of the one before it. over: layers
    that lie above all scenes and change with none.
    """

    def __init__(self, parts: Sequence[Part], over: Sequence[Layer], width: int, height: int, fps: Fraction) -> None:
        self._parts, self._over, self._size, self._fps = tuple(parts), tuple(over), (width, height), fps
        self._ready: dict[int, _Ready] = {}
        self._screen = _Screen()
        self._mixed = Stack([self._screen, *over], width, height)

    def __enter__(self) -> Painting:
        return self

    def __exit__(self, *failure: object) -> None:
        self.close()

    @property
    def frames(self) -> int:
        """How many there are."""
        return self._parts[-1].end

    def at(self, frame: int) -> ByteArray:
        """A frame, uint8 (height, width, 3). The array changes with the next call."""
        tick = frame_tick(frame, self._fps)
        number = max(i for i, part in enumerate(self._parts) if part.first <= frame)
        part = self._parts[number]
        changing = number and frame < part.first + part.overlap
        self._keep({number - 1, number} if changing else {number})
        if changing:
            old, new = (self._get(n).alone.at(tick) for n in (number - 1, number))
            share = (frame - part.first + 1) / (part.overlap + 1)
            self._screen.patch = Patch(0, 0, between(old, new, part.change, share), frame)
            return self._mixed.at(tick)
        return self._get(number).covered.at(tick)

    def close(self) -> None:
        """Free all layers. Idempotent."""
        with ExitStack() as stack:
            while self._ready:
                stack.callback(self._ready.popitem()[1].free)

    def _keep(self, numbers: set[int]) -> None:
        for other in set(self._ready) - numbers:
            self._ready.pop(other).free()

    def _get(self, number: int) -> _Ready:
        if number not in self._ready:
            layers, free = self._parts[number].build()
            alone, covered = Stack(layers, *self._size), Stack([*layers, *self._over], *self._size)
            self._ready[number] = _Ready(layers, free, alone, covered)
        return self._ready[number]
