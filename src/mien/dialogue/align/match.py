"""One window of a recording on the text ahead of it."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.dialogue.align import edges
from mien.dialogue.align.confidence import confidence, smooth
from mien.dialogue.align.features import HOP, Rows
from mien.dialogue.align.reference import Sentence
from mien.dialogue.align.warp import NO_PAUSE, warp
from mien.timeline import TICKS_PER_SECOND
from mien.types import FloatArray, IntArray, Phone, Word

_CUT_FROM, _CUT_TO = 0.35, 0.8  # of the window
_LOUDNESS_WEIGHT: Final = 1.0
_STAY, _SKIP, _PAUSE = 0.3, 0.4, 4.0  # costs; a row that fits costs about 1
_SILENT, _LOUD = 0.6, 2.0  # cost of a pause's row, and what loudness 1 adds
_OTHER: Final = 1.25  # cost of a row of something untranscribed: a little below that of wrong words
_OTHER_BETWEEN: Final = 4.0  # and of its beginning between two sentences
_UNSAID: Final = 0.3  # cost of a reference row that the end of the recording does not reach
_FREE: Final = -1e-6
_RATES = (0.4, 2.5)
_HINT_REACH: Final = 3 * TICKS_PER_SECOND // 2  # subtitles come early and stay on
_HINT_COST: Final = np.float32(1.0)
_CLEARLY: Final = 0.25  # rows this loud are asked whether they fit
_CHANCE_ROWS: Final = 900  # so many rows tell how well wrong words would fit
_MOST_CHANCES: Final = 3
_SEED: Final = 0
_LEAST_ROOM: Final = 0.3  # between chance and the best


@dataclass(frozen=True, slots=True)
class Stretch:
    """What is settled of a recording. start, end: ticks. phones: cover it, "" is a pause. words: in it.

    rows, fit: how many rows of 10 ms were clear speech on the path, and how well they fit on the mean: 0 as words that
    nobody said would, 1 as if each row could choose freely among the sounds of the text.
    """

    start: int
    end: int
    phones: tuple[Phone, ...]
    words: tuple[Word, ...]
    rows: int
    fit: float


@dataclass(frozen=True, slots=True)
class Expected:
    """hints: in order of their characters. start: tick of the window."""

    hints: tuple[Word, ...]
    start: int

    def penalised(self, cost: FloatArray, columns: IntArray, words: list[tuple[int, int, int, int]]) -> FloatArray:
        """The costs, raised far from where a word is said to be. columns: the first of each phone."""
        if not self.hints:
            return cost
        cost = cost.copy()
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
        return cost


@dataclass(frozen=True, slots=True)
class _Block:
    """A sentence's part in a window. symbols: of its phones. words: first, stop, characters."""

    features: FloatArray
    loudness: FloatArray
    owner: IntArray
    symbols: tuple[str, ...]
    words: tuple[tuple[int, int, int, int], ...]


class _Layout:
    """The sentences of a window in a row.

    starts: the reference row of each. columns: the first of each phone, and the end. words: first, stop (phones),
    characters.
    """

    def __init__(self, blocks: list[_Block]) -> None:
        self.symbols = [symbol for block in blocks for symbol in block.symbols]
        self.starts: list[int] = []
        self.words: list[tuple[int, int, int, int]] = []
        owners: list[IntArray] = [np.zeros(0, np.int32)]
        phones = rows = 0
        for block in blocks:
            self.starts.append(rows)
            self.words += [(a + phones, b + phones, c, d) for a, b, c, d in block.words]
            owners.append(block.owner + np.int32(phones))
            phones, rows = phones + len(block.symbols), rows + len(block.owner)
        self.columns = np.searchsorted(np.concatenate(owners), np.arange(phones + 1)).astype(np.int32)

    def __len__(self) -> int:
        """Reference rows."""
        return int(self.columns[-1])

    def shuffled(self, rng: np.random.Generator) -> IntArray:
        """The reference rows with the phones in another order: words that nobody said."""
        order = rng.permutation(len(self.symbols))
        return np.concatenate([np.arange(self.columns[i], self.columns[i + 1], dtype=np.int32) for i in order])


class Match:
    """A window's rows on the text ahead."""

    def __init__(
        self, heard: Rows, ahead: list[tuple[Sentence, int]], rate: float, expected: Expected, *, final: bool
    ) -> None:
        self._heard, self._rate, self._final = heard, rate, final
        blocks = [_block(sentence, said, rate) for sentence, said in ahead]
        self._layout = _Layout(blocks)
        self._cost = _costs(heard, blocks)
        self._path = self._walk(expected.penalised(self._cost, self._layout.columns, self._layout.words))

    def rate(self) -> float:
        """How many rows this speaker takes for one of the reference, as far as the window goes."""
        on = self._path[self._path >= 0]
        used = int(on.max() - on.min()) + 1 if len(on) else 0
        rate = self._rate * len(on) / used if used > 30 else self._rate
        return float(np.clip(rate, *_RATES))

    def cut(self) -> int:
        """Row at which the window is best cut: in its longest pause, else between two words."""
        low, high = int(_CUT_FROM * len(self._path)), int(_CUT_TO * len(self._path))
        changes = np.flatnonzero(np.diff(self._path[low:high]) != 0) + low + 1
        runs = [(a, b) for a, b in pairwise([low, *changes, high]) if self._path[a] < 0]
        if runs:
            longest = max(runs, key=lambda run: run[1] - run[0])
            return int(longest[0] + longest[1]) // 2
        done = np.where(self._path >= 0, self._path + 1, -1 - self._path)
        firsts = self._layout.columns[[word[0] for word in self._layout.words]]
        starts = np.searchsorted(done, firsts, side="right")
        return int(max(starts[(starts >= low) & (starts < high)], default=high))

    def settled(self, cut: int, start: int, end: int) -> tuple[Stretch, int]:
        """What lies before row ``cut``, and how many words that is. start, end: ticks of the window and of the cut."""
        layout, reached = self._layout, self._reached(cut)
        done = sum(1 for word in layout.words if layout.columns[word[0]] < reached)
        found = edges.bounds(self._path, layout.columns, layout.words[done - 1][1] if done else 0, cut)
        found = edges.snapped(found, {word[0] for word in layout.words[:done]}, self._heard.loudness[:cut])
        clear = (self._path[:cut] >= 0) & (self._heard.loudness[:cut] > _CLEARLY)
        fit = np.where(clear, self._shares(clear), np.nan)
        phones = self._phones(found, smooth(fit), start, end)
        words = tuple(
            Word(start + found[a][0] * HOP, min(start + found[b - 1][1] * HOP, end), c, d)
            for a, b, c, d in layout.words[:done] if found[b - 1][1] > found[a][0]
        )  # fmt: skip
        mean = float(fit[clear].mean()) if clear.any() else 0.0
        return Stretch(start, end, phones, words, int(clear.sum()), mean), done

    def _phones(self, bounds: edges.Bounds, fit: FloatArray, start: int, end: int) -> tuple[Phone, ...]:
        """Phones and the pauses between them, in ticks from ``start`` to ``end``."""
        lengths = np.diff(self._layout.columns)
        rows: list[tuple[int, int, str, float]] = []
        at = 0
        for i, (first, stop) in enumerate(bounds):
            rows += self._pauses(at, first)
            if stop > first:
                sure = confidence(float(fit[(first + stop) // 2]), (stop - first) / float(lengths[i]))
                rows.append((first, stop, self._layout.symbols[i], sure))
            at = max(at, stop)
        rows += self._pauses(at, len(fit))
        placed = ((start + a * HOP, min(start + b * HOP, end), symbol, sure) for a, b, symbol, sure in rows)
        return tuple(Phone(a, b, symbol, sure) for a, b, symbol, sure in placed if b > a)

    def _pauses(self, first: int, stop: int) -> list[tuple[int, int, str, float]]:
        """Pauses, of which a loud one is doubted: there, something that the text does not have may be said."""
        return [(a, b, "", float(quiet)) for a, b, quiet in edges.pauses(first, stop, self._heard.loudness)]

    def _walk(self, cost: FloatArray) -> IntArray:
        layout, m = self._layout, len(self._layout)
        if not m:
            return np.full(len(self._heard), -1, np.int32)
        enter = np.full(m + 1, NO_PAUSE, np.float32)
        enter[layout.columns[[word[0] for word in layout.words]]] = _PAUSE
        enter[layout.starts] = -_OTHER_BETWEEN
        enter[0] = enter[m] = _FREE
        leave = np.zeros(m + 1, np.float32)
        if self._final:
            leave[:] = NO_PAUSE
            leave[layout.starts] = _UNSAID * (m - np.array(layout.starts, np.float32))
            leave[m] = 0
        start = np.full(m + 1, NO_PAUSE, np.float32)
        start[0] = 0
        silence = _SILENT + _LOUD * self._heard.loudness
        other = np.minimum(silence, np.float32(_OTHER))
        return warp(cost, silence, other, enter, leave, start, _STAY, _SKIP)[0]

    def _shares(self, clear: NDArray[np.bool_]) -> FloatArray:
        """Fits of the path's first rows, 0 = as by chance, 1 = as good as any sound of the text would fit."""
        if not clear.any():
            return np.zeros(len(clear), np.float32)
        mean, spread = self._usual
        best = float(((mean - self._cost.min(axis=1)) / spread)[: len(clear)][clear].mean())
        chance = self._chance()
        return (self._fits(self._cost, self._path)[: len(clear)] - chance) / max(best - chance, _LEAST_ROOM)

    def _reached(self, cut: int) -> int:
        """Reference rows that are done at a row of the window."""
        last = int(self._path[cut - 1]) if cut else -1
        return last + 1 if last >= 0 else -1 - last

    def _fits(self, cost: FloatArray, path: IntArray) -> FloatArray:
        """How far the cost of each row on a path lies below the row's mean, in the row's spreads; 0 in pauses."""
        fits = np.zeros(len(path), np.float32)
        on = np.flatnonzero(path >= 0)
        if len(on):
            mean, spread = self._usual
            fits[on] = (mean[on] - cost[on, path[on]]) / spread[on]
        return fits

    @cached_property
    def _usual(self) -> tuple[FloatArray, FloatArray]:
        """Mean and spread of each row's costs."""
        mean = self._cost.mean(axis=1)
        squares = np.einsum("ij,ij->i", self._cost, self._cost) / self._cost.shape[1]
        return mean, np.sqrt(np.maximum(squares - mean**2, 1e-12))

    def _chance(self) -> float:
        """How well words fit that nobody said: the mean over some shuffled texts, each on its own best path."""
        if not len(self._layout):
            return 0.0
        rng, found = np.random.default_rng(_SEED), []
        for _ in range(min(max(_CHANCE_ROWS // len(self._path), 1), _MOST_CHANCES)):
            cost = np.ascontiguousarray(self._cost[:, self._layout.shuffled(rng)])
            path = self._walk(cost)
            clear = (path >= 0) & (self._heard.loudness > _CLEARLY)
            found.append(float(self._fits(cost, path)[clear].mean()) if clear.any() else 0.0)
        return float(np.mean(found))


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
