"""What of an answer was heard: the rest was cut off and must not be remembered as said."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from mien.dialogue.think.segments import Clause
from mien.types import SpeechPart


@dataclass
class _Said:
    """A clause on the time line. marks: (tick, share of the clause that is said by then), rising."""

    turn: int
    clause: Clause
    end: int = 0
    marks: list[tuple[int, float]] = field(default_factory=list)


class Spoken:
    """Follows clauses to the time line and cuts them where the listener's knowledge ends. Not thread-safe.

    on_clause: told of a clause when its first sound has a place: (turn, clause, tick).
    """

    def __init__(self, on_clause: Callable[[int, Clause, int], None] = lambda *_: None) -> None:
        self._said: list[_Said] = []
        self._on_clause = on_clause

    def place(self, part: SpeechPart, clause: Clause) -> None:
        """Speech of a clause was put on the time line."""
        if not self._said or self._said[-1].clause is not clause:
            self._said.append(_Said(part.turn, clause))
            self._on_clause(part.turn, clause, part.audio.start)
        said = self._said[-1]
        said.end = part.audio.end
        for word in part.words or ():
            said.marks.append(((word.start + word.end) // 2, word.char_end / max(1, len(clause.script))))
        if part.words is None:
            said.marks.append((part.audio.end, -1.0))

    def heard(self, tick: int) -> list[str]:
        """Answers as far as they were heard before a tick, one for each turn; they are then forgotten."""
        texts: dict[int, list[str]] = {}
        for said in self._said:
            text = said.clause.text if said.end <= tick else _until(said, tick)
            if text.strip():
                texts.setdefault(said.turn, []).append(text.strip())
        self._said.clear()
        return [_joined(parts) for parts in texts.values()]


def _until(said: _Said, tick: int) -> str:
    """The clause up to the last word of which half was heard; by its share of the sound where words have no times."""
    before = [share for at, share in said.marks if at <= tick]
    if not before:
        return ""
    share = len(before) / len(said.marks) if min(before) < 0 else max(before)
    text = said.clause.text
    end = round(share * len(text))
    if end >= len(text):
        return text
    spaced = " " in text
    return (
        text[:end].rpartition(" ")[0] if spaced and text[end] != " " and text[end - 1 : end].isalnum() else text[:end]
    )


def _joined(parts: list[str]) -> str:
    """Clauses as a text: spaces between them where the writing has some."""
    out = ""
    for part in parts:
        out += (" " if out and ord(out[-1]) < 0x2E80 and ord(part[0]) < 0x2E80 else "") + part
    return out
