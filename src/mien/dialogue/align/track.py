"""A recording and its words, window by window: a bounded piece of sound against as much of the text as can be in it.

A window's last part is not believed yet: the window is cut in its longest pause, what is before the cut is settled, and
the next window starts there.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from mien.dialogue.align.confidence import confidence, smooth
from mien.dialogue.align.features import HOP, Rows, rows
from mien.dialogue.align.reference import Sentence
from mien.dialogue.align.warp import NO_PAUSE, warp
from mien.timeline import TICKS_PER_SECOND
from mien.types import FloatArray, IntArray, Phone, Word

WINDOW: Final = 24 * TICKS_PER_SECOND
"""Ticks of sound that are looked at together."""

_TEXT_AHEAD: Final = 1.7  # reference rows a window holds, for each row of sound
_CUT_FROM, _CUT_TO = 0.35, 0.8  # of the window
_LOUDNESS_WEIGHT: Final = 1.0
_STAY, _SKIP, _PAUSE = 0.3, 0.3, 4.0  # costs; a row that fits costs about 1
_SILENT, _LOUD = 0.4, 2.0  # cost of a pause's row, and what loudness 1 adds
_OTHER: Final = 1.25  # cost of a row of something untranscribed: a little below that of wrong words
_OTHER_BETWEEN: Final = 8.0  # and of its beginning between two sentences
_UNSAID: Final = 0.3  # cost of a reference row that the end of the recording does not reach
_FREE: Final = -1e-6
_RATES = (0.4, 2.5)
_RATE_STEP: Final = 0.15
_HINT_REACH: Final = 3 * TICKS_PER_SECOND // 2  # subtitles come early and stay on
_HINT_COST: Final = np.float32(1.0)
_CLEARLY: Final = 0.25  # rows this loud are asked whether they fit


@dataclass(frozen=True, slots=True)
class Stretch:
    """What is settled of a recording. start, end: ticks. phones: cover it, "" is a pause. words: in it.

    rows, fit: how many rows of 10 ms were clear speech on the path, and by how many spreads they fit better, on the
    mean, than the other sounds of the text would.
    """

    start: int
    end: int
    phones: tuple[Phone, ...]
    words: tuple[Word, ...]
    rows: int
    fit: float


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

    def _match(self, heard: Rows, *, final: bool) -> _Match:
        match = self._try(heard, final=final)
        rate = match.rate()
        if abs(np.log(rate / self._rate)) > _RATE_STEP:
            self._rate = rate
            match = self._try(heard, final=final)
        return match

    def _try(self, heard: Rows, *, final: bool) -> _Match:
        ahead = self._text.ahead(len(heard) * _TEXT_AHEAD, self._rate)
        return _Match(heard, ahead, self._rate, _Expected(self._hints, self._start), final=final)


@dataclass(frozen=True, slots=True)
class _Expected:
    """hints: in order of their characters. start: tick of the window."""

    hints: tuple[Word, ...]
    start: int

    def penalise(self, cost: FloatArray, columns: IntArray, words: list[tuple[int, int, int, int]]) -> None:
        """Raise the cost of rows far from where a word is said to be. columns: the first of each phone."""
        keys = [hint.char_start for hint in self.hints]
        for first, stop, char_start, _ in words:
            k = bisect_right(keys, char_start) - 1
            if k < 0 or char_start >= self.hints[k].char_end:
                continue
            early = (self.hints[k].start - self.start - _HINT_REACH) // HOP
            late = (self.hints[k].end - self.start + _HINT_REACH) // HOP
            part = cost[:, columns[first] : columns[stop]]
            part[: max(early, 0)] += _HINT_COST
            part[max(late, 0) :] += _HINT_COST


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


@dataclass(frozen=True, slots=True)
class _Block:
    """A sentence's part in a window. symbols, lengths: of its phones. words: first, stop, characters."""

    features: FloatArray
    loudness: FloatArray
    owner: IntArray
    symbols: tuple[str, ...]
    words: tuple[tuple[int, int, int, int], ...]


class _Match:
    """A window's rows on the text ahead."""

    def __init__(
        self, heard: Rows, ahead: list[tuple[Sentence, int]], rate: float, expected: _Expected, *, final: bool
    ) -> None:
        self._heard, self._rate = heard, rate
        blocks = [_block(sentence, said, rate) for sentence, said in ahead]
        self._symbols = [s for b in blocks for s in b.symbols]
        self._words: list[tuple[int, int, int, int]] = []
        self._owner = np.zeros(0, np.int32)
        phones = 0
        starts = []
        for block in blocks:
            starts.append(len(self._owner))
            self._owner = np.concatenate([self._owner, block.owner + np.int32(phones)])
            self._words += [(a + phones, b + phones, c, d) for a, b, c, d in block.words]
            phones += len(block.symbols)
        self._first_rows = np.searchsorted(self._owner, np.arange(phones + 1)).astype(np.int32)
        cost = _costs(heard, blocks) if blocks else np.zeros((len(heard), 0), np.float32)
        mean, spread = (cost.mean(axis=1), cost.std(axis=1)) if blocks else (heard.loudness, heard.loudness)
        expected.penalise(cost, self._first_rows, self._words)
        self._path = self._walk(cost, starts, final=final)
        self._fit = _fits(cost, self._path, mean, spread)

    def rate(self) -> float:
        """How many rows this speaker takes for one of the reference, as far as the window goes."""
        on = self._path[self._path >= 0]
        used = int(on.max() - on.min()) + 1 if len(on) else 0
        rate = self._rate * len(on) / used if used > 30 else self._rate
        return float(np.clip(rate, *_RATES))

    def cut(self) -> int:
        """Row at which the window is best cut: in its longest pause, else between two words."""
        low, high = int(_CUT_FROM * len(self._path)), int(_CUT_TO * len(self._path))
        edges = np.flatnonzero(np.diff(self._path[low:high]) != 0) + low + 1
        runs = [(a, b) for a, b in pairwise([low, *edges, high]) if self._path[a] < 0]
        if runs:
            longest = max(runs, key=lambda run: run[1] - run[0])
            return int(longest[0] + longest[1]) // 2
        starts = (self._row_of(word[0]) for word in self._words)
        return max((row for row in starts if low <= row < high), default=high)

    def settled(self, cut: int, start: int, end: int) -> tuple[Stretch, int]:
        """What lies before row ``cut``, and how many words that is. start, end: ticks of the window and of the cut."""
        reached = self._reached(cut)
        done = sum(1 for word in self._words if self._first_rows[word[0]] < reached)
        bounds = self._bounds(self._words[done - 1][1] if done else 0, cut)
        clear = np.isfinite(self._fit[:cut]) & (self._heard.loudness[:cut] > _CLEARLY)
        phones = self._phones(bounds, smooth(np.where(clear, self._fit[:cut], np.nan)), start, end)
        words = tuple(
            Word(start + bounds[a][0] * HOP, min(start + bounds[b - 1][1] * HOP, end), c, d)
            for a, b, c, d in self._words[:done]
        )
        fit = float(self._fit[:cut][clear].mean()) if clear.any() else 0.0
        return Stretch(start, end, phones, words, int(clear.sum()), fit), done

    def _phones(self, bounds: list[tuple[int, int]], fit: FloatArray, start: int, end: int) -> tuple[Phone, ...]:
        """Phones and the pauses between them, in ticks from ``start`` to ``end``."""
        lengths = np.diff(self._first_rows)
        phones: list[Phone] = []
        at = start
        for i, (first, stop) in enumerate(bounds):
            begin, done = start + first * HOP, min(start + stop * HOP, end)
            if begin > at:
                phones.append(Phone(at, begin, ""))
            if done > begin:
                sure = confidence(float(fit[(first + stop) // 2]), (stop - first) / float(lengths[i]))
                phones.append(Phone(begin, done, self._symbols[i], sure))
            at = max(at, done)
        if end > at:
            phones.append(Phone(at, end, ""))
        return tuple(phones)

    def _walk(self, cost: FloatArray, starts: list[int], *, final: bool) -> IntArray:
        m = cost.shape[1]
        if not m:
            return np.full(len(self._heard), -1, np.int32)
        enter = np.full(m + 1, NO_PAUSE, np.float32)
        enter[self._first_rows[[word[0] for word in self._words]]] = _PAUSE
        enter[starts] = -_OTHER_BETWEEN
        enter[0] = enter[m] = _FREE
        leave = np.zeros(m + 1, np.float32)
        if final:
            leave[:] = NO_PAUSE
            leave[starts] = _UNSAID * (m - np.array(starts, np.float32))
            leave[m] = 0
        start = np.full(m + 1, NO_PAUSE, np.float32)
        start[0] = 0
        silence = _SILENT + _LOUD * self._heard.loudness
        other = np.minimum(silence, np.float32(_OTHER))
        return warp(cost, silence, other, enter, leave, start, _STAY, _SKIP)[0]

    def _reached(self, cut: int) -> int:
        """Reference rows that are done at a row of the window."""
        if not cut:
            return 0
        last = int(self._path[cut - 1])
        return last + 1 if last >= 0 else -1 - last

    def _row_of(self, phone: int) -> int:
        """The first row of the window at which the path is in a phone or behind it."""
        done = np.where(self._path >= 0, self._path + 1, -1 - self._path)
        return int(np.searchsorted(done, self._first_rows[phone], side="right"))

    def _bounds(self, phones: int, cut: int) -> list[tuple[int, int]]:
        """Rows of the first ``phones`` phones. One that the path skipped shares the rows of its neighbour."""
        done = np.where(self._path >= 0, self._path + 1, -1 - self._path)
        begins = np.searchsorted(done, self._first_rows[:phones], side="right")
        speaking = np.flatnonzero(self._path[:cut] >= 0)
        out = []
        for i in range(phones):
            first = int(begins[i])
            while first < cut and self._path[first] < 0:
                first += 1
            stop = int(begins[i + 1]) if i + 1 < phones else cut
            before = speaking[np.searchsorted(speaking, stop) - 1] + 1 if len(speaking) else stop
            out.append((min(first, cut), int(min(max(before, first), cut))))
        return out


def _block(sentence: Sentence, said: int, rate: float) -> _Block:
    """What of a sentence is not said yet, stretched to the speaker's pace."""
    first = sentence.words[said].first if said else 0
    begin = int(np.searchsorted(sentence.owner, first))
    index = _stretched(sentence.owner[begin:], rate) + begin
    words = tuple((w.first - first, w.stop - first, w.char_start, w.char_end) for w in sentence.words[said:])
    return _Block(
        np.ascontiguousarray(sentence.features[:, index]), sentence.loudness[index],
        sentence.owner[index] - np.int32(first), sentence.symbols[first:], words,
    )  # fmt: skip


def _stretched(owner: IntArray, rate: float) -> IntArray:
    """Which row to take for each row of a reference at another pace; every phone keeps at least one."""
    _, firsts, counts = np.unique(owner, return_index=True, return_counts=True)
    lengths = np.maximum(1, np.round(counts * rate)).astype(int)
    pieces = [a + ((np.arange(n) + 0.5) * c / n).astype(int) for a, c, n in zip(firsts, counts, lengths, strict=True)]
    return np.concatenate(pieces).astype(np.int32)


def _costs(heard: Rows, blocks: list[_Block]) -> FloatArray:
    """How different each row of sound (n) is from each row of the reference (m): its nearest voice, and loudness."""
    size = (heard.features**2).sum(axis=1)[:, None]
    out = np.empty((len(heard), sum(len(b.owner) for b in blocks)), np.float32)
    at = 0
    for block in blocks:
        part = out[:, at : at + len(block.owner)]
        part[:] = np.inf
        for voice in block.features:
            np.minimum(part, (voice**2).sum(axis=1) - 2 * (heard.features @ voice.T), out=part)
        part += size
        np.sqrt(np.maximum(part, 0) / heard.features.shape[1], out=part)
        part += np.float32(_LOUDNESS_WEIGHT) * np.abs(heard.loudness[:, None] - block.loudness)
        at += len(block.owner)
    return out


def _fits(cost: FloatArray, path: IntArray, mean: FloatArray, spread: FloatArray) -> FloatArray:
    """For each row on the path: how far its cost lies below the row's mean, in the row's spreads; nan in pauses."""
    fits = np.full(len(path), np.nan, np.float32)
    on = np.flatnonzero(path >= 0)
    if len(on):
        fits[on] = (mean[on] - cost[on, path[on]]) / (spread[on] + 1e-6)
    return fits
