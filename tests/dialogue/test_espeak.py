"""The espeak-ng back end: its times against its own sound, and every kind of text."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.dialogue.espeak_kit import SENTENCES, phones, say, spellings, symbols, words

from mien.dialogue.speak.espeak import EspeakSpeaker
from mien.errors import MienError
from mien.types import FloatArray


@pytest.fixture(scope="module")
def speaker() -> Iterator[EspeakSpeaker]:
    with closing(EspeakSpeaker()) as made:
        yield made


def level(sound: FloatArray, start: int, end: int) -> float:
    piece = sound[start:end]
    return float(np.sqrt(np.mean(piece**2))) if len(piece) else 0.0


@pytest.mark.parametrize("language", SENTENCES)
def test_the_sound_is_silent_where_the_phones_say_so(speaker: EspeakSpeaker, language: str) -> None:
    parts = say(speaker, SENTENCES[language], language)
    sound = np.concatenate([p.audio.samples for p in parts])
    spoken = [level(sound, p.start, p.end) for p in phones(parts) if p.symbol]
    silent = [level(sound, p.start + (p.end - p.start) // 4, p.end) for p in phones(parts) if not p.symbol]
    assert phones(parts)[-1].end == len(sound)
    assert silent
    assert max(silent) < 0.15 * float(np.median(spoken))
    assert all(p.end - p.start >= 0.1 * 48_000 for p in phones(parts) if not p.symbol)


@pytest.mark.parametrize("language", ["en", "zh", "es", "de", "fr"])
def test_a_voiceless_bilabial_covers_its_closure(speaker: EspeakSpeaker, language: str) -> None:
    parts = say(speaker, SENTENCES[language], language)
    sound = np.concatenate([p.audio.samples for p in parts])
    closed = []
    for before, phone in pairwise(phones(parts)):
        if phone.symbol[:1] == "p" and before.symbol[:1] in "aeiouɑɐəɪʊɛ" and before.symbol:
            frames = [level(sound, k, k + 96) for k in range(phone.start, phone.end, 96)]
            vowel = level(sound, before.start, before.end)
            closed.append(2 * sum(f < 0.2 * vowel for f in frames))
            assert phone.end - phone.start >= 0.045 * 48_000
    assert len(closed) >= 2
    assert np.median(closed) >= 30


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Don't stop!", ["Don't", "stop"]),
        ("A well-known e-mail: me@example.com.", ["A", "well-known", "e-mail", "me@example.com"]),
        ("Pay $1,234.50 at 10:30, please.", ["Pay", "$1,234.50", "at", "10:30", "please"]),
        ("See https://example.com/a?b=1 now", ["See", "https://example.com/a?b=1", "now"]),
        ("Dr. Smith met the U.S. team", ["Dr", "Smith", "met", "the", "U.S", "team"]),
        ("naïve café 😀 déjà vu", ["naïve", "café", "déjà", "vu"]),
        ("50% of the people", ["50%", "of", "the", "people"]),
        ("“Yes,” she said—then left…", ["Yes", "she", "said", "then", "left"]),
        ("cats & dogs", ["cats", "&", "dogs"]),
    ],
)
def test_english_words_are_the_user_s_own(speaker: EspeakSpeaker, text: str, expected: list[str]) -> None:
    assert spellings(text, say(speaker, text, "en")) == expected


def test_word_starts_fall_on_phones_and_words_leave_pauses_free(speaker: EspeakSpeaker) -> None:
    parts = say(speaker, SENTENCES["en"], "en")
    starts = {p.start for p in phones(parts) if p.symbol}
    assert all(w.start in starts for w in words(parts))
    silent = [p for p in phones(parts) if not p.symbol]
    assert not any(w.start < p.end and p.start < w.end for w in words(parts) for p in silent)


def test_every_hanzi_has_a_plausible_time(speaker: EspeakSpeaker) -> None:
    text = (
        "人工智能正在改变我们的生活方式。从早晨醒来的那一刻起，手机就开始为我们安排一天的日程。非常好！"
        "银行行长觉得音乐很快乐，重庆的长江大桥长得很。妈妈骑马，马慢，妈妈骂马。英雄也穷，兄弟很凶。"
        "这儿有一点儿花儿，女儿在那儿玩儿。說中文的學生讀書，國家機關開會。"
    )
    parts = say(speaker, text, "zh")
    hanzi = [i for i, c in enumerate(text) if "\u4e00" <= c <= "\u9fff"]
    assert [(w.char_start, w.char_end) for w in words(parts)] == [(i, i + 1) for i in hanzi]
    lengths = np.array([w.end - w.start for w in words(parts)]) / 48
    assert lengths.min() > 90
    assert lengths.max() < 600
    assert "tʃ aɪ n iː z" not in symbols(parts)


def test_hanzi_starts_are_syllable_starts(speaker: EspeakSpeaker) -> None:
    text = "大爸妈你好非常好"
    parts = say(speaker, text, "zh")
    onsets = {p.start: p.symbol for p in phones(parts)}
    assert [onsets[w.start] for w in words(parts)] == ["t", "p", "m", "n", "χ", "f", "tʂʰ", "χ"]


def test_digits_and_latin_inside_chinese(speaker: EspeakSpeaker) -> None:
    text = "我有123个iPhone 15手机，2024年花了¥105，温度-5℃。"
    parts = say(speaker, text, "zh")
    assert spellings(text, parts) == [
        "我", "有", "123", "个", "iPhone", "15", "手", "机", "2024", "年", "花", "了", "¥105", "温", "度", "-5℃",
    ]  # fmt: skip


def test_mixed_text_is_joined_without_a_pause_or_a_click(speaker: EspeakSpeaker) -> None:
    text = "I like 北京 and 上海 very much"
    (part,) = say(speaker, text)
    assert spellings(text, [part]) == ["I", "like", "北", "京", "and", "上", "海", "very", "much"]
    silences = [p for p in part.phones or () if not p.symbol]
    assert len(silences) == 1
    steps = np.abs(np.diff(part.audio.samples))
    joins = [w.start for w in (part.words or ()) if text[w.char_start - 2 : w.char_start].strip()]
    assert max(float(steps[j - 24 : j + 24].max()) for j in joins if j) < 0.5 * float(steps.max())


def test_text_with_marks_of_the_synthesiser_is_only_text(speaker: EspeakSpeaker) -> None:
    text = "say [[h@l'oU]] <break time='5s'/> now"
    (part,) = say(speaker, text, "en")
    assert spellings(text, [part])[0] == "say"
    assert part.audio.end < 10 * 48_000
    assert " h ə l oʊ " not in symbols([part])


@pytest.mark.parametrize("text", ["I like “北京” very much", "他说 (hello) 然后走了", "用 iPhone 拍照"])
def test_quotes_between_languages_make_no_pause(speaker: EspeakSpeaker, text: str) -> None:
    (part,) = say(speaker, text)
    assert [p.symbol for p in part.phones or ()].count("") == 1


def test_text_without_punctuation_is_cut_with_short_pauses(speaker: EspeakSpeaker) -> None:
    parts = say(speaker, "we walk and talk and walk again " * 20, "en")
    pauses = [p.end - p.start for part in parts[:-1] for p in part.phones or () if not p.symbol]
    assert len(parts) > 2
    assert max(pauses) < 0.25 * 48_000


_MIXED = st.text(
    st.sampled_from("abe hiklo .,?!0159$%-/'你好世雄儿の는αβжشमé😀\n:;()[]\u0301\u094d\u200d"), min_size=1, max_size=60
)


@settings(deadline=None, max_examples=150)
@given(_MIXED, st.sampled_from(["auto", "en", "zh", "fr", "vi", "an"]), st.sampled_from(["", "male", "f2", "croak"]))
def test_any_mixture_keeps_its_times_in_order(speaker: EspeakSpeaker, text: str, language: str, voice: str) -> None:
    try:
        parts = say(speaker, text, language, voice=voice)
    except MienError:
        return
    at = 0
    for part in parts:
        for phone in part.phones or ():
            assert phone.start == at < phone.end
            at = phone.end
        assert at == part.audio.end
    found = words(parts)
    assert all(w.start < w.end and w.char_start < w.char_end for w in found)
    assert all(a.end <= b.start and a.char_end <= b.char_start for a, b in pairwise(found))
