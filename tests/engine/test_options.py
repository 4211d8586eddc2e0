"""Options of a film lie on top of the settings, all of them."""

from __future__ import annotations

import inspect
from fractions import Fraction
from pathlib import Path

import pytest

import mien
from mien import casting
from mien.casting import with_options
from mien.config import AudioConfig, FilmConfig, PortraitConfig, Settings, SpeakConfig
from mien.errors import UsageError


def test_what_is_given_lies_on_top_and_the_rest_stays() -> None:
    base = Settings(speak=SpeakConfig(rate=1.5), audio=AudioConfig(vad="energy"), film=FilmConfig(size="512"))
    given = {
        "language": "zh", "rate": None, "lip_model": Path("a.onnx"), "face_driver": "listen", "denoise": "on",
        "fps": Fraction(30000, 1001), "crop": "head", "audio": "talk.mp3",
    }  # fmt: skip
    chosen = with_options(base, given)
    assert chosen.speak == SpeakConfig(rate=1.5, language="zh")
    assert (chosen.face.lip_model, chosen.face.backend) == ("a.onnx", "listen")
    assert chosen.audio == AudioConfig(vad="energy", denoise="on")
    assert chosen.film == FilmConfig(size="512", fps="30000/1001")
    assert chosen.portrait == PortraitConfig(crop="head")
    assert with_options(base, {}) == base


@pytest.mark.parametrize(("name", "value"), [("rate", 9), ("style", "x"), ("fps", "a"), ("crop", "x"), ("denoise", 1)])
def test_wrong_values_are_refused_by_their_names(name: str, value: object) -> None:
    with pytest.raises(UsageError, match=f"^--{name}"):
        with_options(Settings(), {name: value})


def test_no_option_of_a_film_is_passed_over() -> None:
    options = set(inspect.signature(mien.make).parameters)
    settings = {name for names in casting._OPTIONS.values() for name in names}
    assert settings <= options
    assert options - settings == {
        "portrait", "text", "audio", "transcript", "face_driver", "lexicon", "face", "settings", "tell",
    }  # fmt: skip
