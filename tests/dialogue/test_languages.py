"""Runs of one language."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.dialogue.languages import main_language, mismatch, of_document, split_runs


def _runs(text: str, language: str = "auto") -> list[tuple[str, str]]:
    return [(text[r.start : r.stop], r.language) for r in split_runs(text, language)]


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("我用iPhone拍照。", "auto", [("我用", "zh"), ("iPhone", "en"), ("拍照。", "zh")]),
        ("我用iPhone拍照。", "en-GB", [("我用", "zh"), ("iPhone", "en-GB"), ("拍照。", "zh")]),
        ("Bonjour 北京!", "fr", [("Bonjour ", "fr"), ("北京!", "zh")]),
        ("5G手机和15手机", "auto", [("5G", "en"), ("手机和15手机", "zh")]),
        ("iPhone 15手机 16 pro", "auto", [("iPhone ", "en"), ("15手机 ", "zh"), ("16 pro", "en")]),
        ("GPT4很好", "auto", [("GPT4", "en"), ("很好", "zh")]),
        ("今天-5°C。", "auto", [("今天-5°C。", "zh")]),
        ("東京へ行く", "auto", [("東京へ行く", "ja")]),
        ("我很喜欢の这个字", "auto", [("我很喜欢", "zh"), ("の", "ja"), ("这个字", "zh")]),
        ("你好", "yue", [("你好", "yue")]),
        ("12:30", "auto", [("12:30", "en")]),
        ("12:30", "zh", [("12:30", "zh")]),
        ("Привіт, їжак", "auto", [("Привіт, їжак", "uk")]),
        ("Ще мир", "auto", [("Ще мир", "ru")]),
        ("سلام چطوری", "auto", [("سلام چطوری", "fa")]),
        ("Hi. สวัสดี", "auto", [("Hi. ", "en"), ("สวัสดี", "th")]),
        ("γ\u094dम", "auto", [("γ\u094d", "el"), ("म", "hi")]),
        ("", "auto", []),
    ],
)
def test_runs(text: str, language: str, expected: list[tuple[str, str]]) -> None:
    assert _runs(text, language) == expected


@given(st.text(max_size=60), st.sampled_from(["auto", "zh", "en", "ja", "ru", "qqq"]))
def test_runs_cover_the_text(text: str, language: str) -> None:
    runs = split_runs(text, language)
    assert "".join(text[r.start : r.stop] for r in runs) == text
    assert all(a.stop == b.start and a.language != b.language for a, b in pairwise(runs))


def test_kept_ranges_are_not_divided() -> None:
    assert [r.language for r in split_runs("买T恤吧", "auto", [(1, 3)])] == ["zh"]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("これは本です。東京。", "ja"),
        ("我喜欢の这个字，很有意思，大家都用", "auto"),
        ("Hello", "auto"),
        ("Моя хата. Їжа.", "uk"),
    ],
)
def test_of_document(text: str, language: str) -> None:
    assert of_document(text) == language


@pytest.mark.parametrize(
    ("text", "asked", "language"),
    [
        ("Hello 你好吗", "auto", "zh"),
        ("Hello there, 你好", "auto", "en"),
        ("これは本です", "auto", "ja"),
        ("Привіт, їжак", "auto", "uk"),
        ("Guten Tag", "de", "de"),
        ("Hello 你", "zh-TW", "zh-TW"),
        ("12:30", "zh", "zh"),
        ("12:30", "auto", "en"),
        ("你好", "en", "zh"),
        ("Hello", "zh", "en"),
        ("Zdravo", "sr", "sr"),
    ],
)
def test_the_main_language(text: str, asked: str, language: str) -> None:
    assert main_language(text, asked) == language
    assert (mismatch(text, asked) == "") == (asked in ("auto", language))


def test_who_asked_for_another_language_is_told_which_one_it_is() -> None:
    assert "'en', the language that was asked for" in mismatch("大家好", "en")
    assert mismatch("大家好", "en").endswith("read as 'zh'.")
