"""Recordings whose words have exact times: voices that the aligner does not use, with noise."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from functools import cache

import numpy as np

from mien.dialogue.perform import perform
from mien.dialogue.speak.espeak import EspeakSpeaker
from mien.types import FloatArray, Phone, Word

TEXTS = {
    "en": "My brother wants to buy a new bicycle. The shop opens at nine, but the bus comes late.",
    "zh": "我哥哥想买一辆新自行车。商店九点开门，可是公共汽车来晚了。",
    "ja": "あにはあたらしいじてんしゃをかいたいです。みせはくじにあきます。",
    "de": "Mein Bruder möchte ein neues Fahrrad kaufen. Der Laden öffnet um neun.",
}
OTHER = "Seven yellow elephants danced across the frozen river yesterday. Nobody could explain why."


@dataclass(frozen=True)
class Recorded:
    """sound: float32 (n,), 48 kHz. words, phones: exact; pauses left out."""

    text: str
    sound: FloatArray
    words: tuple[Word, ...]
    phones: tuple[Phone, ...]

    @property
    def starts(self) -> dict[int, int]:
        return {word.char_start: word.start for word in self.words}


@cache
def recorded(
    text: str, language: str, voice: str = "f2", rate: float = 1.1, lead: int = 24_000, noise: float = 0.003
) -> Recorded:
    """A recording with silence before and after the words, in noise of this size."""
    with closing(EspeakSpeaker()) as speaker:
        parts = list(perform(text, speaker, language=language, voice=voice, rate=rate, pitch=-0.2, start=lead))
    sound = np.pad(np.concatenate([part.audio.samples for part in parts]), lead)
    sound = sound + noise * np.random.default_rng(1).standard_normal(len(sound))
    found = sound.astype(np.float32)
    found.setflags(write=False)
    words = tuple(word for part in parts for word in part.words or ())
    phones = tuple(phone for part in parts for phone in part.phones or () if phone.symbol)
    return Recorded(text, found, words, phones)


def distances(words: tuple[Word, ...], truth: Recorded) -> FloatArray:
    """How far the start of each word is from the truth, ms."""
    starts = truth.starts
    return np.array([abs(w.start - starts[w.char_start]) / 48 for w in words if w.char_start in starts], np.float32)
