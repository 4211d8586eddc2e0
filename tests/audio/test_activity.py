"""Stretches of speech: words are whole, clicks are nothing, and the wait is as long as stated."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.audio.kit import RATE, breath, cut, music, noise, spoken

from mien.audio.activity import SPEECH, Gate, GateSettings
from mien.audio.hear import heard_parts
from mien.types import Activity, FloatArray


def gated(chances: FloatArray, sizes: list[int] | None = None, how: GateSettings | None = None) -> FloatArray:
    gate, out, at = Gate(how), [], 0
    for piece in cut(chances, sizes or [len(chances)]):
        out.append(gate.push(Activity(at * 960, piece)))
        at += len(piece)
    out.append(gate.close())
    known = 0
    for activity in out:
        assert activity.start == known * 960
        known += len(activity.probability)
    assert known == len(chances)
    return np.concatenate([activity.probability for activity in out])


def row(*stretches: tuple[int, float]) -> FloatArray:
    return np.concatenate([np.full(count, value, np.float32) for count, value in stretches])


def spoken_rows(found: FloatArray) -> tuple[int, int]:
    """First row of speech and the one after the last."""
    speaking = np.flatnonzero(found >= SPEECH)
    assert len(speaking) == speaking[-1] - speaking[0] + 1
    return int(speaking[0]), int(speaking[-1]) + 1


def test_speech_opens_early_and_closes_late() -> None:
    how = GateSettings()
    first, stop = spoken_rows(gated(row((50, 0.0), (30, 0.9), (50, 0.0))))
    assert first == 50 - how.lead
    assert stop == 80 + how.hold


def test_a_click_does_not_talk_and_a_short_word_does() -> None:
    how = GateSettings()
    assert (gated(row((50, 0.0), (how.shortest - 1, 1.0), (50, 0.0))) < SPEECH).all()
    assert (gated(row((50, 0.0), (how.shortest, 1.0), (50, 0.0))) >= SPEECH).any()


def test_a_dip_does_not_cut_a_word() -> None:
    assert spoken_rows(gated(row((20, 0.0), (20, 0.9), (8, 0.4), (20, 0.9), (20, 0.0))))
    assert (gated(row((40, 0.45))) < SPEECH).all()  # what never reached speech does not hold


def test_speech_at_the_very_beginning_and_end_is_whole() -> None:
    assert (gated(row((30, 0.9))) >= SPEECH).all()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 20), st.sampled_from([0.0, 0.3, 0.4, 0.5, 0.9])), min_size=1, max_size=12),
    st.lists(st.integers(1, 15), min_size=1, max_size=4),
    st.builds(GateSettings, lead=st.integers(0, 6), hold=st.integers(0, 8), shortest=st.integers(1, 6)),
)
def test_chunked_equals_whole_and_the_wait_is_bounded(
    stretches: list[tuple[int, float]], sizes: list[int], how: GateSettings
) -> None:
    chances = row(*stretches)
    whole = gated(chances, how=how)
    np.testing.assert_array_equal(gated(chances, sizes, how), whole)
    for known in range(how.look_ahead + 1, len(chances)):
        gate = Gate(how)
        found = gate.push(Activity(0, chances[:known])).probability
        assert len(found) >= known - how.look_ahead
        np.testing.assert_array_equal(found, whole[: len(found)])


def activity(sound: FloatArray) -> FloatArray:
    return np.concatenate([p.activity.probability for p in heard_parts((sound, RATE)) if p.activity is not None])


@pytest.mark.parametrize(
    "sound",
    [
        pytest.param(music(10.0), id="music"),
        pytest.param(noise(10.0, 0.1), id="noise"),
        pytest.param(np.concatenate([breath(), np.zeros(RATE, np.float32)] * 5), id="breath"),
        pytest.param(np.concatenate([noise(0.01, 0.9), np.zeros(RATE // 2, np.float32)] * 12), id="clicks"),
        pytest.param(0.3 * np.sin(np.arange(10 * RATE) * 2 * np.pi * 50 / RATE, dtype=np.float32), id="hum"),
    ],
)
def test_what_is_no_voice_does_not_talk(sound: FloatArray) -> None:
    assert (activity(sound) < SPEECH).mean() >= 0.99


@pytest.mark.parametrize(("language", "text"), [("en", "Good morning, dear listeners, how are you today?"),
                                                ("zh", "大家早上好，今天的天气非常好。"),
                                                ("de", "Guten Morgen, meine Damen und Herren.")])  # fmt: skip
@pytest.mark.parametrize("decibels", [40, 10])
def test_no_word_is_cut(language: str, text: str, decibels: int) -> None:
    voice, phones = spoken(text, language)
    level = float(np.sqrt(np.square(voice).mean())) * 10 ** (-decibels / 20)
    pause = np.zeros(RATE, np.float32)
    sound = np.concatenate([pause, voice, pause])
    found = activity(sound + noise(len(sound) / RATE, level)[: len(sound)])
    middle = (np.arange(len(found)) + 0.5) * 960 - RATE
    said = [p for p in phones if p.symbol]
    inside = (middle >= said[0].start) & (middle < said[-1].end)
    assert (found[inside] >= SPEECH).mean() > 0.97
    outside = (middle < said[0].start - 9_600) | (middle > said[-1].end + 14_400)
    assert (found[outside] < SPEECH).mean() > 0.97
