"""The pitch tracker: near the truth, silent where there is none, the same for any chunking."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.face.pitch import PitchTracker
from mien.types import FloatArray


def buzz(low: float, high: float, seconds: float = 3.0) -> tuple[FloatArray, np.ndarray]:
    """A harmonic voice whose pitch glides between two frequencies, and its pitch in the middle of each window."""
    n = int(seconds * 48_000)
    hz = low + (high - low) * (0.5 + 0.5 * np.sin(np.arange(n) / 48_000 * 4.4))
    phase = 2 * np.pi * np.cumsum(hz) / 48_000
    wave = sum(np.sin(k * phase) / k for k in range(1, 12)) * 0.05
    return np.asarray(wave, np.float32), hz[::960]


@pytest.mark.parametrize(("low", "high"), [(75, 120), (120, 220), (180, 300), (300, 460)])
def test_a_gliding_voice_is_followed(low: float, high: float) -> None:
    sound, truth = buzz(low, high)
    heard = PitchTracker().push(sound).pitch
    voiced = heard > 0
    assert voiced[5:].mean() > 0.95
    off = 12 * np.log2(heard[voiced] / truth[voiced])[5:]
    assert np.median(np.abs(off)) < 0.5
    assert (np.abs(off) > 2).mean() < 0.02


def test_neither_noise_nor_silence_has_a_pitch() -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, 96_000).astype(np.float32)
    assert (PitchTracker().push(noise).pitch > 0).mean() < 0.05
    assert not PitchTracker().push(np.zeros(96_000, np.float32)).pitch.any()
    assert not PitchTracker().push(np.full(96_000, 0.4, np.float32)).pitch[3:].any()


def test_a_voice_in_noise_is_still_followed() -> None:
    sound, truth = buzz(110, 190)
    noise = np.random.default_rng(1).normal(0, sound.std() * 10 ** (-10 / 20), len(sound))
    heard = PitchTracker().push((sound + noise).astype(np.float32)).pitch
    voiced = heard > 0
    assert voiced.mean() > 0.7
    assert (np.abs(12 * np.log2(heard[voiced] / truth[voiced]))[5:] > 2).mean() < 0.05


def test_bright_sounds_tilt_up() -> None:
    n = np.arange(48_000) / 48_000
    dark, bright = (np.sin(2 * np.pi * hz * n).astype(np.float32) * 0.1 for hz in (300, 2500))
    assert PitchTracker().push(dark).tilt[5] < -10 < 10 < PitchTracker().push(bright).tilt[5]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 99), max_size=8))
def test_chunked_equals_whole(places: list[int]) -> None:
    sound = buzz(100, 240, 2.0)[0] + np.random.default_rng(2).normal(0, 0.02, 96_000).astype(np.float32)
    whole = PitchTracker().push(sound)
    tracker = PitchTracker()
    pieces = [tracker.push(sound[a * 960 : b * 960]) for a, b in pairwise(sorted({0, 100, *places}))]
    assert np.array_equal(np.concatenate([p.pitch for p in pieces]), whole.pitch)
    assert np.array_equal(np.concatenate([p.tilt for p in pieces]), whole.tilt)
