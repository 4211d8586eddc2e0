"""Lines as a reader wants them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.linebreak import NOT_AT_END, NOT_AT_START, columns
from mien.stage.type import clusters
from mien.stage.type.wrap import Span, wrap

CHINESE = "今天教你三步泡好一杯茶，“水温”要控制在90℃左右（很重要）！用Python写的AI程序，每个人都可以学会。"
ENGLISH = "Today I’ll show you how to make a truly wonderful cup of tea, in three easy steps (really)."


def lines(text: str, limit: float, whole: list[Span] | None = None) -> list[str]:
    """Set in a font whose letters are a column wide, full-width ones two."""
    found = wrap(text, limit, lambda a, b: float(columns(text[a:b])), whole or [])
    return [text[a:b] for a, b in found.lines]


@pytest.mark.parametrize("limit", [12, 17, 24, 40])
def test_east_asian_rules(limit: int) -> None:
    cut = [line.strip() for line in lines(CHINESE, limit)]
    assert "".join(cut) == CHINESE
    assert all(columns(line) <= limit for line in cut)
    assert not any(line[0] in NOT_AT_START for line in cut)
    assert not any(line[-1] in NOT_AT_END for line in cut)
    assert sum("Python" in line for line in cut) == 1


@pytest.mark.parametrize("limit", [12, 20, 33])
def test_words_stay_whole_without_hyphens(limit: int) -> None:
    cut = lines(ENGLISH, limit)
    assert "".join(cut) == ENGLISH
    assert {word for line in cut for word in line.split()} == set(ENGLISH.split())


def test_lines_are_even() -> None:
    widths = [columns(line.strip()) for line in lines(ENGLISH, 40)]
    assert len(widths) == 3 and max(widths) - min(widths) <= 10


def test_a_line_ends_after_a_clause_where_that_is_nearly_even() -> None:
    assert lines("今天教你泡好茶，水温要控制好", 20) == ["今天教你泡好茶，", "水温要控制好"]


def test_japanese_words_are_not_cut_before_their_endings() -> None:
    assert lines("今日は美味しいお茶をいれます", 18) == ["今日は美味しい", "お茶をいれます"]


def test_words_that_are_named_stay_together() -> None:
    text = "机器学习改变世界"
    whole = [(0, 4), (4, 6), (6, 8)]
    assert lines(text, 12, whole) == ["机器学习", "改变世界"]
    assert lines(text, 8, whole) == ["机器学习", "改变世界"]


def test_what_is_wider_than_a_line_is_cut_as_a_last_resort() -> None:
    found = wrap("Donaudampfschifffahrt", 8, lambda a, b: float(b - a))
    assert found.torn and all(b - a <= 8 for a, b in found.lines)
    assert not wrap("in short words", 8, lambda a, b: float(b - a)).torn


@pytest.mark.parametrize("text, kept", [("a\u00a0b c", "a\u00a0b"), ("10\u202fkg of tea", "10\u202fkg")])
def test_glue_holds(text: str, kept: str) -> None:
    assert any(kept in line for line in lines(text, 5))


def test_a_hyphenated_word_may_be_parted_at_its_hyphen_and_a_number_not() -> None:
    assert lines("well-known", 6) == ["well-", "known"]
    assert lines("x 10-20", 6) == ["x ", "10-20"]


@settings(max_examples=150, deadline=None)
@given(st.text(st.sampled_from("ab c中文，。“”（）🍵👨‍👩-…—1é\u0301\u3000"), max_size=60), st.integers(2, 30))
def test_nothing_is_lost_and_nothing_too_wide(text: str, limit: int) -> None:
    """Only a single character may be wider than a line, and none is cut."""
    cut = lines(text, limit)
    assert "".join(cut) == text
    whole = clusters.split(text)
    edges = {0}
    for cluster in whole:
        edges.add(max(edges) + len(cluster))
    at = 0
    for line in cut:
        assert columns(line.rstrip()) <= limit or len(clusters.split(line.strip())) == 1
        at += len(line)
        assert at in edges
