"""A recording and its words, window by window: a bounded piece of sound against as much of the text as can be in it.

A window's last part is not believed yet: the window is cut in its longest pause, what is before the cut is settled, and
the next window starts there.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from mien.dialogue.align.features import HOP, Rows, rows
from mien.dialogue.align.match import Expected, Match, Stretch
from mien.dialogue.align.reference import Sentence
from mien.timeline import TICKS_PER_SECOND
from mien.types import FloatArray, Word

WINDOW: Final = 18 * TICKS_PER_SECOND
"""Ticks of sound that are looked at together."""

_TEXT_AHEAD: Final = 1.5  # reference rows a window holds, for each row of sound
_RATE_STEP: Final = 0.15


class Tracker:
    """Push sound at 48 kHz, close, read stretches. How the sound is cut changes nothing. start: tick of its start."""

    def __init__(self, sentences: Iterator[Sentence], start: int = 0, hints: Sequence[Word] = ()) -> None:
        self._text = _Text(sentences)
        self._pieces: list[FloatArray] = []
        self._held = 0
        self._start = start
        self._hints = tuple(sorted(hints, key=lambda hint: hint.char_start))
        self._rate = 1.0
        self._done: deque[Stretch] = deque()

    def push(self, samples: FloatArray) -> None:
        """The next sound."""
        while len(samples):
            take = samples[: WINDOW - self._held]
            samples = samples[len(take) :]
            self._pieces.append(take)
            self._held += len(take)
            if self._held == WINDOW:
                self._settle(final=False)

    def close(self) -> None:
        """No more sound: all that is left is settled."""
        if self._held:
            self._settle(final=True)

    def read(self) -> list[Stretch]:
        """What was settled since the last call."""
        out = list(self._done)
        self._done.clear()
        return out

    @property
    def heard(self) -> int:
        """Tick up to which sound was pushed."""
        return self._start + self._held

    @property
    def settled(self) -> int:
        """Tick up to which stretches were made."""
        return self._start

    def _settle(self, *, final: bool) -> None:
        samples = np.concatenate(self._pieces)
        heard = rows(samples)
        match = self._match(heard, final=final)
        cut = len(heard) if final else match.cut()
        end = self._start + min(cut * HOP, len(samples))
        stretch, words = match.settled(cut, self._start, end)
        self._text.drop(words)
        self._done.append(stretch)
        self._start = stretch.end
        rest = samples[cut * HOP :].copy()
        self._pieces, self._held = [rest] if len(rest) else [], len(rest)

    def _match(self, heard: Rows, *, final: bool) -> Match:
        match = self._try(heard, final=final)
        rate = match.rate()
        if abs(np.log(rate / self._rate)) > _RATE_STEP:
            self._rate = rate
            match = self._try(heard, final=final)
        return match

    def _try(self, heard: Rows, *, final: bool) -> Match:
        ahead = self._text.ahead(len(heard) * _TEXT_AHEAD, self._rate)
        return Match(heard, ahead, self._rate, Expected(self._hints, self._start), final=final)


class _Text:
    """The words to come. Sentences are made when they are needed and forgotten when they are said."""

    def __init__(self, sentences: Iterator[Sentence]) -> None:
        self._sentences = sentences
        self._held: deque[Sentence] = deque()
        self._said = 0  # words of the first held sentence that are done

    def ahead(self, count: float, rate: float) -> list[tuple[Sentence, int]]:
        """Sentences, each with its number of words already said, of at least ``count`` rows while there are any."""
        have = sum(map(len, self._held)) * rate
        while have < count:
            following = next(self._sentences, None)
            if following is None:
                break
            self._held.append(following)
            have += len(following) * rate
        return [(s, self._said if i == 0 else 0) for i, s in enumerate(self._held)]

    def drop(self, words: int) -> None:
        """So many words are settled."""
        self._said += words
        while self._held and self._said >= len(self._held[0].words):
            self._said -= len(self._held.popleft().words)
