"""What a reader takes for one character: a letter with its accents, an emoji of several parts.

Follows the extended grapheme clusters of Unicode (UAX #29) as far as Python's own tables tell.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Final

ZWJ: Final = "\u200d"
EMOJI_STYLE: Final = "\ufe0f"
_TEXT_STYLE: Final = "\ufe0e"
_KEYCAP: Final = "\u20e3"
_JOINS: Final = frozenset("\u200c\u200d\u0e33\u0eb3")
_VIRAMA: Final = 9  # canonical combining class of the sign that joins two consonants of an Indic script


def split(text: str) -> list[str]:
    """The clusters of a text; joined they are the text."""
    found: list[str] = []
    for char in text:
        if found and _goes_on(found[-1], char):
            found[-1] += char
        else:
            found.append(char)
    return found


def _goes_on(cluster: str, char: str) -> bool:
    last = cluster[-1]
    if char in _JOINS or unicodedata.category(char) in ("Mn", "Me", "Mc") or _is_modifier(char) or _is_tag(char):
        return not (last.isspace() and not unicodedata.combining(last))
    if last == ZWJ:
        return _is_picture(char) or char.isalpha()
    if _is_flag_letter(char):
        return _is_flag_letter(last) and len(cluster) % 2 == 1
    if unicodedata.combining(last) == _VIRAMA:
        return unicodedata.category(char) == "Lo"
    return "\u1160" <= char <= "\u11ff" and "\u1100" <= last <= "\u11ff"  # Hangul in parts


@lru_cache(4096)
def is_emoji(cluster: str) -> bool:
    """Whether a cluster is shown as a coloured picture unless it is told otherwise."""
    if _TEXT_STYLE in cluster:
        return False
    return EMOJI_STYLE in cluster or _KEYCAP in cluster or _is_picture(cluster[0])


@lru_cache(4096)
def visible(cluster: str) -> str:
    """The characters of a cluster that a font needs glyphs for."""
    return "".join(char for char in cluster if not is_silent(char))


def is_silent(char: str) -> bool:
    """Characters that only say how others are shown."""
    if char.isspace():
        return True
    return unicodedata.category(char) in ("Cf", "Cc") or "\ufe00" <= char <= "\ufe0f" or _is_tag(char)


def name(cluster: str) -> str:
    """What it is called: its code points and, where Unicode has them, their names."""
    return ", ".join(f"U+{ord(char):04X} {unicodedata.name(char, 'without a name')}" for char in visible(cluster))


def _is_picture(char: str) -> bool:
    """Emoji that are pictures by default: the symbols that take a full square, outside of the CJK blocks."""
    if _is_flag_letter(char) or _is_modifier(char):
        return True
    if "\u2e80" <= char <= "\uffef" or char < "\u2300":
        return False
    return unicodedata.category(char) in ("So", "Sm", "Po") and unicodedata.east_asian_width(char) == "W"


def _is_flag_letter(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"


def _is_modifier(char: str) -> bool:
    return "\U0001f3fb" <= char <= "\U0001f3ff"


def _is_tag(char: str) -> bool:
    return "\U000e0020" <= char <= "\U000e007f"
