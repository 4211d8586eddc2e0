"""Each of the 52 shapes moves the landmarks it is named for, far enough and the right way."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from mien.avatar import Avatar
from mien.errors import PortraitRefused
from mien.portrait.build import cached_avatar
from mien.types import ARKIT_SHAPES, SHAPE_INDEX

LEAST = 0.02
"""Eye distances that a named landmark moves at least when its shape is 1."""

RIGHT, LEFT, UP, DOWN, TOWARDS = (-1, 0, 0), (1, 0, 0), (0, -1, 0), (0, 1, 0), (0, 0, -1)
"""The head's axes as the viewer sees them: x to the viewer's right, which is the person's own left; z away from us."""

Direction = tuple[int, int, int]


def both(
    name: str, right: tuple[int, ...], left: tuple[int, ...], way: Direction
) -> dict[str, tuple[tuple[int, ...], Direction]]:
    """The same on both sides; a direction across is the left side's and turned round for the right one."""
    return {f"{name}Left": (left, way), f"{name}Right": (right, (-way[0], way[1], way[2]))}


# shape → landmarks of the 478 that must move, and the direction, as the viewer sees it
EXPECTED: dict[str, tuple[tuple[int, ...], Direction]] = {
    **both("eyeBlink", (159, 158, 160), (386, 385, 387), DOWN),
    **both("eyeLookDown", (468,), (473,), DOWN),
    **both("eyeLookUp", (468,), (473,), UP),
    "eyeLookInLeft": ((473,), RIGHT),
    "eyeLookInRight": ((468,), LEFT),
    "eyeLookOutLeft": ((473,), LEFT),
    "eyeLookOutRight": ((468,), RIGHT),
    **both("eyeSquint", (145,), (374,), UP),
    **both("eyeWide", (159,), (386,), UP),
    "jawForward": ((152,), TOWARDS),
    "jawRight": ((152, 14), RIGHT),
    "jawLeft": ((152, 14), LEFT),
    "jawOpen": ((152, 14, 17), DOWN),
    "mouthClose": ((14, 17), UP),
    "mouthFunnel": ((13, 14, 0, 17), TOWARDS),
    "mouthPucker": ((0, 17), TOWARDS),
    "mouthRight": ((61, 291, 13, 14), RIGHT),
    "mouthLeft": ((61, 291, 13, 14), LEFT),
    **both("mouthSmile", (61,), (291,), UP),
    **both("mouthFrown", (61,), (291,), DOWN),
    **both("mouthDimple", (61,), (291,), LEFT),
    **both("mouthStretch", (61,), (291,), LEFT),
    "mouthRollLower": ((17,), UP),
    "mouthRollUpper": ((0,), DOWN),
    "mouthShrugLower": ((17, 14), UP),
    "mouthShrugUpper": ((0, 13), UP),
    **both("mouthPress", (84,), (314,), UP),
    **both("mouthLowerDown", (87,), (317,), DOWN),
    **both("mouthUpperUp", (82,), (312,), UP),
    **both("browDown", (52, 65), (282, 295), DOWN),
    "browInnerUp": ((107, 336), UP),
    **both("browOuterUp", (70, 63), (300, 293), UP),
    "cheekPuff": ((280,), LEFT),
    **both("cheekSquint", (50,), (280,), UP),
    **both("noseSneer", (129,), (358,), UP),
    "tongueOut": ((14,), DOWN),
}  # fmt: skip

ALSO: dict[str, tuple[tuple[int, ...], Direction]] = {
    "mouthSmileLeft": ((291,), LEFT),
    "mouthSmileRight": ((61,), RIGHT),
    "mouthPucker": ((291,), RIGHT),
    "cheekPuff": ((50,), RIGHT),
}
"""Second directions of shapes that have two."""


def test_every_shape_is_expected_to_do_something() -> None:
    assert set(EXPECTED) == set(ARKIT_SHAPES)


@pytest.fixture(scope="module")
def demo(astronaut_file: Path) -> Avatar:
    return cached_avatar(astronaut_file)


@pytest.mark.parametrize("name", ARKIT_SHAPES)
def test_shape_on_the_demo_portrait(name: str, demo: Avatar) -> None:
    assert faults(demo, name) == []


def test_shapes_on_all_portraits(portraits: Path) -> None:
    found: dict[str, list[str]] = {}
    for file in sorted(portraits.iterdir()):
        try:
            avatar = cached_avatar(file)
        except PortraitRefused:
            continue
        found |= {f"{file.stem} {name}": wrong for name in ARKIT_SHAPES if (wrong := faults(avatar, name))}
    assert found == {}


def faults(avatar: Avatar, name: str) -> list[str]:
    """What is wrong with a shape on an avatar, in words."""
    moved = displacement(avatar, name)
    wrong = []
    for points, way in [EXPECTED[name], *([ALSO[name]] if name in ALSO else [])]:
        for point in points:
            along = float(moved[point] @ np.array(way))
            if along < LEAST:
                wrong.append(f"{point} moves {along:.3f} along {way}, all {np.round(moved[point], 3).tolist()}")
    return wrong


def displacement(avatar: Avatar, name: str) -> NDArray[np.float64]:
    """Displacement of every point in the head's own axes, eye distances."""
    delta = np.asarray(avatar.arrays["shapes"][SHAPE_INDEX[name]], np.float64)
    return np.asarray(delta @ np.array(avatar.manifest.head.axes)) / avatar.manifest.head.eye_distance
