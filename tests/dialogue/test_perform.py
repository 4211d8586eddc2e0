"""A script as one gapless stream."""

from __future__ import annotations

import tracemalloc
from collections import deque
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.dialogue.perform import perform
from mien.dialogue.script import escape, feeling, parse
from mien.dialogue.speak.base import SpeakerInfo, SpeakRequest, Voice
from mien.dialogue.speak.espeak import EspeakSpeaker
from mien.errors import InputError, MienError, MissingError
from mien.types import AudioChunk, Cue, EmotionSpan, SpeechPart, Word


class Metronome:
    """Says every character in 100 ticks, in parts of 250 ticks; its words are what spaces divide."""

    def __init__(self, *, gives_times: bool = True) -> None:
        self.info = SpeakerInfo("metronome", (), 48_000, gives_times, True)
        self.said: deque[SpeakRequest] = deque(maxlen=20)

    def voices(self) -> tuple[Voice, ...]:
        return ()

    def close(self) -> None:
        pass

    def check(self, request: SpeakRequest) -> None:
        if "ⱷ" in request.text:
            raise MissingError("No reading.")

    def speak(self, request: SpeakRequest) -> Iterator[SpeechPart]:
        self.said.append(request)
        start, end = request.start, request.start + 100 * len(request.text)
        words, at = [], 0
        for word in request.text.split():
            at = request.text.index(word, at)
            words.append(Word(start + 100 * at, start + 100 * (at + len(word)), at, at + len(word)))
            at += len(word)
        for a in range(start, end, 250):
            b = min(a + 250, end)
            inside = tuple(w for w in words if a <= w.start < b)
            audio = AudioChunk(a, np.full(b - a, 0.1, np.float32))
            times = self.info.gives_times
            yield SpeechPart(audio, () if times else None, inside if times else None, last=b == end)


@pytest.fixture(scope="module")
def speaker() -> Iterator[EspeakSpeaker]:
    with closing(EspeakSpeaker()) as made:
        yield made


def check_stream(parts: list[SpeechPart], start: int = 0) -> None:
    at = start
    for part in parts:
        assert part.audio.start == at
        at = part.audio.end
    assert [p.last for p in parts] == [False] * (len(parts) - 1) + [True]


def spans(parts: list[SpeechPart]) -> list[EmotionSpan]:
    merged: list[EmotionSpan] = []
    for span in (s for p in parts for s in p.emotions):
        if merged and merged[-1].end == span.start and merged[-1].emotion == span.emotion:
            merged[-1] = replace(merged[-1], end=span.end)
        else:
            merged.append(span)
    return merged


def cues(parts: list[SpeechPart]) -> list[Cue]:
    return [c for p in parts for c in p.cues]


SCRIPT = "[cue open]One two. [happy]Three [sad 0.3]four[/sad] five.[/happy] [pause 50ms] Six [cue mid]seven.[cue end]"


@pytest.mark.parametrize("gives_times", [True, False])
def test_feelings_pauses_and_cues_fall_where_they_stand(gives_times: bool) -> None:
    metronome = Metronome(gives_times=gives_times)
    parts = list(perform(SCRIPT, metronome, start=1_000))
    check_stream(parts, 1_000)
    named = [(s.emotion.name, s.emotion.strength) for s in spans(parts)]
    assert named == [("neutral", 1.0), ("happy", 1.0), ("sad", 0.3), ("happy", 1.0), ("neutral", 1.0)]
    assert all(a.end == b.start for a, b in pairwise(spans(parts)))
    assert (spans(parts)[0].start, spans(parts)[-1].end) == (1_000, parts[-1].audio.end)
    assert [c.name for c in cues(parts)] == ["open", "mid", "end"]
    sound = np.concatenate([p.audio.samples for p in parts])
    assert int(np.sum(sound == 0)) == 2_400
    assert cues(parts)[0].tick == 1_000


def test_a_cue_is_on_the_start_of_the_next_word() -> None:
    parts = list(perform(SCRIPT, Metronome()))
    seven = next(w for p in parts for w in p.words or () if SCRIPT[w.char_start :].startswith("seven"))
    assert [c.tick for c in cues(parts)] == [0, seven.start, seven.end]


def test_cues_around_pauses() -> None:
    parts = list(perform("Hi.[cue a][pause 1.5s][cue b][pause 2s][cue c]", Metronome()))
    end = parts[-1].audio.end
    assert [(c.name, c.tick) for c in cues(parts)] == [("a", end - 168_000), ("b", end - 96_000), ("c", end)]


def test_words_point_into_the_source_through_marks_emoji_and_brackets() -> None:
    source = "[happy]Hel\u200blo[/happy] 😀 [[big]] cafe\u0301 [pause 1ms]world."
    parts = list(perform(source, Metronome()))
    found = [source[w.char_start : w.char_end] for p in parts for w in p.words or ()]
    assert found == ["Hel\u200blo", "[[big]]", "cafe\u0301", "world."]


def test_the_base_feeling_holds_outside_marks_and_reaches_the_speaker() -> None:
    metronome = Metronome()
    parts = list(perform("One. [sad]Two.[/sad]", metronome, emotion=feeling("happy")))
    assert [s.emotion.name for s in spans(parts)] == ["happy", "sad"]
    assert [r.emotion.name for r in metronome.said] == ["happy", "sad"]


@pytest.mark.parametrize("source", ["", "  \n", "😀", "[pause 1s]", "[happy][/happy]", "[[ ]]", "…", "\u200b"])
def test_nothing_to_say_is_refused_at_once(source: str) -> None:
    with pytest.raises(InputError, match="nothing that can be spoken"):
        perform(source, Metronome())


def test_a_wrong_script_is_refused_at_once() -> None:
    with pytest.raises(InputError, match="Line 1, column 7"):
        perform("Hello [nod]", Metronome())


def test_what_cannot_be_said_late_in_the_text_is_refused_at_once() -> None:
    metronome = Metronome()
    with pytest.raises(MissingError):
        perform("One. " * 50 + "ⱷ", metronome)
    assert not metronome.said


def test_a_pause_is_exact_silence(speaker: EspeakSpeaker) -> None:
    without = list(perform("One. Two.", speaker))
    with_pause = list(perform("One. [pause 2.5s]Two.", speaker))
    check_stream(with_pause)
    silent = [p for p in with_pause if not p.words]
    assert sum(len(p.audio.samples) for p in silent) == 120_000
    assert all(not p.audio.samples.any() for p in silent)
    assert all([q.symbol for q in p.phones or ()] == [""] for p in silent)
    assert with_pause[-1].audio.end == pytest.approx(without[-1].audio.end + 120_000, abs=200)


def test_a_japanese_text_stays_japanese_and_a_ukrainian_one_ukrainian() -> None:
    metronome = Metronome()
    list(perform("これはペンです。東京。", metronome))
    list(perform("Це їжа. Добре.", metronome))
    list(perform("你好。Hello.", metronome))
    assert {r.language for r in metronome.said} == {"ja", "uk", "auto"}


def test_a_long_text_needs_no_more_memory_than_a_short_one() -> None:
    def peak(minutes: int) -> int:
        source = "This is a sentence of about three seconds, nothing more. " * (20 * minutes)
        stream = perform(source[:200_000], Metronome())
        next(stream)
        tracemalloc.start()
        for _ in stream:
            pass
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(4), peak(4)  # what is remembered once (caches, free lists) is no growth
    assert peak(20) < peak(4) + 20_000


@settings(deadline=None, max_examples=60)
@given(st.text(st.sampled_from("ab c.!，你好。\n[]/happy pause1s cue x😀é\u200b3%"), max_size=80))
def test_any_script_performs_or_is_refused(source: str) -> None:
    try:
        parts = list(perform(source, Metronome()))
    except MienError:
        return
    check_stream(parts)
    found = [w for p in parts for w in p.words or ()]
    assert all(0 <= w.char_start < w.char_end <= len(source) for w in found)
    assert all(a.char_end <= b.char_start for a, b in pairwise(found))
    assert [c.name for c in cues(parts)] == [s.name for s in parse(source).segments if hasattr(s, "name")]


@settings(deadline=None, max_examples=40)
@given(st.text(st.characters(), max_size=60))
def test_the_real_speaker_takes_any_text(speaker: EspeakSpeaker, text: str) -> None:
    try:
        parts = list(perform(escape(text), speaker))
    except MienError:
        return
    check_stream(parts)
    assert all(p.phones is not None and p.phones[-1].end == p.audio.end for p in parts if len(p.audio.samples))
