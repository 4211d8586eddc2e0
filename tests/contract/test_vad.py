"""What every voice detector must keep, whatever it is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.audio.kit import RATE, cut, noise, spoken

from mien import plugins
from mien.audio.base import ROW, VoiceDetector
from mien.errors import UsageError
from mien.types import AudioChunk, FloatArray


@pytest.fixture(params=plugins.available("vad"))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def make(name: str) -> VoiceDetector:
    detector = plugins.load("vad", name)()
    assert isinstance(detector, VoiceDetector)
    return detector


def rows(name: str, pieces: list[FloatArray], start: int = 0, *, read_often: bool = True) -> FloatArray:
    detector = make(name)
    found, heard, at, known = [], 0, start, 0
    for piece in pieces:
        detector.push(AudioChunk(at, piece))
        at += len(piece)
        heard += len(piece)
        if read_often:
            activity = detector.read()
            assert activity.start == start + known * ROW
            known += len(activity.probability)
            assert known * ROW >= heard - detector.info.look_ahead - 2 * ROW  # what is promised is kept
            found.append(activity.probability)
    detector.close()
    detector.close()
    activity = detector.read()
    assert activity.start == start + known * ROW
    found.append(activity.probability)
    assert len(detector.read().probability) == 0
    return np.concatenate(found)


def words() -> FloatArray:
    sound, _ = spoken("Good morning, dear listeners.")
    pause = np.zeros(RATE, np.float32)
    return np.concatenate([pause, sound, pause])


def test_it_names_itself(name: str) -> None:
    assert make(name).info.name == name


def test_rows_are_chances_and_reach_the_end(name: str) -> None:
    for count in (1, 959, 960, 961, 30_000):
        found = rows(name, [noise(1.0)[:count]])
        assert len(found) == -(-count // ROW)
        assert found.dtype == np.float32
        assert ((found >= 0) & (found <= 1)).all()


def test_no_sound_has_no_rows(name: str) -> None:
    detector = make(name)
    assert len(detector.read().probability) == 0
    detector.close()
    assert len(detector.read().probability) == 0


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(40, 30_000), min_size=1, max_size=5), st.booleans())
def test_chunked_equals_whole(name: str, sizes: list[int], read_often: bool) -> None:
    sound = words()
    whole = rows(name, [sound])
    np.testing.assert_array_equal(rows(name, cut(sound, sizes), read_often=read_often), whole)


def test_speech_is_told_from_silence(name: str) -> None:
    sound, phones = spoken("The first sentence is here. [pause 1s] And this is the second one, a little longer.")
    found = rows(name, [np.zeros(RATE, np.float32), sound, np.zeros(RATE, np.float32)])
    middle = (np.arange(len(found)) + 0.5) * ROW - RATE
    voiced = np.zeros(len(found), bool)
    near = np.zeros(len(found), bool)
    for phone in phones:
        if phone.symbol:
            voiced |= (middle >= phone.start) & (middle < phone.end)
            near |= (middle >= phone.start - 4800) & (middle < phone.end + 14_400)
    assert (found[voiced] >= 0.5).mean() > 0.8
    assert (found[~near] < 0.5).all()


def test_a_later_start_moves_the_rows_and_nothing_else(name: str) -> None:
    sound = words()
    np.testing.assert_array_equal(rows(name, [sound], start=123_456), rows(name, [sound]))


def test_instances_share_nothing(name: str) -> None:
    sound, other = words(), noise(9.0)
    first, second = make(name), make(name)
    for at in range(0, len(sound), 9_000):
        first.push(AudioChunk(at, sound[at : at + 9_000]))
        second.push(AudioChunk(at, other[at : at + 9_000]))
    first.close()
    np.testing.assert_array_equal(first.read().probability, rows(name, [sound]))


def test_gaps_and_sound_after_the_end_are_refused(name: str) -> None:
    detector = make(name)
    detector.push(AudioChunk(0, noise(0.1)))
    with pytest.raises(UsageError):
        detector.push(AudioChunk(1, noise(0.1)))
    detector.close()
    with pytest.raises(UsageError):
        detector.push(AudioChunk(4800, noise(0.1)))
