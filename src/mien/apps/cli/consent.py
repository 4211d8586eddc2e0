"""``mien consent``: who agreed to the use of a face or a voice, and to what.

Events under ``--json``: ``consent`` (a record: kind, name, sha256, by, date, scope, until, document_sha256, withdrawn,
recorded), ``consents`` with ``rows`` for a list, ``consent_holds`` (kind, name, by, until, scope) for a check that
passed; one that fails is an ``error`` with the code ``consent.missing``.
"""

from __future__ import annotations

import datetime
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from mien.apps.cli import console
from mien.errors import InputError, UsageError

if TYPE_CHECKING:
    from mien.avatar import Manifest
    from mien.portrait.store.consent import Record

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)

_SOUND: Final = frozenset({".wav", ".mp3", ".flac", ".ogg", ".opus", ".m4a", ".aac", ".wma", ".aiff", ".webm"})

Target = Annotated[str, typer.Argument(metavar="WHAT", help="An avatar's name, a picture, or a recording of a voice.")]
Kind = Annotated[str, typer.Option(metavar="avatar|voice", help="What a file shows, where its ending does not tell.")]


@app.command()
def add(
    target: Target,
    by: Annotated[str, typer.Option(help="Who agreed.")] = "",
    scope: Annotated[str, typer.Option(help="To what, in words.")] = "",
    date: Annotated[str, typer.Option(metavar="DAY", help="When, as 2026-11-21 (default: today).")] = "",
    until: Annotated[str, typer.Option(metavar="DAY", help="The last day it holds (default: without end).")] = "",
    document: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The signed consent; only its SHA-256 is kept.")
    ] = None,
    withdraw: Annotated[bool, typer.Option("--withdraw", help="Record that they take it back.")] = False,
    kind: Kind = "",
) -> None:
    """Record that somebody agreed."""
    from mien.portrait.store import consent

    what, name, sha256, _ = _subject(target, kind)
    record = consent.Record(
        kind=what, sha256=sha256, name=name, by=by, date=date or datetime.date.today().isoformat(), scope=scope,
        until=until, document_sha256=consent.fingerprint(document) if document else "", withdrawn=withdraw,
    )  # fmt: skip
    _tell(consent.add(record), "Recorded: ")


@app.command()
def show(
    target: Annotated[
        str, typer.Argument(metavar="[WHAT]", help="An avatar, a picture, a recording; all without.")
    ] = "",
    kind: Kind = "",
) -> None:
    """List what was recorded: the last record about each, or all about one."""
    from mien.portrait.store import consent

    found = consent.history(_subject(target, kind)[2]) if target else consent.records()
    if not found and not console.is_json():
        console.line("Nothing is recorded. Record a consent with: mien consent add AVATAR --by NAME --scope WORDS")
        return
    rows = [
        (r.kind, r.name, "taken back" if r.withdrawn else r.by, r.date, r.until, r.scope, r.sha256[:12]) for r in found
    ]
    console.table("consents", ("Kind", "Name", "By", "Date", "Until", "Scope", "File"), rows)


@app.command()
def check(target: Target, kind: Kind = "") -> None:
    """Say whether a consent holds today; exit status 3 when none does."""
    from mien.portrait.store import consent

    what, name, sha256, manifest = _subject(target, kind)
    record = consent.require(what, sha256, name, manifest)
    until = f", until {record.until}" if record.until else ""
    console.event(
        "consent_holds",
        plain=f"{record.by} agreed on {record.date}{until}: {record.scope or 'no scope was written down'}",
        kind=what, name=name, by=record.by, until=record.until, scope=record.scope,
    )  # fmt: skip


def _subject(target: str, kind: str) -> tuple[str, str, str, Manifest | None]:
    """Kind, name, SHA-256, and the manifest where it is a kept avatar."""
    from mien.portrait.store import consent, library

    if kind and kind not in consent.KINDS:
        raise UsageError(f"--kind is avatar or voice, not '{kind}'.")
    path = Path(target)
    if path.is_file():
        return (
            kind or ("voice" if path.suffix.lower() in _SOUND else "avatar"),
            path.name,
            consent.fingerprint(path),
            None,
        )
    if kind == "voice" or path.suffix.lower() in _SOUND:
        raise InputError(f"There is no recording '{target}'.", hint="Check the path.")
    manifest = library.get(target).manifest
    return "avatar", manifest.name, manifest.source.sha256, manifest


def _tell(record: Record, lead: str) -> None:
    did = "took back the consent" if record.withdrawn else "agreed"
    plain = f"{lead}{record.by} {did} on {record.date} ({record.kind} '{record.name}', {record.sha256[:12]}…)."
    console.event("consent", plain=plain, **asdict(record))
