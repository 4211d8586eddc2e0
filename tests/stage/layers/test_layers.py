"""What lies in a picture looks as its description says."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mien.errors import InputError
from mien.stage.layer import Patch
from mien.stage.layers import changes
from mien.stage.layers.panning import Panning, Shot
from mien.stage.layers.person import Person, mask_of, shadow
from mien.stage.layers.pictures import read_picture
from mien.stage.layers.still import Still, faded, fill, gradient
from mien.stage.layers.timed import WAYS, Entrance, Timed


def picture(path: Path, width: int = 200, height: int = 100) -> Path:
    """Red grows to the right, green downwards."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[..., 0] = np.linspace(0, 250, width)[None]
    pixels[..., 1] = np.linspace(0, 250, height)[:, None]
    Image.fromarray(pixels).save(path)
    return path


@pytest.mark.parametrize(("degrees", "corner"), [(0, (-1, 0)), (90, (0, 0)), (180, (0, 0)), (135, (0, 0))])
def test_gradients_run_from_colour_to_colour(degrees: float, corner: tuple[int, int]) -> None:
    pixels = gradient([(10, 0, 200), (250, 0, 0)], degrees, 60, 40)
    other = (-1 - corner[0], -1 - corner[1])
    if degrees == 90:
        other = (0, -1)
    assert abs(int(pixels[corner][0]) - 10) < 9 and abs(int(pixels[other][0]) - 250) < 9


def test_a_wide_gradient_shows_no_bands() -> None:
    pixels = gradient([(100, 100, 100), (110, 110, 110)], 90, 1000, 50).astype(float)
    assert np.abs(np.diff(pixels[..., 0].mean(axis=0))).max() < 0.6


def test_panning_comes_nearer_and_rests(tmp_path: Path) -> None:
    layer = Panning(picture(tmp_path / "p.png"), (5, 6, 50, 50), (Shot(1.0, (0, 0.5)), Shot(2.0, (1, 1))), (1000, 3000))
    first, last = layer.at(0), layer.at(9999)
    assert (first.x, first.y) == (5, 6) and first.pixels.shape == (50, 50, 3)
    assert first.version == layer.at(1000).version and last.version == layer.at(3000).version
    assert first.pixels[25, 0, 0] < 5 and abs(int(first.pixels[25, -1, 0]) - 125) < 6  # the left half
    assert last.pixels[-1, -1].min() < 5 and last.pixels[-1, -1, :2].min() > 240  # the lower right corner
    assert np.ptp(last.pixels[..., 1].astype(int)) < 0.6 * np.ptp(first.pixels[..., 1].astype(int))  # and nearer
    reds = [int(layer.at(t).pixels[25, 25, 0]) for t in range(1000, 3001, 100)]
    assert all(b >= a - 1 for a, b in pairwise(reds))


def test_what_is_transparent_stays_so_under_a_moving_camera(tmp_path: Path) -> None:
    pixels = np.zeros((40, 40, 4), np.uint8)
    pixels[:20] = 255
    Image.fromarray(pixels).save(tmp_path / "p.png")
    shots = (Shot(1.0), Shot(2.0))
    patch = Panning(tmp_path / "p.png", (0, 0, 20, 20), shots, (0, 100), alpha=True).at(50)
    assert patch.pixels[0, 0, 3] == 255 and patch.pixels[-1, -1, 3] == 0
    assert Panning(tmp_path / "p.png", (0, 0, 20, 20), shots, (0, 100)).at(50).pixels.shape[2] == 3


def test_no_box_takes_all_memory(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="too large"):
        read_picture(picture(tmp_path / "p.png"), 100_000, 100_000)


@pytest.mark.parametrize(("fit", "shape"), [("cover", (60, 60)), ("contain", (30, 60))])
def test_pictures_fit(tmp_path: Path, fit: str, shape: tuple[int, int]) -> None:
    assert read_picture(picture(tmp_path / "p.png"), 60, 60, fit=fit).shape[:2] == shape


def test_a_picture_keeps_what_is_transparent(tmp_path: Path) -> None:
    Image.fromarray(np.full((9, 9, 4), 100, np.uint8)).save(tmp_path / "p.png")
    assert read_picture(tmp_path / "p.png", 9, 9)[4, 4, 3] == 100


def test_no_picture(tmp_path: Path) -> None:
    (tmp_path / "p.png").write_bytes(b"no")
    for make in (
        lambda: read_picture(tmp_path / "p.png", 9, 9),
        lambda: Panning(tmp_path / "p.png", (0, 0, 9, 9), (Shot(), Shot()), (0, 1)),
    ):
        with pytest.raises(InputError, match=r"p\.png cannot be read"):
            make()


@pytest.mark.parametrize("way", WAYS)
def test_a_layer_comes_and_goes(way: str) -> None:
    inner = Still(Patch(10, 20, fill((200, 0, 0), 8, 6)))
    layer = Timed(inner, 100, 300, 400, enter=Entrance(way, 50), leave=Entrance(way, 50))
    assert layer.at(99) is None and layer.at(300) is None
    middle = layer.at(200)
    assert middle is not None and (middle.x, middle.y) == (10, 20) and middle.pixels.shape[2] == 3
    coming, going = layer.at(110), layer.at(290)
    assert coming is not None and going is not None
    if way == "cut":
        assert coming == middle == going
        return
    assert 0 < coming.pixels[0, 0, 3] < 255 and 0 < going.pixels[0, 0, 3] < 255
    there = np.array([[coming.x, coming.y], [10, 20], [going.x, going.y]])
    moves = {"up": (0, -1), "down": (0, 1), "left": (-1, 0), "right": (1, 0), "fade": (0, 0)}[way]
    assert np.array_equal(np.sign(np.diff(there, axis=0)), [moves, moves])


def test_an_opacity_that_holds_is_made_once() -> None:
    layer = Timed(Still(Patch(0, 0, fill((9, 9, 9), 4, 4))), 0, 100, 100, opacity=0.5)
    first, second = layer.at(10), layer.at(20)
    assert first is second and first is not None and first.pixels[0, 0, 3] == 128


def test_half_clear_pictures_fade_on() -> None:
    pixels = np.full((2, 2, 4), 100, np.uint8)
    assert (faded(pixels, 0.5)[..., 3] == 50).all() and (faded(pixels, 0.5)[..., :3] == 100).all()


def test_a_circle_is_round_and_a_box_has_round_corners() -> None:
    circle, box = mask_of("circle", 100, 100), mask_of("rectangle", 100, 60, 20)
    assert circle is not None and box is not None
    assert abs(circle.mean() / 255 - np.pi / 4) < 0.005 and circle[0, 0] == 0 and circle[50, 50] == 255
    assert box[0, 0] == 0 and box[0, 50] > 200 and box[30, 0] > 200
    assert abs((255.0 - box).sum() / 255 - (4 - np.pi) * 400) < 15
    assert mask_of("bust", 9, 9) is None and mask_of("rectangle", 9, 9) is None


def test_a_person_wears_the_mask() -> None:
    mask = mask_of("circle", 20, 20)
    patch = Person(lambda tick: np.full((20, 20, 3), tick, np.uint8), 3, 4, mask).at(7)
    assert (patch.x, patch.y, patch.version) == (3, 4, 7)
    assert patch.pixels[10, 10].tolist() == [7, 7, 7, 255] and patch.pixels[0, 0, 3] == 0


def test_a_shadow_is_soft_and_lies_around() -> None:
    alpha = np.full((20, 20), 255, np.uint8)
    pixels, margin = shadow(alpha, 3.0)
    assert pixels.shape == (20 + 2 * margin, 20 + 2 * margin, 4) and not pixels[..., :3].any()
    levels = pixels[margin + 10, :, 3].astype(int)
    assert levels[0] == 0 and levels[margin] > 20 and levels.argmax() in range(margin + 8, margin + 12)


@pytest.mark.parametrize("kind", changes.KINDS)
def test_a_transition_begins_with_the_old_picture_and_ends_with_the_new(kind: str) -> None:
    chance = np.random.default_rng(0)
    old, new = (chance.integers(0, 256, (30, 40, 3), dtype=np.uint8) for _ in range(2))
    np.testing.assert_array_equal(changes.between(old, new, kind, 1.0), new)
    if kind != "cut":
        np.testing.assert_allclose(changes.between(old, new, kind, 0.0).astype(int), old, atol=1)
    middle = changes.between(old, new, kind, 0.5)
    assert middle.shape == old.shape and middle.dtype == np.uint8
