"""What is drawn again only where it changed looks as if all of it had been drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.stage.layer import Patch, Stack
from mien.types import ByteArray

SIDE = 24


@dataclass(frozen=True)
class Slides:
    """Shows one of its patches at each tick, or nothing."""

    patches: tuple[Patch | None, ...]

    def at(self, tick: int) -> Patch | None:
        return self.patches[tick % len(self.patches)]


def patch(seed: int, version: int) -> Patch:
    chance = np.random.default_rng(seed)
    height, width, depth = chance.integers(1, 20), chance.integers(1, 20), chance.integers(3, 5)
    pixels = chance.integers(0, 256, (height, width, depth), dtype=np.uint8)
    if depth == 4:
        pixels[..., 3] = chance.choice(np.array([0, 255, 90], np.uint8), (height, width))
    x, y = chance.integers(-10, SIDE, 2).tolist()
    return Patch(x, y, pixels, version)


layers = st.lists(st.lists(st.none() | st.integers(0, 999), min_size=1, max_size=4), max_size=5).map(
    lambda found: [
        Slides(tuple(None if s is None else patch(s, s) for s in seeds)) for seeds in found
    ]
)  # fmt: skip


def painted(found: list[Slides], tick: int) -> ByteArray:
    """The slow way: each pixel, each layer, by the formula."""
    out = np.zeros((SIDE, SIDE, 3))
    for layer in found:
        shown = layer.at(tick)
        if shown is None:
            continue
        for (row, column), _ in np.ndenumerate(shown.pixels[..., 0]):
            y, x = row + shown.y, column + shown.x
            if 0 <= y < SIDE and 0 <= x < SIDE:
                pixel = shown.pixels[row, column].astype(float)
                share = pixel[3] / 255 if len(pixel) == 4 else 1.0
                out[y, x] = np.floor(pixel[:3] * share + out[y, x] * (1 - share) + 0.5)
    return out.astype(np.uint8)


@settings(max_examples=60, deadline=None)
@given(layers, st.lists(st.integers(0, 11), min_size=1, max_size=6))
def test_it_looks_as_if_everything_were_drawn(found: list[Slides], ticks: list[int]) -> None:
    stack = Stack(found, SIDE, SIDE)
    for tick in ticks:
        np.testing.assert_allclose(stack.at(tick).astype(int), painted(found, tick).astype(int), atol=1)


def test_what_does_not_change_is_not_drawn_again() -> None:
    still = Slides((Patch(0, 0, np.full((SIDE, SIDE, 3), 9, np.uint8)),))
    moving = Slides(tuple(Patch(4 + k, 4, np.full((4, 4, 3), 200, np.uint8), k) for k in range(2)))
    stack = Stack([still, moving], SIDE, SIDE)
    picture = stack.at(0)
    picture[0, 0] = 77  # far from what moves: left alone
    picture[5, 4] = 77  # under what moved away: drawn
    after = stack.at(1)
    assert after[0, 0, 0] == 77 and after[5, 4, 0] == 9 and after[5, 8, 0] == 200
