"""Captions from word times.

Text is the user's own, punctuation included. At most two lines of 42 columns (38 where Chinese, Japanese or Korean
prevails: 19 full-width characters), or of the room that is given; cut at sentences first, then at clauses, never inside
a word and never against the East Asian line-start and line-end rules (JIS X 4051, kinsoku). Between 1 and 7 seconds
each where speech allows it, never overlapping. A text that somebody cut into captions before keeps their cuts and their
lines; only times are new.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from mien.linebreak import (
    CLAUSE,
    NEVER,
    NOT_AT_END,
    OPENERS,
    PHRASE,
    POOR,
    SENTENCE,
    WEAK,
    break_after,
    columns,
    is_wide,
)
from mien.timeline import TICKS_PER_SECOND, to_ticks
from mien.types import Word

SHORTEST: Final = to_ticks(1.0)
LONGEST: Final = to_ticks(7.0)

_LINGER: Final = to_ticks(0.3)  # a caption stays this long after its last word, when there is room
_APART: Final = to_ticks(0.08)  # the eye notices a change of text only with a blink between
_BLOCK_GAP: Final = to_ticks(0.8)  # silence that always ends a caption
_BLOCK_TOKENS: Final = 400

_SPACE: Final = re.compile(r"[\s\x00-\x1f\x7f]+")


@dataclass(frozen=True, slots=True)
class Room:
    """How much a caption may hold. narrow: columns of a line; wide: where full-width characters, 2 each, prevail."""

    narrow: int = 42
    wide: int = 38
    lines: int = 2

    def columns(self, text: str) -> int:
        """Of one line of ``text``."""
        wide = sum(map(is_wide, text))
        return self.wide if wide * 3 > len(text) else self.narrow


FILE: Final = Room()
"""What subtitle files are cut for."""


@dataclass(frozen=True, slots=True)
class CaptionWord:
    """A word of a caption. start, end: ticks. text: with its punctuation and the space after it. line: 0-based."""

    start: int
    end: int
    text: str
    line: int = 0


@dataclass(frozen=True, slots=True)
class Caption:
    """start, end: ticks. lines: one or two, or as many as their author made.

    words: all its text, in order, with times; () where nobody knows them.
    """

    start: int
    end: int
    lines: tuple[str, ...]
    words: tuple[CaptionWord, ...] = ()


@dataclass(frozen=True, slots=True)
class _Token:
    """A word with the punctuation and space around it. after: how good a break after it is."""

    start: int
    end: int
    text: str
    after: int


_BREAK_COST: Final = {POOR: 4.0, WEAK: 3.0, PHRASE: 2.2, CLAUSE: 1.0, SENTENCE: 0.0}
_SPLIT_COST: Final = {POOR: 1.2, WEAK: 0.8, PHRASE: 0.3, CLAUSE: 0.0, SENTENCE: 0.0}  # of a second line after it
_BEGUN, _FEW = 2.0, 2  # for a caption that ends with the first words of a sentence
_LINE_GAIN: Final = {POOR: -6, PHRASE: 7, CLAUSE: 18, SENTENCE: 22}


@dataclass(frozen=True, slots=True)
class _Said:
    """What to show, and when its first word begins and its last one ends."""

    start: int
    end: int
    words: tuple[CaptionWord, ...]


def make_captions(
    words: Sequence[Word],
    source: str,
    show: Callable[[int, int], str] | None = None,
    cut: Sequence[Sequence[int]] = (),
    room: Room = FILE,
) -> list[Caption]:
    """Captions in order of time.

    words: in order of time. source: the text whose characters they point at. show: (start, stop) → what a reader
    sees of source[start:stop]: it removes script marks; by default it shows all. cut: how the text is cut already: for
    each caption where its lines begin and, last, where it ends; captions of which nothing was said are left out.
    """
    show = show or (lambda start, stop: source[start:stop])
    if cut:
        return _timed(list(_as_cut(_in_text(words), source, cut, show)))
    groups = [group for block in _blocks(_tokens(words, source, show)) for group in _cut(block, room)]
    return _timed([said for group in groups for said in _said(group, room)])


def _tokens(words: Sequence[Word], source: str, show: Callable[[int, int], str]) -> list[_Token]:
    """Cut the source at the words, so that every visible character is in exactly one token."""
    spoken = _in_text(words)
    tokens: list[_Token] = []
    for word, begin, stop in _parts(spoken, source, 0, len(source)):
        text = _SPACE.sub(" ", show(begin, stop))
        following = show(stop, min(len(source), stop + 40)).lstrip()[:1]
        tokens.append(_Token(word.start, word.end, text, break_after(text, following)))
    return tokens


def _parts(spoken: Sequence[Word], source: str, begin: int, stop: int) -> Iterable[tuple[Word, int, int]]:
    """Words with the characters from ``begin`` to ``stop`` shared out among them."""
    starts = [_before_openers(source, word.char_start) for word in spoken]
    bounds = [begin, *(max(start, begin) for start in starts[1:]), stop] if spoken else []
    yield from ((word, first, end) for word, (first, end) in zip(spoken, pairwise(bounds), strict=True))


def _in_text(words: Sequence[Word]) -> list[Word]:
    """The words that stand in the text, in its order."""
    return sorted({word.char_start: word for word in words if word.char_end > word.char_start}.values(), key=_place)


def _place(word: Word) -> int:
    return word.char_start


def _as_cut(
    words: Sequence[Word], source: str, cut: Sequence[Sequence[int]], show: Callable[[int, int], str]
) -> Iterable[_Said]:
    """Captions with their author's lines. Lines of which nothing was said last no time."""
    starts = [word.char_start for word in words]
    for places in cut:
        mine = words[bisect_left(starts, places[0]) : bisect_left(starts, places[-1])]
        shown: list[CaptionWord] = []
        line = 0
        for begin, stop in pairwise(places):
            spoken = words[bisect_left(starts, begin) : bisect_left(starts, stop)]
            parts: list[tuple[Word | None, int, int]] = [*_parts(spoken, source, begin, stop)] or [(None, begin, stop)]
            if not any(show(first, end).strip() for _, first, end in parts):
                continue
            at = shown[-1].end if shown else (mine[0].start if mine else 0)
            for word, first, end in parts:
                times = (at, at) if word is None else (word.start, word.end)
                shown.append(CaptionWord(*times, _SPACE.sub(" ", show(first, end)), line))
            line += 1
        if mine and shown:
            yield _Said(mine[0].start, mine[-1].end, tuple(shown))


def _before_openers(source: str, start: int) -> int:
    """Where a word begins when its opening quotes and brackets go with it."""
    i = start
    while i > 0 and source[i - 1] in OPENERS and (source[i - 1] in NOT_AT_END or i < 2 or source[i - 2].isspace()):
        i -= 1
    return i


def _blocks(tokens: Sequence[_Token]) -> Iterable[list[_Token]]:
    """Runs of tokens without a long silence in between."""
    block: list[_Token] = []
    for token in tokens:
        if block and (token.start - block[-1].end >= _BLOCK_GAP or len(block) >= _BLOCK_TOKENS):
            yield block
            block = []
        block.append(token)
    if block:
        yield block


def _cut(block: Sequence[_Token], room: Room) -> list[list[_Token]]:
    """The cheapest way to cut a block into captions (dynamic programming over the places of the cuts)."""
    best: list[tuple[float, int]] = [(0.0, 0)]
    for end in range(1, len(block) + 1):
        after = SENTENCE if end == len(block) else block[end - 1].after
        choice = (float("inf"), end - 1)
        for begin in range(end - 1, -1, -1):
            group = block[begin:end]
            cost = _group_cost(group, room)
            if cost >= 1e6 and len(group) > 1:
                break
            choice = min(choice, (best[begin][0] + cost + _BREAK_COST.get(after, 50.0), begin))
        best.append(choice)
    groups, end = [], len(block)
    while end:
        begin = best[end][1]
        groups.append(list(block[begin:end]))
        end = begin
    return groups[::-1]


def _group_cost(group: Sequence[_Token], room: Room) -> float:
    text = "".join(token.text for token in group).strip()
    seconds = (group[-1].end - group[0].start) / TICKS_PER_SECOND
    limit = room.columns(text)
    if columns(text) > room.lines * limit or seconds > LONGEST / TICKS_PER_SECOND:
        return 1e6 + columns(text)
    split = _split(text, group, room)
    lines = _lines(text, group, split)
    if any(columns(line) > limit for line in lines):
        return 1e6
    inner = [number for number, token in enumerate(group[:-1], 1) if token.after == SENTENCE]
    begun = _BEGUN if inner and group[-1].after < CLAUSE and len(group) - inner[-1] <= _FEW else 0.0
    second = 0.4 + _SPLIT_COST.get(group[split - 1].after, 2.0) if len(lines) == 2 else 0.0
    return 1.5 + 4.0 * max(0.0, 1.2 - seconds) + 1.2 * len(inner) + second + begun


def _split(text: str, group: Sequence[_Token], room: Room) -> int:
    """How many tokens are on the first of two lines; all of them where one line will do.

    Two lines are cut after punctuation where that is balanced enough, and the upper one is not longer.
    """
    limit = room.columns(text)
    if columns(text) <= limit or room.lines == 1:
        return len(group)
    best, chosen = float("inf"), len(group)
    upper = ""
    for number, (token, following) in enumerate(pairwise(group), 1):
        upper += token.text
        if token.after == NEVER and following.text:
            continue
        first, second = _lines(text, group, number, upper)
        a, b = columns(first), columns(second)
        uneven = abs(a - b) + (2 if a > b else 0)
        cost = uneven + 100 * (max(a, b) > limit) - _LINE_GAIN.get(token.after, 0)
        if second and cost < best:
            best, chosen = cost, number
    return chosen


def _lines(text: str, group: Sequence[_Token], split: int, upper: str | None = None) -> tuple[str, ...]:
    if split == len(group):
        return (text,)
    whole = "".join(token.text for token in group)
    upper = "".join(token.text for token in group[:split]) if upper is None else upper
    return upper.strip(), whole[len(upper) :].strip()


def _said(group: Sequence[_Token], room: Room) -> Iterable[_Said]:
    """What a group shows, if anything. A word that was drawn out beyond all measure is not waited for."""
    text = "".join(token.text for token in group).strip()
    if text:
        start = group[0].start
        split = _split(text, group, room)
        words = tuple(CaptionWord(t.start, t.end, t.text, int(i >= split)) for i, t in enumerate(group))
        yield _Said(start, min(group[-1].end, start + LONGEST), words)


def _shown_lines(words: Sequence[CaptionWord]) -> tuple[str, ...]:
    lines = [""] * (words[-1].line + 1)
    for word in words:
        lines[word.line] += word.text
    return tuple(line for line in (_SPACE.sub(" ", line).strip() for line in lines) if line)


def _timed(said: Sequence[_Said]) -> list[Caption]:
    captions: list[Caption] = []
    for number, one in enumerate(said):
        start, spoken = one.start, one.end
        following = said[number + 1].start if number + 1 < len(said) else spoken + LONGEST
        end = min(max(spoken + _LINGER, start + SHORTEST), max(spoken, following - _APART), following)
        end = min(end, max(start + LONGEST, spoken))
        if end - start < SHORTEST and captions:
            start = max(captions[-1].end + _APART, end - SHORTEST, 0) if captions[-1].end + _APART < start else start
        elif end - start < SHORTEST:
            start = max(0, end - SHORTEST)
        if end > start:
            captions.append(Caption(start, end, _shown_lines(one.words), one.words))
    return captions
