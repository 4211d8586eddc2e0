"""A project made small: the same film in fewer pixels and pictures, for a first look."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from fractions import Fraction
from typing import Any, Final, TypeVar

from mien.apps.studio.project import Project
from mien.apps.studio.values import Length

SIDE: Final = 480
"""Pixels of a preview's longer side, at most."""
FPS: Final = Fraction(25, 2)

_T = TypeVar("_T")


def small(project: Project, side: int = SIDE) -> Project:
    """The project at half the pictures a second and ``side`` pixels at most. Lengths in pixels shrink, too."""
    width, height = project.canvas.pixels
    share = min(1.0, side / max(width, height))
    size = f"{_even(width * share)}x{_even(height * share)}"
    fps = min(project.canvas.fps, FPS)
    shrunk = replace(_shrunk(project, share), root=project.root)
    return replace(shrunk, canvas=replace(project.canvas, size=size, aspect="auto", fps=fps))


def _even(size: float) -> int:
    return max(64, 2 * round(size / 2))


def _shrunk(value: _T, share: float) -> _T:
    """The same, with every length in pixels made shorter."""
    made: Any = value
    if isinstance(value, Length):
        made = Length(value.value * share, "px") if value.unit == "px" else value
    elif isinstance(value, tuple):
        made = tuple(_shrunk(one, share) for one in value)
    elif isinstance(value, Mapping):
        made = {key: _shrunk(one, share) for key, one in value.items()}
    elif is_dataclass(value) and not isinstance(value, type):
        changed = {
            f.name: new
            for f in fields(value)
            if f.init and f.name != "root" and (new := _shrunk(old := getattr(value, f.name), share)) is not old
        }
        made = replace(value, **changed) if changed else value
    return made  # type: ignore[no-any-return]
