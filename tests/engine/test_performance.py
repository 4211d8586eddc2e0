"""Speech and motion cut at frames."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engine.fakes import FakeDriver, speech

from mien.errors import BackendError
from mien.performance import Beat, Performance, shifted
from mien.timeline import frame_tick, frames_in
from mien.types import AudioChunk, Cue, Emotion, EmotionSpan, FaceClip, SpeechPart

RATES = [Fraction(24), Fraction(25), Fraction(30000, 1001), Fraction(30), Fraction(50), Fraction(60)]


def run(lengths: list[int], fps: Fraction, lead_in: int = 0, tail: int = 0) -> list[Beat]:
    performance = Performance(FakeDriver(), fps, lead_in, tail)
    beats = []
    for part in speech(lengths):
        performance.push(part)
        beats += performance.read()
    performance.close()
    return beats + performance.read()


@pytest.mark.parametrize("fps", RATES)
@pytest.mark.parametrize("ticks", [1, 47_999, 48_000, 100_003])
def test_sound_and_pictures_end_together(fps: Fraction, ticks: int) -> None:
    beats = run([ticks], fps, 12_000, 24_000)
    assert len(beats) == frames_in(ticks + 36_000, fps)
    assert [b.tick for b in beats] == [frame_tick(k, fps) for k in range(len(beats))]
    assert beats[-1].audio.end == frame_tick(len(beats), fps)
    assert all(a.audio.end == b.audio.start for a, b in pairwise(beats))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 9000), min_size=1, max_size=12), st.sampled_from(RATES), st.integers(0, 5000))
def test_chunked_equals_whole(lengths: list[int], fps: Fraction, margin: int) -> None:
    whole, chunked = run([sum(lengths)], fps, margin, margin), run(lengths, fps, margin, margin)
    assert len(whole) == len(chunked)
    for a, b in zip(whole, chunked, strict=True):
        assert a.tick == b.tick
        np.testing.assert_array_equal(a.shapes, b.shapes)
        np.testing.assert_array_equal(a.head, b.head)
        np.testing.assert_array_equal(a.audio.samples, b.audio.samples)


def test_motion_is_interpolated_between_rows() -> None:
    beats = run([96_000], Fraction(24))
    # row k of the fake holds k / 1000 at 50 rows a second; frame 1 of 24 fps is at tick 2000 = row 2.0833
    assert beats[1].shapes[0] == pytest.approx(0.0020833, abs=1e-6)
    assert beats[0].shapes.shape == (52,) and beats[0].head.shape == (6,)


def test_speech_is_moved_behind_the_lead_in() -> None:
    driver = FakeDriver()
    performance = Performance(driver, Fraction(25), lead_in=4800, tail=9600)
    for part in speech([5000, 7000], start=123):
        performance.push(part)
    performance.close()
    silence, first, second, tail = driver.parts
    assert silence.audio.end == first.audio.start == 4800
    assert first.phones is not None and first.phones[0].start == 4800
    assert second.words is not None and second.words[0].end == 16_800
    assert tail.last and not tail.audio.samples.any()
    assert tail.audio.end % 1920 == 0


def test_shifting_moves_every_time() -> None:
    part = SpeechPart(
        AudioChunk(10, np.zeros(5, np.float32)), None, None, (EmotionSpan(10, 15, Emotion()),), (Cue(12, "x"),)
    )
    moved = shifted(part, 100)
    assert (moved.audio.start, moved.emotions[0].end, moved.cues[0].tick) == (110, 115, 112)
    assert moved.phones is None


def test_beats_come_before_the_end_of_speech() -> None:
    performance = Performance(FakeDriver(look_ahead=4800), Fraction(25))
    parts = list(speech([48_000, 48_000]))
    performance.push(parts[0])
    assert len(performance.read()) >= 20  # a second less the driver's look-ahead


def test_a_driver_that_gives_nothing_is_reported() -> None:
    class Mute(FakeDriver):
        def read(self) -> FaceClip:
            return FaceClip(0, np.zeros((0, 52), np.float32), np.zeros((0, 6), np.float32))

    performance = Performance(Mute(), Fraction(25))
    performance.close()
    with pytest.raises(BackendError, match="no motion"):
        performance.read()


def test_parts_are_joined_only_where_nothing_is_lost() -> None:
    from mien.performance import joined
    from mien.types import Activity

    def part(start: int, *, rows: int = 1, **more: object) -> SpeechPart:
        samples = np.full(960, start, np.float32)
        return SpeechPart(AudioChunk(start, samples), activity=Activity(start, np.ones(rows, np.float32)), **more)  # type: ignore[arg-type]

    both = joined(part(0), part(960))
    assert both is not None and both.audio.end == 1920 and len(both.activity.probability) == 2  # type: ignore[union-attr]
    heard = joined(part(0, heard=np.full(960, 7, np.float32)), part(960))
    assert heard is not None and heard.heard is not None and heard.heard[[0, -1]].tolist() == [7, 960]
    apart = [part(961), part(960, turn=3), part(960, phones=()), part(960, words=())]
    assert all(joined(part(0), after) is None for after in apart)
    assert joined(part(0, rows=2), part(960)) is None  # rows that do not follow each other
    assert joined(SpeechPart(AudioChunk(0, np.zeros(960, np.float32))), part(960)) is None
