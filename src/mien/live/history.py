"""What of an answer was heard: the rest was cut off and must not be remembered as said."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from mien.types import SpeechPart


@dataclass
class _Answer:
    turn: int
    text: str = ""
    complete: bool = False
    marks: list[tuple[int, int]] = field(default_factory=list)
    """(tick at which it is heard, end of it in the text), rising."""


class Spoken:
    """Follows answers from text to the line. Not thread-safe."""

    def __init__(self) -> None:
        self._answers: deque[_Answer] = deque()

    def write(self, turn: int, text: str) -> None:
        """The next words of a turn's answer."""
        self._of(turn).text += text

    def place(self, part: SpeechPart) -> None:
        """Speech was put on the time line."""
        answer = self._of(part.turn)
        if part.words is None:
            answer.marks.append((part.audio.end, -1))
        for word in part.words or ():
            answer.marks.append(((word.start + word.end) // 2, word.char_end))

    def complete(self, turn: int) -> None:
        """All of the answer is on the line."""
        self._of(turn).complete = True

    def heard(self, tick: int) -> list[str]:
        """Texts of the answers, as far as heard before a tick; they are then forgotten."""
        out = []
        for answer in self._answers:
            text = _until(answer, tick).strip()
            if text:
                out.append(text)
        self._answers.clear()
        return out

    def _of(self, turn: int) -> _Answer:
        for answer in self._answers:
            if answer.turn == turn:
                return answer
        self._answers.append(_Answer(turn))
        return self._answers[-1]


def _until(answer: _Answer, tick: int) -> str:
    """The text up to the last word of which half was heard; by its share of the sound where words have no times."""
    if not answer.marks or answer.marks[0][0] > tick:
        return ""
    if answer.complete and answer.marks[-1][0] <= tick:
        return answer.text
    if any(end < 0 for _, end in answer.marks):
        share = sum(at <= tick for at, _ in answer.marks) / len(answer.marks)
        return answer.text[: int(share * len(answer.text))].rpartition(" ")[0]
    return answer.text[: max(end for at, end in answer.marks if at <= tick)]
