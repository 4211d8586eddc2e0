"""Answers of a session that are written instead of spoken."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mien.dialogue.think.base import Question, Said
from mien.dialogue.think.segments import segment
from mien.errors import InputError
from mien.live.session import Session
from mien.turn import Turn


def written(session: Session, text: str, turn: Turn, say: Callable[[str], object]) -> None:
    """Answer in writing; the session remembers it like what it says. say: told each clause. Raises Cut, and what
    thinkers raise.
    """
    who, history = session.troupe, session.history
    session.note(Said("user", text))
    question = Question(text, who.language, history, who.persona, who.known(), who.tools())
    told = ""
    try:
        for clause in segment(who.thinker.answer(question, turn)):
            turn.check()
            told = f"{told} {clause.text}".strip()
            say(clause.text)
    finally:
        if told:
            session.note(Said("assistant", told))


def modality_of(wanted: Any, usual: str) -> str:
    """What an answer is: "audio" or "text"."""
    if wanted is None:
        return usual
    if wanted not in (["audio"], ["text"]):
        raise InputError("output_modalities is ['audio'] or ['text'].", code="unsupported_modality")
    return str(wanted[0])
