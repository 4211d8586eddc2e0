"""A recording as speech: parts, what is told about it, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.audio.kit import RATE, cut, music, noise, spoken, tone

from mien import models
from mien.audio.hear import heard_parts, open_detector
from mien.audio.steady import OffsetRemover
from mien.errors import InputError, MissingError
from mien.types import FloatArray, SpeechPart


def voice() -> FloatArray:
    return np.concatenate([np.zeros(RATE // 2, np.float32), spoken("Good morning, dear listeners.")[0]])


def whole(parts: list[SpeechPart]) -> tuple[FloatArray, FloatArray, FloatArray | None]:
    """Sound, activity and what is heard, after checking that parts follow each other."""
    end = row = 0
    for part in parts:
        assert part.phones is None
        assert part.words is None
        assert part.activity is not None
        assert (part.audio.start, part.activity.start) == (end, row)
        end = part.audio.end
        row += len(part.activity.probability) * 960
        assert row - 960 < end <= row
    assert [p.last for p in parts] == [False] * (len(parts) - 1) + [True]
    heard = [p.heard for p in parts if p.heard is not None]
    assert len(heard) in (0, len(parts))
    assert all(len(p.audio.samples) == len(p.heard) for p in parts if p.heard is not None)
    return (
        np.concatenate([p.audio.samples for p in parts]),
        np.concatenate([p.activity.probability for p in parts if p.activity is not None]),
        np.concatenate(heard) if heard else None,
    )


@pytest.mark.parametrize("denoise", ["off", "on"])
@pytest.mark.parametrize("seconds", [0.1, 0.99, 1.0, 1.01, 2.0, 3.337])
def test_parts_of_a_second_hold_the_sound_as_it_was(seconds: float, denoise: str) -> None:
    sound = np.tile(voice(), 3)[: round(seconds * RATE)]
    sound[:100] += noise(0.01)[:100]  # not silent, however short
    parts = list(heard_parts((sound, RATE), denoise=denoise))
    found, _, heard = whole(parts)
    np.testing.assert_array_equal(found, sound)
    assert (heard is not None) == (denoise == "on")
    assert all(len(p.audio.samples) == RATE for p in parts[:-1])
    assert 0 < len(parts[-1].audio.samples) <= RATE


@settings(max_examples=8, deadline=None)
@given(st.lists(st.integers(50, 40_000), min_size=1, max_size=5))
def test_however_it_comes_the_same_is_heard(sizes: list[int]) -> None:
    sound = voice()
    one = whole(list(heard_parts((sound, RATE), denoise="on")))
    many = whole(list(heard_parts((iter(cut(sound, sizes)), RATE), denoise="on")))
    np.testing.assert_array_equal(many[0], one[0])
    np.testing.assert_array_equal(many[1], one[1])
    assert one[2] is not None
    assert many[2] is not None
    np.testing.assert_allclose(many[2], one[2], atol=1e-6)


def test_parts_come_while_sound_still_comes() -> None:
    given_out = 0

    def microphone() -> object:
        nonlocal given_out
        while True:
            given_out += 1
            yield noise(0.1, seed=given_out)

    parts = heard_parts((microphone(), RATE), length=9_600)  # type: ignore[arg-type]
    next(parts)
    assert given_out <= 7  # 0.2 s of a part, 0.2 s to be sure of its activity


def test_offset_is_taken_away_and_clean_sound_untouched() -> None:
    sound = voice()
    found, _, _ = whole(list(heard_parts((sound + np.float32(0.3), RATE))))
    assert np.abs(found - sound).max() < 0.02


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 5_000), min_size=1, max_size=5), st.floats(-0.5, 0.5))
def test_offset_chunked_equals_whole(sizes: list[int], offset: float) -> None:
    sound = noise(0.3) + np.float32(offset)

    def run(pieces: list[FloatArray]) -> FloatArray:
        remover = OffsetRemover()
        return np.concatenate([*(remover.push(p) for p in pieces), remover.close()])

    one = run([sound])
    assert len(one) == len(sound)
    np.testing.assert_array_equal(run(cut(sound, sizes)), one)


@pytest.mark.parametrize(
    ("sound", "words"),
    [
        pytest.param(tone(0.005), "5 ms", id="5 ms"),
        pytest.param(np.zeros(RATE, np.float32), "silent", id="silent"),
        pytest.param(np.full(RATE, 0.25, np.float32), "silent", id="nothing but an offset"),
        pytest.param(np.zeros(0, np.float32), "0 samples", id="no samples"),
    ],
)
def test_what_is_no_recording_is_refused(sound: FloatArray, words: str) -> None:
    with pytest.raises(InputError, match=words):
        list(heard_parts((sound, RATE)))


def test_what_is_worth_knowing_is_told() -> None:
    told: list[str] = []
    list(heard_parts((music(3.0), RATE), tell=told.append))
    assert "Nobody" in told[0]
    told.clear()
    list(heard_parts((np.clip(8 * voice(), -0.5, 0.5), RATE), tell=told.append))
    assert "clipped" in told[0]
    told.clear()
    list(heard_parts((voice(), RATE), tell=told.append))
    assert told == []


def test_without_its_network_the_simple_detector_listens_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> Path:
        raise MissingError("The model file is not here.")

    from mien.audio import silero

    silero._session.cache_clear()
    monkeypatch.setattr(models, "path", missing)
    told: list[str] = []
    assert open_detector("auto", told.append).info.name == "energy"
    assert "loudness" in told[0]
    with pytest.raises(MissingError):
        open_detector("silero")
    with pytest.raises(MissingError, match="nobody"):
        open_detector("nobody")
