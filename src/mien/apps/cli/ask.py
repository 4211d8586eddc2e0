"""``mien ask``: one question, the answer as it comes, and where it stands.

Events under ``--json``, one JSON object a line on standard output:

- ``clause``: number, text, script: what is spoken at once, as soon as it is whole.
- ``citation``: source, place, quote.
- ``answered``: text, known (false: the documents do not say), backend, first (seconds until the first clause), seconds.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mien import config
from mien.apps.cli import console
from mien.errors import UsageError

if TYPE_CHECKING:
    from mien.dialogue.think.base import Citation, Piece, Question, Thinker
    from mien.dialogue.think.memory import Memory


def command(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="The question.")],
    documents: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="What to answer from: .md .txt .pdf .docx, lists as .csv .json .toml.",
            show_default=False,
        ),
    ] = None,
    think: Annotated[
        str | None, typer.Option(metavar="NAME", help="openai, documents or auto.", show_default=False)
    ] = None,
    persona: Annotated[
        str | None, typer.Option(metavar="NAME", help="guide, teller, tutor, or a TOML file.", show_default=False)
    ] = None,
    language: Annotated[str, typer.Option("--language", "-l", metavar="CODE", help="en, zh …; auto.")] = "auto",
    visitor: Annotated[
        str, typer.Option(metavar="NAME", help="Who asks, for the memory (see: mien memory).", show_default=False)
    ] = "",
) -> None:
    """Ask a question: from documents, or of a language model.

    mien ask "When do you open?" --documents handbook/
    """  # fmt: skip
    from mien.dialogue.think.base import Question
    from mien.dialogue.think.choose import open_thinker
    from mien.dialogue.think.personas import load_persona

    if not text.strip():
        raise UsageError("What is the question?", hint='Write it in quotes: mien ask "When do you open?"')
    settings = config.override(config.load().think, backend=think, persona=persona)
    if documents is not None:
        settings = replace(settings, documents=str(documents))
    who = load_persona(settings.persona)
    with contextlib.closing(open_thinker(settings, console.note)) as thinker, _memory(visitor) as memory:
        kept = memory.known(visitor) if memory else None
        if memory and memory.mode == "ask" and kept is None:
            console.note(f"'{visitor}' has not agreed to be remembered: mien memory agree {visitor}")
        question = Question(
            text, language, (kept.said if kept else ()), who, (kept.known if kept else ()),
        )  # fmt: skip
        _tell(thinker, question, memory, visitor)


@contextlib.contextmanager
def _memory(visitor: str) -> Iterator[Memory | None]:
    """The memory, when a visitor is named."""
    from mien.dialogue.think.memory import Memory

    if not visitor:
        yield None
        return
    memory = Memory()
    if memory.mode == "off":
        console.note("The memory is off, so nothing is kept: MIEN_THINK_MEMORY=on switches it on.")
    with contextlib.closing(memory):
        yield memory


def _tell(thinker: Thinker, question: Question, memory: Memory | None, visitor: str) -> None:
    """Print the answer as it comes; then where it stands. It counts as heard when all of it was printed."""
    from mien.dialogue.think.base import Said
    from mien.dialogue.think.digest import remember
    from mien.dialogue.think.segments import Segmenter
    from mien.turn import Turn

    segmenter = Segmenter()
    said: list[str] = []
    cited: list[Citation] = []
    started = time.monotonic()
    first = 0.0
    known = True
    for piece in _pieces(thinker, question, Turn()):
        ends = segmenter.close() if piece is None else segmenter.push(piece)
        cited += piece.citations if piece else ()
        known = known and (piece is None or piece.known)
        for clause in ends:
            first = first or time.monotonic() - started
            said.append(clause.text)
            console.event("clause", number=clause.number, text=clause.text, script=clause.script)
            _print(clause.text)
    answer = joined(said)
    if not console.is_json():
        console.line()
    for one in cited:
        quote = one.quote if len(one.quote) <= 120 else one.quote[:119] + "…"
        console.event("citation", plain=f"  [{one.source}, {one.place}] {quote}", source=one.source, place=one.place,
                      quote=one.quote)  # fmt: skip
    console.event(
        "answered", text=answer, known=known, backend=thinker.info.name, first=round(first, 3),
        seconds=round(time.monotonic() - started, 3),
    )  # fmt: skip
    if memory:
        remember(memory, visitor, (Said("user", question.text), Said("assistant", answer)), thinker)


def _pieces(thinker: Thinker, question: Question, turn: object) -> Iterator[Piece | None]:
    """The pieces, and None behind the last."""
    yield from thinker.answer(question, turn)  # type: ignore[arg-type]
    yield None


def joined(clauses: list[str]) -> str:
    """Clauses as one text: spaces between them, except in Chinese."""
    whole = ""
    for text in clauses:
        tight = not whole or (ord(whole[-1]) > 0x2E80 or ord(text[0]) > 0x2E80)
        whole += text if tight else f" {text}"
    return whole


def _print(text: str) -> None:
    """A clause, at once."""
    if not console.is_json():
        end = "" if ord(text[-1]) > 0x2E80 else " "
        sys.stdout.write(text + end)
        sys.stdout.flush()
