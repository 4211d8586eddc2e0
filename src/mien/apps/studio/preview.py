"""A first look at a project: one sheet of pictures, and the film in small."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from mien.apps.studio.artist import painted
from mien.apps.studio.plan import Plan
from mien.apps.studio.render import Job, Observe, Rendered, load_plan, render
from mien.timeline import frame_tick, to_seconds
from mien.transmit.atomic import Staging
from mien.types import ByteArray

PER_SCENE: Final = 3
MOST: Final = 60
_GAP: Final = 8
_CELL: Final = 270
"""Pixels of a picture's width on the sheet."""


@dataclass(frozen=True)
class Preview:
    """What was made."""

    film: Rendered
    sheet: Path


def preview(
    job: Job, target: Path, *, observe: Observe = lambda done, of: None, tell: Callable[[str], None] = lambda _: None
) -> Preview:
    """Write a small film, and beside it a sheet of pictures (.png). Raises as
    :func:`mien.apps.studio.render.render`.
    """
    little = replace(job, preview=True, preset="fast")
    film, sheet = load_plan(little, tell), target.with_suffix(".png")
    _write(contact_sheet(film, tell), sheet)
    return Preview(render(little, target, workers=1, film=film, observe=observe, tell=tell), sheet)


def contact_sheet(film: Plan, tell: Callable[[str], None] = lambda _: None) -> ByteArray:
    """Some pictures of each scene, with the second at which each is seen, uint8 (h, w, 3)."""
    shown = _moments(film)
    with painted(film, tell) as painting:
        pictures = [_labelled(painting.at(frame), to_seconds(frame_tick(frame, film.fps))) for frame in shown]
    across = min(len(pictures), PER_SCENE * max(1, 1920 // (PER_SCENE * (_CELL + _GAP))))
    height, width = pictures[0].shape[:2]
    rows = -(-len(pictures) // across)
    sheet = np.full((rows * (height + _GAP) + _GAP, across * (width + _GAP) + _GAP, 3), 24, np.uint8)
    for number, picture in enumerate(pictures):
        y, x = (_GAP + (number // across) * (height + _GAP), _GAP + (number % across) * (width + _GAP))
        sheet[y : y + height, x : x + width] = picture
    return sheet


def _moments(film: Plan) -> list[int]:
    """Frames to look at: each take soon after its beginning, in its middle, and shortly before its end."""
    each = max(1, min(PER_SCENE, MOST // len(film.takes)))
    shares = {1: (0.5,), 2: (0.25, 0.75)}.get(each, (0.12, 0.5, 0.85))
    every = max(1, -(-len(film.takes) // MOST))
    return [take.first + int(take.frames * share) for take in film.takes[::every] for share in shares]


def _labelled(pixels: ByteArray, seconds: float) -> ByteArray:
    from PIL import Image, ImageDraw

    height = round(_CELL * pixels.shape[0] / pixels.shape[1])
    picture = Image.fromarray(pixels).resize((_CELL, height), Image.Resampling.LANCZOS)
    pen = ImageDraw.Draw(picture)
    label = f"{int(seconds // 60)}:{seconds % 60:04.1f}"
    pen.rectangle((0, 0, 46, 15), (0, 0, 0))
    pen.text((4, 2), label, (255, 255, 255))
    return np.asarray(picture)


def _write(pixels: ByteArray, path: Path) -> None:
    from PIL import Image

    staging = Staging(path)
    try:
        Image.fromarray(pixels).save(staging.path, "PNG")
        staging.commit()
    except BaseException:
        staging.abort()
        raise
