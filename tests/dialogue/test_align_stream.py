"""Alignment of speech that comes part by part."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.dialogue.align_kit import OTHER, TEXTS, Recorded, distances, recorded

from mien.dialogue.align import track
from mien.dialogue.align.forced import Alignment, align, align_stream
from mien.dialogue.align.stream import aligned, timed
from mien.errors import InputError, MissingError
from mien.timeline import TICKS_PER_SECOND
from mien.types import AudioChunk, FloatArray, SpeechPart

LONG = " ".join([TEXTS["en"], OTHER, "Please bring me a glass of cold water."])
SECOND = TICKS_PER_SECOND


def parts_of(sound: FloatArray, cuts: list[int], start: int = 0) -> Iterator[SpeechPart]:
    edges = [0, *sorted({c for c in cuts if 0 < c < len(sound)}), len(sound)]
    for a, b in pairwise(edges):
        yield SpeechPart(AudioChunk(start + a, sound[a:b]), turn=3, last=b == len(sound))


@cache
def long_one() -> Recorded:
    return recorded(LONG, "en", rate=1.3)


@pytest.fixture
def small_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that some seconds of sound are several windows."""
    monkeypatch.setattr(track, "WINDOW", 6 * SECOND)


@pytest.mark.usefixtures("small_windows")
def test_a_recording_of_several_windows_is_followed_to_its_end() -> None:
    truth = long_one()
    assert len(truth.sound) > 2 * track.WINDOW
    alignment = align(truth.sound, truth.text, "en")
    assert [w.char_start for w in alignment.words] == [w.char_start for w in truth.words]
    off = distances(alignment.words, truth)
    assert np.median(off) <= 20
    assert np.percentile(off, 95) <= 120


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.lists(st.integers(1, 13 * SECOND), max_size=6))
@pytest.mark.usefixtures("small_windows")
def test_how_the_sound_is_cut_changes_nothing(cuts: list[int]) -> None:
    truth = long_one()
    pieces = [part.audio.samples for part in parts_of(truth.sound, cuts)]
    assert align_stream(pieces, truth.text, "en") == _whole()


@cache
def _whole() -> Alignment:
    """The long recording in windows of six seconds."""
    return align(long_one().sound, LONG, "en")


@pytest.mark.usefixtures("small_windows")
def test_parts_keep_their_sound_and_get_what_begins_in_them() -> None:
    truth, whole = long_one(), _whole()
    given_parts = list(parts_of(truth.sound, list(range(0, len(truth.sound), 30_000)), start=9600))
    filled = list(aligned(given_parts, truth.text, "en"))
    assert [replace(p, phones=None, words=None) for p in filled] == given_parts
    for part in filled:
        assert part.phones is not None and part.words is not None
        assert all(part.audio.start <= p.start < part.audio.end for p in part.phones)
        assert all(part.audio.start <= w.start < part.audio.end for w in part.words)
    words = [replace(w, start=w.start - 9600, end=w.end - 9600) for p in filled for w in p.words or ()]
    assert tuple(words) == whole.words
    phones = [replace(x, start=x.start - 9600, end=x.end - 9600) for p in filled for x in p.phones or ()]
    assert tuple(phones) == whole.phones


@pytest.mark.usefixtures("small_windows")
def test_no_more_than_a_window_waits() -> None:
    truth = long_one()
    taken = 0

    def listened() -> Iterator[SpeechPart]:
        nonlocal taken
        for part in parts_of(truth.sound, list(range(0, len(truth.sound), 24_000))):
            taken = part.audio.end
            yield part

    waited = [taken - part.audio.end for part in aligned(listened(), truth.text, "en")]
    assert max(waited) <= track.WINDOW + 24_000


def test_what_is_listened_to_is_the_sound_without_noise_where_there_is_one() -> None:
    truth = recorded(TEXTS["en"], "en")
    noise = np.random.default_rng(3).standard_normal(len(truth.sound)).astype(np.float32)
    part = SpeechPart(AudioChunk(0, noise), heard=truth.sound, last=True)
    (filled,) = aligned([part], truth.text, "en")
    assert filled.words is not None
    assert np.median(distances(filled.words, truth)) <= 20
    with pytest.raises(InputError):
        list(aligned([replace(part, heard=None)], truth.text, "en"))


@pytest.mark.usefixtures("small_windows")
def test_other_words_are_refused_before_the_recording_ends() -> None:
    truth = long_one()
    taken = 0

    def listened() -> Iterator[SpeechPart]:
        nonlocal taken
        for part in parts_of(truth.sound, list(range(0, len(truth.sound), 24_000))):
            taken = part.audio.end
            yield part

    other = "Quiet mountains rise above green valleys where shepherds play wooden flutes all day long. " * 4
    with pytest.raises(InputError, match="not what is said"):
        list(aligned(listened(), other, "en"))
    assert taken < len(truth.sound)


def test_a_synthetic_voice_gets_times() -> None:
    truth = recorded(TEXTS["zh"], "zh", voice="Andrea")
    filled = list(timed(parts_of(truth.sound, [30_000, 90_000]), truth.text, "zh", char_offset=100))
    words = tuple(replace(w, char_start=w.char_start - 100) for p in filled for w in p.words or ())
    assert np.median(distances(words, truth)) <= 20
    assert all(part.phones for part in filled)


@pytest.mark.parametrize(("text", "language"), [(OTHER, "en"), ("𠮷𠮷𠮷。", "zh"), ("…", "en")])
def test_a_synthetic_voice_that_does_not_fit_stays_without_times(text: str, language: str) -> None:
    truth = recorded(TEXTS["en"], "en")
    given_parts = list(parts_of(truth.sound, [30_000, 90_000]))
    assert list(timed(given_parts, text, language)) == given_parts


def test_no_parts_give_no_parts() -> None:
    assert list(timed([], "Hello.", "en")) == []
    assert list(aligned([], "Hello.", "en")) == []


def test_an_unknown_language_is_said_at_once() -> None:
    with pytest.raises(MissingError):
        next(aligned(parts_of(recorded(TEXTS["en"], "en").sound, []), "Hello.", "xx-unknown"))
