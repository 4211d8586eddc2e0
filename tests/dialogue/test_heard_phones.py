"""Phones that a recogniser hears in a recording without words."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from mien import config
from mien.audio.hear import heard_parts
from mien.dialogue.hear import phones
from mien.dialogue.perform import perform
from mien.dialogue.speak.espeak import EspeakSpeaker
from mien.errors import MissingError
from mien.recorded import Recording
from mien.types import FloatArray, SpeechPart

TEXT = "She sells sea shells. " * 6 + "My mother may buy many more maps."


@pytest.fixture(scope="module")
def sound() -> FloatArray:
    speaker = EspeakSpeaker()
    try:
        return np.concatenate([p.audio.samples for p in perform(TEXT, speaker, language="en", voice="f2")])
    finally:
        speaker.close()


def parts_of(sound: FloatArray) -> Iterator[SpeechPart]:
    return heard_parts((sound, 48_000), vad="energy")


def test_the_speech_stays_and_phones_come_with_it(sound: FloatArray) -> None:
    made = list(phones.with_phones(parts_of(sound)))
    np.testing.assert_array_equal(
        np.concatenate([p.audio.samples for p in made]), np.concatenate([p.audio.samples for p in parts_of(sound)])
    )
    assert [p.last for p in made] == [False] * (len(made) - 1) + [True]
    heard = [q for p in made for q in p.phones or ()]
    assert all(a.end <= b.start + 1 for a, b in pairwise(heard))
    assert {q.confidence for q in heard} == {phones.TRUST}
    for part in made:
        assert all(part.audio.start <= q.start < part.audio.end for q in part.phones or ())
    symbols = [q.symbol for q in heard]
    assert symbols.count("s") + symbols.count("ʃ") + symbols.count("z") >= 8


def test_silence_is_no_phones() -> None:
    hum = np.random.default_rng(0).standard_normal(5 * 48_000).astype(np.float32) * 1e-4
    made = list(phones.with_phones(parts_of(hum)))
    assert sum(len(p.audio.samples) for p in made) == len(hum)


@pytest.mark.parametrize(("asked", "there"), [("off", False), ("on", True), ("auto", True)])
def test_the_setting_decides(asked: str, there: bool, sound: FloatArray) -> None:
    from mien.types import Emotion

    recording = Recording((sound[: 48_000 * 5], 48_000), audio=config.AudioConfig(phones=asked, vad="energy"))
    made = list(recording.speech(Emotion(), lambda _: None))
    assert all((p.phones is not None) == there for p in made)


def test_long_recordings_are_left_alone_and_so_are_all_without_the_recogniser(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    long = Recording(((np.zeros(48_000 * 2, np.float32)), 48_000), audio=config.AudioConfig(vad="energy"))
    assert long._wants_phones()
    monkeypatch.setattr(Recording, "seconds", lambda _: 601.0)
    assert not long._wants_phones()
    monkeypatch.setattr(Recording, "seconds", lambda _: 2.0)
    monkeypatch.setattr(phones, "is_here", lambda: False)
    assert not long._wants_phones()
    monkeypatch.setitem(sys.modules, "pocketsphinx", None)
    with pytest.raises(MissingError, match="not installed"):
        phones.phone_decoder()
