"""Loudness against the values that EBU Tech 3341 and BS.1770 state, and speech brought to them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.audio.loudness import Meter, integrated, level, true_peak
from mien.types import AudioChunk, FloatArray, SpeechPart

RATE = 48_000


def tone(dbfs: float, seconds: float, hertz: float = 1000.0, phase: float = 0.0) -> FloatArray:
    t = np.arange(int(RATE * seconds)) / RATE
    return (10 ** (dbfs / 20) * np.sin(2 * np.pi * hertz * t + phase)).astype(np.float32)


def voice(seconds: float, seed: int = 0, gain: float = 0.1) -> FloatArray:
    """Noise in syllables, about as spiky as speech."""
    rng = np.random.default_rng(seed)
    n = int(seconds * RATE)
    syllables = np.abs(np.sin(2 * np.pi * 2.2 * np.arange(n) / RATE)) ** 3
    noise = np.convolve(rng.standard_normal(n), np.hanning(24) / 6, "same")
    return (gain * syllables * noise).astype(np.float32)


def parts_of(sound: FloatArray, length: int) -> list[SpeechPart]:
    return [SpeechPart(AudioChunk(at, sound[at : at + length])) for at in range(0, len(sound), length)]


def joined(parts: list[SpeechPart]) -> FloatArray:
    return np.concatenate([p.audio.samples for p in parts])


def test_full_scale_sine_reads_minus_three() -> None:
    assert integrated(tone(0, 5, 997)) == pytest.approx(-3.01, abs=0.02)
    assert integrated(tone(0, 5, 997), channels=2) == pytest.approx(0.0, abs=0.02)


@pytest.mark.parametrize(
    "levels, expected",  # EBU Tech 3341, table 1, cases 1 to 5: (dBFS, seconds) on both channels → LUFS
    [
        ([(-23, 20)], -23.0),
        ([(-33, 20)], -33.0),
        ([(-36, 10), (-23, 60), (-36, 10)], -23.0),
        ([(-72, 10), (-36, 10), (-23, 60), (-36, 10), (-72, 10)], -23.0),
        ([(-26, 20), (-20, 20.1), (-26, 20)], -23.0),
    ],
)
def test_ebu_minimum_requirements(levels: list[tuple[float, float]], expected: float) -> None:
    assert integrated(np.concatenate([tone(db, s) for db, s in levels]), channels=2) == pytest.approx(expected, abs=0.1)


@pytest.mark.parametrize(
    "hertz, gain",  # response of the K-weighting filters, BS.1770 figure 2 and 4, relative to 997 Hz
    [(38.0, -5.9 - 0.7), (100.0, -1.1 - 0.7), (10_000.0, 3.3)],
)
def test_k_weighting(hertz: float, gain: float) -> None:
    assert integrated(tone(-20, 5, hertz)) - integrated(tone(-20, 5, 997)) == pytest.approx(gain, abs=0.7)


def test_silence_and_too_little_have_no_loudness() -> None:
    assert integrated(np.zeros(RATE, np.float32)) == -math.inf
    assert integrated(tone(0, 0.3)) == -math.inf
    assert Meter().lufs() == -math.inf


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 60_000), min_size=1, max_size=8))
def test_metering_in_pieces_equals_metering_whole(sizes: list[int]) -> None:
    sound = voice(sum(sizes) / RATE + 0.001)[: sum(sizes)]
    whole, pieces = Meter(), Meter()
    whole.push(sound)
    at = 0
    for size in sizes:
        pieces.push(sound[at : at + size])
        pieces.lufs()
        at += size
    assert pieces.lufs() == whole.lufs()


def test_true_peak_sees_between_samples() -> None:
    quarter = tone(0, 0.1, RATE / 4, math.pi / 4)  # every sample is at ±0.707
    assert np.abs(quarter).max() == pytest.approx(0.7071, abs=1e-3)
    assert true_peak(quarter[200:-200] * np.hanning(len(quarter) - 400).astype(np.float32)) == pytest.approx(
        1, abs=0.02
    )
    assert true_peak(np.zeros(0, np.float32)) == 0.0


@pytest.mark.parametrize("gain", [0.005, 0.1, 0.5])
def test_speech_is_brought_to_the_target(gain: float) -> None:
    out = joined(list(level(parts_of(voice(8, gain=gain), 31_000))))
    assert integrated(out, channels=2) == pytest.approx(-16.0, abs=0.5)
    assert 20 * math.log10(true_peak(out)) <= -0.95


def test_peaks_stay_below_the_ceiling_without_clipping_all_else() -> None:
    sound = voice(6, gain=0.02)
    sound[RATE * 3] = 0.9  # a click
    out = joined(list(level(parts_of(sound, 9_999))))
    assert 20 * math.log10(true_peak(out)) <= -0.95
    quiet = slice(RATE, 2 * RATE)  # far from the click: only gain
    ratio = out[quiet][np.abs(sound[quiet]) > 1e-3] / sound[quiet][np.abs(sound[quiet]) > 1e-3]
    assert ratio.max() - ratio.min() < 1e-3 * ratio.max()


@settings(max_examples=15, deadline=None)
@given(st.integers(2_000, 200_000), st.integers(0, 3))
def test_levelling_does_not_depend_on_how_speech_is_cut(length: int, seed: int) -> None:
    sound = voice(5, seed, gain=0.4)
    whole, cut = joined(list(level(parts_of(sound, len(sound))))), joined(list(level(parts_of(sound, length))))
    np.testing.assert_allclose(cut, whole, atol=2e-5)


def test_nothing_else_of_a_part_changes_and_silence_stays() -> None:
    parts = parts_of(np.zeros(RATE, np.float32), 10_000)
    out = list(level(parts))
    assert [(p.audio.start, p.phones, p.last) for p in out] == [(p.audio.start, p.phones, p.last) for p in parts]
    assert not joined(out).any()
    assert list(level([])) == []


def test_long_speech_streams_and_a_change_of_voice_is_followed() -> None:
    sound = np.concatenate([voice(20, 1, 0.1), voice(60, 2, 0.05)])
    taken = 0

    def source() -> object:
        nonlocal taken
        for part in parts_of(sound, RATE):
            taken += 1
            yield part

    stream = level(source(), look_ahead=10.0)  # type: ignore[arg-type]
    first = next(stream)
    assert taken <= 12  # not the whole film
    out = np.concatenate([first.audio.samples, joined(list(stream))])
    assert integrated(out, channels=2) == pytest.approx(-16.0, abs=1.0)
    steps = [integrated(out[i * RATE * 10 : (i + 1) * RATE * 10], channels=2) for i in (2, 7)]
    assert steps[1] > steps[0] + 1.0  # the quieter voice is being raised
