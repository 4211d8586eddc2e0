"""Where lines may end."""

from __future__ import annotations

import pytest

from mien.linebreak import CLAUSE, NEVER, PHRASE, POOR, SENTENCE, WEAK, break_after, columns


@pytest.mark.parametrize(
    "text, following, quality",
    [
        ("Hello ", "world", WEAK), ("Hello", "world", NEVER), ("Hello, ", "world", CLAUSE), ("Hello. ", "W", SENTENCE),
        ("好", "，", NEVER), ("（", "好", NEVER), ("好，", "今", CLAUSE), ("好。”", "今", SENTENCE), ("今", "天", POOR),
            ("茶", "山", WEAK), ("三", "步", POOR), ("90", "度", POOR), ("孩子", "们", POOR), ("我", "们", POOR),
        ("天", "在", PHRASE), ("的", "茶", PHRASE), ("用", "Python", WEAK), ("—", "—", NEVER), ("天", "🍵", WEAK),
        ("は", "今", PHRASE), ("美", "し", POOR), ("し", "い", POOR), ("テ", "ス", POOR), ("お", "茶", NEVER),
        ("end", "", SENTENCE), ("", "a", NEVER), ("100 ", "%", NEVER), ("שלום, ", "ת", CLAUSE),
    ],
)  # fmt: skip
def test_how_good_a_break_is(text: str, following: str, quality: int) -> None:
    assert break_after(text, following) == quality


@pytest.mark.parametrize("text, width", [("Tea", 3), ("茶ab", 4), ("e\u0301", 1), ("ｱ", 1), ("🍵", 2), ("a\u200db", 2)])
def test_columns(text: str, width: int) -> None:
    assert columns(text) == width
