"""Words and sounds of a recording whose times are known, found by its transcript alone."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from tests.dialogue.align_kit import OTHER, TEXTS, Recorded, distances, recorded

from mien.dialogue.align.forced import Alignment, align
from mien.dialogue.languages import split_runs
from mien.errors import InputError, MissingError
from mien.timeline import TICKS_PER_SECOND
from mien.types import Word


def found(truth: Recorded, language: str) -> Alignment:
    return align(truth.sound, truth.text, language)


@pytest.mark.parametrize("language", sorted(TEXTS))
def test_words_and_sounds_are_found_in_every_language(language: str) -> None:
    truth = recorded(TEXTS[language], language)
    alignment = found(truth, language)
    assert [w.char_start for w in alignment.words] == [w.char_start for w in truth.words]
    assert [w.char_end for w in alignment.words] == [w.char_end for w in truth.words]
    off = distances(alignment.words, truth)
    assert np.median(off) <= 20
    assert off.max() <= 150
    heard = [p for p in alignment.phones if p.symbol]
    assert [p.symbol for p in heard] == [p.symbol for p in truth.phones]
    assert np.median([abs(a.start - b.start) / 48 for a, b in zip(heard, truth.phones, strict=True)]) <= 20
    assert alignment.confidence > 0.8


def test_phones_cover_the_recording_and_words_do_not_overlap() -> None:
    truth = recorded(TEXTS["en"], "en")
    alignment = found(truth, "en")
    assert alignment.phones[0].start == 0
    assert alignment.end == alignment.phones[-1].end == len(truth.sound)
    assert all(a.end == b.start and a.end > a.start for a, b in pairwise(alignment.phones))
    assert all(0 <= p.confidence <= 1 for p in alignment.phones)
    assert all(a.end <= b.start and a.end > a.start for a, b in pairwise(alignment.words))


def test_sentences_span_their_words() -> None:
    truth = recorded(TEXTS["en"], "en")
    alignment = found(truth, "en")
    first, second = alignment.sentences
    assert truth.text[first.char_start : first.char_end] == "My brother wants to buy a new bicycle."
    assert (first.start, second.end) == (alignment.words[0].start, alignment.words[-1].end)
    assert first.end <= second.start


def test_words_stand_in_the_text_as_the_user_wrote_it() -> None:
    text = "  “My brother…\n\n\twants” to 🎉 buy [a] new bicycle."
    truth = recorded("My brother wants to buy a new bicycle.", "en")
    words = [text[w.char_start : w.char_end] for w in align(truth.sound, text, "en").words]
    assert words == ["My", "brother", "wants", "to", "buy", "a", "new", "bicycle"]


def test_english_inside_chinese_is_found() -> None:
    text = "我每天用 Python 写程序。"
    truth = recorded(text, "auto", voice="f4")
    assert len(split_runs(text)) > 1
    alignment = align(truth.sound, text, "auto")
    assert [w.char_start for w in alignment.words] == [w.char_start for w in truth.words]
    assert np.median(distances(alignment.words, truth)) <= 25


def test_a_slow_and_a_fast_speaker_are_followed() -> None:
    for rate in (0.6, 1.7):
        truth = recorded(TEXTS["en"], "en", rate=rate)
        assert np.median(distances(found(truth, "en").words, truth)) <= 25


def test_speech_before_and_after_the_transcript_is_passed_over() -> None:
    before, truth = recorded(OTHER, "en", voice="m7"), recorded(TEXTS["en"], "en", voice="m7")
    sound = np.concatenate([before.sound, truth.sound, before.sound])
    alignment = align(sound, truth.text, "en")
    moved = tuple(
        Word(w.start - len(before.sound), w.end - len(before.sound), w.char_start, w.char_end) for w in alignment.words
    )
    assert np.median(distances(moved, truth)) <= 25


def test_speech_between_two_sentences_is_passed_over() -> None:
    first, other = recorded("My brother wants to buy a new bicycle.", "en"), recorded(OTHER, "en")
    second = recorded("The shop opens at nine, but the bus comes late.", "en")
    sound = np.concatenate([first.sound, other.sound, second.sound])
    alignment = align(sound, f"{first.text} {second.text}", "en")
    place, later = len(first.text) + 1, len(first.sound) + len(other.sound)
    ahead = tuple(w for w in alignment.words if w.char_start < place)
    behind = tuple(
        Word(w.start - later, w.end - later, w.char_start - place, w.char_end - place)
        for w in alignment.words
        if w.char_start >= place
    )
    assert np.median(distances(ahead, first)) <= 25
    begin, end = len(first.sound) + 36_000, later - 36_000
    shared = [max(0, min(p.end, end) - max(p.start, begin)) for p in alignment.phones]
    assert np.average([p.confidence for p in alignment.phones], weights=shared) < 0.3
    assert np.median(distances(behind, second)) <= 25


def test_a_transcript_that_goes_on_after_the_recording_keeps_to_what_is_said() -> None:
    truth = recorded(TEXTS["en"], "en")
    alignment = align(truth.sound, f"{truth.text} {OTHER}", "en")
    assert [w.char_start for w in alignment.words] == [w.char_start for w in truth.words]
    assert np.median(distances(alignment.words, truth)) <= 20


def test_hints_say_which_of_two_equal_sentences_is_meant() -> None:
    text = "The shop opens at nine."
    truth = recorded(text, "en")
    twice = np.concatenate([truth.sound, truth.sound])
    second = len(truth.sound)
    hint = Word(second, second + len(truth.sound), 0, len(text))
    starts = [w.start for w in align(twice, text, "en", hints=[hint]).words]
    assert np.allclose(starts, [w.start + second for w in truth.words], atol=2000)
    hint = Word(0, second, 0, len(text))
    starts = [w.start for w in align(twice, text, "en", hints=[hint]).words]
    assert np.allclose(starts, [w.start for w in truth.words], atol=2000)


def test_a_lexicon_says_how_a_word_is_read() -> None:
    truth = recorded("He lives in Kigali now.", "en")
    other = align(truth.sound, "He lives in XQZ now.", "en", lexicon={"XQZ": "Kigali"})
    assert np.median([abs(a.start - b.start) for a, b in zip(other.words, truth.words, strict=True)]) <= 960


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_transcript_of_other_words_is_refused_in_one_sentence(language: str) -> None:
    truth = recorded(TEXTS[language], language)
    other = OTHER if language == "en" else "昨天有七只黄色的大象在结冰的河上跳舞，没有人知道为什么。"
    with pytest.raises(InputError, match=r"The transcript is not what is said in the recording\.") as caught:
        align(truth.sound, other, language)
    assert caught.value.code == "input.other_words"
    assert caught.value.hint


def test_confidence_falls_where_the_words_are_wrong() -> None:
    truth = recorded(TEXTS["en"], "en")
    wrong = truth.text.replace("The shop opens at nine,", "Green apples grow in summer,")
    alignment = align(truth.sound, wrong, "en")
    edge = wrong.index("but")
    middle = [w for w in alignment.words if wrong.index("Green") <= w.char_start < edge]
    right = [w for w in alignment.words if w.char_start < wrong.index("bicycle")]

    def sure(words: list[Word]) -> float:
        inside = [p.confidence for p in alignment.phones if p.symbol and words[0].start <= p.start < words[-1].end]
        return float(np.mean(inside))

    assert sure(right) > 0.8
    assert sure(middle) < sure(right) - 0.2


@pytest.mark.parametrize(
    "sound",
    [
        np.zeros(0, np.float32),
        np.zeros(100, np.float32),
        np.zeros(5 * TICKS_PER_SECOND, np.float32),
        np.full(TICKS_PER_SECOND, 0.5, np.float32),
        np.random.default_rng(0).standard_normal(3 * TICKS_PER_SECOND).astype(np.float32) * 0.1,
        np.sin(np.arange(3 * TICKS_PER_SECOND) / 20).astype(np.float32),
        np.full(3 * TICKS_PER_SECOND, np.nan, np.float32),
    ],
    ids=["empty", "2 ms", "silence", "constant", "noise", "tone", "no numbers"],
)
def test_sound_without_speech_is_refused(sound: np.ndarray) -> None:
    with pytest.raises(InputError) as caught:
        align(sound, TEXTS["en"], "en")
    assert caught.value.code in ("input.other_words", "input.no_sound")


def test_a_hole_of_no_numbers_and_a_constant_offset_do_no_harm() -> None:
    truth = recorded(TEXTS["en"], "en")
    sound = truth.sound + np.float32(0.2)
    sound[50_000:51_000] = np.nan
    sound[60_000] = np.inf
    assert np.median(distances(align(sound, truth.text, "en").words, truth)) <= 20


def test_a_text_without_words_and_an_unknown_language_are_refused() -> None:
    sound = recorded(TEXTS["en"], "en").sound
    with pytest.raises(InputError, match="no words"):
        align(sound, " … \n", "en")
    with pytest.raises(MissingError):
        align(sound, "Hello.", "xx-unknown")
