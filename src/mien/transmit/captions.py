"""SRT and WebVTT captions from word times.

Text is the user's own, punctuation included. At most two lines of 42 columns (38 where Chinese, Japanese or Korean
prevails: 19 full-width characters), cut at sentences first, then at clauses, never inside a word and never against the
East Asian line-start and line-end rules (JIS X 4051, kinsoku). Between 1 and 7 seconds each where speech allows it,
never overlapping. A text that somebody cut into captions before keeps their cuts and their lines; only times are new.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

from mien.errors import UsageError
from mien.timeline import TICKS_PER_SECOND, to_ticks
from mien.transmit.atomic import write_text
from mien.types import Word

FORMATS: Final = ("srt", "vtt", "both", "none")
"""What ``--captions`` takes."""

SHORTEST: Final = to_ticks(1.0)
LONGEST: Final = to_ticks(7.0)

_LINGER: Final = to_ticks(0.3)  # a caption stays this long after its last word, when there is room
_APART: Final = to_ticks(0.08)  # the eye notices a change of text only with a blink between
_BLOCK_GAP: Final = to_ticks(0.8)  # silence that always ends a caption
_BLOCK_TOKENS: Final = 400

_LATIN_COLUMNS: Final = 42
_WIDE_COLUMNS: Final = 38

_NOT_AT_START: Final = frozenset(
    "、。，．・：；？！」』】〕）〉》”’％…ー々ぁぃぅぇぉっゃゅょァィゥェォッャュョ,.:;?!)]}%»›،؛؟।"
)
_NOT_AT_END: Final = frozenset("「『【〔（〈《“‘([{«‹¿¡#$￥")
_OPENERS: Final = _NOT_AT_END | frozenset("\"'")
_SENTENCE_END: Final = frozenset("。．！？!?….؟।॥")
_CLAUSE_END: Final = frozenset("，、；：,;:،؛—–")
_PHRASE_START: Final = frozenset("在和与及把被从对但而就都也还让使将或因所如比向为")  # words that open a Chinese phrase
_PHRASE_END: Final = frozenset("的了着过吗呢吧啊地得")  # particles that close one
_CLOSERS: Final = frozenset("」』】〕）〉》”’)]}»›\"'")
_SPACE: Final = re.compile(r"[\s\x00-\x1f\x7f]+")


@dataclass(frozen=True, slots=True)
class Caption:
    """start, end: ticks. lines: one or two, or as many as their author made."""

    start: int
    end: int
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Token:
    """A word with the punctuation and space around it. after: how good a break after it is (see _BREAK)."""

    start: int
    end: int
    text: str
    after: int


_NEVER, _WEAK, _PHRASE, _CLAUSE, _SENTENCE = range(5)
_BREAK_COST: Final = {_WEAK: 3.0, _PHRASE: 2.2, _CLAUSE: 1.0, _SENTENCE: 0.0}
_LINE_GAIN: Final = {_PHRASE: 7, _CLAUSE: 18, _SENTENCE: 22}


@dataclass(frozen=True, slots=True)
class _Said:
    """Lines to show, and when their first word begins and their last one ends."""

    start: int
    end: int
    lines: tuple[str, ...]


def make_captions(
    words: Sequence[Word],
    source: str,
    show: Callable[[int, int], str] | None = None,
    cut: Sequence[Sequence[int]] = (),
) -> list[Caption]:
    """Captions in order of time.

    words: in order of time. source: the text whose characters they point at. show: (start, stop) → what a reader
    sees of source[start:stop]: it removes script marks; by default it shows all. cut: how the text is cut already: for
    each caption where its lines begin and, last, where it ends; captions of which nothing was said are left out.
    """
    show = show or (lambda start, stop: source[start:stop])
    if cut:
        return _timed(list(_as_cut(_in_text(words), cut, show)))
    groups = [group for block in _blocks(_tokens(words, source, show)) for group in _cut(block)]
    return _timed([said for group in groups for said in _said(group)])


def to_srt(captions: Iterable[Caption]) -> str:
    """SubRip."""
    return "".join(
        f"{number}\n{_clock(c.start, ',')} --> {_clock(c.end, ',')}\n{_safe(c.lines)}\n\n"
        for number, c in enumerate(captions, 1)
    )


def to_vtt(captions: Iterable[Caption]) -> str:
    """WebVTT (W3C)."""

    def escaped(text: str) -> str:
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

    return "WEBVTT\n\n" + "".join(
        f"{_clock(c.start, '.')} --> {_clock(c.end, '.')}\n{escaped(chr(10).join(c.lines))}\n\n" for c in captions
    )


def caption_paths(film: Path, formats: str) -> tuple[Path, ...]:
    """The files that ``--captions`` asks for: beside the film, same stem. Raises UsageError for an unknown word."""
    if formats not in FORMATS:
        raise UsageError(f"'{formats}' is not a caption format.", hint="Use srt, vtt, both or none.")
    endings = {"srt": (".srt",), "vtt": (".vtt",), "both": (".srt", ".vtt"), "none": ()}[formats]
    stem = re.sub(r"[-_.]?%0?\d*d$", "", film.stem) or "captions"
    return tuple(film.with_name(stem + ending) for ending in endings)


def write_captions(captions: Sequence[Caption], path: Path) -> None:
    """Write ``path`` (.srt or .vtt), whole or not at all. Raises OutputError."""
    write_text(path, to_vtt(captions) if path.suffix == ".vtt" else to_srt(captions))


def columns(text: str) -> int:
    """Width of a line: 2 for full-width characters, 0 for combining marks, else 1."""
    width = 0
    for char in text:
        if unicodedata.combining(char) or unicodedata.category(char) in ("Cf", "Me", "Mn"):
            continue
        width += 2 if unicodedata.east_asian_width(char) in "WF" else 1
    return width


def _tokens(words: Sequence[Word], source: str, show: Callable[[int, int], str]) -> list[_Token]:
    """Cut the source at the words, so that every visible character is in exactly one token."""
    spoken = _in_text(words)
    starts = [_before_openers(source, word.char_start) for word in spoken]
    bounds = [0, *starts[1:], len(source)] if spoken else []
    tokens: list[_Token] = []
    for word, begin, stop in zip(spoken, bounds, bounds[1:], strict=False):
        text = _SPACE.sub(" ", show(begin, stop))
        following = show(stop, min(len(source), stop + 40)).lstrip()[:1]
        tokens.append(_Token(word.start, word.end, text, _break_after(text, following)))
    return tokens


def _in_text(words: Sequence[Word]) -> list[Word]:
    """The words that stand in the text, in its order."""
    return sorted({word.char_start: word for word in words if word.char_end > word.char_start}.values(), key=_place)


def _place(word: Word) -> int:
    return word.char_start


def _as_cut(words: Sequence[Word], cut: Sequence[Sequence[int]], show: Callable[[int, int], str]) -> Iterable[_Said]:
    """Captions with their author's lines."""
    starts = [word.char_start for word in words]
    for places in cut:
        mine = words[bisect_left(starts, places[0]) : bisect_left(starts, places[-1])]
        lines = [_SPACE.sub(" ", show(start, stop)).strip() for start, stop in pairwise(places)]
        if mine and any(lines):
            yield _Said(mine[0].start, mine[-1].end, tuple(line for line in lines if line))


def _before_openers(source: str, start: int) -> int:
    """Where a word begins when its opening quotes and brackets go with it."""
    i = start
    while i > 0 and source[i - 1] in _OPENERS and (source[i - 1] in _NOT_AT_END or i < 2 or source[i - 2].isspace()):
        i -= 1
    return i


def _break_after(text: str, following: str) -> int:
    bare = text.rstrip()
    spaced = bare != text
    if not bare or not following:
        return _SENTENCE if not following else _NEVER
    if not spaced and not (_is_wide(bare[-1]) or _is_wide(following)):
        return _NEVER
    if bare[-1] in _NOT_AT_END or following in _NOT_AT_START:
        return _NEVER
    last = bare.rstrip("".join(_CLOSERS))[-1:] or bare[-1]
    if last in _SENTENCE_END:
        return _SENTENCE
    if last in _CLAUSE_END:
        return _CLAUSE
    return _PHRASE if not spaced and (last in _PHRASE_END or following in _PHRASE_START) else _WEAK


def _is_wide(char: str) -> bool:
    return unicodedata.east_asian_width(char) in "WF"


def _limit(text: str) -> int:
    wide = sum(map(_is_wide, text))
    return _WIDE_COLUMNS if wide * 3 > len(text) else _LATIN_COLUMNS


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


def _cut(block: Sequence[_Token]) -> list[list[_Token]]:
    """The cheapest way to cut a block into captions (dynamic programming over the places of the cuts)."""
    best: list[tuple[float, int]] = [(0.0, 0)]
    for end in range(1, len(block) + 1):
        after = _SENTENCE if end == len(block) else block[end - 1].after
        choice = (float("inf"), end - 1)
        for begin in range(end - 1, -1, -1):
            group = block[begin:end]
            cost = _group_cost(group)
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


def _group_cost(group: Sequence[_Token]) -> float:
    text = "".join(token.text for token in group).strip()
    seconds = (group[-1].end - group[0].start) / TICKS_PER_SECOND
    if columns(text) > 2 * _limit(text) or seconds > LONGEST / TICKS_PER_SECOND:
        return 1e6 + columns(text)
    lines = _wrapped(text, group)
    if any(columns(line) > _limit(text) for line in lines):
        return 1e6
    inner = sum(token.after == _SENTENCE for token in group[:-1])
    return 1.5 + 4.0 * max(0.0, 1.2 - seconds) + 1.2 * inner + (0.4 if len(lines) == 2 else 0.0)


def _wrapped(text: str, group: Sequence[_Token]) -> tuple[str, ...]:
    """One line if it fits, else two: after punctuation where that is balanced enough, the upper one not longer."""
    limit = _limit(text)
    if columns(text) <= limit:
        return (text,)
    best = float("inf")
    chosen: tuple[str, ...] = (text,)
    upper = ""
    for token, following in pairwise(group):
        upper += token.text
        if token.after == _NEVER and following.text:
            continue
        lower = "".join(t.text for t in group)[len(upper) :]
        first, second = upper.strip(), lower.strip()
        a, b = columns(first), columns(second)
        uneven = abs(a - b) + (2 if a > b else 0)
        cost = uneven + 100 * (max(a, b) > limit) - _LINE_GAIN.get(token.after, 0)
        if second and cost < best:
            best, chosen = cost, (first, second)
    return chosen


def _said(group: Sequence[_Token]) -> Iterable[_Said]:
    """What a group shows, if anything. A word that was drawn out beyond all measure is not waited for."""
    text = "".join(token.text for token in group).strip()
    if text:
        start = group[0].start
        yield _Said(start, min(group[-1].end, start + LONGEST), _wrapped(text, group))


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
            captions.append(Caption(start, end, one.lines))
    return captions


def _clock(tick: int, mark: str) -> str:
    milliseconds = tick * 1000 // TICKS_PER_SECOND
    seconds, milliseconds = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{mark}{milliseconds:03}"


def _safe(lines: Sequence[str]) -> str:
    """Text that cannot be taken for SubRip's own arrow."""
    return "\n".join(line.replace("-->", "- ->") for line in lines)
