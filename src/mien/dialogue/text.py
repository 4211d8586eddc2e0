"""Text as it is spoken, and where each of its characters stands in what the user wrote.

Cleaning never raises for odd characters: what cannot be spoken becomes a space or vanishes, and every character that
stays knows its source range, so that word times always point at the user's own text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from mien.errors import InputError

MAX_CHARACTERS: Final = 200_000
"""Longest script, in characters: about five hours of English, thirteen of Chinese."""

LONGEST_SENTENCE: Final = 240
"""Sentences beyond this many characters are cut at a comma, else at a space."""

ENDERS: Final = frozenset("。！？!?…｡؟۔।॥።։။។")
CLOSERS: Final = frozenset("\"'”’»」』）)]】》〉")
PAUSERS: Final = frozenset(",;:，；：、،؛")
_ABBREVIATIONS = frozenset((
    "mr", "mrs", "ms", "dr", "st", "prof", "rev", "gen", "sen", "rep", "lt", "col", "sgt", "capt", "jr", "sr", "vs",
    "etc", "no", "vol", "fig", "dept", "inc", "ltd", "co", "corp", "est", "approx", "e.g", "i.e", "cf", "al", "p", "pp",
    "ed", "eds", "a.m", "p.m", "u.s", "u.k", "z.b", "d.h", "usw", "bzw", "hr", "fr", "nr", "sra", "av", "bd", "mme",
))  # fmt: skip
_PICTURES = re.compile("[\u2190-\u21ff\u2300-\u27bf\u2900-\u2bff\U0001f000-\U0001ffff\U000e0000-\U0010ffff]")
_PLAIN = re.compile(r"[\x20-\x7e\u00a1-\u00ac\u00ae-\u017f\u3001-\u3003\u3007-\u3011\u3041-\u3093\u30a1-\u30fe"
                    r"\u4e00-\u9fff\uac00-\ud7a3\uff01\uff0c\uff1a\uff1b\uff1f“”‘’—…]*\Z")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mapped:
    """Text with the half-open source range of each character: begin[i]…end[i]."""

    text: str
    begin: tuple[int, ...]
    end: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.text)

    def cut(self, start: int, stop: int) -> Mapped:
        """The characters start…stop."""
        return Mapped(self.text[start:stop], self.begin[start:stop], self.end[start:stop])

    def source(self, start: int, stop: int) -> tuple[int, int]:
        """Source range that the characters start…stop (not empty) came from."""
        return min(self.begin[start:stop]), max(self.end[start:stop])


def identity(text: str, offset: int = 0) -> Mapped:
    """Text that stands in the source as it is, from ``offset``."""
    return Mapped(text, tuple(range(offset, offset + len(text))), tuple(range(offset + 1, offset + len(text) + 1)))


def join(pieces: list[Mapped]) -> Mapped:
    """Pieces one after another."""
    return Mapped(
        "".join(p.text for p in pieces),
        tuple(i for p in pieces for i in p.begin),
        tuple(i for p in pieces for i in p.end),
    )


def check_length(text: str) -> None:
    """Raises InputError for text beyond :data:`MAX_CHARACTERS`."""
    if len(text) > MAX_CHARACTERS:
        raise InputError(
            f"The text has {len(text):,} characters; at most {MAX_CHARACTERS:,} can be spoken at once.",
            hint="Split it into several films.",
            code="input.text_too_long",
        )


def clean(source: Mapped) -> Mapped:
    """Speakable text: NFC, no control, zero-width or direction characters, no emoji, whole-width letters and digits.

    Line breaks stay; other white space becomes a space.
    """
    if _PLAIN.match(source.text):
        return source
    out: list[str] = []
    begin: list[int] = []
    end: list[int] = []
    for start, stop in _clusters(source.text):
        spoken = _speakable(source.text[start:stop], source.text[stop : stop + 1])
        if spoken == source.text[start:stop]:
            out.append(spoken)
            begin += source.begin[start:stop]
            end += source.end[start:stop]
            continue
        first, last = source.source(start, stop)
        out.append(spoken)
        begin += [first] * len(spoken)
        end += [last] * len(spoken)
    return Mapped("".join(out), tuple(begin), tuple(end))


def is_speakable(text: str) -> bool:
    """Whether anything in cleaned text has a sound: a letter, a digit or a symbol such as % or €."""
    return any(unicodedata.category(c)[0] in "LN" or c in "%&@#+=€$£¥°" for c in text)


def sentences(text: Mapped) -> Iterator[Mapped]:
    """Cleaned text, sentence by sentence, each with its closing punctuation and without outer white space."""
    start, size = 0, len(text)
    i = 0
    while i < size:
        stop = _sentence_end(text.text, start, i)
        if stop:
            yield from _shortened(_stripped(text, start, stop))
            start = i = stop
        else:
            i += 1
    yield from _shortened(_stripped(text, start, size))


def _clusters(text: str) -> Iterator[tuple[int, int]]:
    """Ranges that NFC treats as one: a character and the marks (or Hangul vowels and finals) that follow it."""
    start = 0
    for i in range(1, len(text) + 1):
        if i == len(text) or not _continues(text[i]):
            yield start, i
            start = i


def _continues(char: str) -> bool:
    return unicodedata.combining(char) != 0 or "\u1160" <= char <= "\u11ff" or char in "\u3099\u309a\uff9e\uff9f"


def _speakable(cluster: str, following: str) -> str:
    code = ord(cluster[0])
    wide = (
        0xFF10 <= code <= 0xFF5A or 0xFF65 <= code <= 0xFFDC or 0x1D400 <= code <= 0x1D7FF or 0xFB00 <= code <= 0xFB06
    )
    wide = wide and not 0xFF1A <= code <= 0xFF1F
    composed = unicodedata.normalize("NFKC" if wide else "NFC", cluster)
    return "".join(_spoken_character(c, following) for c in composed[:32])


def _spoken_character(char: str, following: str) -> str:
    code, category = ord(char), unicodedata.category(char)
    if char in "\n\r\u2028\u2029\x0b\x0c\x85":
        return "\n"
    if category[0] == "Z" or char == "\t":
        return " "
    if code in (0x200C, 0x200D):  # they shape words in Persian and the scripts of India
        return char if following and 0x600 <= ord(following) <= 0xDFF else ""
    if category in ("Cc", "Cf") or 0xFE00 <= code <= 0xFE0F or 0x1F3FB <= code <= 0x1F3FF or code == 0x20E3:
        return ""
    return " " if category in ("Cs", "Co", "Cn") or char == "\ufffd" or _PICTURES.match(char) else char


def _sentence_end(text: str, start: int, i: int) -> int:
    """Index after the sentence when one ends at character i, else 0."""
    char = text[i]
    if char == "\n":
        return i + 1 if _line_breaks(text, start, i) else 0
    if char in "?!" and text[i + 1 : i + 2].isascii() and text[i + 1 : i + 2].isalnum():
        return 0  # inside an address such as example.com/?q=1
    if char in ENDERS or (char == "." and is_full_stop(text, start, i)):
        stop = i + 1
        while stop < len(text) and (text[stop] in ENDERS or text[stop] in CLOSERS or text[stop] == "."):
            stop += 1
        return stop
    return 0


def _line_breaks(text: str, start: int, i: int) -> bool:
    """A blank line ends a sentence; so does the end of a short line, which nobody wrapped for width."""
    if text[i + 1 : i + 2] in ("\n", ""):
        return True
    line = text[max(start, text.rfind("\n", 0, i) + 1) : i]
    return not line or sum(2 if ord(c) > 0x2E80 else 1 for c in line) < 48 or ord(line[-1]) > 0x2E80


def is_full_stop(text: str, start: int, i: int) -> bool:
    """Whether the full stop at ``i`` ends the sentence from ``start``: not in numbers and addresses, or after Dr."""
    following = text[i + 1 : i + 2]
    if following and following not in CLOSERS and not following.isspace() and following != ".":
        return ord(following) > 0x2E80
    word = text[max(start, i - 12) : i].rsplit(None, 1)[-1:] or [""]
    bare = word[0].lstrip("(\"'“‘").lower()
    if bare in _ABBREVIATIONS or (len(bare) == 1 and bare.isalpha() and word[0].isupper()):
        rest = text[i + 1 :].lstrip()
        return not rest
    return True


def _stripped(text: Mapped, start: int, stop: int) -> Mapped:
    while start < stop and text.text[start].isspace():
        start += 1
    while stop > start and text.text[stop - 1].isspace():
        stop -= 1
    return text.cut(start, stop)


def _shortened(sentence: Mapped) -> Iterator[Mapped]:
    rest = sentence
    while len(rest) > LONGEST_SENTENCE:
        stop = _cut(rest.text)
        yield _stripped(rest, 0, stop)
        rest = _stripped(rest, stop, len(rest))
    if len(rest):
        yield rest


def _cut(text: str) -> int:
    """Where to cut a text that is too long: after the last comma, else the last space, else anywhere."""
    for i in range(LONGEST_SENTENCE, LONGEST_SENTENCE // 3, -1):
        if text[i - 1] in PAUSERS and not text[i].isdigit():
            return i
    for i in range(LONGEST_SENTENCE, LONGEST_SENTENCE // 3, -1):
        if text[i - 1].isspace():
            return i
    return LONGEST_SENTENCE
