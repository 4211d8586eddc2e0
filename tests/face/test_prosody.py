"""Stress and phrase ends are heard where they are."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.face.prosody import Accent, Event, PhraseEnd, Prosody
from mien.types import FloatArray


def tone(levels: list[tuple[float, float]]) -> FloatArray:
    """A buzz of these (seconds, amplitude)."""
    pieces = [np.full(round(s * 48_000), a) for s, a in levels]
    amplitude = np.concatenate(pieces)
    wave: FloatArray = (amplitude * np.sin(np.arange(len(amplitude)) * 0.031)).astype(np.float32)
    return wave


def hear(sound: FloatArray, places: list[int] | None = None) -> tuple[list[Event], list[float]]:
    prosody = Prosody()
    events: list[Event] = []
    for piece in np.split(sound, sorted(places or [])):
        events += prosody.push(piece)
    events += prosody.close()
    return events, prosody.gains(len(sound) // 960).tolist()


def test_a_loud_syllable_is_an_accent() -> None:
    events, _ = hear(tone([(0.5, 0), (1.0, 0.05), (0.12, 0.3), (1.0, 0.05)]))
    accents = [e for e in events if isinstance(e, Accent) and 60 < e.row < 110]
    assert len(accents) == 1
    assert abs(accents[0].row - 78) <= 3
    assert 0.3 < accents[0].strength <= 1


def test_a_pause_ends_a_phrase_once_and_a_short_gap_does_not() -> None:
    events, _ = hear(tone([(0.6, 0.1), (0.1, 0), (0.6, 0.1), (0.8, 0), (0.5, 0.1), (0.5, 0)]))
    ends = [e.row for e in events if isinstance(e, PhraseEnd)]
    assert len(ends) == 2
    assert abs(ends[0] - 65) <= 1
    assert abs(ends[1] - 130) <= 1


def test_silence_has_no_events() -> None:
    events, gains = hear(np.zeros(48_000 * 5, np.float32))
    assert events == []
    assert np.ptp(gains) < 0.3


def test_louder_opens_wider_and_never_much() -> None:
    _, gains = hear(tone([(3.0, 0.05), (0.4, 0.4), (1.0, 0.01)]))
    assert gains[160] > 1.08 > 1 > gains[190]
    assert min(gains) > 0.8
    assert max(gains) < 1.2


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 190_000), max_size=8))
def test_chunked_equals_whole(places: list[int]) -> None:
    sound = tone([(0.3, 0), (0.9, 0.1), (0.1, 0.4), (0.8, 0.08), (0.5, 0), (0.6, 0.2), (0.8, 0)])
    assert hear(sound, [p % len(sound) for p in places]) == hear(sound)
