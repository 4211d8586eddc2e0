"""The mood of a voice: ordered as the voices are, relative to the speaker, bounded, and nothing in silence."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.face.voices import STORY, arousal, contours, moods, said

from mien.face.affect import MOST_VALENCE, Mood
from mien.face.prosody import Prosody

LEAD = "This is a sentence before it, and it is long enough."


@pytest.mark.parametrize("voice", STORY)
def test_wider_and_quicker_is_more_excited_and_flat_and_slow_is_calmer(voice: str) -> None:
    story = STORY[voice]
    flat, plain, wide, quick = (
        arousal(said(story, voice, rate=rate, pitch_range=span))
        for rate, span in ((140, 15), (165, 50), (165, 85), (215, 50))
    )
    assert flat + 0.1 < plain
    assert plain + 0.05 < wide
    assert plain + 0.05 < quick


def test_the_same_voice_raised_is_more_excited_and_calms_down_again() -> None:
    low, high = (said(STORY["en+f5"], "en+f5", pitch=pitch) for pitch in (50, 75))
    heard = [m.arousal for m in moods(np.concatenate([low, high, low]))]
    first, second = len(low) // 960, (len(low) + len(high)) // 960
    before, raised, after = (
        float(np.mean(part)) for part in (heard[150:first], heard[first + 50 : second], heard[second + 100 :])
    )
    assert raised > before + 0.3
    assert raised > after + 0.3


def test_how_loud_a_recording_is_does_not_matter() -> None:
    sound = said(STORY["en+klatt4"], "en+klatt4")
    assert arousal(sound * 0.25) == pytest.approx(arousal(sound), abs=0.08)


@pytest.mark.parametrize("voice", STORY)
def test_it_is_the_speakers_own_range_within_three_seconds(voice: str) -> None:
    """High and low voices alike: pitch swings about the middle, and uses the range."""
    heard = [m.pitch for m in moods(said(STORY[voice], voice))[150:]]
    assert abs(np.mean(heard)) < 0.3
    assert np.percentile(heard, 95) - np.percentile(heard, 5) > 0.4


@pytest.mark.parametrize(
    ("asked", "told", "voice"),
    [
        ("You went to the market this morning?", "You went to the market this morning.", "en+f5"),
        ("Kommst du heute nach Hause?", "Ich komme heute nach Hause.", "de+f5"),
        ("Are you coming?", "I am coming.", "en"),
    ],
)
def test_questions_rise_and_statements_fall(asked: str, told: str, voice: str) -> None:
    lead = said(LEAD, f"en+{voice.partition('+')[2]}".rstrip("+"))
    rise, fall = (contours(np.concatenate([lead, said(text, voice)]))[-1] for text in (asked, told))
    assert rise > 0.4
    assert fall < -0.4


def test_silence_and_noise_have_no_mood() -> None:
    assert set(moods(np.zeros(96_000, np.float32))) == {Mood()}
    noise = np.random.default_rng(0).normal(0, 0.05, 48_000 * 4).astype(np.float32)
    assert max(abs(m.arousal) for m in moods(noise)) < 0.1


def test_the_mood_ends_with_the_voice() -> None:
    sound = np.concatenate([said(STORY["en+f5"], "en+f5"), np.zeros(48_000 * 3, np.float32)])
    heard = moods(sound)
    assert heard[len(heard) - 150 - 50].arousal != 0
    assert heard[-1] == Mood()


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**31), st.floats(0.001, 1.0))
def test_any_sound_stays_within_bounds(seed: int, level: float) -> None:
    random = np.random.default_rng(seed)
    steps = np.repeat(random.random(40), 2400) * level
    tone = np.sin(np.cumsum(np.repeat(random.uniform(60, 500, 40), 2400)) / 48_000 * 6.283)
    for m in moods((steps * (tone + 0.3 * random.normal(size=len(tone)))).astype(np.float32)):
        assert abs(m.valence) <= MOST_VALENCE
        assert max(abs(m.pitch), abs(m.loudness), abs(m.arousal)) <= 1


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(0, 10**6), max_size=10))
def test_chunked_equals_whole(places: list[int]) -> None:
    sound = said(STORY["en+f5"], "en+f5")[: 48_000 * 5]
    whole, parts = Prosody(), Prosody()
    expected = [*whole.push(sound), *whole.close()]
    got = [e for piece in np.split(sound, sorted(p % len(sound) for p in places)) for e in parts.push(piece)]
    assert [*got, *parts.close()] == expected
