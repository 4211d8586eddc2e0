"""Titles and lower thirds."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest

from mien.captions import Caption
from mien.errors import MissingError, UsageError
from mien.stage.layer import Layer, Patch
from mien.stage.type.burned import BurnedCaptions, CaptionStyle
from mien.stage.type.safe import safe_area
from mien.stage.type.titles import ENTRANCES, PLACES, TitleStyle, check_title, lower_third, title
from mien.timeline import to_ticks

TALL, LYING = (1080, 1920), (1920, 1080)
START, END = to_ticks(1), to_ticks(4)
STEADY = to_ticks(2.5)


def solid(patch: Patch | None) -> tuple[int, int, int, int]:
    assert patch is not None
    rows, columns = np.nonzero(patch.pixels[..., 3] > 127)
    left, top = int(columns.min()) + patch.x, int(rows.min()) + patch.y
    return left, top, int(columns.max()) + 1 + patch.x, int(rows.max()) + 1 + patch.y


@pytest.mark.parametrize("canvas", [TALL, LYING, (512, 512)])
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("text", ["三步泡好一杯茶", "A title that is rather long for one line of a film", "אבג דהו"])
def test_titles_stay_in_what_is_free(canvas: tuple[int, int], place: str, text: str) -> None:
    layer = title(text, canvas, START, END, TitleStyle(place, "tiktok"), subtitle="零基础也能学会 and more")
    area = safe_area("tiktok", *canvas)
    left, top, right, bottom = solid(layer.at(STEADY))
    assert area.left <= left < right <= area.right and area.top <= top < bottom <= area.bottom
    assert abs((left + right) / 2 - canvas[0] / 2) < 0.02 * canvas[0]


@pytest.mark.parametrize("canvas", [TALL, LYING])
def test_lower_thirds_lie_where_reading_begins_and_clear_of_captions(canvas: tuple[int, int]) -> None:
    style = TitleStyle(platform="tiktok")
    captions = BurnedCaptions([Caption(0, END, ("第一行字幕", "第二行字幕"))], canvas, CaptionStyle("box", "tiktok"))
    area = safe_area("tiktok", *canvas)
    left, _, right, bottom = solid(lower_third("安娜", "茶艺师", canvas, START, END, style).at(STEADY))
    assert left == area.left and right < canvas[0] / 2
    assert bottom <= solid(captions.at(STEADY))[1]
    left, _, right, _ = solid(lower_third("אבג", "דהו", canvas, START, END, style).at(STEADY))
    assert right == area.right and left > canvas[0] / 2


@pytest.mark.parametrize("enter", ENTRANCES)
def test_coming_and_going(enter: str) -> None:
    """Nothing before and after; ever more of it, then all of it."""
    layer = title("三步泡好一杯茶", TALL, START, END, TitleStyle(enter=enter, leave=enter))
    assert layer.at(START - 1) is None and layer.at(END) is None
    whole = layer.at(STEADY)
    assert whole is not None
    there = [0 if (p := layer.at(START + i * 1920)) is None else int(p.pixels[..., 3].sum()) for i in range(20)]
    assert all(a <= b for a, b in pairwise(there)) and there[-1] == whole.pixels[..., 3].sum()
    leaving = layer.at(END - 480)
    gone = 0 if leaving is None else int(leaving.pixels[..., 3].sum())
    assert gone < 0.5 * there[-1] or enter == "cut"


@pytest.mark.parametrize(
    "make",
    [lambda: title("Tea", TALL, START, END), lambda: lower_third("Anna", "Tea master", TALL, START, END)],
)
def test_equal_versions_are_equal_pictures(make: Callable[[], Layer]) -> None:
    layer, again = make(), make()
    seen: dict[int, Patch] = {}
    for tick in range(START, END, 1920):
        patch, other = layer.at(tick), again.at(tick)
        assert (patch is None) == (other is None)
        if patch is not None:
            same = seen.setdefault(patch.version, patch)
            for twin in (same, other):
                assert (
                    twin is not None
                    and (twin.x, twin.y) == (patch.x, patch.y)
                    and np.array_equal(twin.pixels, patch.pixels)
                )
    assert layer.at(STEADY) is layer.at(STEADY + 1920)


def test_a_name_alone() -> None:
    one, two = (lower_third("Anna", role, TALL, START, END).at(STEADY) for role in ("", "Tea master"))
    assert one is not None and two is not None and one.pixels.shape[0] < two.pixels.shape[0]


def test_what_cannot_be_painted() -> None:
    with pytest.raises(MissingError, match="JAVANESE"):
        title("ꦏ", TALL, START, END)
    assert check_title("茶🦕") == ("U+1F995 SAUROPOD",)
    for wrong in ({"place": "left"}, {"enter": "spin"}, {"size": 9.0}, {"accent": "goldish"}, {"platform": "vine"}):
        with pytest.raises(UsageError):
            TitleStyle(**wrong)


def shown(layer: Layer, tick: int) -> float:
    """How much of it is there."""
    patch = layer.at(tick)
    return 0.0 if patch is None else float(patch.pixels[..., 3].sum())


@pytest.mark.parametrize("way", [way for way in ENTRANCES if way != "cut"])
def test_coming_takes_as_long_as_it_is_told_to(way: str) -> None:
    quick, slow = (title("Tea", TALL, START, END, TitleStyle(enter=way, enter_ticks=to_ticks(s))) for s in (0.1, 1.0))
    assert shown(quick, START + to_ticks(0.12)) == shown(slow, STEADY)
    assert 0 < shown(slow, START + to_ticks(0.12)) < 0.8 * shown(slow, STEADY)
    assert shown(title("Tea", TALL, START, END, TitleStyle(enter=way, enter_ticks=0)), START) > 0


def test_words_may_be_half_there() -> None:
    whole, half = (title("Tea", TALL, START, END, TitleStyle(opacity=share)) for share in (1.0, 0.5))
    assert shown(half, STEADY) == pytest.approx(shown(whole, STEADY) / 2, rel=0.02)
