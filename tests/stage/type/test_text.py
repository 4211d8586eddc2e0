"""Text as it is painted."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont
from tests.stage.type import kit

from mien.errors import MissingError, UsageError
from mien.stage.type import shape
from mien.stage.type.style import Box, Shadow, TextStyle
from mien.stage.type.text import Block, check_text, fit_text, lay_out, set_text

PLAIN = TextStyle(40)


def ink(block: Block) -> tuple[float, float, float, float]:
    """Where it is more than half there, in the layout's pixels: left, top, right, bottom."""
    rows, columns = np.nonzero(block.pixels[..., 3] > 127)
    return (
        columns.min() + block.x, rows.min() + block.y, columns.max() + 1 + block.x, rows.max() + 1 + block.y,
    )  # fmt: skip


def test_pixels_are_straight_alpha_of_the_colour_and_cropped() -> None:
    block = set_text("茶 Tea", TextStyle(40, colour="#20c080"), 400)
    shown = block.pixels[block.pixels[..., 3] > 0]
    assert block.pixels.dtype == np.uint8 and block.pixels.shape[2] == 4
    assert (np.abs(shown[:, :3].astype(int) - (0x20, 0xC0, 0x80)) <= 1).all()
    for edge in (block.pixels[0], block.pixels[-1], block.pixels[:, 0], block.pixels[:, -1]):
        assert edge[:, 3].any()


@pytest.mark.parametrize("align", ["left", "center", "right", "start"])
@pytest.mark.parametrize(
    "text",
    ["今天教你三步泡好一杯茶，水温要控制在90度", "How to make a cup of tea in three steps", "אבגד הוזח טיכל מנסע"],
)
def test_lines_lie_within_the_width_and_where_they_are_aligned(align: str, text: str) -> None:
    block = set_text(text, TextStyle(40, align=align), 330)
    left, top, right, bottom = ink(block)
    assert block.height == 40 * 1.3 * round(block.height / 52) and block.height > 52
    assert left >= -2 and right <= block.width + 2 <= 332
    assert top >= -2 and bottom <= block.height + 2


def test_two_lines_are_centred_on_each_other_by_their_ink() -> None:
    """A comma at the end is half empty, and what is empty does not count."""
    layout = lay_out("今天泡茶，\n今天泡茶", PLAIN, 600)
    first, second = layout.lines
    assert first.width == pytest.approx(second.width + 20)
    assert first.x + first.width / 2 == pytest.approx(second.x + second.width / 2)


def test_words_are_where_their_ink_is() -> None:
    text = "one two three"
    spans = [(0, 3), (4, 7), (8, 13)]
    layout = lay_out(text, PLAIN, 1000, words=spans)
    block = layout.paint({1: "#ff0000"})
    red = (block.pixels[..., 0] > 200) & (block.pixels[..., 1] < 60) & (block.pixels[..., 3] > 127)
    columns = np.nonzero(red)[1] + block.x
    (region,) = block.words[1]
    assert region.left - 2 <= columns.min() and columns.max() <= region.right + 2
    assert columns.min() - region.left < 8 and region.right - columns.max() < 8
    assert block.words[0][0].right <= region.left <= region.right <= block.words[2][0].left


def test_a_word_of_another_colour_changes_nothing_else() -> None:
    layout = lay_out("今天教你泡茶", TextStyle(40, outline=0.1, shadow=Shadow()), 1000, words=[(2, 4)])
    plain, marked = layout.paint(), layout.paint({0: "#ffcc00"})
    (region,) = plain.words[0]
    changed = np.nonzero((plain.pixels != marked.pixels).any(2))[1] + plain.x
    assert region.left - 1 <= changed.min() and changed.max() <= region.right + 1
    assert (plain.pixels[..., 3] == marked.pixels[..., 3]).all()
    assert (layout.paint().pixels == plain.pixels).all()


def test_right_to_left_words_run_from_the_right() -> None:
    block = set_text("אבג דהו זחט", PLAIN, 1000, words=[(0, 3), (4, 7), (8, 11)])
    first, second, third = (regions[0] for regions in block.words)
    assert third.right <= second.left and second.right <= first.left


@pytest.mark.parametrize("text", ["אבג (abc 12) דה!", "abc אבג 12.5 דה xyz", "אב-גד 1,234 הו", "אבג"])
def test_mixed_directions_look_as_fribidi_orders_them(tmp_path: Path, text: str) -> None:
    """The same picture as Pillow's own layout of the whole line in one font."""
    assert shape.can_shape()
    characters = kit.HEBREW + "abcdefghijklmnopqrstuvwxyz0123456789 !(),.-"
    file = kit.make_font(tmp_path / "both.ttf", "Both", characters, step=9)
    block = set_text(text, TextStyle(40, font=str(file)), 2000)
    font = ImageFont.truetype(str(file), 40)
    expected = Image.new("L", (2000, 120))
    ImageDraw.Draw(expected).text((10, 60), text, fill=255, font=font, anchor="ls")
    box = expected.getbbox()
    assert box is not None
    whole = np.asarray(expected.crop(box)).astype(int)
    assert whole.shape == block.pixels.shape[:2]
    assert np.abs(whole - block.pixels[..., 3]).max() <= 40  # runs begin at fractions of a pixel


def test_what_no_font_has_is_named() -> None:
    with pytest.raises(MissingError, match=r"No font here has 'ꦏ' \(U\+A98F JAVANESE LETTER KA\)") as refused:
        set_text("abc ꦏ", PLAIN, 500)
    assert refused.value.code == "missing.glyph" and "fonts" in refused.value.hint
    with pytest.raises(MissingError, match="and 1 more"):
        check_text("ꦏꦐꦑꦒ", PLAIN)


def test_an_emoji_without_a_font_is_left_out_and_named() -> None:
    block = set_text("茶🦕茶", PLAIN, 500)
    assert block.left_out == ("U+1F995 SAUROPOD",) == check_text("茶🦕茶", PLAIN)
    assert block.width == pytest.approx(set_text("茶茶", PLAIN, 500).width)


def test_emoji_have_their_own_colours() -> None:
    block = set_text("茶🍵", TextStyle(40, colour="#ff0000"), 500)
    green = (block.pixels[..., 1] > 150) & (block.pixels[..., 0] < 100) & (block.pixels[..., 3] > 200)
    columns = np.nonzero(green)[1] + block.x
    assert columns.min() >= 40 and 15 < np.ptp(columns) < 60


def test_quotation_marks_are_as_wide_as_what_they_stand_beside() -> None:
    def width(text: str) -> float:
        return lay_out(text, PLAIN, 1000).width

    assert width("茶“茶”茶") == pytest.approx(5 * 40)
    assert width("“a”") < 2 * 40
    assert width("it’s") < width("its") + 20


def test_white_between_marks_is_not_doubled() -> None:
    def width(text: str) -> float:
        return lay_out(text, PLAIN, 1000).width

    assert width("茶：“茶”，茶") == pytest.approx((7 - 1) * 40)
    assert width("茶，茶") == pytest.approx(3 * 40)


def test_japanese_forms_are_taken_for_japanese() -> None:
    chinese, japanese = (set_text("直", TextStyle(200, language=code), 400).pixels for code in ("zh", "ja"))
    assert chinese.shape != japanese.shape or (chinese != japanese).any()


def test_letters_apart() -> None:
    close, apart = (lay_out("茶AB道", TextStyle(40, letters=space), 1000).width for space in (0.0, 0.1))
    assert apart == pytest.approx(close + 4 * 4, abs=2)


@pytest.mark.parametrize("style", [
    TextStyle(40, outline=0.1), TextStyle(40, shadow=Shadow(0.1, 0.1)), TextStyle(40, box=Box()),
    TextStyle(40, box=Box(by_line=True)),
])  # fmt: skip
def test_what_lies_behind_adds_and_hides_no_letter(style: TextStyle) -> None:
    text = "三步\nTea for two"
    bare, rich = set_text(text, PLAIN, 500), set_text(text, style, 500)
    letters = bare.pixels[..., 3] == 255
    down, across = bare.y - rich.y, bare.x - rich.x
    same = rich.pixels[down : down + letters.shape[0], across : across + letters.shape[1]]
    assert (same[letters] == 255).all()
    assert (rich.pixels[..., 3] > 0).sum() > (bare.pixels[..., 3] > 0).sum()
    assert (rich.width, rich.height) == (bare.width, bare.height)


def test_boxes_by_line_follow_the_lines() -> None:
    text = "one\nseventeen letters"
    around, by_line = (set_text(text, TextStyle(40, box=Box(by_line=b)), 900).pixels[..., 3] for b in (False, True))
    assert around[20, 20] > 100 and by_line[20, 20] == 0


def test_text_shrinks_until_it_fits() -> None:
    long = "A title that has far too many words for the two lines that it may have"
    layout = fit_text(long, TextStyle(100), 700, 2 * 130)
    assert layout.height <= 2 * 130 and 50 <= layout.style.size < 100
    assert fit_text("Short", TextStyle(100), 700, 130).style.size == 100
    assert not fit_text("Donaudampfschifffahrtsgesellschaft", TextStyle(60), 800, 500).torn


def test_without_fribidi_scripts_that_need_it_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shape, "can_shape", lambda: False)
    with pytest.raises(MissingError, match="Right-to-left text needs the FriBiDi library") as refused:
        set_text("אבג", PLAIN, 500)
    assert refused.value.code == "missing.fribidi"
    with pytest.raises(MissingError, match="FriBiDi"):
        set_text("नमस्ते", PLAIN, 500)
    assert set_text("三步 Tea é", PLAIN, 500).pixels.any()


@pytest.mark.parametrize(
    "wrong", [{"colour": "mauvish"}, {"align": "justified"}, {"size": 1.0}, {"outline_colour": ""}]
)
def test_styles_that_make_no_sense(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        TextStyle(**{"size": 40.0, **wrong})  # type: ignore[arg-type]


def test_nothing_to_set() -> None:
    for text in ("", " ", "\n", "\u200b"):
        assert not set_text(text, PLAIN, 100).pixels.any()


def test_small_letters_keep_even_distances() -> None:
    """Drawn on whole pixels, a row of n would be wider or narrower than a large one by up to half a pixel a letter."""
    large, small = (set_text("n" * 20, TextStyle(size), 10_000).width / size for size in (200.0, 15.3))
    assert small == pytest.approx(large, rel=0.01)
    ink = set_text("n" * 20, TextStyle(15.3), 10_000).pixels[..., 3].max(axis=0)
    gaps = [len(gap) for gap in re.findall(r"0+", "".join("1" if v > 96 else "0" for v in ink))]
    assert max(gaps) - min(gaps) <= 1


@pytest.mark.parametrize("size", [20.0, 60.0])
def test_spaces_around_an_emoji_that_no_font_draws_become_one(size: float) -> None:
    style = TextStyle(size)
    assert set_text("茶 \U0001f9ff，好", style, 900).width == set_text("茶，好", style, 900).width
    assert set_text("job \U0001f9ff family", style, 900).width > set_text("jobfamily", style, 900).width
    wide = set_text("job \U0001f9ff family \U0001f9ff", style, 900).width
    assert wide == pytest.approx(set_text("job family", style, 900).width, abs=3)


def test_a_foreign_first_word_does_not_turn_a_language_round() -> None:
    from mien.stage.type.paragraph import Paragraph

    if not shape.can_shape():
        pytest.skip("the FriBiDi library is not here")
    assert Paragraph("Mien שלום", TextStyle(40, language="he")).base == 1
    assert Paragraph("Mien שלום", TextStyle(40)).base == 0
    assert Paragraph("Mien 2", TextStyle(40, language="he")).base == 0
