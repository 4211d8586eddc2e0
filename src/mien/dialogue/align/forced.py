"""Forced alignment of a recording with its transcript: when each word and each sound of it is said.

The way of aeneas (Pettarin, 2015), which needs no model of any language: a synthetic voice, whose times are known, says
the transcript, and dynamic time warping carries its times over to the recording.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from mien.dialogue import text as texts
from mien.dialogue.align.confidence import OTHER_WORDS, confidence
from mien.dialogue.align.match import Stretch
from mien.dialogue.align.reference import check, sentences
from mien.dialogue.align.track import Tracker
from mien.errors import InputError
from mien.types import FloatArray, Phone, Word

_TELLING: Final = 500
"""So many rows of clear speech tell whether the transcript is right."""


@dataclass(frozen=True, slots=True)
class Alignment:
    """words: in order, without those that the recording does not reach. phones: cover the recording, "" is a pause
    (confidence 0 where it is loud: something else may be said).
    sentences: first to last word of each. All in ticks from the start of the recording.

    confidence: 0…1 for the whole; each phone has its own.
    """

    words: tuple[Word, ...]
    phones: tuple[Phone, ...]
    sentences: tuple[Word, ...]
    confidence: float

    @property
    def end(self) -> int:
        """Length of the recording, ticks."""
        return self.phones[-1].end if self.phones else 0


def align(
    samples: FloatArray,
    text: str,
    language: str,
    *,
    lexicon: Mapping[str, str] | None = None,
    hints: Sequence[Word] = (),
) -> Alignment:
    """Find the words of ``text`` in a recording.

    samples: float32 (n,), 48 kHz. language: BCP 47, or "auto". lexicon: spelling → pronunciation, as for speaking.
    hints: roughly when characters of the text are spoken, as subtitles say it.
    Sound before, between and after sentences that the text does not have is passed over; so is what the text goes on
    with after the recording's end.

    Raises InputError when the recording is of other words, or too short to tell; and for a text that cannot be read.
    """
    return align_stream([samples], text, language, lexicon=lexicon, hints=hints)


def align_stream(
    chunks: Iterable[FloatArray],
    text: str,
    language: str,
    *,
    lexicon: Mapping[str, str] | None = None,
    hints: Sequence[Word] = (),
    observe: Callable[[int], None] | None = None,
) -> Alignment:
    """As :func:`align`, of a recording that comes in pieces: half a minute of it is held, however long it is.

    observe: is told how many ticks were heard. Raises what is wrong with the words after some seconds of them.
    """
    check(text)
    tracker, judge = Tracker(sentences(text, language, lexicon), hints=hints), Judge()
    words: list[Word] = []
    phones: list[Phone] = []

    def take() -> None:
        for stretch in tracker.read():
            words.extend(stretch.words)
            phones.extend(stretch.phones)
            judge.hear(stretch)

    for chunk in chunks:
        tracker.push(np.asarray(chunk, np.float32))
        take()
        if observe is not None:
            observe(tracker.heard)
    tracker.close()
    take()
    judge.close()
    return Alignment(tuple(words), tuple(phones), _sentences(text, words), confidence(judge.fit))


class Judge:
    """Whether the transcript is right, from stretch to stretch."""

    def __init__(self) -> None:
        self._rows, self._total = 0, 0.0
        self._told = False

    @property
    def fit(self) -> float:
        """The mean of all clear rows so far, 0 without any."""
        return self._total / self._rows if self._rows else 0.0

    def hear(self, stretch: Stretch) -> None:
        """The next stretch. Raises InputError once enough was heard of other words."""
        self._rows += stretch.rows
        self._total += stretch.rows * stretch.fit
        if self._rows >= _TELLING:
            self.close()

    def close(self) -> None:
        """Nothing more comes. Raises InputError when what was heard are other words."""
        if not self._told and self.fit < OTHER_WORDS:
            raise InputError(
                "The transcript is not what is said in the recording.",
                hint="Give the words that are spoken, and their language with --language.",
                code="input.other_words",
            )
        self._told = True


def _sentences(text: str, words: list[Word]) -> tuple[Word, ...]:
    found = []
    rest = list(words)
    for sentence in texts.sentences(texts.clean(texts.identity(text))):
        inside = [w for w in rest if w.char_start < sentence.end[-1]]
        rest = rest[len(inside) :]
        if inside:
            found.append(Word(inside[0].start, inside[-1].end, sentence.begin[0], sentence.end[-1]))
    return tuple(found)
