"""Forced alignment of a recording with its transcript: when each word and each sound of it is said.

The way of aeneas (Pettarin, 2015), which needs no model of any language: a synthetic voice, whose times are known, says
the transcript, and dynamic time warping carries its times over to the recording.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mien.dialogue import text as texts
from mien.dialogue.align.confidence import OTHER_WORDS, confidence
from mien.dialogue.align.reference import check, sentences
from mien.dialogue.align.track import Stretch, Tracker
from mien.errors import InputError
from mien.types import FloatArray, Phone, Word


@dataclass(frozen=True, slots=True)
class Alignment:
    """words: in order, without those that the recording does not reach. phones: cover the recording, "" is a pause.
    sentences: first to last word of each. All in ticks from the start of the recording.

    confidence: 0…1 for the whole; each phone has its own.
    """

    words: tuple[Word, ...]
    phones: tuple[Phone, ...]
    sentences: tuple[Word, ...]
    confidence: float


def align(samples: FloatArray, text: str, language: str, *, lexicon: Mapping[str, str] | None = None) -> Alignment:
    """Find the words of ``text`` in a recording.

    samples: float32 (n,), 48 kHz. language: BCP 47, or "auto". lexicon: spelling → pronunciation, as for speaking.
    Sound before, between and after sentences that the text does not have is passed over; so is what the text goes on
    with after the recording's end. Memory beyond the sound itself does not grow with its length.

    Raises InputError when the recording is of other words, or too short to tell; and for a text that cannot be read.
    """
    tracker = Tracker(sentences(text, language, lexicon))
    if not len(samples):
        raise InputError("The recording is empty.", hint="Give a recording of the words.", code="input.no_sound")
    tracker.push(np.asarray(samples, np.float32))
    tracker.close()
    stretches = tracker.read()
    fit = mean_fit(stretches)
    refuse_other_words(fit)
    words = tuple(w for s in stretches for w in s.words)
    phones = tuple(p for s in stretches for p in s.phones)
    return Alignment(words, phones, _sentences(text, words), confidence(fit))


def mean_fit(stretches: list[Stretch]) -> float:
    """Over all clear rows; 0 when there are none."""
    rows = sum(s.rows for s in stretches)
    return sum(s.rows * s.fit for s in stretches) / rows if rows else 0.0


def refuse_other_words(fit: float) -> None:
    """Raises InputError for the fit of a wrong transcript."""
    if fit < OTHER_WORDS:
        raise InputError(
            "The transcript is not what is said in the recording.",
            hint="Give the words that are spoken, and their language with --language.",
            code="input.other_words",
        )


def _sentences(text: str, words: tuple[Word, ...]) -> tuple[Word, ...]:
    check(text)
    found = []
    rest = list(words)
    for sentence in texts.sentences(texts.clean(texts.identity(text))):
        inside = [w for w in rest if w.char_start < sentence.end[-1]]
        rest = rest[len(inside) :]
        if inside:
            found.append(Word(inside[0].start, inside[-1].end, sentence.begin[0], sentence.end[-1]))
    return tuple(found)
