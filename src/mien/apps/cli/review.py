"""``mien review``: jobs that wait for a person, and what the person decides.

Events under ``--json``: ``waiting`` with ``rows`` (id, line, output, why); of one job ``review_details`` with ``rows``,
``script`` (id, text) and ``audit`` with ``rows``; ``decided`` (id, who, approved, why, state).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mien.apps.cli import console
from mien.errors import UsageError

if TYPE_CHECKING:
    from mien.apps.jobs.states import Job
    from mien.apps.jobs.store import Store

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)

_Where = Annotated[Path, typer.Argument(metavar="STORE", help="The batch file, or its store.", show_default=False)]
_Ids = Annotated[list[str], typer.Argument(metavar="ID…", help="Jobs.", show_default=False)]
_Who = Annotated[str, typer.Option("--who", metavar="NAME", help="Who decides; kept in the audit log.")]
_Why = Annotated[str, typer.Option("--why", metavar="TEXT", help="Why; kept in the audit log.")]


@app.command("list")
def list_waiting(store: _Where) -> None:
    """List the jobs that wait."""
    with _opened(store) as opened:
        rows = [(job.id, job.line, str(job.output), _reason(job)) for job in opened.waiting()]
    if rows or console.is_json():
        console.table("waiting", ("Id", "Line", "Output", "Why"), rows)
    else:
        console.line("Nothing waits for a person.")


@app.command()
def show(store: _Where, id: Annotated[str, typer.Argument(metavar="ID", help="A job.", show_default=False)]) -> None:
    """Show one job: why it waits, what is said in it, its film where it is made, and what was decided before."""
    with _opened(store) as opened:
        job = opened.job(id)
        facts = [("state", str(job.state)), ("why", _reason(job)), ("output", str(job.output)), ("kind", job.kind)]
        made = opened.folder / "made" / job.key
        if made.is_dir():
            facts += [("to look at", str(file)) for file in sorted(made.iterdir()) if file.suffix in _FILMS]
        console.table("review_details", ("What", "Value"), facts, title=job.id)
        words = _words(job)
        console.event("script", plain=words, id=job.id, text=words)
        entries = [(e.at, e.who, e.action, e.why) for e in opened.audit(job)]
        if entries or console.is_json():
            console.table("audit", ("At", "Who", "Action", "Why"), entries)


@app.command()
def approve(store: _Where, ids: _Ids, who: _Who = "", why: _Why = "") -> None:
    """Let jobs go on; the next mien batch renders or delivers them."""
    _decide(store, ids, who, why, approved=True)


@app.command()
def reject(store: _Where, ids: _Ids, who: _Who = "", why: _Why = "") -> None:
    """Take jobs out for good."""
    _decide(store, ids, who, why, approved=False)


_FILMS = frozenset({".mp4", ".m4v", ".mov", ".webm", ".gif", ".webp"})


def _decide(store: Path, ids: list[str], who: str, why: str, *, approved: bool) -> None:
    if not ids:
        raise UsageError("Which job?", hint="See: mien review list STORE")
    with _opened(store) as opened:
        for id in ids:
            job = opened.decide(id, who, approved, why)
            did = "approved; the next mien batch goes on with it" if approved else "rejected"
            console.event(
                "decided",
                plain=f"{id}: {did}",
                id=id,
                who=who.strip(),
                approved=approved,
                why=why,
                state=str(job.state),
            )


def _opened(place: Path) -> Store:
    from mien.apps.cli.batch import open_store

    return open_store(place)


def _reason(job: Job) -> str:
    return "" if job.fault is None else job.fault.message


def _words(job: Job) -> str:
    """What is said in it."""
    from mien.apps.trust.gate import words_of_job

    return words_of_job(job)
