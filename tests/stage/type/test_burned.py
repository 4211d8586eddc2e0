"""Captions in the picture."""

from __future__ import annotations

import random
import re
from itertools import pairwise

import numpy as np
import pytest

from mien.captions import Caption, CaptionWord, make_captions
from mien.errors import MissingError, UsageError
from mien.stage.layer import Patch, Stack
from mien.stage.layers.still import Still
from mien.stage.type.burned import BurnedCaptions, CaptionStyle, caption_room, check_captions
from mien.stage.type.looks import LOOKS
from mien.stage.type.safe import PLATFORMS, safe_area
from mien.timeline import to_ticks
from mien.types import Word

TALL, LYING, SQUARE = (1080, 1920), (1920, 1080), (512, 512)
TEXTS = {
    "zh": "大家好！今天教你三步泡好一杯茶，水温要控制在90度左右🍵。第一步，先温杯。",
    "en": "Hello everyone! Today I’ll show you how to make a cup of tea in three steps. First, warm the pot.",
    "he": "אבג דהו! זחט יכל מנס עפצ קרש תאב גדה וזח.",
}


def spoken(text: str) -> list[Word]:
    words, at = list[Word](), 0.5
    for match in re.finditer(r"[\u4e00-\u9fff]|[^\W\u4e00-\u9fff]+(?:[’'-][^\W\u4e00-\u9fff]+)*", text):
        words.append(Word(to_ticks(at), to_ticks(at + 0.25), match.start(), match.end()))
        at += 0.3 if len(match[0]) > 1 else 0.25
    return words


def layer_of(text: str, style: CaptionStyle, canvas: tuple[int, int]) -> tuple[BurnedCaptions, list[Caption]]:
    captions = make_captions(spoken(text), text, room=caption_room(style, canvas))
    return BurnedCaptions(captions, canvas, style), captions


def moments(captions: list[Caption]) -> list[int]:
    return [word.start + 4800 for caption in captions for word in caption.words]


def solid(patch: Patch) -> tuple[int, int, int, int]:
    """Where a patch is more than half there: left, top, right, bottom on the canvas."""
    rows, columns = np.nonzero(patch.pixels[..., 3] > 127)
    left, top = int(columns.min()) + patch.x, int(rows.min()) + patch.y
    return left, top, int(columns.max()) + 1 + patch.x, int(rows.max()) + 1 + patch.y


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("canvas, platform", [(TALL, "tiktok"), (TALL, "reels"), (LYING, "none"), (SQUARE, "none")])
@pytest.mark.parametrize("language", TEXTS)
def test_captions_stay_in_what_the_platform_leaves_free(
    look: str, canvas: tuple[int, int], platform: str, language: str
) -> None:
    layer, captions = layer_of(TEXTS[language], CaptionStyle(look, platform), canvas)
    area = safe_area(platform, *canvas)
    for caption in captions:
        patch = layer.at(caption.words[-1].start + 4800)
        assert patch is not None
        left, top, right, bottom = solid(patch)
        assert area.left <= left < right <= area.right
        assert area.top <= top < bottom <= area.bottom + 0.01 * canvas[1]


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize(
    "text", ["Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft", "啊" * 60]
)
def test_nothing_runs_over_the_edge(look: str, text: str) -> None:
    captions = [Caption(0, 48_000, (text,), (CaptionWord(0, 48_000, text),))]
    patch = BurnedCaptions(captions, SQUARE, CaptionStyle(look)).at(20_000)
    assert patch is not None
    left, top, right, bottom = solid(patch)
    assert 0 < left < right < 512 and 0 < top < bottom < 512


@pytest.mark.parametrize("look", LOOKS)
def test_the_same_tick_gives_the_same_picture_in_any_order(look: str) -> None:
    style = CaptionStyle(look, "tiktok")
    layer, captions = layer_of(TEXTS["en"], style, TALL)
    ticks = list(range(0, captions[-1].end + 9600, 4800))
    first = [layer.at(tick) for tick in ticks]
    other, _ = layer_of(TEXTS["en"], style, TALL)
    for i in random.Random(1).sample(range(len(ticks)), len(ticks)):
        again, before = other.at(ticks[i]), first[i]
        assert (again is None) == (before is None)
        if again is not None and before is not None:
            assert (again.x, again.y, again.version) == (before.x, before.y, before.version)
            assert np.array_equal(again.pixels, before.pixels)


@pytest.mark.parametrize("look", LOOKS)
def test_equal_versions_are_equal_pictures_and_change_only_with_words(look: str) -> None:
    layer, captions = layer_of(TEXTS["zh"], CaptionStyle(look), TALL)
    seen: dict[int, Patch] = {}
    changes = 0
    shown = [layer.at(tick) for tick in range(0, captions[-1].end, 1920)]
    for before, patch in pairwise(shown):
        changes += patch is not None and (before is None or before.version != patch.version)
        if patch is not None:
            same = seen.setdefault(patch.version, patch)
            assert (same.x, same.y) == (patch.x, patch.y) and np.array_equal(same.pixels, patch.pixels)
    words = sum(len(caption.words) for caption in captions)
    assert changes <= {"plain": len(captions), "box": len(captions), "karaoke": words + len(captions)}.get(
        look, 3 * words
    )


def test_captions_are_there_when_their_words_are_said_and_gone_after() -> None:
    layer, captions = layer_of(TEXTS["en"], CaptionStyle(), TALL)
    assert layer.at(captions[0].start - 1) is None and layer.at(captions[-1].end) is None
    for caption in captions:
        assert layer.at(caption.start) is not None and layer.at(caption.end - 1) is not None


def yellow(patch: Patch) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Columns of the canvas that have the accent's colour."""
    pixels = patch.pixels.astype(int)
    accent = (pixels[..., 0] > 230) & (pixels[..., 2] < 110) & (pixels[..., 3] > 200)
    return np.nonzero(accent)[1] + patch.x


@pytest.mark.parametrize("language, forward", [("en", True), ("zh", True), ("he", False)])
def test_karaoke_lights_the_word_that_is_said(language: str, forward: bool) -> None:
    layer, captions = layer_of(TEXTS[language], CaptionStyle("karaoke"), LYING)
    words = captions[0].words
    middles = []
    for word in words:
        patch = layer.at(word.start)
        assert patch is not None
        lit = yellow(patch)
        assert len(lit)
        middles.append(lit.mean())
    rising = [b > a for a, b in pairwise(middles) if abs(b - a) < 900]
    assert rising.count(forward) >= len(rising) - 1  # one step goes back to the next line


def test_karaoke_is_never_late_by_more_than_a_frame() -> None:
    layer, captions = layer_of(TEXTS["zh"], CaptionStyle("karaoke"), TALL)
    for caption in captions:
        for word in caption.words[1:]:
            before, after = layer.at(word.start - 1), layer.at(word.start)
            assert before is not None and after is not None and before.version != after.version


def test_big_words_come_one_by_one_and_say_all_of_it() -> None:
    for language in ("en", "zh"):
        layer, captions = layer_of(TEXTS[language], CaptionStyle("big-word"), TALL)
        versions = {p.version for t in moments(captions) if (p := layer.at(t + 6000)) is not None}
        assert len(versions) >= len(captions) * 2
        heights = {p.pixels.shape[0] for t in moments(captions) if (p := layer.at(t + 6000)) is not None}
        assert max(heights) < 0.35 * 1920


def test_two_canvases_look_the_same() -> None:
    small, large = (layer_of(TEXTS["en"], CaptionStyle("box"), size)[0].at(40_000) for size in ((540, 960), TALL))
    assert small is not None and large is not None
    assert np.array(solid(large)) / 2 == pytest.approx(np.array(solid(small)), abs=4)


@pytest.mark.parametrize("place, low, high", [("top", 0.0, 0.35), ("middle", 0.5, 0.85), ("bottom", 0.6, 1.0)])
def test_places(place: str, low: float, high: float) -> None:
    patch = layer_of(TEXTS["en"], CaptionStyle(place=place), TALL)[0].at(40_000)
    assert patch is not None
    _, top, _, bottom = solid(patch)
    assert low * 1920 <= top < bottom <= high * 1920


def test_a_caption_without_times_of_words_is_shown() -> None:
    layer = BurnedCaptions([Caption(0, 48_000, ("你好", "world"))], SQUARE, CaptionStyle("karaoke"))
    assert layer.at(100) is not None


def test_what_cannot_be_painted_is_told_beforehand() -> None:
    captions = make_captions(spoken("hello 🦕 ok"), "hello 🦕 ok")
    assert check_captions(captions, CaptionStyle()) == ("U+1F995 SAUROPOD",)
    with pytest.raises(MissingError, match="JAVANESE"):
        check_captions([Caption(0, 1, ("ꦏ",))], CaptionStyle())


@pytest.mark.parametrize("wrong", [{"look": "neon"}, {"place": "left"}, {"size": 5.0}, {"platform": "vine"}])
def test_styles_that_make_no_sense(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        CaptionStyle(**wrong)  # type: ignore[arg-type]


def test_a_film_with_captions_is_its_background_elsewhere() -> None:
    background = np.full((512, 512, 3), 90, np.uint8)
    layer, captions = layer_of(TEXTS["zh"], CaptionStyle("box"), SQUARE)
    stack = Stack([Still(Patch(0, 0, background, 1)), layer], 512, 512)
    with_words = stack.at(captions[0].start).copy()
    assert (with_words[:250] == 90).all() and (with_words != 90).any()
    assert (stack.at(captions[-1].end + 1) == 90).all()


def test_all_platforms_take_captions() -> None:
    for platform in PLATFORMS:
        assert layer_of("Hello there", CaptionStyle(platform=platform), TALL)[0].at(30_000) is not None
