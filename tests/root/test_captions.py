"""Captions as readers expect them."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.captions import LONGEST, Caption, Room, make_captions
from mien.linebreak import columns
from mien.timeline import to_ticks
from mien.types import Word

ENGLISH = (
    "Hello, my dear friends! It's a \"fine\" day; we'll meet at 10:30. Most people think that lips are simple until "
    "they try to draw them, frame by frame, in time with a voice (and twenty-five times every second). Bye."
)
CHINESE = (
    "大家好，欢迎来到今天的节目！我们用Python写一个程序，“它会说话”，而且说得很好听，"
    "让每一个人都可以在自己的电脑上做出一段会说话的影片。谢谢。"
)


def spoken(text: str, per_word: float = 0.35, pause: float = 0.25) -> list[Word]:
    """Words at an even pace, hanzi one by one, with a pause after sentences."""
    words, at = list[Word](), 0.25
    for match in re.finditer(r"[\u4e00-\u9fff]|[^\W\u4e00-\u9fff]+(?:[’'.:-][^\W\u4e00-\u9fff]+)*", text):
        words.append(Word(to_ticks(at), to_ticks(at + per_word), match.start(), match.end()))
        at += per_word + (pause if text[match.end() : match.end() + 1] in tuple(".!?。！？") else 0)
    return words


def shown(captions: list[Caption]) -> str:
    return "".join("".join(c.lines) for c in captions)


@pytest.mark.parametrize("text", [ENGLISH, CHINESE])
def test_every_character_is_shown_once(text: str) -> None:
    captions = make_captions(spoken(text), text)
    assert re.sub(r"\s", "", shown(captions)) == re.sub(r"\s", "", text)


@pytest.mark.parametrize("text, widest", [(ENGLISH, 42), (CHINESE, 38)])
def test_lines_are_short_and_two_at_most(text: str, widest: int) -> None:
    for caption in make_captions(spoken(text), text):
        assert 1 <= len(caption.lines) <= 2
        assert all(columns(line) <= widest for line in caption.lines)


def test_english_breaks_at_spaces_and_prefers_sentences() -> None:
    lines = [line for c in make_captions(spoken(ENGLISH), ENGLISH) for line in c.lines]
    assert lines[0] == "Hello, my dear friends!"
    assert all(line in ENGLISH for line in lines)
    assert any(line.startswith("(and twenty-five") for line in lines)


def test_chinese_obeys_the_line_rules() -> None:
    lines = [line for c in make_captions(spoken(CHINESE), CHINESE) for line in c.lines]
    assert not any(line[0] in "，。！？、；：”）" for line in lines)
    assert not any(line[-1] in "“（《「" for line in lines)
    assert sum("Python" in line for line in lines) == 1
    assert "大家好，欢迎来到今天的节目！" in lines


@pytest.mark.parametrize("text", [ENGLISH, CHINESE, "Yes. No. Go. " * 4])
def test_times(text: str) -> None:
    captions = make_captions(spoken(text), text)
    assert all(a.end <= b.start for a, b in pairwise(captions))
    assert all(c.end - c.start <= LONGEST for c in captions)
    assert all(c.end - c.start >= to_ticks(0.9) for c in captions)


def test_a_caption_is_there_while_its_words_are_spoken() -> None:
    words = spoken(ENGLISH)
    captions = make_captions(words, ENGLISH)
    for word in words:
        text = ENGLISH[word.char_start : word.char_end]
        assert any(text in " ".join(c.lines) and c.start <= word.start and word.end <= c.end + 1 for c in captions)


def test_a_long_silence_ends_a_caption() -> None:
    text = "One two. Three four."
    words = [
        Word(to_ticks(s), to_ticks(s + 0.4), a, b) for s, a, b in ((0, 0, 3), (0.5, 4, 7), (5, 9, 14), (5.5, 15, 19))
    ]
    assert [c.lines for c in make_captions(words, text)] == [("One two.",), ("Three four.",)]


CUT = "Good morning, my\ndear friends. It is a fine\nday. (Music.)\nBye."
PLACES = ((0, 14, 16), (17, 43), (44, 48), (49, 57), (58, 62))


def test_cuts_that_were_made_before_are_kept_with_their_lines() -> None:
    words = [word for word in spoken(CUT) if CUT[word.char_start : word.char_end] != "Music"]
    captions = make_captions(words, CUT, cut=PLACES)
    assert [c.lines for c in captions] == [
        ("Good morning,", "my"),
        ("dear friends. It is a fine",),
        ("day.",),
        ("Bye.",),
    ]
    firsts = [word.start for word in words if word.char_start in (0, 17, 44, 58)]
    assert [c.start for c in captions] == firsts
    assert all(a.end <= b.start for a, b in pairwise(captions))


def test_a_caption_that_its_author_made_long_stays_whole() -> None:
    captions = make_captions(spoken(ENGLISH), ENGLISH, cut=((0, len(ENGLISH)),))
    (words, one) = spoken(ENGLISH), captions[0]
    assert [c.lines for c in captions] == [(ENGLISH,)]
    assert (one.start, one.end) == (words[0].start, words[-1].end) and one.end - one.start > LONGEST


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=30), max_size=12), st.floats(0.02, 1.5))
def test_any_cut_gives_ordered_captions_in_its_lines(lines: list[str], pace: float) -> None:
    text = "\n".join(lines)
    starts = [sum(len(line) + 1 for line in lines[:i]) for i in range(len(lines))]
    cut = [(start, start + len(line)) for start, line in zip(starts, lines, strict=True) if line]
    captions = make_captions(spoken(text, pace), text, cut=cut)
    assert all(c.start < c.end for c in captions)
    assert all(a.end <= b.start for a, b in pairwise(captions))
    kept = (" ".join(re.sub(r"[\x00-\x1f\x7f]", " ", line).split()) for line in lines)
    assert all(" ".join(c.lines[0].split()) in kept for c in captions)


def test_marks_are_never_shown() -> None:
    text = "[happy]Hello[/happy] there [pause 500ms] friend."
    hidden = "".join(" " if i in {*range(7), *range(12, 20), *range(27, 40)} else c for i, c in enumerate(text))
    words = [Word(0, 20_000, 7, 12), Word(20_000, 40_000, 21, 26), Word(41_000, 60_000, 41, 47)]
    captions = make_captions(words, text, lambda a, b: hidden[a:b].replace("  ", " "))
    assert shown(captions) == "Hello there friend."


def test_right_to_left_text_stays_in_reading_order() -> None:
    text = "שלום לכולם, תודה רבה!"
    assert shown(make_captions(spoken(text), text)) == text


def test_nothing_said_nothing_shown() -> None:
    assert make_captions([], "text") == []


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=300), st.floats(0.02, 1.5))
def test_any_text_gives_ordered_captions_of_its_own_characters(text: str, pace: float) -> None:
    captions = make_captions(spoken(text, pace), text)
    assert all(c.start < c.end for c in captions)
    assert all(a.end <= b.start for a, b in pairwise(captions))
    kept = iter(re.sub(r"[\s\x00-\x1f\x7f]", "", text))
    assert all(char in kept for char in re.sub(r"\s", "", shown(captions)))
    assert all("\n" not in line and line.strip() for c in captions for line in c.lines)


@pytest.mark.parametrize(
    "text, room", [(ENGLISH, Room(18, 18, 2)), (CHINESE, Room(18, 18, 1)), (CHINESE, Room(24, 22, 2))]
)
def test_a_smaller_room_is_kept_to(text: str, room: Room) -> None:
    captions = make_captions(spoken(text), text, room=room)
    assert re.sub(r"\s", "", shown(captions)) == re.sub(r"\s", "", text)
    for caption in captions:
        assert len(caption.lines) <= room.lines
        assert all(columns(line) <= max(room.columns(line), columns(line.split()[0])) for line in caption.lines)


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=200), st.floats(0.02, 1.5))
def test_words_are_the_lines(text: str, pace: float) -> None:
    """The text of the words is the text of the lines, each in its own."""
    for caption in make_captions(spoken(text, pace), text):
        lines = ["".join(w.text for w in caption.words if w.line == n) for n in range(caption.words[-1].line + 1)]
        assert [" ".join(line.split()) for line in lines if line.strip()] == [
            " ".join(x.split()) for x in caption.lines
        ]


def test_words_keep_their_times() -> None:
    said = {(w.start, w.end): ENGLISH[w.char_start : w.char_end] for w in spoken(ENGLISH)}
    for caption in make_captions(spoken(ENGLISH), ENGLISH):
        for word in caption.words:
            assert said.pop((word.start, word.end)) in word.text
    assert not said
