"""People in a picture: what keeps still and what moves are drawn apart, and nobody sees where one ends."""

from __future__ import annotations

from contextlib import ExitStack
from fractions import Fraction
from functools import partial

import numpy as np
import pytest

from mien import models, plugins
from mien.apps.studio.figures import Easel, Figures
from mien.apps.studio.performed import Movement
from mien.apps.studio.person import Person
from mien.engine import place
from mien.render.base import PartialCanvas
from mien.stage.layer import Layer, Patch, Stack
from mien.stage.layers.person import Person as Figure
from mien.stage.layers.person import mask_of
from mien.stage.layers.still import Still, fill
from mien.types import SHAPE_INDEX, ByteArray

FPS = Fraction(25)
CANVAS = 200, 260
BOX = 20, 40, 170, 220


def person(shape: str) -> Person:
    return Person(portrait=models.path("astronaut"), crop="head", shape=shape, shadow=False)


def movement(frames: int = 4) -> Movement:
    rng = np.random.default_rng(1)
    shapes = np.zeros((frames, 52), np.float32)
    shapes[:, SHAPE_INDEX["jawOpen"]] = rng.random(frames)
    return Movement(shapes, (rng.random((frames, 6)) * 0.1).astype(np.float32))


def whole(shape: str) -> list[ByteArray]:
    """The same person drawn in one piece over the same colour."""
    moves, figures = movement(), Figures(CANVAS, FPS)
    avatar = figures.avatar(person(shape))
    canvas = plugins.load("render", "mesh")().prepare(avatar, place(avatar, *BOX[2:], opaque=shape != "bust"))
    out = []
    for row in range(len(moves.shapes)):
        picture = canvas.draw(moves.shapes[row], moves.head[row])
        figure = Figure(partial(_given, picture), BOX[0], BOX[1], mask_of(shape, BOX[2], BOX[3], 0.0))
        out.append(Stack([Still(Patch(0, 0, fill((30, 90, 160), *CANVAS))), figure], *CANVAS).at(0).copy())
    return out


def _given(picture: ByteArray, tick: int) -> ByteArray:
    return picture


@pytest.mark.parametrize("shape", ["full", "circle", "rectangle", "bust"])
def test_in_two_layers_they_look_as_in_one(shape: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mien.apps.studio.figures._radius", lambda *_: 0.0)
    monkeypatch.setattr("mien.apps.studio.figures._inside", lambda *_: (False, False, False))
    with ExitStack() as stack:
        people = Figures(CANVAS, FPS).layers(person(shape), BOX, movement(), 0, stack)
        layers: list[Layer] = [Still(Patch(0, 0, fill((30, 90, 160), *CANVAS))), *people]
        picture = Stack(layers, *CANVAS)
        for row, wanted in enumerate(whole(shape)):
            assert np.array_equal(picture.at(row * 1920), wanted)


def test_two_scenes_share_what_is_costly() -> None:
    figures = Figures(CANVAS, FPS)
    with ExitStack() as one, ExitStack() as two:
        first = figures.layers(person("bust"), BOX, movement(), 0, one)
        second = figures.layers(person("bust"), BOX, movement(), 0, two)
        for tick in (0, 1920, 3840):  # both at once, as in a transition
            assert np.array_equal(first[-1].at(tick).pixels, second[-1].at(tick).pixels)  # type: ignore[union-attr]
        assert first[0].at(0).pixels is second[0].at(0).pixels  # type: ignore[union-attr]


def test_a_canvas_that_does_not_know_what_moves_is_drawn_whole() -> None:
    class Plain:
        def draw(self, shapes: np.ndarray, head: np.ndarray) -> ByteArray:
            return np.full((4, 6, 4), 200 if shapes.any() else 100, np.uint8)

    assert not isinstance(Plain(), PartialCanvas)
    easel = Easel.of(Plain(), None, None)
    assert easel.region == (0, 0, 6, 4) and not easel.still[..., 3].any()
    assert (easel.draw(np.ones(52, np.float32), np.zeros(6, np.float32)) == 200).all()
