"""The lag between signals is found where it is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.lab.evaluate.sync import lag


def speech_like(times: np.ndarray, seed: int = 0) -> np.ndarray:
    """Opening and closing some four times a second, never the same."""
    random = np.random.default_rng(seed)
    waves = [(random.uniform(0.5, 6), random.uniform(0, 6.28), random.uniform(0.3, 1)) for _ in range(12)]
    return np.maximum(0, sum(size * np.sin(2 * np.pi * f * times + phase) for f, phase, size in waves))


@settings(max_examples=25, deadline=None)
@given(late=st.floats(-0.2, 0.2), fps=st.sampled_from([24.0, 25.0, 29.97, 50.0]), seed=st.integers(0, 99))
def test_known_lags_are_found_to_two_milliseconds(late: float, fps: float, seed: int) -> None:
    times = np.arange(0, 8, 0.02)
    shown = np.arange(0.5, 7.5, 1 / fps)
    found = lag(times, speech_like(times, seed), shown, speech_like(shown - late, seed))
    assert abs(found.seconds - late) < 0.002
    assert found.correlation > 0.98


def test_scale_offset_and_noise_do_not_matter() -> None:
    times = np.arange(0, 6, 0.02)
    noise = np.random.default_rng(1).normal(0, 0.15, len(times))
    found = lag(times, speech_like(times), times, 0.02 + 0.1 * (speech_like(times - 0.06) + noise))
    assert found.seconds == pytest.approx(0.06, abs=0.004)


def test_what_has_nothing_in_common_correlates_little() -> None:
    times = np.arange(0, 10, 0.02)
    assert lag(times, speech_like(times, 1), times, speech_like(times, 2)).correlation < 0.7


def test_a_signal_that_does_not_move_has_no_lag() -> None:
    times = np.arange(0, 4, 0.02)
    assert np.isnan(lag(times, speech_like(times), times, np.zeros_like(times)).seconds)
