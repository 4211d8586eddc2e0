"""Mixed directions, against what Unicode says should be seen. Capital letters stand for Hebrew ones."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.stage.type import bidi

CAPITALS = {chr(65 + i): chr(0x5D0 + i) for i in range(26)}
BACK = {hebrew: capital for capital, hebrew in CAPITALS.items()}
MIRROR = dict(zip("()[]<>", ")(][><", strict=True))


def seen(text: str, base: int | None = None) -> str:
    """From left to right, as it is seen."""
    text = "".join(CAPITALS.get(char, char) for char in text)
    base = bidi.base_level(text) if base is None else base
    levels = bidi.for_line(text, bidi.levels(text, base), base)
    shown = bidi.visual([MIRROR.get(c, c) if lv % 2 else c for c, lv in zip(text, levels, strict=True)], levels)
    return "".join(BACK.get(char, char) for char in shown)


@pytest.mark.parametrize(
    "text, shown",
    [
        ("car is THE CAR in arabic", "car is RAC EHT in arabic"),
        ("HE SAID it is 123, 456, OK", "KO ,it is 123, 456 DIAS EH"),
        ("SHALOM abc 12.5% ALEF!", "!FELA abc 12.5% MOLAHS"),
        ("he said THE VALUES ARE 123, 456, 789, OK.", "he said KO ,789 ,456 ,123 ERA SEULAV EHT."),
        ("ALEF (3 BET) GIMEL", "LEMIG (TEB 3) FELA"),
        ("a (ALEF) b", "a (FELA) b"),
        ("ALEF (abc) BET", "TEB (abc) FELA"),
        ("ALEF 1-2 BET", "TEB 1-2 FELA"),
        ("$12 ALEF", "FELA $12"),
        ("plain text, (as) it is.", "plain text, (as) it is."),
    ],
)
def test_order(text: str, shown: str) -> None:
    assert seen(text) == shown


def test_space_at_the_end_of_a_line_goes_with_the_paragraph() -> None:
    assert seen("abc ALEF  ", 0) == "abc FELA  "


def test_digits_after_arabic_letters_are_arabic_numbers() -> None:
    assert bidi.levels("ب 12", 1) == [1, 1, 2, 2]
    assert bidi.levels("a ب 12", 0) == [0, 0, 1, 1, 2, 2]


@given(st.text(st.sampled_from("abAB12 .,-()$%\u200d\u0301אבم١🍵中"), max_size=40), st.sampled_from([0, 1]))
def test_every_character_is_seen_once(text: str, base: int) -> None:
    levels = bidi.for_line(text, bidi.levels(text, base), base)
    assert all(base <= level <= base + 2 for level in levels)
    assert sorted(bidi.visual(range(len(text)), levels)) == list(range(len(text)))


@given(st.text(st.sampled_from("ab 12.,()中，🍵"), max_size=40))
def test_text_without_right_to_left_stays(text: str) -> None:
    assert bidi.levels(text, 0) == [0] * len(text)
