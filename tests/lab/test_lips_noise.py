"""Closures in noise: drivers whose faults are known, and the sounds they are tried with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mien.errors import InputError
from mien.face.base import FaceDriver, FaceDriverInfo
from mien.lab.evaluate import lips_noise
from mien.lab.evaluate.lips_sounds import UNSEEN, Spoken, babble, mixed, rms, speechless, utterances
from mien.types import ARKIT_SHAPES, SHAPE_INDEX, FaceClip, SpeechPart

TEXT = {"en": "Maybe Bob and Pam climb up a high mountain far away."}


class Stubborn:
    """Holds the jaw still, whatever is said."""

    def __init__(self, jaw: float) -> None:
        self._jaw, self._end, self._read = jaw, 0, 0

    @property
    def info(self) -> FaceDriverInfo:
        return FaceDriverInfo("stubborn", needs_phones=False, look_ahead=0)

    def push(self, part: SpeechPart) -> None:
        self._end = part.audio.end

    def close(self) -> None:
        pass

    def read(self) -> FaceClip:
        rows = -(-self._end // 960) - self._read
        shapes = np.zeros((rows, len(ARKIT_SHAPES)), np.float32)
        shapes[:, SHAPE_INDEX["jawOpen"]] = self._jaw
        start, self._read = self._read * 960, self._read + rows
        return FaceClip(start, shapes, np.zeros((rows, 6), np.float32))


@pytest.fixture(scope="module")
def said() -> list[Spoken]:
    return list(utterances(("f2",), TEXT))


def test_the_unseen_voices_are_what_training_leaves_out() -> None:
    from mien.lab.training import corpus

    assert set(UNSEEN) == set(corpus.UNSEEN_VOICES)


@pytest.mark.parametrize(("jaw", "closed"), [(0.0, 1.0), (0.4, 0.0)])
def test_both_faults_are_found(jaw: float, closed: float, said: list[Spoken], monkeypatch: pytest.MonkeyPatch) -> None:
    """A mouth that never opens makes every closure and closes every vowel; one that never shuts the opposite."""
    monkeypatch.setattr(lips_noise, "utterances", lambda: said)
    monkeypatch.setattr(lips_noise, "babble", lambda *_: np.random.default_rng(0).standard_normal(48_000))
    monkeypatch.setattr(
        lips_noise,
        "speechless",
        lambda: {"hum": np.full(48_000, 0.1, np.float32) * np.sin(np.arange(48_000, dtype=np.float32) * 0.01)},
    )

    def driver() -> FaceDriver:
        return Stubborn(jaw)

    found = {m.name: m for m in lips_noise.run(driver)}
    for condition in ("clean", "20dB", "10dB"):
        assert found[f"lips.{condition}.closed"].value == closed
        assert found[f"lips.{condition}.false_closures"].value == closed
        assert found[f"lips.{condition}.false_openings"].value == 1 - closed
        assert found[f"lips.{condition}.open_gap"].value == pytest.approx(25 * jaw)
    assert found["shut.hum"].good is bool(closed)
    assert found["lips.10dB.closed"].good is bool(closed)


@pytest.mark.parametrize("decibels", [20.0, 10.0, 0.0])
def test_noise_is_mixed_at_its_ratio(decibels: float, said: list[Spoken]) -> None:
    spoken = said[0]
    noise = np.random.default_rng(0).standard_normal(30_000).astype(np.float32)
    both = mixed(spoken, noise, decibels)
    voiced = np.concatenate([np.arange(p.start, p.end) for p in spoken.phones if p.symbol])
    factor = (both @ spoken.sound) / (spoken.sound @ spoken.sound)  # both may be turned down together
    rest = both / factor - spoken.sound
    assert 20 * np.log10(rms(spoken.sound[voiced]) / rms(rest)) == pytest.approx(decibels, abs=0.5)
    assert np.abs(both).max() <= 1


def test_phones_lie_on_their_sound(said: list[Spoken]) -> None:
    spoken = said[0]
    vowels = [p for p in spoken.phones if p.symbol in {"eɪ", "ɑ", "æ", "aɪ"}]
    assert vowels
    assert min(rms(spoken.sound[p.start : p.end]) for p in vowels) > 10 * rms(spoken.sound[:20_000])


def test_what_nobody_says_is_loud_but_for_silence() -> None:
    sounds = speechless(2.0)
    assert rms(sounds.pop("silence")) < 1e-3
    assert len(sounds) >= 5
    for sound in sounds.values():
        assert len(sound) == 96_000
        assert 0.01 < rms(sound) < 0.5
        assert np.abs(sound).max() <= 1


def test_babble_of_recordings_needs_recordings(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no recordings"):
        babble(1.0, tmp_path)
