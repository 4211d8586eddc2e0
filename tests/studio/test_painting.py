"""A film's frames do not depend on which were asked for before, so that pieces of it may be drawn anywhere."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.apps.studio.painting import Built, Painting, Part
from mien.stage.layer import Patch
from mien.stage.layers.changes import KINDS

FPS = Fraction(25)
WIDTH, HEIGHT = 20, 12


@dataclass
class Clockwork:
    """A colour, or a box that moves with time."""

    colour: int
    step: int = 0
    opaque: bool = True

    def at(self, tick: int) -> Patch | None:
        frame = tick // 1920
        if self.step == 0:
            return Patch(0, 0, np.full((HEIGHT, WIDTH, 3), self.colour, np.uint8))
        pixels = np.full((4, 5, 3 if self.opaque else 4), self.colour, np.uint8)
        return None if frame % 7 == 3 else Patch(frame * self.step % WIDTH, 2, pixels, frame)


@dataclass
class Theatre:
    """Counts what is built and freed."""

    built: int = 0
    freed: int = 0
    most: int = field(default=0)

    def scene(self, colour: int) -> Built:
        self.built += 1
        self.most = max(self.most, self.built - self.freed)
        return [Clockwork(colour), Clockwork(255 - colour, 2), Clockwork(200, 3, opaque=False)], self._free

    def _free(self) -> None:
        self.freed += 1


def film(theatre: Theatre, kinds: tuple[str, str]) -> Painting:
    parts = [
        Part(0, 20, lambda: theatre.scene(40)),
        Part(15, 12, lambda: theatre.scene(90), kinds[0], 5),
        Part(25, 15, lambda: theatre.scene(140), kinds[1], 2),
    ]
    return Painting(parts, [Clockwork(250, 1, opaque=False)], WIDTH, HEIGHT, FPS)


@settings(max_examples=30, deadline=None)
@given(st.tuples(st.sampled_from(KINDS), st.sampled_from(KINDS)), st.lists(st.integers(0, 39), min_size=1, max_size=8))
def test_frames_depend_on_nothing_but_their_number(kinds: tuple[str, str], asked: list[int]) -> None:
    theatre = Theatre()
    with film(theatre, kinds) as once:
        assert once.frames == 40
        for frame in asked:
            with film(Theatre(), kinds) as fresh:
                np.testing.assert_array_equal(once.at(frame), fresh.at(frame))
    assert theatre.built == theatre.freed


def test_scenes_are_ready_only_while_they_are_seen() -> None:
    theatre = Theatre()
    with film(theatre, ("fade", "left")) as painting:
        for frame in range(40):
            painting.at(frame)
    assert theatre.built == 3 == theatre.freed and theatre.most == 2


def test_a_change_lies_between_both_scenes_and_under_what_is_above_all() -> None:
    with film(Theatre(), ("fade", "cut")) as painting:
        corner = [int(painting.at(k)[-1, -1, 0]) for k in (14, 15, 17, 19, 20)]
        assert corner[0] == 40 and corner[-1] == 90 and corner == sorted(corner) and len(set(corner)) == 5
