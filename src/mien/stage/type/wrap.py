"""Lines of equal length: where a paragraph is cut so that it fits and looks even."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from mien.linebreak import CLAUSE, NEVER, PHRASE, POOR, SENTENCE, WEAK, break_after
from mien.stage.type import clusters

Span = tuple[int, int]
"""A half-open range of characters."""

_COST: Final = {POOR: 0.16, WEAK: 0.08, PHRASE: 0.04, CLAUSE: 0.0, SENTENCE: -0.02}
_TORN: Final = 4.0  # for a word that has to be cut
_BESIDE: Final = 0.02  # an upper line that is longer than the last one
_HYPHENS: Final = "-\u2010\u2013\u2014/"
_LOOK_BACK: Final = 12  # characters that say how good a break is
_GLUE: Final = "\u00a0\u202f\u2060\ufeff"


@dataclass(frozen=True, slots=True)
class _Part:
    """What lies between two places where a line may end. cost: of ending a line after it."""

    start: int
    end: int
    width: float
    trailing: float
    cost: float


Measure = Callable[[int, int], float]
"""How wide the text is from one character to another, pixels."""


@dataclass(frozen=True, slots=True)
class Wrapped:
    """lines: ranges of characters, each with the space at its end.

    torn: whether a word had to be cut inside. poor: whether a line ends where a reader stumbles.
    """

    lines: tuple[Span, ...]
    torn: bool
    poor: bool = False


def wrap(
    text: str,
    limit: float,
    measure: Measure,
    whole: Sequence[Span] = (),
    blank: Callable[[int], float] = lambda end: 0.0,
) -> Wrapped:
    """The lines of a paragraph: as few as fit, as even as good places allow.

    limit: how wide a line may be. whole: words that are not cut if it can be helped. Only what is wider than a line is
    cut at other places. blank: how much white a line ends with whose characters end there; it may lie outside.
    """
    if not text:
        return Wrapped(((0, 0),), False)
    ruler = _Ruler(text, limit, measure, blank)
    parts = _parts(ruler, whole)
    lines = _evenest(parts, limit, _fewest(parts, limit))
    costs = {part.end: part.cost for part in parts}
    poor = any(costs[end] >= _COST[POOR] for _, end in lines[:-1])
    return Wrapped(tuple(lines), any(part.cost >= _TORN for part in parts), poor)


def breaks(text: str, whole: Sequence[Span] = ()) -> list[tuple[int, int]]:
    """Where a line may end, and how good that is; the last is the end of the text."""
    inside = {at for start, end in whole for at in range(start + 1, end)}
    found = []
    at = 0
    split = clusters.split(text)
    for cluster, following in zip(split, [*split[1:], ""], strict=True):
        at += len(cluster)
        quality = _quality(text[max(0, at - _LOOK_BACK) : at], following)
        if quality != NEVER and (not following or at not in inside):
            found.append((at, quality))
    return found


def _quality(before: str, following: str) -> int:
    if not following:
        return SENTENCE
    if following.isspace() or before[-1] in _GLUE or following[0] in _GLUE:
        return NEVER
    if before[-1] == "\u200b":
        return WEAK
    known = break_after(before, following)
    if known == NEVER and before[-1] in _HYPHENS and len(before) > 1:
        both = unicodedata.category(before[-2])[0] == "L" and unicodedata.category(following[0])[0] == "L"
        return WEAK if both else NEVER
    return known


@dataclass(frozen=True, slots=True)
class _Ruler:
    text: str
    limit: float
    measure: Measure
    blank: Callable[[int], float]

    def part(self, start: int, end: int, cost: float) -> _Part:
        bare = start + len(self.text[start:end].rstrip())
        width = self.measure(start, end)
        space = width - self.measure(start, bare) if bare < end else 0.0
        return _Part(start, end, width, space + self.blank(bare), cost)

    def fits(self, part: _Part) -> bool:
        return part.width - part.trailing <= self.limit


def _parts(ruler: _Ruler, whole: Sequence[Span]) -> list[_Part]:
    found: list[_Part] = []
    start = 0
    for end, quality in breaks(ruler.text, whole):
        part = ruler.part(start, end, _COST[quality])
        found += [part] if ruler.fits(part) else _torn(ruler, start, end)
        start = end
    return found


def _torn(ruler: _Ruler, start: int, end: int) -> list[_Part]:
    """What is wider than a line, cut where it may be if words need not stay whole, else between its letters."""
    found, at = [], start
    for place, quality in breaks(ruler.text[start:end]):
        stop = start + place
        part = ruler.part(at, stop, _COST[quality])
        found += [part] if ruler.fits(part) else _letters(ruler, at, stop)
        at = stop
    return found


def _letters(ruler: _Ruler, start: int, end: int) -> list[_Part]:
    found, at = [], start
    for cluster in clusters.split(ruler.text[start:end].rstrip()):
        found.append(ruler.part(at, at + len(cluster), _TORN))
        at += len(cluster)
    last = found.pop()
    return [*found, ruler.part(last.start, end, 0.0)]


def _fewest(parts: Sequence[_Part], limit: float) -> int:
    """How many lines it takes when each is filled."""
    count, width = 1, 0.0
    for part in parts:
        if width and width + part.width - part.trailing > limit:
            count, width = count + 1, 0.0
        width += part.width
    return count


def _evenest(parts: Sequence[_Part], limit: float, count: int) -> list[Span]:
    """That many lines, of least cost (dynamic programming over the ends of lines)."""
    ideal = sum(part.width for part in parts) / count
    infinite = float("inf")
    best: list[list[tuple[float, int]]] = [[(0.0, 0)] + [(infinite, 0)] * len(parts)]
    for line in range(1, count + 1):
        row = [(infinite, 0)] * (len(parts) + 1)
        for end in range(line, len(parts) + 1):
            row[end] = _cheapest(parts, end, best[line - 1], limit, ideal, last=line == count)
        best.append(row)
    cuts, at = [len(parts)], len(parts)
    for line in range(count, 0, -1):
        at = best[line][at][1]
        cuts.append(at)
    cuts.reverse()
    return [(parts[a].start, parts[b - 1].end) for a, b in pairwise(cuts) if b > a]


def _cheapest(
    parts: Sequence[_Part], end: int, above: Sequence[tuple[float, int]], limit: float, ideal: float, *, last: bool
) -> tuple[float, int]:
    choice = (float("inf"), end - 1)
    width = -parts[end - 1].trailing
    for begin in range(end - 1, -1, -1):
        width += parts[begin].width
        if width > limit and begin < end - 1:
            break
        uneven = ((width - ideal) / limit) ** 2
        cost = above[begin][0] + uneven + (0.0 if last else parts[end - 1].cost + _BESIDE * (width > ideal))
        choice = min(choice, (cost, begin))
    return choice
