"""A talk in a few words, for the memory: by a language model where one answers, else by what was asked."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence
from typing import Final

from mien.dialogue.think.base import Persona, Question, Said, Thinker
from mien.dialogue.think.facts import Fact, redacted
from mien.dialogue.think.memory import LONGEST_SUMMARY, MOST_FACTS, Memory, Remembered
from mien.errors import MienError
from mien.turn import Cut, Turn

_WANTED: Final = (
    "Below is a talk between a visitor and an assistant, and what was known before. Write what is worth remembering of "
    "the visitor. First one line 'SUMMARY: …' of at most sixty words, then for each fact that the visitor told of "
    "themself one line 'FACT: kind: value', such as 'FACT: name: Anna'. No passwords, numbers of cards, accounts or "
    "telephones, nothing about health, beliefs or politics, nothing that was not said.\n\n"
)
_TALK: Final = 2_200  # characters of a talk that are told to a model, its end
_LINE: Final = re.compile(r"^\s*(SUMMARY|FACT)\s*[:：]\s*(.+?)\s*$", re.M | re.I)


def remember(memory: Memory, visitor: str, talk: Sequence[Said], thinker: Thinker, turn: Turn | None = None) -> None:
    """At the end of a talk: keep of it what may be kept. talk: what was really said and heard.

    Facts are found by rules; where the thinker can write, it also tells facts and a summary, and what goes wrong there
    is no loss. Takes as long as the thinker; cutting the turn ends it. Raises what the memory raises.
    """
    memory.heard(visitor, *talk)
    before = memory.known(visitor)
    if before is None:
        return
    summary = plain_digest(talk)
    facts: tuple[Fact, ...] = ()
    if thinker.info.writes:
        with contextlib.suppress(MienError, Cut):
            summary, facts = digest(thinker, talk, before, turn or Turn())
    memory.learn(visitor, facts, summary)


def digest(
    thinker: Thinker, talk: Sequence[Said], before: Remembered | None, turn: Turn
) -> tuple[str, tuple[Fact, ...]]:
    """Summary and facts of a talk by a language model. Raises what the thinker raises; the talk is sent to it."""
    known = "\n".join(before.known) if before else ""
    lines = "\n".join(f"{said.role}: {said.text}" for said in talk)[-_TALK:]
    asked = f"{_WANTED}Known before:\n{known[:800] or '-'}\n\nTalk:\n{lines}"
    persona = Persona(name="a careful archivist", manner="You write exactly the lines that are asked for.")
    told = "".join(piece.text for piece in thinker.answer(Question(asked, "en", persona=persona), turn))
    summary, facts = "", []
    for kind, words in _LINE.findall(told):
        if kind.upper() == "SUMMARY":
            summary = redacted(words)[:LONGEST_SUMMARY]
        elif ":" in words or "：" in words:
            key, _, value = words.replace("：", ":").partition(":")
            facts.append(Fact(key.strip().lower()[:40], redacted(value.strip())[:80]))
    return summary, tuple(fact for fact in facts if fact.key and fact.value)[:MOST_FACTS]


def plain_digest(talk: Sequence[Said]) -> str:
    """What a visitor asked about, in their own words: the summary where no language model is configured."""
    asked = [" ".join(said.text.split())[:80] for said in talk if said.role == "user"]
    questions = [redacted(text) for text in asked if len(text) > 3 and text.endswith(("?", "？", "吗", "呢"))]
    return f"asked: {' / '.join(dict.fromkeys(questions[-5:]))}" if questions else ""
