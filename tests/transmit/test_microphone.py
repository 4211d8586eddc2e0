"""A visitor's microphone: whatever the network does, sound without gaps that keeps up with time."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.transmit.live_parts import tone

from mien.transmit.rtc_microphone import OpusPackets, SteadySound
from mien.transmit.rtc_sound import open_sound
from mien.types import AudioChunk

BLOCK = 960


def packets(count: int) -> list[bytes]:
    encoder = open_sound("opus")
    return [c.data for n in range(count) for c in encoder.push(tone(n * BLOCK, BLOCK), 0.0)]


PACKETS = packets(100)


def played(arrivals: list[tuple[int, float]], until: float, first: int = 65_500) -> list[AudioChunk]:
    """arrivals: (number of the packet, second). Silence is asked for every 100 ms."""
    out: list[AudioChunk] = []
    sound = SteadySound(out.append)
    opus = OpusPackets(sound)
    looks = [(n / 10, -1) for n in range(1, int(until * 10) + 1)]
    for now, n in sorted([(t, n) for n, t in arrivals] + looks):
        if n < 0:
            sound.idle(now)
        else:
            opus.take((first + n) % 65_536, (4_294_960_000 + n * BLOCK) % 2**32, PACKETS[n], now)
    return out


def whole(chunks: list[AudioChunk]) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    assert chunks[0].start == 0 and all(a.end == b.start for a, b in pairwise(chunks))
    return np.concatenate([c.samples for c in chunks])


def test_undisturbed_packets_give_the_sound_as_it_was() -> None:
    sound = whole(played([(n, n * 0.02) for n in range(100)], 2.0))
    assert len(sound) == 96_000
    expected = tone(0, 96_000).samples
    assert np.abs(sound[9_912:90_312] - expected[9_600:90_000]).max() < 0.1  # Opus' own delay is 312 samples


def test_packets_that_overtake_each_other_change_nothing() -> None:
    straight = played([(n, n * 0.02) for n in range(60)], 1.2)
    swapped = played([(n, (n + (1.2 if n % 5 == 2 else 0)) * 0.02) for n in range(60)], 1.2)
    assert np.array_equal(whole(straight), whole(swapped))


def test_lost_packets_become_silence_of_their_length() -> None:
    lost = {20, 21, 40}
    sound = whole(played([(n, n * 0.02) for n in range(60) if n not in lost], 1.2))
    assert abs(len(sound) - 60 * BLOCK) <= BLOCK
    assert np.abs(sound[20 * BLOCK : 22 * BLOCK]).max() == 0.0
    assert np.abs(sound[25 * BLOCK : 26 * BLOCK]).max() > 0.2


def test_a_stall_becomes_silence_and_its_late_burst_does_not_delay_what_follows() -> None:
    stalled = [(n, n * 0.02 if n < 30 else max(n * 0.02, 1.5)) for n in range(100)]
    sound = whole(played(stalled, 2.0))
    assert abs(len(sound) - 96_000) < 0.13 * 48_000


@given(st.data())
@settings(max_examples=30, deadline=None)
def test_it_never_leaves_the_time_that_has_passed(data: st.DataObject) -> None:
    jitter = data.draw(st.lists(st.floats(0.0, 0.3), min_size=80, max_size=80))
    kept = data.draw(st.sets(st.integers(1, 79)))
    arrivals = [(0, 0.0)] + [(n, n * 0.02 + jitter[n]) for n in sorted(kept)]
    chunks = played(arrivals, 2.0)
    whole(chunks)
    assert abs(chunks[-1].end / 48_000 - 2.0) < 0.35


def test_clocks_that_drift_apart_are_met_without_gaps() -> None:
    for drift in (0.9995, 1.0005):  # 500 in a million; quartz is within 100
        out: list[AudioChunk] = []
        sound = SteadySound(out.append)
        for n in range(30_000):  # ten minutes
            sound.push(n * BLOCK, np.zeros(BLOCK, np.float32), n * 0.02 * drift)
        assert abs(out[-1].end / 48_000 - 30_000 * 0.02 * drift) < 0.1
        assert all(a.end == b.start for a, b in pairwise(out))
        assert {len(c.samples) for c in out} <= {959, 960, 961}


def test_garbage_is_not_sound_and_harms_nothing() -> None:
    out: list[AudioChunk] = []
    opus = OpusPackets(SteadySound(out.append))
    rng = np.random.default_rng(1)
    for n in range(200):
        opus.take(int(rng.integers(65_536)), int(rng.integers(2**32)), rng.bytes(int(rng.integers(1, 80))), n * 0.02)
    assert all(a.end == b.start for a, b in pairwise(out))
    assert not out or out[-1].end < 48_000 * 5
