"""The grammar of script marks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.dialogue.script import CuePoint, Pause, Say, escape, parse
from mien.dialogue.text import MAX_CHARACTERS
from mien.errors import InputError, MienError
from mien.types import EMOTION_NAMES


def test_marks_become_segments_with_source_positions() -> None:
    source = "Hi [happy]you[/happy][pause 500ms] [cue logo]end"
    segments = parse(source).segments
    assert [type(s) for s in segments] == [Say, Say, Pause, Say, CuePoint, Say]
    said = [s for s in segments if isinstance(s, Say)]
    assert [s.text.text for s in said] == ["Hi ", "you", " ", "end"]
    assert [s.emotion.name if s.emotion else None for s in said] == [None, "happy", None, None]
    for s in said:
        assert "".join(source[i] for i in s.text.begin) == s.text.text
    pause = next(s for s in segments if isinstance(s, Pause))
    assert (pause.ticks, source[pause.at :][:6]) == (24_000, "[pause")


@pytest.mark.parametrize(
    ("mark", "ticks"), [("500ms", 24_000), ("1.2s", 57_600), ("0.5 s", 24_000), ("60s", 2_880_000)]
)
def test_pauses(mark: str, ticks: int) -> None:
    (pause,) = parse(f"[pause {mark}]").segments
    assert isinstance(pause, Pause)
    assert pause.ticks == ticks


def test_the_innermost_feeling_holds_and_strength_is_read() -> None:
    said = [s for s in parse("[happy 0.5]a[sad]b[/sad]c[/happy]").segments if isinstance(s, Say)]
    feelings = [s.emotion for s in said]
    assert [f.name for f in feelings if f] == ["happy", "sad", "happy"]
    assert [f.strength for f in feelings if f] == [0.5, 1.0, 0.5]


@pytest.mark.parametrize("name", EMOTION_NAMES)
def test_every_named_feeling_is_a_mark(name: str) -> None:
    (say,) = parse(f"[{name}]x[/{name}]").segments
    assert isinstance(say, Say)
    assert say.emotion is not None
    assert say.emotion.name == name


def test_double_brackets_are_brackets() -> None:
    script = parse("a[[b]]c[[[cue x]]]d")
    assert script.plain.text == "a[b]c[]d"
    assert script.plain.source(1, 2) == (1, 3)


@pytest.mark.parametrize(
    ("source", "place", "said"),
    [
        ("a [b] c", "Line 1, column 3", "no mark '[b]'"),
        ("one\n two [happy]x", "Line 2, column 6", "never closed"),
        ("[happy][sad]x[/happy][/sad]", "Line 1, column 14", "while [sad] is open"),
        ("x[/sad]", "Line 1, column 2", "closes nothing"),
        ("[pause]", "Line 1, column 1", "needs a length"),
        ("[pause soon]", "Line 1, column 1", "needs a length"),
        ("[pause -1s]", "Line 1, column 1", "needs a length"),
        ("[pause 1e9s]", "Line 1, column 1", "needs a length"),
        ("[pause 0s]", "Line 1, column 1", "1ms to 60s"),
        ("[pause 60.1s]", "Line 1, column 1", "1ms to 60s"),
        ("[cue]", "Line 1, column 1", "needs a name"),
        ("[cue a b]", "Line 1, column 1", "needs a name"),
        ("[happy 2]x[/happy]", "Line 1, column 1", "from 0 to 1"),
        ("[happy nan]x[/happy]", "Line 1, column 1", "from 0 to 1"),
        ("a\r\nb\n[", "Line 3, column 1", "no ']'"),
        ("[pause\n1s]", "Line 1, column 1", "no ']'"),
    ],
)
def test_errors_name_the_place(source: str, place: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        parse(source)
    assert caught.value.message.startswith(place)
    assert said in caught.value.message
    assert caught.value.hint


def test_too_long_a_text_is_refused() -> None:
    with pytest.raises(InputError, match="200,000"):
        parse("a" * (MAX_CHARACTERS + 1))


def test_captions_have_no_marks_but_keep_emoji() -> None:
    source = "[happy]So 😀 [[fine]][/happy], you"
    assert parse(source).caption(0, len(source)) == "So 😀 [fine], you"
    assert parse(source).caption(source.index("fine"), source.index("fine") + 4) == "fine"


@given(st.text(max_size=200))
def test_plain_text_survives_escaping(text: str) -> None:
    script = parse(escape(text))
    assert script.plain.text == text
    assert list(script.plain.begin) == sorted(script.plain.begin)


_MARKY = st.text(st.sampled_from("[]/ happysd.015m\n你puecix"), max_size=60)


@given(st.one_of(_MARKY, st.text(max_size=80)))
def test_any_text_parses_or_is_refused(source: str) -> None:
    try:
        script = parse(source)
    except MienError as error:
        assert error.message.startswith("Line ")
        return
    assert all(0 <= i < len(source) for i in script.plain.begin)
    assert all(source[i] == c for c, i in zip(script.plain.text, script.plain.begin, strict=True))


def test_halves_of_surrogate_pairs_leave_indices_alone_and_can_be_written() -> None:
    script = parse("a\ud83d b")
    assert script.plain.text == "a\ufffd b"
    assert script.source.encode() == "a\ufffd b".encode()
