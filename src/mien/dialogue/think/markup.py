"""What a language model writes, cleaned for speech as it comes: Markdown, code, links and unknown marks go.

Whatever cannot be decided yet waits for the next text, so that how the text is cut changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from mien.dialogue.script import parse
from mien.errors import InputError
from mien.types import EMOTION_NAMES

LONGEST_MARK: Final = 80
"""Characters between two brackets; more is no mark, and only the bracket goes."""

_LONGEST_LINK: Final = 2_000
_SCHEMES: Final = ("https://", "http://", "www.")
_LINK: Final = re.compile(r"[^\s<>()（）\[\]{}，。；！？、：\"'“”‘’»」』|`*]*")
_RULE: Final = re.compile(r"[ \t]*([-*_=])(?:[ \t]*\1){2,}[ \t]*(?=\n|\Z)")
_LEAD: Final = re.compile(r"[ \t]*(?:(?:[-+*•·▪◦]|\d{1,3}[.)、]|>|#{1,6})[ \t]+(?:\[[ xX]\][ \t]+)?)*")
_LEAD_PART: Final = re.compile(r"[ \t]*(?:(?:[-+*•·▪◦]|\d{1,3}[.)、]|>|#{1,6})[ \t]+(?:\[[ xX]\][ \t]+)?)*"
                               r"(?:[-+*_=•·▪◦# \t>`~]*|\d{1,3}[.)、]?|\[[ xX]?\]?)\Z")  # fmt: skip
_LONGEST_LEAD: Final = 120


class Mark(str):
    """A mark of the script's grammar in its brackets: ``[happy]``, ``[/happy]``, ``[pause 300ms]``, ``[cue a]``."""

    __slots__ = ()


class Markup:
    """Text in; characters to speak (``"\\n"`` ends a line) and :class:`Mark` s out."""

    def __init__(self) -> None:
        self._rest = ""
        self._last = "\n"
        self._starts = True  # at the start of a line
        self._code = False  # inside a block of code
        self._table = False  # in a row of a table

    def push(self, text: str) -> Iterator[str]:
        """The next text; yields what is certain."""
        self._rest += text
        yield from self._ready(last=False)

    def close(self) -> Iterator[str]:
        """Nothing more comes; yields the rest."""
        yield from self._ready(last=True)
        self._rest = ""

    def _ready(self, *, last: bool) -> Iterator[str]:
        while self._rest:
            if self._code:
                took = self._skip_code(last=last)
            elif self._starts:
                took = self._lead(last=last)
            else:
                found = self._inline(self._rest[0], last=last)
                took = found is not None
                for item in found or ():
                    if not isinstance(item, Mark):
                        self._last = item
                    yield item
            if not took:
                return

    def _take(self, size: int) -> str:
        taken, self._rest = self._rest[:size], self._rest[size:]
        return taken

    def _skip_code(self, *, last: bool) -> bool:
        """A line inside a block of code."""
        stop = self._rest.find("\n")
        if stop < 0 and not last:
            self._rest = self._rest[:_LONGEST_LEAD]  # only the line's beginning matters
            return False
        line = self._take(stop + 1 if stop >= 0 else len(self._rest))
        self._code = not line.strip().startswith(("```", "~~~"))
        return True

    def _lead(self, *, last: bool) -> bool:
        """What stands before the words of a line: marks of headings, lists and quotes; rules; fences of code."""
        if not last and len(self._rest) < _LONGEST_LEAD and _LEAD_PART.match(self._rest) and "\n" not in self._rest:
            return False
        rule = _RULE.match(self._rest)
        if rule:
            self._take(rule.end())
        else:
            lead = _LEAD.match(self._rest)
            self._take(lead.end() if lead else 0)
            if self._rest.startswith(("```", "~~~")):
                stop = self._rest.find("\n")
                if stop < 0 and not last:
                    self._rest = self._rest[:_LONGEST_LEAD]
                    return False
                self._take(stop + 1 if stop >= 0 else len(self._rest))
                self._code = True
                return True
        self._starts = False
        self._table = self._rest.startswith("|")
        return True

    def _inline(self, char: str, *, last: bool) -> list[str] | None:
        """What the rest begins with, taken; None while it is not certain."""
        following = self._rest[1:2]
        if char == "\n":
            self._take(1)
            self._starts, self._table = True, False
            return ["\n"]
        special = {"[": self._bracket, "<": self._tag}.get(char)
        if char == "!" and following == "[":
            special = self._picture
        if char in "hHwW" and not self._last.isalnum():
            special = self._address
        if special:
            return special(last=last)
        if char in "]*_!~\\" and not following and not last:
            return None
        return self._character(char, following)

    def _character(self, char: str, following: str) -> list[str]:
        self._take(2 if char + following in ("]]", "~~") else 1)
        silent = (
            (char == "]" and following != "]")
            or (char == "*" and not (self._last.isdigit() and following.isdigit()))
            or (char == "_" and not (self._last.isalnum() and following.isalnum()))
            or (char == "\\" and following and not following.isalnum())
            or char + following == "~~"
            or char == "`"
        )
        if self._table and char == "|":
            return [","] if self._last not in ",\n，" else []
        if self._table and char in "-:" and self._last in ",\n-":
            return []
        return [] if silent else [char]

    def _bracket(self, *, last: bool) -> list[str] | None:
        """A mark, a link's words, or nothing: what else stands in brackets is never spoken."""
        if self._rest.startswith("[["):
            self._take(2)
            return ["["]
        stop = self._rest.find("]", 1, LONGEST_MARK + 2)
        line = self._rest.find("\n", 1, LONGEST_MARK + 2)
        if stop < 0 or 0 <= line < stop:
            if stop < 0 and line < 0 and len(self._rest) <= LONGEST_MARK + 1 and not last:
                return None
            self._take(1)
            return []
        body = self._rest[1:stop]
        mark = known_mark(body)
        following = self._rest[stop + 1 : stop + 2]
        if mark is None and (following == "(" or not (following or last)):
            return self._link(body, stop, last=last) if following else None
        self._take(stop + 1)
        return [mark] if mark else []

    def _link(self, body: str, stop: int, *, last: bool) -> list[str] | None:
        end = self._rest.find(")", stop, stop + _LONGEST_LINK)
        if end < 0 and not last and len(self._rest) < stop + _LONGEST_LINK:
            return None
        self._rest = body.replace("[", "").replace("]", "") + (self._rest[end + 1 :] if end >= 0 else "")
        return []

    def _picture(self, *, last: bool) -> list[str] | None:
        """A picture goes with its words; an exclamation mark before a mark stays."""
        stop = self._rest.find("]", 2, _LONGEST_LINK)
        line = self._rest.find("\n", 2, _LONGEST_LINK)
        if stop < 0 and line < 0 and len(self._rest) < _LONGEST_LINK and not last:
            return None
        following = self._rest[stop + 1 : stop + 2] if stop >= 0 else ""
        if stop < 0 or 0 <= line < stop or known_mark(self._rest[2:stop]):
            return [self._take(1)]
        if not following and not last:
            return None
        if following != "(":
            return [self._take(1)]
        end = self._rest.find(")", stop, stop + _LONGEST_LINK)
        if end < 0 and not last and len(self._rest) < stop + _LONGEST_LINK:
            return None
        self._take(end + 1 if end >= 0 else len(self._rest))
        return []

    def _address(self, *, last: bool) -> list[str] | None:
        """Of an address only the machine's name is spoken."""
        start = self._rest[:8].lower()
        scheme = next((s for s in _SCHEMES if start.startswith(s)), "")
        if not scheme:
            if not last and any(s.startswith(start) for s in _SCHEMES):
                return None
            return [self._take(1)]
        found = _LINK.match(self._rest)
        size = found.end() if found else 0
        if size == len(self._rest) and not last and size < _LONGEST_LINK:
            return None
        address = self._rest[:size].rstrip(".,;:!?")
        self._take(len(address))
        return list(_host(address))

    def _tag(self, *, last: bool) -> list[str] | None:
        """A tag of HTML goes; an address in angle brackets is an address; a smaller-than sign stays."""
        following = self._rest[1:2]
        if not following and not last:
            return None
        if not (following.isascii() and (following.isalpha() or following in "/!")):
            return [self._take(1)]
        stop = self._rest.find(">", 1, 300)
        line = self._rest.find("\n", 1, 300)
        if stop < 0 or 0 <= line < stop:
            if stop < 0 and line < 0 and len(self._rest) < 300 and not last:
                return None
            self._take(1)
            return []
        body = self._take(stop + 1)[1:-1]
        return list(_host(body)) if body.lower().startswith(_SCHEMES) else []


def known_mark(body: str) -> Mark | None:
    """The mark of the script's grammar that stands between two brackets; None for everything else."""
    words = body.strip().split()
    if not words:
        return None
    name = words[0].lower()
    if name.startswith("/"):
        name = "".join(words).lower()
        return Mark(f"[{name}]") if name[1:] in EMOTION_NAMES else None
    text = f"[{' '.join((name, *words[1:]))}]"
    if name not in (*EMOTION_NAMES, "pause", "cue"):
        return None
    try:
        parse(text if name in ("pause", "cue") else f"{text}a[/{name}]")
    except InputError:
        return None
    return Mark(text)


def _host(address: str) -> str:
    try:
        named = urlsplit(address if "://" in address else f"//{address}").hostname or ""
    except ValueError:
        return ""
    return named.removeprefix("www.")
