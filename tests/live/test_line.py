"""The time line: speech where it was asked for, silence elsewhere, never a gap or a jump."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.dialogue.perform import perform
from mien.dialogue.speak.espeak import EspeakSpeaker
from mien.face.base import FaceSettings
from mien.face.measure import aperture_mm
from mien.face.phones import PhoneDriver
from mien.live.line import Line, Shown
from mien.timeline import TICKS_PER_SECOND, frame_tick
from mien.types import SpeechPart

TEXT = "My mother may buy many more maps and brown bags today, my people believe."


@pytest.fixture(scope="module")
def speech() -> list[SpeechPart]:
    speaker = EspeakSpeaker()
    try:
        return list(perform(TEXT, speaker, language="en", turn=1))
    finally:
        speaker.close()


def line(fps: Fraction = Fraction(25)) -> Line:
    return Line(lambda: PhoneDriver(FaceSettings(seed=3)), fps)


def sound(shown: list[Shown]) -> np.ndarray:
    return np.concatenate([s.beat.audio.samples for s in shown])


def gaps(shown: list[Shown]) -> np.ndarray:
    return np.array([float(aperture_mm(s.beat.shapes)) for s in shown])


def said(speech: list[SpeechPart]) -> np.ndarray:
    return np.concatenate([p.audio.samples for p in speech])


@pytest.mark.parametrize("fps", [Fraction(25), Fraction(30000, 1001), Fraction(50)])
def test_every_beat_is_at_its_tick_with_the_sound_of_its_time(fps: Fraction, speech: list[SpeechPart]) -> None:
    live = line(fps)
    for k in range(200):
        if k == 60:
            for part in speech:
                live.say(part)
        beat = live.take().beat
        assert beat.tick == frame_tick(k, fps) == beat.audio.start
        assert beat.audio.end == frame_tick(k + 1, fps)


def test_speech_begins_with_the_next_beat_and_is_whole(speech: list[SpeechPart]) -> None:
    live = line()
    before = [live.take() for _ in range(73)]
    for part in speech:
        live.say(part)
    after = [live.take() for _ in range(200)]
    assert not sound(before).any() and not any(s.speaking for s in before)
    whole = said(speech)
    np.testing.assert_array_equal(sound(after)[: len(whole)], whole)
    assert [s.speaking for s in after] == [s.beat.tick < 73 * 1920 + len(whole) for s in after]


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(1, 30), min_size=1, max_size=4), st.integers(0, 20))
def test_nothing_is_lost_however_late_parts_come(waits: list[int], begin: int) -> None:
    speaker = EspeakSpeaker()
    try:
        parts = list(perform("One two three, four five six. Seven eight nine!", speaker, language="en", turn=1))
    finally:
        speaker.close()
    live = line()
    shown = [live.take() for _ in range(begin)]
    for i, part in enumerate(parts):
        live.say(part)
        shown += [live.take() for _ in range(waits[i % len(waits)])]
    while live.speaking:
        shown.append(live.take())
    heard = sound(shown)
    assert heard[heard != 0].tolist() == said(parts)[said(parts) != 0].tolist()


def test_lips_close_within_120_ms_of_a_cut_and_stay_closed(speech: list[SpeechPart]) -> None:
    for moment in range(10, 60, 7):
        live = line()
        for part in speech:
            live.say(part)
        shown = [live.take() for _ in range(moment)]
        tick = live.cut()
        after = [live.take() for _ in range(50)]
        closed = gaps(after)
        assert closed[3:].max() <= 1.0
        assert not any(s.speaking for s in after)
        beyond = sound(after)[tick - moment * 1920 :]
        assert not beyond.any()
        assert live.waiting == 0
        assert len(shown) == moment


def test_a_cut_neither_clicks_nor_jumps(speech: list[SpeechPart]) -> None:
    live = line()
    for part in speech:
        live.say(part)
    shown = [live.take() for _ in range(33)]
    live.cut()
    shown += [live.take() for _ in range(60)]
    heard = sound(shown)
    at = 33 * 1920
    step = np.abs(np.diff(heard[at - 100 : at + 600])).max()
    assert step <= np.abs(np.diff(heard[:at])).max()
    head = np.degrees(np.array([s.beat.head[:3] for s in shown]))
    assert np.abs(np.diff(head[30:], axis=0)).max() < 3.0
    opening = np.abs(np.diff(gaps(shown)[32:]))
    assert opening.max() < 9.0


def test_speech_after_a_cut_is_heard_at_once(speech: list[SpeechPart]) -> None:
    live = line()
    for part in speech:
        live.say(part)
    for _ in range(30):
        live.take()
    live.cut()
    for part in speech:
        live.say(part)
    again = [live.take() for _ in range(150)]
    heard = sound(again)
    whole = said(speech)
    np.testing.assert_array_equal(heard[480:], whole[480 : len(heard)])


def test_idling_keeps_nothing() -> None:
    import tracemalloc

    live = line()
    tracemalloc.start()
    held = []
    for _ in range(3):
        for _ in range(2000):
            shown = live.take()
        held.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    assert held[2] - held[1] < 50_000
    assert shown.beat.tick / TICKS_PER_SECOND == pytest.approx(5999 * 0.04)


def test_pieces_of_a_microphone_are_heard_as_the_whole() -> None:
    from mien.face.listen.driver import ListenDriver
    from mien.types import Activity, AudioChunk

    sound = (np.random.default_rng(1).standard_normal(48_000) * 0.1).astype(np.float32)

    def followed(size: int) -> list[Shown]:
        live = line()
        driver = lambda: ListenDriver(FaceSettings(seed=3), prompt=True, look_ahead=0)  # noqa: E731
        for start in range(0, len(sound), size):
            rows = np.ones(len(sound[start : start + size]) // 960, np.float32)
            part = SpeechPart(AudioChunk(start, sound[start : start + size]), activity=Activity(start, rows))
            live.say(part, None, driver)
        return [live.take() for _ in range(26)]

    short, long = followed(960), followed(48_000)
    for a, b in zip(short, long, strict=True):
        np.testing.assert_array_equal(a.beat.audio.samples, b.beat.audio.samples)
        np.testing.assert_allclose(a.beat.shapes, b.beat.shapes, atol=1e-4)
