"""What a language model writes that is no part of its answer: its thinking aloud, and numbers of excerpts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from mien.dialogue.think.base import Citation, Piece
from mien.dialogue.think.passages import Passage

_OPEN: Final = "<think>"
_CLOSE: Final = "</think>"
_NUMBER: Final = re.compile(r"[ \t]?[\[【](\d{1,2}(?:\s?[,、，]\s?\d{1,2})*)[\]】]")
_PERHAPS: Final = re.compile(r"[ \t]?[\[【][\d ,、，]{0,12}\Z|[ \t]\Z")


class AnswerFilter:
    """Text in pieces in, pieces out without thinking aloud; ``[1]`` becomes a citation, told once per passage.

    How the text is cut changes nothing but where pieces end.
    """

    def __init__(self, passages: Sequence[Passage] = ()) -> None:
        self._passages = list(passages)
        self._cited: set[int] = set()
        self._rest = ""
        self._thinking = False
        self._begun = False
        self._behind = False

    def add(self, passage: Passage) -> int:
        """A passage that was found meanwhile. Returns its number."""
        if passage in self._passages:
            return self._passages.index(passage) + 1
        self._passages.append(passage)
        return len(self._passages)

    def push(self, text: str) -> Piece:
        """The next text."""
        return self._flush(text, last=False)

    def close(self) -> Piece:
        """What was held back."""
        return self._flush("", last=True)

    def _flush(self, text: str, *, last: bool) -> Piece:
        self._rest += text
        plain = self._without_thinking(last=last)
        held = None if last else _PERHAPS.search(plain)
        if held:
            plain, self._rest = plain[: held.start()], plain[held.start() :] + self._rest
        cited: list[Citation] = []

        def take(found: re.Match[str]) -> str:
            if not self._passages:
                return found[0]
            for number in re.findall(r"\d+", found[1]):
                index = int(number) - 1
                if 0 <= index < len(self._passages) and index not in self._cited:
                    self._cited.add(index)
                    cited.append(self._passages[index].cite())
            return ""

        return Piece(_NUMBER.sub(take, plain), tuple(cited))

    def _without_thinking(self, *, last: bool) -> str:
        """What is ready of the rest. Thinking stands before the answer, at its very beginning."""
        if not self._begun:
            start = self._rest.lstrip()
            if not last and _OPEN.startswith(start):
                return ""
            self._begun = True
            if start.startswith(_OPEN):
                self._thinking, self._rest = True, start[len(_OPEN) :]
        if self._thinking:
            before, mark, after = self._rest.partition(_CLOSE)
            if not mark:
                self._rest = "" if last else before[-len(_CLOSE) :]
                return ""
            self._thinking, self._rest, self._behind = False, after, True
        if self._behind:  # what it thought ends with empty lines
            self._rest = self._rest.lstrip()
            self._behind = not self._rest
        ready, self._rest = self._rest, ""
        return ready
