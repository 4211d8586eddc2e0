"""Where a line of text may end, and where it should.

East Asian rules for the starts and ends of lines (JIS X 4051, kinsoku; GB/T 15834), words of other scripts whole, and
how good a place is: after a sentence, after a clause, before a phrase.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Final

NEVER, POOR, WEAK, PHRASE, CLAUSE, SENTENCE = range(6)
"""How good a break is, from forbidden to best."""

NOT_AT_START: Final = frozenset(
    "、。，．・：；？！」』】〕）〉》”’％…ー々ぁぃぅぇぉっゃゅょァィゥェォッャュョ,.:;?!)]}%»›،؛؟।～·"
)
NOT_AT_END: Final = frozenset("「『【〔（〈《“‘([{«‹¿¡#$￥¥€£")
OPENERS: Final = NOT_AT_END | frozenset("\"'")
SENTENCE_END: Final = frozenset("。．！？!?….؟।॥")
CLAUSE_END: Final = frozenset("，、；：,;:،؛—–")
CLOSERS: Final = frozenset("」』】〕）〉》”’)]}»›\"'")

_LEANING_WORDS: Final = (  # articles, prepositions and conjunctions: they belong to what follows
    "a an the of to in on at for by with from and or but nor as if my your his her its our their this that these those "
    "no le la les un une des du de et à au aux der die das ein eine und el los las una y il lo gli di o os um"
)
_LEANING: Final = frozenset(_LEANING_WORDS.split())
_LEANING_HAN: Final = frozenset(
    "一二三四五六七八九十两几每第这那哪各某不没未很最太更再又只被把让使向从对为因所如与和及在"
)
_TRAILING_HAN: Final = frozenset(
    "们儿子么些里上下中的了着过吗呢吧啊呀嘛得地性化者员度样个位次"
)  # they belong to what is before
_PHRASE_START: Final = frozenset("在和与及把被从对但而就都也还让使将或因所如比向为")  # words that open a Chinese phrase
_PHRASE_END: Final = frozenset("的了着过吗呢吧啊地得")  # particles that close one


def break_after(text: str, following: str) -> int:
    """How good a line break is between ``text``, with the space after it, and ``following``."""
    bare = text.rstrip()
    if not bare or not following:
        return SENTENCE if not following else NEVER
    last, first, spaced = bare[-1], following[0], bare != text
    if last in NOT_AT_END or first in NOT_AT_START or last == first == "—":
        return NEVER
    if not spaced and not (is_wide(last) or is_wide(first)):
        return NEVER
    ending = bare.rstrip("".join(CLOSERS))[-1:] or last
    if ending in SENTENCE_END or ending in CLAUSE_END:
        return SENTENCE if ending in SENTENCE_END else CLAUSE
    if spaced:
        return POOR if bare.split()[-1].lower() in _LEANING else WEAK
    return _within(last, first)


def _within(last: str, first: str) -> int:
    """Between two characters that no space parts."""
    if _is_kana(last) or _is_kana(first):
        return _in_japanese(last, first)
    if last.isdecimal() or last in _LEANING_HAN or first in _TRAILING_HAN or last + first in _pairs():
        return POOR
    return PHRASE if last in _PHRASE_END or first in _PHRASE_START else WEAK


@cache
def _pairs() -> frozenset[str]:
    """Two characters of which everybody sees that they are one word, or part of one."""
    words = Path(__file__).with_name("words_zh.txt").read_text("utf-8").split()
    return frozenset(first + second for word in words for first, second in pairwise(word))


def _in_japanese(last: str, first: str) -> int:
    """Words and their particles mostly end in hiragana and begin with another script."""
    if last in "おご" and not _is_kana(first):
        return NEVER  # the prefix of politeness
    if _is_hiragana(first) or (_is_kana(last) and not _is_hiragana(last) and _is_kana(first)):
        return POOR
    return PHRASE if _is_hiragana(last) else WEAK


def _is_hiragana(char: str) -> bool:
    return "\u3041" <= char <= "\u309f"


def _is_kana(char: str) -> bool:
    return "\u3041" <= char <= "\u30ff" and char not in "・゠"


def is_wide(char: str) -> bool:
    """Whether a character takes a full square: Chinese, Japanese, Korean and their punctuation; most emoji."""
    return unicodedata.east_asian_width(char) in "WF"


def columns(text: str) -> int:
    """Width of a line: 2 for full-width characters, 0 for combining marks, else 1."""
    width = 0
    for char in text:
        if unicodedata.combining(char) or unicodedata.category(char) in ("Cf", "Me", "Mn"):
            continue
        width += 2 if is_wide(char) else 1
    return width
