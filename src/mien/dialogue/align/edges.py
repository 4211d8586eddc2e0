"""Where phones begin and end, in rows: from a path, then on to where sound rises from silence and falls back to it."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import numpy as np

from mien.types import FloatArray, IntArray

Bounds = list[tuple[int, int]]
"""First row and row after the last, phone by phone."""

_RISEN, _FALLEN = 0.2, 0.3  # loudness at which speech has begun, and at which it has ended
_REACH: Final = 45  # rows that a bound may move
_QUIET: Final = 4  # rows of silence that must lie behind a new bound
_MOMENT: Final = 10  # rows to each side of which the greater part decides whether it is loud


def bounds(path: IntArray, first_rows: IntArray, phones: int, cut: int) -> Bounds:
    """Bounds of the first ``phones`` phones, all before row ``cut``; empty for one that there is no room for.

    path: as :func:`mien.dialogue.align.warp.warp` gives it. first_rows: the reference row at which each phone starts.
    """
    done = np.where(path >= 0, path + 1, -1 - path)
    speaking = np.flatnonzero(path[:cut] >= 0)
    begins = [*np.searchsorted(done, first_rows[:phones], side="right").tolist(), cut]
    out: Bounds = []
    for begin, following in pairwise(begins):
        after, before = np.searchsorted(speaking, begin), np.searchsorted(speaking, following)
        first = int(speaking[after]) if after < len(speaking) else cut
        stop = int(speaking[before - 1]) + 1 if before else first
        first = min(first, following)
        out.append((first, max(stop, first)))
    return _shared(out)


def snapped(found: Bounds, word_starts: set[int], loudness: FloatArray) -> Bounds:
    """Bounds beside pauses moved to where the sound rises or falls. word_starts: phones that start a word."""
    out = list(found)
    for i, (first, stop) in enumerate(found):
        before = out[i - 1][1] if i else 0
        after = found[i + 1][0] if i + 1 < len(found) else len(loudness)
        if stop > first:
            opens = i in word_starts and first > before
            closes = after > stop and (i + 1 in word_starts or i + 1 == len(found))
            begin = _onset(first, stop, before, loudness) if opens else first
            out[i] = (begin, _offset(stop, after, loudness) if closes else stop)
    return out


def pauses(first: int, stop: int, loudness: FloatArray) -> list[tuple[int, int, bool]]:
    """Rows first…stop, in which no known word is said, as stretches: rows, and whether it is quiet there.

    What is loud for a moment is a breath or a click and counts as quiet; somebody who says other words is not.
    """
    if stop <= first:
        return []
    loud = np.pad((loudness[first:stop] > _FALLEN).astype(float), _MOMENT, mode="edge")
    share = np.convolve(loud, np.ones(2 * _MOMENT + 1) / (2 * _MOMENT + 1), "valid")
    quiet = share <= 0.5
    changes = [0, *(np.flatnonzero(np.diff(quiet)) + 1).tolist(), len(quiet)]
    return [(first + a, first + b, bool(quiet[a])) for a, b in pairwise(changes) if b > a]


def _onset(first: int, stop: int, before: int, loudness: FloatArray) -> int:
    if loudness[first] <= _RISEN:
        risen = np.flatnonzero(loudness[first : max(stop - 2, first)] > _RISEN)
        return first + int(risen[0]) if len(risen) else first
    k = first
    while k > before and loudness[k - 1] > _RISEN:
        k -= 1
    quiet = bool((loudness[max(k - _QUIET, 0) : k] <= _RISEN).all())
    return k if first - k < _REACH and quiet else first


def _offset(stop: int, after: int, loudness: FloatArray) -> int:
    k = stop
    while k < after and loudness[k] > _FALLEN:
        k += 1
    quiet = bool((loudness[k : k + _QUIET] <= _FALLEN).all())
    return k if k - stop < _REACH and quiet else stop


def _shared(found: Bounds) -> Bounds:
    """A phone that the path skipped gets a row of the neighbour that touches it and has two or more."""
    out = list(found)
    for i, (first, stop) in enumerate(out):
        if stop > first:
            continue
        if i and out[i - 1][1] == first and out[i - 1][1] - out[i - 1][0] >= 2:
            out[i - 1] = (out[i - 1][0], first - 1)
            out[i] = (first - 1, first)
        elif i + 1 < len(out) and out[i + 1][0] == first and out[i + 1][1] - first >= 2:
            out[i + 1] = (first + 1, out[i + 1][1])
            out[i] = (first, first + 1)
    return out
