"""Canvas sizes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.errors import UsageError
from mien.stage.size import canvas_size


@pytest.mark.parametrize(
    "size, aspect, picture, wanted",
    [
        ("512", "auto", (300, 400), (512, 512)), ("512", "9:16", (1, 1), (512, 910)),
        ("720p", "auto", (1, 1), (1280, 720)), ("720p", "9:16", (1, 1), (720, 1280)),
        ("720p", "1:1", (1, 1), (720, 720)),
        ("1080p", "auto", (1, 1), (1920, 1080)), ("1080p", "9:16", (1, 1), (1080, 1920)),
        ("640x480", "auto", (1, 1), (640, 480)), ("640x480", "4:3", (1, 1), (640, 480)),
        ("auto", "auto", (512, 393), (960, 720)), ("auto", "auto", (900, 1000), (720, 720)),
        ("auto", "auto", (100, 900), (720, 1280)), ("auto", "auto", (900, 100), (1280, 720)),
        ("auto", "1:1", (512, 393), (720, 720)),
    ],
)  # fmt: skip
def test_sizes(size: str, aspect: str, picture: tuple[int, int], wanted: tuple[int, int]) -> None:
    assert canvas_size(size, aspect, picture) == wanted


def test_previews_are_small_unless_told_otherwise() -> None:
    assert canvas_size("auto", "auto", (1, 1), preview=True) == (360, 360)
    assert canvas_size("512", "auto", (1, 1), preview=True) == (512, 512)


@pytest.mark.parametrize(
    "size, aspect, words",
    [
        ("huge", "auto", "not a size"), ("641x480", "auto", "odd side"), ("640x480", "16:9", "is not 16:9"),
        ("16", "auto", "outside"), ("9000x9000", "auto", "outside"), ("512", "0:1", "not an aspect"),
        ("512", "wide", "not an aspect"), ("512", "100:1", "too narrow"), ("4096", "16:9", "outside"),
    ],
)  # fmt: skip
def test_impossible_sizes_are_refused(size: str, aspect: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        canvas_size(size, aspect, (1, 1))


@given(st.text(max_size=12), st.text(max_size=8))
def test_any_words(size: str, aspect: str) -> None:
    try:
        width, height = canvas_size(size, aspect, (4, 3))
    except UsageError:
        return
    assert width % 2 == height % 2 == 0
