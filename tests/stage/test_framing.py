"""The head is in the picture, whatever the canvas."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.stage.kit import figure

from mien.stage.framing import frame_avatar, head_box

CANVASES = [(1280, 720), (720, 1280), (720, 720), (512, 512), (640, 480), (300, 900)]


@pytest.mark.parametrize("canvas", CANVASES)
@pytest.mark.parametrize(
    "picture", [(512, 400, 220, 140, 45), (600, 800, 300, 330, 90), (900, 500, 620, 200, 50), (400, 400, 200, 190, 100)]
)
def test_the_head_is_inside(canvas: tuple[int, int], picture: tuple[int, int, int, int, int]) -> None:
    avatar = figure(*picture)
    framing, box = frame_avatar(avatar, *canvas), head_box(avatar)
    assert framing.x + framing.scale * box.left >= 0
    assert framing.x + framing.scale * box.right <= canvas[0]
    assert framing.y + framing.scale * box.top >= (-0.5 if box.cut else 0.029 * canvas[1])
    assert framing.y + framing.scale * box.bottom <= canvas[1]


def test_no_air_shows_above_a_head_that_the_picture_cuts_off() -> None:
    avatar = figure(400, 400, 200, 190, 100)
    assert head_box(avatar).cut
    for width, height in ((1280, 720), (720, 720), (640, 480)):
        framing = frame_avatar(avatar, width, height)
        assert framing.y == pytest.approx(0, abs=0.5)


def test_a_picture_with_room_fills_the_canvas_with_eyes_on_the_upper_third() -> None:
    avatar = figure(1200, 1200, 600, 420, 60)
    for width, height in CANVASES:
        framing = frame_avatar(avatar, width, height)
        assert framing.covers
        assert framing.x <= 0.5 and framing.x + 1200 * framing.scale >= width - 0.5
        assert framing.y <= 0.5 and framing.y + 1200 * framing.scale >= height - 0.5
    wide = frame_avatar(avatar, 1280, 720)
    assert wide.y + wide.scale * 420 == pytest.approx(720 / 3, abs=15)
    assert wide.x + wide.scale * 600 == pytest.approx(640, abs=1)


def test_a_tight_portrait_is_shrunk_rather_than_cut() -> None:
    avatar = figure(300, 400, 150, 190, 85)
    framing = frame_avatar(avatar, 1280, 720)
    assert not framing.covers and framing.scale < 1280 / 300


def test_high_hair_is_seen_and_belongs_to_the_head() -> None:
    flat, high = (head_box(figure(600, 600, 300, 300, 60, hair)) for hair in (1.9, 3.0))
    assert flat.top == pytest.approx(300 - 1.9 * 60 - 9, abs=3)
    assert high.top == pytest.approx(300 - 3.0 * 60 - 9, abs=3)


def test_without_a_matte_anatomy_is_used() -> None:
    avatar = figure(600, 600, 300, 300, 60)
    avatar.textures["matte"][:] = 0
    assert head_box(avatar).top == pytest.approx(300 - 1.9 * 60 - 9)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(64, 2000), st.integers(64, 2000), st.integers(200, 800), st.integers(200, 800),
    st.floats(0.2, 0.8), st.floats(0.2, 0.8), st.floats(0.05, 0.2),
)  # fmt: skip
def test_any_canvas(w: int, h: int, tw: int, th: int, fx: float, fy: float, fs: float) -> None:
    avatar = figure(tw, th, fx * tw, fy * th, fs * min(tw, th))
    framing, box = frame_avatar(avatar, w, h), head_box(avatar)
    assert framing.scale > 0
    assert framing.x + framing.scale * box.left >= -1 and framing.x + framing.scale * box.right <= w + 1
    assert framing.y + framing.scale * box.top >= -1 and framing.y + framing.scale * box.bottom <= h + 1


def test_a_low_picture_stands_on_the_lower_edge() -> None:
    avatar = figure(300, 300, 150, 140, 60)
    framing = frame_avatar(avatar, 360, 640)
    assert not framing.covers
    assert framing.y + framing.scale * 300 == pytest.approx(640)
