"""The layers of a take: what a project says of a scene, made things that can be drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from mien.apps.studio.attention import attending
from mien.apps.studio.figures import Figures
from mien.apps.studio.layout import Box, centres, level, person_box, placed
from mien.apps.studio.lettering import words
from mien.apps.studio.performed import Spoken
from mien.apps.studio.person import Person
from mien.apps.studio.picture import Background
from mien.apps.studio.picture import Entrance as Coming
from mien.apps.studio.picture import Layer as Shown
from mien.apps.studio.plan import Plan, Take, seen
from mien.apps.studio.project import Clip, Scene
from mien.apps.studio.slides import page
from mien.stage.background import blurred_surroundings
from mien.stage.framing import frame_avatar, head_box
from mien.stage.layer import Layer, Patch
from mien.stage.layers.dim import Dimmed
from mien.stage.layers.footage import Footage
from mien.stage.layers.panning import Panning, Shot
from mien.stage.layers.pictures import fitted, read_picture
from mien.stage.layers.still import Still, fill, gradient
from mien.stage.layers.timed import Entrance, Timed
from mien.timeline import TICKS_PER_SECOND, frame_tick
from mien.types import ByteArray

_PICTURE: Final = (0.72, 0.42)
_SLIDE: Final = (0.92, 0.5)
_HIGH: Final = 0.24
"""Where pictures and slides stand that stand nowhere: above the middle, where nobody's face is."""

_MIDDLE: Final = ((0.5, 0.5), (0.5, 0.5))
_STUDIO: Final = ((62, 70, 86), (18, 22, 30))
"""What is behind a scene that says nothing of it: a dark wall, lit from above."""

Built = tuple[list[Layer], Callable[[], None]]


class Scenery:
    """Builds takes of a plan. tell: told when an avatar has to be made."""

    def __init__(self, plan: Plan, tell: Callable[[str], None] = lambda _: None) -> None:
        self._plan = plan
        self._canvas = plan.width, plan.height
        self._figures = Figures(self._canvas, plan.fps, tell)
        self._painted: tuple[object, Still] | None = None

    def build(self, take: Take) -> Built:
        """The layers of a take, from the lowest to the highest, and what frees them."""
        if take.scene is None:
            assert take.clip is not None
            return [self._clip(take, take.clip)], lambda: None
        scene = take.scene
        with ExitStack() as stack:
            people = self._people(take, scene, stack)
            layers = [*self._behind(take, scene)]
            layers += [self._layer(take, one) for one in scene.layers if one.behind]
            layers += people
            layers += [self._layer(take, one) for one in scene.layers if not one.behind]
            free = stack.pop_all().close
        return layers, free

    def _clip(self, take: Take, clip: Clip) -> Layer:
        box = (0, 0, *self._canvas)
        if clip.video is not None:
            return Footage(clip.video, box, self._plan.start(take), trim=_seconds(clip.trim.start, clip.trim.end))
        assert clip.picture is not None
        return Still(Patch(0, 0, read_picture(clip.picture, *self._canvas)))

    def _behind(self, take: Take, scene: Scene) -> Iterator[Layer]:
        background = scene.background
        if background is None:
            yield Still(Patch(0, 0, gradient(_STUDIO, 180, *self._canvas)))
            return
        layer = self._background(take, scene, background)
        yield Dimmed(layer, background.dim) if background.dim else layer

    def _background(self, take: Take, scene: Scene, background: Background) -> Layer:
        box = (0, 0, *self._canvas)
        if background.video is not None:
            trim = _seconds(background.trim.start, background.trim.end)
            return Footage(background.video, box, self._plan.start(take), trim=trim, loop=background.loop)
        if background.picture is not None:
            span = self._plan.start(take), frame_tick(take.end, self._plan.fps)
            return self._panned(background.picture, box, background.zoom, background.pan, span)
        behind = next(iter(seen(scene).values()), None) if background.blur else None
        if self._painted is None or self._painted[0] != (background, behind):  # often that of the scene before
            self._painted = (background, behind), Still(Patch(0, 0, self._paint(background, behind)))
        return self._painted[1]

    def _paint(self, background: Background, behind: Person | None) -> ByteArray:
        """A background that is painted, not read. behind: whose surroundings it is, blurred."""
        if background.gradient:
            return gradient([colour[:3] for colour in background.gradient], background.angle, *self._canvas)
        if behind is not None:
            avatar = self._figures.avatar(behind)
            return blurred_surroundings(avatar, frame_avatar(avatar, *self._canvas), *self._canvas)
        return fill((background.colour or (0, 0, 0, 255))[:3], *self._canvas)

    def _panned(
        self, source: Path | ByteArray, box: Box, zoom: tuple[float, float], pan: tuple[Any, Any],
        span: tuple[int, int], *, alpha: bool = False,
    ) -> Layer:  # fmt: skip
        """A picture that fills a box, under a camera that moves or not. alpha: what is transparent stays so."""
        if zoom[0] == zoom[1] and pan[0] == pan[1]:
            moving = Panning(source, box, (Shot(zoom[0], pan[0]),) * 2, (0, 1), alpha=alpha)
            return Still(moving.at(0))
        return Panning(source, box, (Shot(zoom[0], pan[0]), Shot(zoom[1], pan[1])), span, alpha=alpha)

    def _people(self, take: Take, scene: Scene, stack: ExitStack) -> list[Layer]:
        """Everybody who is seen, each behind those further right."""
        people = seen(scene)
        assert take.performed is not None
        alone = scene.shots == "cut"
        boxes = self._boxes(scene)
        places = {} if alone or len(people) < 2 else centres(boxes, self._canvas)
        moves = attending(take.performed.movements, take.performed.lines, places, self._plan.fps)
        layers: list[Layer] = []
        for who, person in people.items():
            figure = self._figures.layers(person, boxes[who], moves[who], take.first, stack)
            layers += [_When(layer, self._speaking(take, who)) for layer in figure] if alone else figure
        return layers

    def faces(self, scene: Scene) -> list[Box]:
        """Where the heads of a scene are, from the hair to the chin."""
        found = []
        for who, (x, y, width, height) in self._boxes(scene).items():
            avatar = self._figures.avatar(seen(scene)[who])
            framing, head = frame_avatar(avatar, width, height), head_box(avatar)
            left, right = (x + framing.x + framing.scale * side for side in (head.left, head.right))
            top, bottom = (max(y, y + framing.y + framing.scale * end) for end in (head.top, head.bottom))
            found.append((round(left), round(top), round(right - left), round(bottom - top)))
        return found

    def _boxes(self, scene: Scene) -> dict[str, Box]:
        """Where everybody is who is seen."""
        people, alone = seen(scene), scene.shots == "cut"
        boxes = {
            who: person_box(
                person, 0 if alone else index, 1 if alone else len(people), self._canvas,
                self._shape(person), behind=scene.background is not None,
            )
            for index, (who, person) in enumerate(people.items())
        }  # fmt: skip
        if len(people) > 1 and not alone and all(p.place is None and p.shape == "bust" for p in people.values()):
            heads = {who: self._head(people[who], box) for who, box in boxes.items()}
            boxes = level(boxes, heads, self._canvas)
        return boxes

    def _shape(self, person: Person) -> float:
        width, height = self._figures.avatar(person).size
        return width / height

    def _head(self, person: Person, box: Box) -> float:
        """Distance of the eyes in a box, pixels."""
        avatar = self._figures.avatar(person)
        return frame_avatar(avatar, box[2], box[3]).scale * avatar.manifest.head.eye_distance

    def _speaking(self, take: Take, who: str) -> list[tuple[int, int]]:
        """When somebody is seen where whoever speaks is."""
        assert take.performed is not None
        return shots(take.performed.lines, who, self._plan.start(take))

    def _layer(self, take: Take, one: Shown) -> Layer:
        """Something in front of the background, in its time."""
        start, end = self._plan.span(take, one)
        if one.kind in ("title", "lower_third"):
            assert take.scene is not None
            return words(one, take.scene, (start, end), self._canvas)
        inner = self._inner(take, one, start)
        return Timed(
            inner, start, end, self._plan.height, opacity=one.opacity,
            enter=_entrance(one.enter), leave=_entrance(one.leave),
        )  # fmt: skip

    def _inner(self, take: Take, one: Shown, start: int) -> Layer:
        if one.video is not None:
            box = (0, 0, *self._canvas) if one.place is None else self._box(one, 16 / 9, (1.0, 1.0))
            return Footage(one.video, box, start, trim=_seconds(one.trim.start, one.trim.end), loop=one.loop)
        if one.picture is not None:
            return self._picture(one.picture, one, take, _PICTURE)
        assert one.slides is not None
        return self._picture(page(one.slides, one.page, self._canvas[0]), one, take, _SLIDE)

    def _picture(self, source: Path | ByteArray, one: Shown, take: Take, usual: tuple[float, float]) -> Layer:
        box = self._box(one, _ratio(source), usual)
        if one.zoom != (1.0, 1.0) or one.pan != _MIDDLE:
            return self._panned(source, box, one.zoom, one.pan, self._plan.span(take, one), alpha=True)
        x, y, width, height = box
        if isinstance(source, Path):
            pixels = read_picture(source, width, height, fit=one.fit)
        else:
            pixels = fitted(source, width, height, fit=one.fit)
        high, wide = pixels.shape[:2]
        return Still(Patch(x + (width - wide) // 2, y + (height - high) // 2, np.ascontiguousarray(pixels)))

    def _box(self, one: Shown, ratio: float, usual: tuple[float, float]) -> Box:
        if one.place is not None:
            return placed(one.place, self._canvas, ratio, usual)
        width = round(min(usual[0] * self._canvas[0], usual[1] * self._canvas[1] * ratio))
        height = round(width / ratio)
        return (self._canvas[0] - width) // 2, round((self._canvas[1] - height) * _HIGH), width, height


def _entrance(one: Coming) -> Entrance:
    usual = Entrance(one.kind or "cut")
    return usual if one.ticks is None else replace(usual, ticks=one.ticks)


class _When:
    """A layer that is seen in some spans only."""

    def __init__(self, layer: Layer, spans: list[tuple[int, int]]) -> None:
        self._layer, self._spans = layer, spans

    def at(self, tick: int) -> Patch | None:
        return self._layer.at(tick) if any(a <= tick < b for a, b in self._spans) else None


def shots(lines: tuple[Spoken, ...], who: str, start: int) -> list[tuple[int, int]]:
    """Ticks of the film at which a dialogue shows somebody: from the middle of the pause before their line to that of
    the pause after it; whoever is first or last also before and after.
    """
    spans = []
    for number, line in enumerate(lines):
        if line.who == who:
            begin = (lines[number - 1].end + line.start) // 2 if number else -TICKS_PER_SECOND * 3600
            end = (line.end + lines[number + 1].start) // 2 if number + 1 < len(lines) else TICKS_PER_SECOND * 3600
            spans.append((start + begin, start + end))
    return spans


def _ratio(source: Path | ByteArray) -> float:
    """Width / height of a picture."""
    if not isinstance(source, Path):
        return float(source.shape[1] / source.shape[0])
    from PIL import Image, ImageOps

    with Image.open(source) as opened:
        opened.draft("RGB", (64, 64))
        width, height = ImageOps.exif_transpose(opened).size
    return width / height


def _seconds(start: int, end: int | None) -> tuple[float, float | None]:
    return start / TICKS_PER_SECOND, None if end is None else end / TICKS_PER_SECOND
