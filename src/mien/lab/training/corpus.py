"""Who says what in the made-up training speech: sentences, shuffled ones, and voices in endless variety."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

import numpy as np

from mien.dialogue.speak import espeak_voices
from mien.dialogue.speak.base import SpeakRequest

UNSEEN_VOICES: Final = ("klatt4", "f2", "whisperf")
"""Voices that training never hears, so that closures can be judged on them."""
_CLEAREST: Final = ("f5", "klatt2", "klatt3", "f3", "f4", "m3", "m7", "klatt", "m1", "m2", "f1")
_WEIGHT: Final = {"en": 5.0, "zh": 3.0, "de": 1.5, "fr": 1.5, "es": 1.5}
_SPACELESS: Final = frozenset({"zh", "ja"})


@dataclass(frozen=True, slots=True)
class Line:
    """One utterance to make. pause: seconds of silence after it."""

    request: SpeakRequest
    pause: float


@cache
def sentences() -> dict[str, tuple[str, ...]]:
    """Language code → its sentences."""
    data = tomllib.loads(files("mien.lab.training").joinpath("texts.toml").read_text(encoding="utf-8"))
    return {code: tuple(block.strip().splitlines()) for code, block in data.items()}


@cache
def training_voices() -> tuple[str, ...]:
    """espeak-ng's variants that may be heard in training, the clearest ones first."""
    known = [v for v in espeak_voices.variants() if v not in UNSEEN_VOICES]
    clear = [v for v in _CLEAREST if v in known]
    return (*clear, *(v for v in known if v not in clear))


def lines(seed: int) -> Iterator[Line]:
    """Endless utterances; the same for the same seed. Half of the voices drawn are the clear ones."""
    rng = np.random.default_rng(seed)
    codes = sorted(sentences())
    weights = np.array([_WEIGHT.get(code, 1.0) for code in codes])
    voices = training_voices()
    while True:
        code = codes[int(rng.choice(len(codes), p=weights / weights.sum()))]
        pool = voices[: len(_CLEAREST)] if rng.random() < 0.5 else voices
        text = _said(code, rng)
        voice = pool[int(rng.integers(len(pool)))]
        rate, pitch = float(rng.uniform(0.65, 1.5)), float(rng.uniform(-0.9, 0.9))
        pause = float(rng.choice([rng.uniform(0.02, 0.4), rng.uniform(0.4, 1.6)], p=[0.75, 0.25]))
        yield Line(SpeakRequest(text=text, language=code, voice=voice, rate=rate, pitch=pitch), pause)


def _said(code: str, rng: np.random.Generator) -> str:
    """A sentence as it stands, or the words of several in a new order."""
    pool = sentences()[code]
    if rng.random() < 0.4:
        return pool[int(rng.integers(len(pool)))]
    picked = " ".join(pool[int(i)] for i in rng.integers(len(pool), size=3))
    if code in _SPACELESS:
        pieces = [p for p in picked.replace("，", " ").replace("、", " ").replace("。", " ").split() if p]
        joint = "，"
    else:
        pieces = picked.replace(",", "").replace(".", "").replace("?", "").replace("!", "").lower().split()
        joint = " "
    rng.shuffle(pieces)
    count = 3 if code in _SPACELESS else int(rng.integers(5, 12))
    return joint.join(pieces[:count])
