"""``mien memory``: what is kept of visitors: list, show, export, erase."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mien.apps.cli import console
from mien.errors import MissingError, UsageError

if TYPE_CHECKING:
    from mien.dialogue.think.memory import Memory

app = typer.Typer(no_args_is_help=True)


@app.command("list")
def show_all() -> None:
    """Everybody of whom something is kept, and whether the memory is on."""
    with _memory() as memory:
        console.event("memory", plain=f"The memory is {memory.mode}: {memory.file}", mode=memory.mode, file=memory.file)
        rows = [
            (r.visitor, "yes" if r.agreed else "no", _day(r.first), _day(r.last), len(r.facts), len(r.said))
            for r in memory.visitors()
        ]
        console.table("visitors", ("Visitor", "Agreed", "First", "Last", "Facts", "Said"), rows)


@app.command()
def show(visitor: Annotated[str, typer.Argument(metavar="VISITOR", help="From: mien memory list.")]) -> None:
    """All that is kept of a visitor."""
    from mien.dialogue.think.memory import require

    with _memory() as memory:
        kept = require(memory, visitor)
    console.line(f"{kept.visitor}: {_day(kept.first)} to {_day(kept.last)}, agreed: {'yes' if kept.agreed else 'no'}")
    if kept.summary:
        console.line(f"  {kept.summary}")
    for fact in kept.facts:
        console.line(f"  {fact.text}")
    for said in kept.said:
        console.line(f"  {'>' if said.role == 'user' else '<'} {said.text}")
    console.event("remembered", **kept.export())


@app.command()
def export(
    visitor: Annotated[str, typer.Argument(metavar="VISITOR", help="From: mien memory list.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="A JSON file.")],
) -> None:
    """Write all that is kept of a visitor as JSON, to hand to them."""
    from mien.dialogue.think.memory import require
    from mien.transmit.atomic import write_text

    with _memory() as memory:
        kept = require(memory, visitor)
    write_text(output, json.dumps(kept.export(), ensure_ascii=False, indent=2) + "\n")
    console.event("exported", plain=str(output), path=output, visitor=visitor)


@app.command()
def agree(visitor: Annotated[str, typer.Argument(metavar="VISITOR", help="Any name.")]) -> None:
    """Note that a visitor agrees to be remembered (for memory = "ask")."""
    with _memory() as memory:
        if memory.mode == "off":
            raise UsageError("The memory is off.", hint="Switch it on: MIEN_THINK_MEMORY=ask, or [think] memory.")
        memory.agree(visitor)
    console.event("agreed", plain=f"{visitor} will be remembered.", visitor=visitor)


@app.command()
def erase(
    visitor: Annotated[str, typer.Argument(metavar="[VISITOR]", help="From: mien memory list.")] = "",
    everybody: Annotated[bool, typer.Option("--all", help="Forget everybody.")] = False,
) -> None:
    """Forget a visitor, or everybody, for good."""
    if bool(visitor) == everybody:
        raise UsageError("Who is to be forgotten?", hint="Name a visitor, or give --all.")
    with _memory() as memory:
        count = memory.erase_all() if everybody else int(memory.erase(visitor))
    if not count and visitor:
        raise MissingError(f"Nothing is remembered of '{visitor[:60]}'.", hint="See: mien memory list")
    console.event("erased", plain=f"Forgotten: {visitor or count}", visitor=visitor or None, count=count)


@contextlib.contextmanager
def _memory() -> Iterator[Memory]:
    from mien.dialogue.think.memory import Memory

    with contextlib.closing(Memory()) as memory:
        yield memory


def _day(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))
