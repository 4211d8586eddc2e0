"""A stretch of a document that can answer something."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from mien.dialogue.think.base import Citation

_LONGEST_QUOTE: Final = 300


@dataclass(frozen=True, slots=True)
class Passage:
    """source: the document's name inside its folder. place: page, heading, row or line. text: its words.

    question: in a list of questions and answers the question (several wordings, one a line), and text is the answer.
    """

    source: str
    place: str
    text: str
    question: str = ""

    def numbered(self, number: int) -> str:
        """As a language model reads it."""
        asked = f"Question: {self.question}\nAnswer: " if self.question else ""
        return f"[{number}] {self.source}, {self.place}\n{asked}{self.text}"

    def cite(self, quote: str = "") -> Citation:
        """Where it stands; quote: its words that count, default its beginning."""
        words = " ".join((quote or self.text).split())
        if len(words) > _LONGEST_QUOTE:
            words = words[: _LONGEST_QUOTE - 1] + "…"
        return Citation(self.source, self.place, words)
