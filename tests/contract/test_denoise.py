"""What everything that takes noise away must keep, whatever it is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.audio.kit import RATE, cut, noise, spoken

from mien import plugins
from mien.audio.base import Denoiser
from mien.types import FloatArray


@pytest.fixture(params=plugins.available("denoise"))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def clean(name: str, pieces: list[FloatArray]) -> FloatArray:
    denoiser = plugins.load("denoise", name)()
    assert isinstance(denoiser, Denoiser)
    out, pushed, given_back = [], 0, 0
    for piece in pieces:
        out.append(denoiser.push(piece))
        pushed += len(piece)
        given_back += len(out[-1])
        assert pushed - denoiser.delay <= given_back <= pushed
    out.append(denoiser.close())
    whole = np.concatenate(out)
    assert whole.dtype == np.float32
    assert len(whole) == pushed
    return whole


def noisy(decibels: float) -> tuple[FloatArray, FloatArray]:
    """Speech after a second of pause, and the same with noise."""
    voice = np.concatenate([np.zeros(RATE, np.float32), spoken("Good morning, dear listeners, how are you today?")[0]])
    hiss = noise(len(voice) / RATE, 1.0)[: len(voice)]
    power = float(np.square(voice).mean())
    return voice, voice + hiss * np.float32(np.sqrt(power) * 10 ** (-decibels / 20))


def quality(clean: FloatArray, found: FloatArray) -> float:
    """Scale-invariant signal-to-distortion ratio, dB."""
    target = (found @ clean) / (clean @ clean) * clean
    return float(10 * np.log10((target @ target) / np.square(found - target).sum()))


@pytest.mark.parametrize("length", [0, 1, 383, 384, 1535, 1536, 1537, 30_001])
def test_as_much_comes_out_as_went_in(name: str, length: int) -> None:
    clean(name, [noise(1.0)[:length]])


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(1, 20_000), min_size=1, max_size=6))
def test_chunked_equals_whole(name: str, sizes: list[int]) -> None:
    _, sound = noisy(5.0)
    sound = sound[: 2 * RATE]
    np.testing.assert_allclose(clean(name, cut(sound, sizes)), clean(name, [sound]), atol=1e-6)


def test_noise_gets_less_and_speech_stays_in_its_place(name: str) -> None:
    voice, sound = noisy(5.0)
    found = clean(name, cut(sound, [48_000]))
    assert quality(voice, found) > quality(voice, sound) + 4.0
    assert np.square(found[RATE // 2 : RATE]).mean() < 0.1 * np.square(sound[RATE // 2 : RATE]).mean()


def test_clean_speech_is_hardly_changed(name: str) -> None:
    voice, _ = noisy(5.0)
    assert quality(voice, clean(name, [voice])) > 15.0


def test_silence_stays_silent(name: str) -> None:
    assert not clean(name, [np.zeros(RATE, np.float32)]).any()
