"""Who has the turn: beginnings, ends, cutting in over our own voice, the button; in whatever pieces sound comes."""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.audio.kit import RATE, cut, noise, spoken

from mien.config import HearConfig
from mien.dialogue.hear.echo import FRAME, Echo
from mien.dialogue.hear.endings import how_it_ends
from mien.dialogue.hear.turns import SpeechEnded, SpeechGoesOn, SpeechStarted, TurnEvent, Turns, TurnSettings
from mien.types import AudioChunk, FloatArray

PIECE = 960


@cache
def visitor() -> FloatArray:
    """A second and a half of somebody, between silence; its speech starts at one second."""
    sound = spoken("Please stop for a moment.")[0]
    heard = np.concatenate([np.zeros(RATE, np.float32), 0.3 * sound, np.zeros(2 * RATE, np.float32)])
    return heard + noise(len(heard) / RATE, 1e-4)[: len(heard)]


@cache
def ours(seconds: float = 8.0) -> FloatArray:
    """Our own voice, another one."""
    text = "Once upon a time there was a little girl who lived in a village near the forest with her mother. " * 2
    return np.asarray(np.resize(0.5 * spoken(text, "en-gb")[0], round(seconds * RATE)), np.float32)


def room(sound: FloatArray, decibels: float, delay: float) -> FloatArray:
    """What comes back of it: later, quieter, and through a room."""
    rng = np.random.default_rng(3)
    tail = rng.standard_normal(RATE // 3) * 10 ** (-3 * np.arange(RATE // 3) / (RATE // 3))
    path = np.concatenate([[1.0], 0.7 * tail / np.sqrt(np.sum(tail**2))])
    size = len(sound) + len(path)
    echo = np.fft.irfft(np.fft.rfft(sound, size) * np.fft.rfft(path, size), size)
    late = np.concatenate([np.zeros(round(delay * RATE)), echo])[: len(sound)]
    return np.asarray(10 ** (decibels / 20) * late, np.float32)


def run(
    heard: FloatArray, played: FloatArray | None = None, wanted: TurnSettings | None = None, start: int = 0
) -> list[tuple[int, TurnEvent]]:
    """Events, each with the tick that the microphone had reached."""
    turns, found = Turns(wanted), []
    for at in range(0, len(heard), PIECE):
        if played is not None:
            turns.playing(AudioChunk(start + at, played[at : at + PIECE]))
        found += [(start + at + PIECE, e) for e in turns.push(AudioChunk(start + at, heard[at : at + PIECE]))]
    found += [(start + len(heard), event) for event in turns.close()]
    return found


def starts(events: list[tuple[int, TurnEvent]]) -> list[tuple[int, SpeechStarted]]:
    return [(at, e) for at, e in events if isinstance(e, SpeechStarted)]


def ends(events: list[tuple[int, TurnEvent]]) -> list[tuple[int, SpeechEnded]]:
    return [(at, e) for at, e in events if isinstance(e, SpeechEnded)]


def sound_of(events: list[TurnEvent]) -> FloatArray:
    """The sound of the events of one turn, which follows without a gap."""
    chunks = [e.sound for e in events if isinstance(e, SpeechStarted | SpeechGoesOn)]
    for before, after in pairwise(chunks):
        assert before.end == after.start
    return np.concatenate([c.samples for c in chunks])


@pytest.mark.parametrize("vad", ["silero", "energy"])
def test_a_turn_begins_and_ends_in_time(vad: str) -> None:
    start = 777
    events = run(visitor(), wanted=TurnSettings(vad=vad), start=start)
    [(begun, first)], [(over, last)] = starts(events), ends(events)
    end = start + RATE + max(p.end for p in spoken("Please stop for a moment.")[1] if p.symbol)
    assert start + RATE - 2400 <= first.start <= start + RATE + 6_000
    assert begun - (start + RATE) < 0.25 * RATE
    assert abs(last.end - end) < 0.2 * RATE
    assert 0.3 * RATE < over - end < 0.65 * RATE
    assert not first.cut_in
    assert abs(first.decided - begun) < 0.08 * RATE


def test_the_first_consonant_reaches_the_recogniser() -> None:
    events = [e for _, e in run(visitor())]
    first = events[0]
    assert isinstance(first, SpeechStarted)
    assert first.sound.start <= first.start - 0.25 * RATE
    sound = sound_of(events)
    there = visitor()[first.sound.start : first.sound.start + len(sound)]
    np.testing.assert_allclose(sound, there, atol=1e-5)  # where we are silent it passes as it is


def test_a_click_is_no_turn() -> None:
    heard = noise(3.0, 1e-4)
    heard[RATE : RATE + 1200] += 0.5 * noise(0.025, 1.0)
    assert not run(heard)


@pytest.mark.parametrize("decibels", [-6.0, -18.0, -30.0])
@pytest.mark.parametrize("delay", [0.04, 0.3])
def test_our_own_voice_is_no_visitor(decibels: float, delay: float) -> None:
    played = ours()
    assert not starts(run(room(played, decibels, delay) + noise(8.0, 1e-4), played))
    assert starts(run(room(played, decibels, delay) + noise(8.0, 1e-4), None))  # it would be one, unknown


def test_our_own_voice_is_known_when_it_is_told_late() -> None:
    """The session's clock and the microphone's may be apart."""
    played, late = ours(), 100 * PIECE // 10
    heard = room(played, -12.0, 0.3) + noise(8.0, 1e-4)
    turns = Turns()
    for at in range(0, len(heard), PIECE):
        found = turns.push(AudioChunk(at, heard[at : at + PIECE]))
        turns.playing(AudioChunk(at - late, np.zeros(PIECE, np.float32)) if at < late else _piece(played, at - late))
        assert not starts([(at, e) for e in found])


def _piece(sound: FloatArray, at: int) -> AudioChunk:
    return AudioChunk(at, sound[at : at + PIECE])


@pytest.mark.parametrize("decibels", [-12.0, -30.0])
def test_speaking_over_us_is_noticed_at_once(decibels: float) -> None:
    played, onset = ours(), 4 * RATE
    heard = room(played, decibels, 0.2) + noise(8.0, 1e-4)
    said = 0.4 * spoken("Please stop for a moment.")[0]
    heard[onset : onset + len(said)] += said
    [(at, first), *_] = starts(run(heard, played))
    assert first.cut_in
    assert onset < at <= onset + 0.25 * RATE


def test_cutting_in_can_be_forbidden() -> None:
    played = ours(4.0)
    heard = room(played, -30.0, 0.2)
    said = 0.4 * spoken("Please stop for a moment.")[0]
    heard[RATE : RATE + len(said)] += said
    assert not starts(run(heard, played, TurnSettings(barge_in=False)))


def test_the_delay_of_the_echo_is_found_and_followed() -> None:
    played = ours()
    echo = Echo()
    heard = np.concatenate([room(played, -12.0, 0.12)[: 4 * RATE], room(played, -12.0, 0.4)[4 * RATE :]])
    seen = []
    for at in range(0, len(played), PIECE):
        echo.playing(AudioChunk(at, played[at : at + PIECE]))
        echo.push(heard[at : at + PIECE])
        seen.append(echo.delay)
    middle, last = seen[len(seen) // 2 - 1], seen[-1]
    assert middle is not None and abs(middle - 0.12) < 0.03
    assert last is not None and abs(last - 0.4) < 0.03


def test_an_echo_loses_most_of_its_power_and_a_visitor_does_not() -> None:
    played, quiet = ours(), noise(8.0, 1e-5)
    half = 4 * RATE

    def left(heard: FloatArray, played: FloatArray | None) -> FloatArray:
        echo = Echo()
        if played is not None:
            for at in range(0, len(played), RATE):
                echo.playing(AudioChunk(at, played[at : at + RATE]))
        return echo.push(heard)[0][half:]

    heard = room(played, -12.0, 0.2) + quiet
    assert np.sum(left(heard, played) ** 2) < 0.01 * np.sum(heard[half:] ** 2)
    alone = left(heard, None)
    np.testing.assert_allclose(alone, heard[half : half + len(alone)], atol=1e-6)


def test_silenced_reference_stops_counting() -> None:
    turns = Turns()
    played = ours(6.0)
    turns.playing(AudioChunk(0, played))
    turns.silenced(RATE)  # the voice was cut after a second
    heard = np.concatenate([np.zeros(3 * RATE, np.float32), visitor()])
    found = [e for at in range(0, len(heard), PIECE) for e in turns.push(AudioChunk(at, heard[at : at + PIECE]))]
    first = next(e for e in found if isinstance(e, SpeechStarted))
    assert not first.cut_in


@pytest.mark.parametrize(
    ("text", "quicker"),
    [("what time is it now?", True), ("今天天气怎么样", True), ("I would like to", False), ("我想要那个", False)],
)
def test_the_text_so_far_shortens_or_stretches_the_wait(text: str, quicker: bool) -> None:
    def decided(partial: str) -> int:
        turns = Turns()
        for at in range(0, len(visitor()), PIECE):
            for event in turns.push(AudioChunk(at, visitor()[at : at + PIECE])):
                if isinstance(event, SpeechEnded):
                    return event.decided
                turns.partial(partial)
        raise AssertionError

    plain, changed = decided("stop for a moment"), decided(text)
    assert changed < plain - 0.08 * RATE if quicker else changed > plain + 0.25 * RATE


@pytest.mark.parametrize("words", ["Stop for a moment", "What is your name", "Tell me about this place"])
def test_the_end_is_where_the_sound_ends_not_where_the_detector_forgets_it(words: str) -> None:
    sound = np.concatenate([noise(0.6, 1e-4), spoken(words)[0], noise(1.0, 1e-4)])
    loud = np.sqrt((sound[: len(sound) // 240 * 240].reshape(-1, 240) ** 2).mean(axis=1))
    last = 240 * (int(np.flatnonzero(loud > np.percentile(loud[loud > 0.01], 80) / 30)[-1]) + 1)
    turns = Turns()
    pushed = (turns.push(AudioChunk(at, sound[at : at + PIECE])) for at in range(0, len(sound), PIECE))
    ends = [event.end for events in pushed for event in events if isinstance(event, SpeechEnded)]
    assert len(ends) == 1
    assert abs(ends[0] - last) <= 0.05 * RATE


@pytest.mark.parametrize(
    ("text", "ending"),
    [
        ("", "unknown"), ("Hello there.", "finished"), ("Is it?", "finished"), ("And then, uh", "open"),
        ("Well um.", "open"), ("go to the", "open"), ("go to Dr.", "unknown"), ("the red house", "unknown"),
        ("thank you", "finished"), ("好的。", "finished"), ("你是谁呢", "finished"), ("然后", "open"),
        ("我觉得，", "open"),
        ("我喜欢北京", "unknown"), ("那个。", "open"), ("“Why?”", "finished"), ("wait...", "open"), ("123", "unknown"),
    ],
)  # fmt: skip
def test_endings(text: str, ending: str) -> None:
    assert how_it_ends(text) == ending


def test_the_button_decides_whatever_is_heard() -> None:
    turns = Turns(TurnSettings(hands_free=False))
    silence, events = noise(4.0, 1e-4), []
    for at in range(0, len(silence), PIECE):
        if at == 50 * PIECE:
            events += [(at, e) for e in turns.press()]
            assert turns.speaking
        if at == 100 * PIECE:
            turns.release()
        events += [(at, e) for e in turns.push(AudioChunk(at, silence[at : at + PIECE]))]
    [(begun, first)], [(over, last)] = starts(events), ends(events)
    assert begun == 50 * PIECE and first.pressed and last.pressed
    assert 0.2 * RATE <= over - 100 * PIECE <= 0.4 * RATE
    heard = sound_of([e for _, e in events])
    assert len(heard) >= 50 * PIECE
    assert not starts(run(visitor(), wanted=TurnSettings(hands_free=False)))


def test_pressed_turns_survive_pauses_and_a_press_before_the_microphone() -> None:
    turns = Turns()
    assert turns.press() == []
    events: list[tuple[int, TurnEvent]] = []
    for at in range(0, len(visitor()), PIECE):
        events += [(at, e) for e in turns.push(_piece(visitor(), at))]
    assert len(starts(events)) == 1 and not ends(events)
    turns.release()
    assert [e.cut for e in turns.close() if isinstance(e, SpeechEnded)] == [True]


def test_an_endless_turn_is_cut() -> None:
    heard = np.resize(ours(4.0), 7 * RATE)
    events = run(heard, wanted=TurnSettings(longest=2.0))
    assert ends(events)[0][1].cut
    assert ends(events)[0][0] < 3.0 * RATE


def test_holes_in_the_clock_and_bad_values_do_no_harm() -> None:
    turns, sound = Turns(), visitor()
    found: list[TurnEvent] = []
    at = 0
    for k, piece in enumerate(cut(sound, [PIECE])):
        if k % 20 == 7:
            at += 480  # lost
        if k % 20 == 12:
            at -= 240  # sent twice
        bad = piece.copy()
        bad[0] = np.nan if k % 9 == 0 else bad[0]
        found += turns.push(AudioChunk(at, bad))
        at += len(piece)
    assert sum(isinstance(e, SpeechStarted) for e in found) == 1
    assert np.isfinite(sound_of([e for e in found if not isinstance(e, SpeechEnded)])).all()
    found = turns.push(AudioChunk(at + 60 * RATE, sound[RATE : 2 * RATE]))  # back after a minute
    found += turns.push(AudioChunk(at + 200 * RATE, sound[:PIECE]))
    assert [e.cut for e in found if isinstance(e, SpeechEnded)] == [True]


def test_memory_is_bounded() -> None:
    turns = Turns()
    for at in range(0, 40 * RATE, RATE):
        turns.playing(AudioChunk(at, ours(1.0)))
        turns.push(AudioChunk(at, noise(1.0, 1e-4)))
    stretch = turns._stretch
    assert stretch is not None
    assert len(stretch._sound) < 3 * RATE
    assert sum(len(c.samples) for c in turns._played) < 15 * RATE
    assert len(stretch._own) < 100


@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(sizes=st.lists(st.integers(1, 30_000), min_size=2, max_size=4).filter(lambda s: sum(s) > 3_000))
def test_chunked_equals_whole(sizes: list[int]) -> None:
    played = ours(4.0)
    heard = room(played, -18.0, 0.1)
    heard[RATE : RATE + len(visitor()) - RATE] += visitor()[RATE : len(heard)][: len(heard) - RATE]
    heard = heard[: len(played)]

    def events(pieces: list[FloatArray]) -> tuple[list[tuple[int, int, bool]], FloatArray]:
        turns, found, at = Turns(), [], 0
        for start in range(0, len(played), RATE):
            turns.playing(AudioChunk(start, played[start : start + RATE]))
        for piece in pieces:
            found += turns.push(AudioChunk(at, piece))
            at += len(piece)
        found += turns.close()
        told = [(e.start, e.decided, e.cut_in) for e in found if isinstance(e, SpeechStarted)]
        told += [(e.end, e.decided, e.cut) for e in found if isinstance(e, SpeechEnded)]
        return told, np.concatenate([e.sound.samples for e in found if not isinstance(e, SpeechEnded)])

    whole, chunked = events([heard]), events(cut(heard, sizes))
    assert whole[0] == chunked[0] and whole[0]
    np.testing.assert_array_equal(whole[1], chunked[1])


def test_settings_keep_their_proportions() -> None:
    made = TurnSettings.of(HearConfig(silence=0.72, barge_in=False))
    assert (made.silence, made.barge_in) == (0.72, False)
    assert made.finished == pytest.approx(2 * TurnSettings().finished)
    assert made.open >= made.silence
    assert FRAME == 960
