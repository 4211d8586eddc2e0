"""The role of drawing (entry-point group ``mien.render``): avatar and face clip in, pictures out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from mien.avatar import Avatar
from mien.types import ByteArray, FloatArray


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the avatar's texture lies on the canvas.

    width, height: canvas, pixels. scale: canvas pixels per texture pixel. x, y: canvas position of the texture's
    top left corner, pixels (pixel centres are at +0.5). opaque: True draws the portrait's own background (extended
    where the canvas is larger); False draws the person alone, with straight alpha.
    """

    width: int
    height: int
    scale: float = 1.0
    x: float = 0.0
    y: float = 0.0
    opaque: bool = True


@dataclass(frozen=True, slots=True)
class RendererInfo:
    """What a renderer can do. alpha: can draw the person alone. needs: e.g. ("gpu",)."""

    name: str
    alpha: bool
    needs: tuple[str, ...] = ()


@runtime_checkable
class Canvas(Protocol):
    """An avatar prepared for one placement. Not thread-safe: one per thread."""

    def draw(self, shapes: FloatArray, head: FloatArray) -> ByteArray:
        """Picture for one moment: shapes (52,), head (6,) as in FaceClip → uint8 (h, w, 3), or (h, w, 4) if not opaque.

        A pure function of its arguments: same in, same out. The array belongs to the caller.
        """
        ...


@runtime_checkable
class PartialCanvas(Canvas, Protocol):
    """A canvas that knows where its picture never changes, for those who lay it over something else."""

    @property
    def region(self) -> tuple[int, int, int, int]:
        """x0, y0, x1, y1 of all pixels that any motion can change."""
        ...

    def draw_region(self, shapes: FloatArray, head: FloatArray) -> ByteArray:
        """The region of what :meth:`draw` returns, uint8 (y1 - y0, x1 - x0, 3 or 4). It belongs to the caller."""
        ...


@runtime_checkable
class Renderer(Protocol):
    """A drawing back end."""

    @property
    def info(self) -> RendererInfo:
        """What this renderer can do."""
        ...

    def prepare(self, avatar: Avatar, placement: Placement) -> Canvas:
        """Prepare (textures resampled to the placement). Raises UsageError for a placement it cannot draw."""
        ...
