"""Greetings, thanks and who is who, in English and Chinese; whoever needs more configures a language model."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any, Final

from mien.dialogue.think.base import Question
from mien.dialogue.think.facts import facts_in

_LONGEST: Final = 60
_MOST_NAMES: Final = 5
_CALLED: Final = re.compile(r"\A(?:name|名字)\s*[:：]\s*(.+)\Z")


def small_talk(question: Question, documents: Sequence[str]) -> str:
    """The answer to what everybody says, "" when the question is about something. documents: names of them."""
    plain = _plain(question.text)
    if not plain or len(plain) > _LONGEST:
        return ""
    told = next((fact.value for fact in facts_in(question.text) if fact.key == "name"), "")
    if told and len(plain) <= len(told) + 24:
        return line("named", question, visitor=told)
    for kind, patterns in _asked():
        if any(pattern.fullmatch(plain) or pattern.fullmatch(_called_by(plain, question)) for pattern in patterns):
            return _reply(kind, question, documents)
    return ""


def line(kind: str, question: Question, **more: str) -> str:
    """One of the sentences of ``smalltalk.toml`` in the language to answer in (English where there is no other)."""
    language = question.answer_language
    persona = question.persona.speaking(language)
    own = {"who": persona.about, "unknown": persona.unknown, "hello": persona.greeting}.get(kind, "")
    said: str = own or _table()[kind].get(language) or _table()[kind]["en"]
    for name, value in {"name": persona.name, **more}.items():
        said = said.replace(f"{{{name}}}", value)
    return said


def _reply(kind: str, question: Question, documents: Sequence[str]) -> str:
    known = next((found[1] for fact in question.known if (found := _CALLED.match(fact))), "")
    if kind == "nameless" and known:
        return line("recalled", question, visitor=known)
    if kind == "can":
        names = [name.rsplit("/", 1)[-1].rsplit(".", 1)[0].replace("_", " ") for name in documents[:_MOST_NAMES]]
        comma = "、" if question.answer_language == "zh" else ", "
        return line("can", question, documents=comma.join(names)) if names else line("empty", question)
    return line(kind, question)


def _plain(text: str) -> str:
    """Lower case, without punctuation and emoji."""
    kept = "".join(c if unicodedata.category(c)[0] in "LNM" or c == "'" else " " for c in text.replace("’", "'"))
    return " ".join(kept.lower().split())


def _called_by(plain: str, question: Question) -> str:
    """Without the persona's name at its end: "hello lin"."""
    name = _plain(question.persona.speaking(question.answer_language).name)
    return plain.removesuffix(name).strip() if name else plain


@cache
def _table() -> dict[str, dict[str, Any]]:
    return tomllib.loads(files("mien.dialogue.think").joinpath("smalltalk.toml").read_text("utf-8"))


@cache
def _asked() -> tuple[tuple[str, tuple[re.Pattern[str], ...]], ...]:
    return tuple((kind, tuple(re.compile(p) for p in entry["asked"])) for kind, entry in _table().items())
