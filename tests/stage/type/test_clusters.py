"""What a reader takes for one character."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.stage.type import clusters


@pytest.mark.parametrize(
    "whole",
    [
        "👨‍👩‍👧‍👦",
        "🇨🇳",
        "👍🏽",
        "1️⃣",
        "❤️",
        "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
        "e\u0301",
        "ก็",
        "क्ष",
        "각",
    ],
)
def test_parts_of_a_character_stay_together(whole: str) -> None:
    assert clusters.split(f"a{whole}b{whole}{whole}") == ["a", whole, "b", whole, whole]


def test_flags_part_in_pairs() -> None:
    assert clusters.split("🇨🇳🇫🇷🇩") == ["🇨🇳", "🇫🇷", "🇩"]


@given(st.text(max_size=60))
def test_nothing_is_lost(text: str) -> None:
    assert "".join(clusters.split(text)) == text


@pytest.mark.parametrize("cluster", ["🍵", "😀", "👍🏽", "🇨🇳", "1️⃣", "❤️", "⌚", "✨", "⭐"])
def test_emoji(cluster: str) -> None:
    assert clusters.is_emoji(cluster)


@pytest.mark.parametrize("cluster", ["a", "1", "❤", "茶", "，", "★", "→", "ア", "㈱", "❤\ufe0e", "⌚\ufe0e"])
def test_not_emoji(cluster: str) -> None:
    assert not clusters.is_emoji(cluster)


def test_names() -> None:
    assert clusters.name("ꦏ") == "U+A98F JAVANESE LETTER KA"
    assert clusters.name("❤️") == "U+2764 HEAVY BLACK HEART"
