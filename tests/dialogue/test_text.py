"""Cleaning, and where sentences end."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.dialogue.text import LONGEST_SENTENCE, clean, identity, is_speakable, join, sentences


def _clean(text: str) -> str:
    return clean(identity(text)).text


def _split(text: str) -> list[str]:
    return [s.text for s in sentences(clean(identity(text)))]


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("a\u200bb\ufeffc", "abc"),
        ("a\u202eb\u2066c\u200f", "abc"),
        ("a\x00b\x1b[1m", "ab[1m"),
        ("hi 😀👍🏽 you", "hi    you"),
        ("cafe\u0301", "café"),
        ("ＡＢＣ１２３", "ABC123"),
        ("\ud800x", " x"),
        ("ｶﾞ", "ガ"),
        ("co\u00adop", "coop"),
        ("𝐇𝐢", "Hi"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("你好，世界！", "你好，世界！"),
        ("a\tb\u00a0c", "a b c"),
    ],
)
def test_what_cannot_be_spoken_goes(text: str, spoken: str) -> None:
    assert _clean(text) == spoken


def test_offsets_survive_composition_and_removal() -> None:
    source = "\u200bcafe\u0301 x"
    cleaned = clean(identity(source, 10))
    i = cleaned.text.index("é")
    assert cleaned.source(i, i + 1) == (14, 16)
    i = cleaned.text.index("x")
    assert cleaned.source(i, i + 1) == (17, 18)


@given(st.text(alphabet=st.characters(), max_size=200))
def test_cleaning_never_fails_and_is_done_once(text: str) -> None:
    cleaned = clean(identity(text))
    assert clean(identity(cleaned.text)).text == cleaned.text
    assert all(0 <= a < b <= len(text) for a, b in zip(cleaned.begin, cleaned.end, strict=True))
    assert list(cleaned.begin) == sorted(cleaned.begin)
    assert not any(unicodedata.category(c) in ("Cs", "Co", "Cn") for c in cleaned.text)
    cleaned.text.encode()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello there. How are you? Fine!", ["Hello there.", "How are you?", "Fine!"]),
        ("你好。今天好吗？好！", ["你好。", "今天好吗？", "好！"]),
        ("Dr. Smith paid $3.50 to J. Doe at 5 p.m. today.", ["Dr. Smith paid $3.50 to J. Doe at 5 p.m. today."]),
        ('He said "go." Then left.', ['He said "go."', "Then left."]),
        ("他说：“走吧。”然后走了。", ["他说：“走吧。”", "然后走了。"]),
        ("Wait... what?! Really", ["Wait...", "what?!", "Really"]),
        ("See www.example.com for 3.14 more", ["See www.example.com for 3.14 more"]),
        ("First line\nSecond line\n\nThird", ["First line", "Second line", "Third"]),
        ("क्या हाल है? ठीक है। अच्छा", ["क्या हाल है?", "ठीक है।", "अच्छा"]),
        ("مرحبا؟ نعم.", ["مرحبا؟", "نعم."]),
        ("", []),
        ("\n\n \n", []),
    ],
)
def test_sentences(text: str, expected: list[str]) -> None:
    assert _split(text) == expected


def test_a_wrapped_line_goes_on() -> None:
    wrapped = "This sentence was wrapped by an editor at about seventy columns, so\nit goes on here."
    assert len(_split(wrapped)) == 1


@given(st.text(alphabet='ab. ,。，!\n你好"”1', max_size=700))
def test_sentences_cover_what_can_be_spoken(text: str) -> None:
    cleaned = clean(identity(text))
    found = list(sentences(cleaned))
    assert all(len(s) <= LONGEST_SENTENCE for s in found)
    spoken = [i for s in found for i in s.begin]
    assert spoken == sorted(set(spoken))
    assert {i for i, c in enumerate(cleaned.text) if is_speakable(c)} <= {cleaned.begin.index(i) for i in spoken}


def test_join_keeps_order() -> None:
    assert join([identity("ab", 3), identity("c", 9)]).source(0, 3) == (3, 10)
