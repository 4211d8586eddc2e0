"""The transcript as the embedded voices say it: what the recording is compared with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from mien.dialogue import text as texts
from mien.dialogue.align.features import HOP, Rows, rows
from mien.dialogue.perform import perform
from mien.dialogue.script import Say, Script
from mien.dialogue.speak.espeak import EspeakSpeaker
from mien.errors import InputError
from mien.types import FloatArray, IntArray, Phone, SpeechPart

VOICES: Final = ("female", "male", "m3")
"""A recording's row is compared with that of the nearest of these voices."""

_FEWEST_ROWS: Final = 2


@dataclass(frozen=True, slots=True)
class SpokenWord:
    """first, stop: half-open range of its phones in the sentence. char_start, char_end: in the user's text."""

    first: int
    stop: int
    char_start: int
    char_end: int


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence without its pauses.

    features: float32 (voices, n, 26). loudness: float32 (n,). owner: int32 (n,), the phone of each row, in order.
    symbols: of the phones. words: in order.
    """

    features: FloatArray
    loudness: FloatArray
    owner: IntArray
    symbols: tuple[str, ...]
    words: tuple[SpokenWord, ...]

    def __len__(self) -> int:
        return len(self.loudness)


def check(text: str) -> None:
    """Raises InputError for a text that says nothing or is too long."""
    texts.check_length(text)
    if not texts.is_speakable(texts.clean(texts.identity(text)).text):
        raise InputError(
            "The transcript has no words.", hint="Give the words that are spoken in the recording.",
            code="input.nothing_to_say",
        )  # fmt: skip


def sentences(text: str, language: str, lexicon: Mapping[str, str] | None = None) -> Iterator[Sentence]:
    """The text sentence by sentence, spoken when it is asked for. Brackets are no marks here.

    Raises at the first sentence what :func:`mien.dialogue.perform.perform` raises for words that cannot be read.
    """
    check(text)
    script = Script(text, (Say(texts.identity(text)),))
    with closing(EspeakSpeaker()) as speaker:
        takes = [perform(script, speaker, language=language, voice=voice, lexicon=lexicon) for voice in VOICES]
        for parts in zip(*takes, strict=True):
            sentence = _sentence(parts)
            if sentence is not None:
                yield sentence


def _sentence(parts: tuple[SpeechPart, ...]) -> Sentence | None:
    """One sentence from its takes. A voice that says other phones than the first voice is left out."""
    spoken = [_phones(part) for part in parts]
    symbols = tuple(p.symbol for p in spoken[0])
    if not symbols:
        return None
    agreed = [
        (rows(part.audio.samples, clean=True), part.audio.start, phones)
        for part, phones in zip(parts, spoken, strict=True)
        if tuple(p.symbol for p in phones) == symbols
    ]
    counts = [
        max(_FEWEST_ROWS, round(float(np.mean([phones[i].end - phones[i].start for _, _, phones in agreed])) / HOP))
        for i in range(len(symbols))
    ]
    takes = [_resampled(take, start, phones, counts) for take, start, phones in agreed]
    owner = np.repeat(np.arange(len(symbols), dtype=np.int32), counts)
    features = np.stack([take.features for take in takes])
    loudness = np.mean([take.loudness for take in takes], axis=0)
    return Sentence(features, loudness, owner, symbols, _words(parts[0], spoken[0]))


def _phones(part: SpeechPart) -> list[Phone]:
    return [phone for phone in part.phones or () if phone.symbol]


def _resampled(take: Rows, start: int, phones: list[Phone], counts: list[int]) -> Rows:
    """Each phone stretched to its count of rows."""
    position = np.concatenate([
        (p.start - start + (np.arange(n) + 0.5) / n * (p.end - p.start)) / HOP - 0.5
        for p, n in zip(phones, counts, strict=True)
    ])  # fmt: skip
    low = np.clip(np.floor(position).astype(int), 0, len(take) - 1)
    high = np.minimum(low + 1, len(take) - 1)
    weight = np.clip(position - low, 0, 1).astype(np.float32)
    loudness = take.loudness[low] * (1 - weight) + take.loudness[high] * weight
    weight = weight[:, None]
    return Rows(take.features[low] * (1 - weight) + take.features[high] * weight, loudness)


def _words(part: SpeechPart, phones: list[Phone]) -> tuple[SpokenWord, ...]:
    """Each phone goes to the last word that starts before its middle."""
    words = part.words or ()
    middles = np.array([(p.start + p.end) / 2 for p in phones])
    firsts = [0, *(int(np.searchsorted(middles, w.start)) for w in words[1:]), len(phones)]
    return tuple(
        SpokenWord(first, stop, word.char_start, word.char_end)
        for word, (first, stop) in zip(words, pairwise(firsts), strict=True) if stop > first
    )  # fmt: skip
