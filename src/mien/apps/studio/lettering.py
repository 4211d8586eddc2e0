"""What lies above all scenes, and words in the picture: captions, titles, lower thirds, the logo."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from mien.apps.studio.picture import Layer as Shown
from mien.apps.studio.plan import Plan, Take
from mien.apps.studio.project import Logo
from mien.captions import Caption
from mien.stage.layer import Layer, Patch
from mien.stage.layers.pictures import read_picture
from mien.stage.layers.still import Still
from mien.stage.layers.timed import Timed
from mien.timeline import frame_tick


def overlay(film: Plan) -> list[Layer]:
    """Layers above all scenes, which change with none: logos and captions."""
    return [*_logos(film)]


def moved(caption: Caption, ticks: int) -> Caption:
    """The caption, later."""
    words = tuple(replace(w, start=w.start + ticks, end=w.end + ticks) for w in caption.words)
    return replace(caption, start=caption.start + ticks, end=caption.end + ticks, words=words)


def _logos(film: Plan) -> Iterator[Layer]:
    """Each logo for as long as scenes have it, without a break between them."""
    for logo, start, end in _runs(film):
        yield Timed(_logo(logo, film), start, end, film.height, opacity=logo.opacity)


def _runs(film: Plan) -> Iterator[tuple[Logo, int, int]]:
    """Logos and the ticks between which they are seen."""
    scenes = [(take, take.scene.logo if take.scene else None) for take in film.takes]
    at = 0
    while at < len(scenes):
        logo, stop = scenes[at][1], at + 1
        while stop < len(scenes) and scenes[stop][1] == logo:
            stop += 1
        if logo is not None:
            end = film.frames if stop == len(scenes) else scenes[stop][0].first
            yield logo, film.start(scenes[at][0]), frame_tick(end, film.fps)
        at = stop


def _logo(logo: Logo, film: Plan) -> Layer:
    width = max(2, round(logo.width.pixels(film.width)))
    margin = round(logo.margin.pixels(film.width))
    pixels = read_picture(logo.picture, width, film.height, fit="contain")
    high, wide = pixels.shape[:2]
    x = margin if logo.corner.endswith("left") else film.width - margin - wide
    y = margin if logo.corner.startswith("top") else film.height - margin - high
    return Still(Patch(x, y, pixels))


def words(one: Shown, start: int, end: int, take: Take, film: Plan) -> Layer:
    raise NotImplementedError
