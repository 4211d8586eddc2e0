"""``mien models``: list, fetch and check the model files, and the voices of several files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from mien import bundles, fetch, models
from mien.apps.cli import console
from mien.errors import InputError, UsageError

app = typer.Typer(no_args_is_help=True)

_Names = Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", show_default=False)]
_COLUMNS = ("Name", "Here", "Size MB", "Licence", "Commercial", "Embedded", "Source", "About")


@app.command("list")
def show() -> None:
    """What there is: licence, size, and whether it is here."""
    console.table("models", _COLUMNS, [*map(_file_row, models.catalogue().values()), *map(_bundle_row, bundles.rows())])


@app.command()
def pull(
    names: _Names = None,
    origin: Annotated[
        Path | None, typer.Option("--from", metavar="PLACE", help="Take the named one from this file or folder.")
    ] = None,
    accept_unpinned: Annotated[
        bool, typer.Option("--accept-unpinned", help="Trust what comes where nobody has pinned its hash.")
    ] = False,
) -> None:
    """Fetch model files or voices: those named, or all that the film path needs."""
    voices = [name for name in names or () if name in bundles.catalogue()]
    files = [name for name in names or () if name not in voices]
    if origin is not None and len(files) + len(voices) != 1:
        raise UsageError("A file can be given for one model only.", hint="mien models pull NAME --from FILE")
    fetched: list[str] = []
    if files or not voices:
        _check_names(files)
        fetched += [m.name for m in models.pull(files, from_file=origin)]
    fetched += [name for name in voices if _pull_voice(name, origin, accept_unpinned)]
    told = ", ".join(fetched)
    console.event(
        "pulled", plain=f"Fetched: {told}." if told else "Everything asked for is here already.", names=fetched
    )


@app.command()
def verify(names: _Names = None) -> None:
    """Hash the files in full: those named, or all that are here. Exit status 3 when one is damaged."""
    wanted = names or []
    files = [name for name in wanted if name not in bundles.catalogue()]
    voices = [n for n in bundles.catalogue() if n in wanted or (not wanted and bundles.verify(n) != "missing")]
    _check_names(files)
    states = models.verify(files) if files or not wanted else {}
    states |= {name: bundles.verify(name) for name in voices}
    console.table("verified", ("Name", "State"), list(states.items()))
    bad = [name for name, state in states.items() if state != "ok"]
    if bad:
        raise InputError(
            f"Not as they should be: {', '.join(bad)}.",
            hint=f"Fetch again: mien models pull {' '.join(bad)}",
            code="input.model",
        )


@app.command("path")
def where(name: Annotated[str, typer.Argument(metavar="NAME")]) -> None:
    """Print where a file lies; fetch it first when it is an embedded one and not here."""
    if name in bundles.catalogue():
        found = bundles.path(name)
    else:
        _check_names([name])
        found = models.path(name)
    console.event("path", plain=str(found), name=name, path=found)


def _pull_voice(name: str, origin: Path | None, accept_unpinned: bool) -> bool:
    """Fetch a voice with a bar, after saying under which licence it comes; whether it was not here yet."""
    bundle = bundles.known(name)
    if bundles.cached(name) and origin is None:
        return False
    commercial = {"yes": "allowed", "no": "not allowed"}.get(bundle.commercial, "not known")
    console.note(
        f"{name}: {bundle.about} Licence: {bundle.licence}; commercial use {commercial}. {bundle.note}".strip()
    )
    with console.progress(name, max(bundle.size, 1), "bytes") as bar:
        done = bundles.pull(name, origin=origin, accept_unpinned=accept_unpinned, observe=bar.update)
    if origin is not None and origin.is_dir():
        console.note(f"Taken from {origin} as it is: from now on its files must stay as they are now.")
    for file, sha256 in done.accepted:
        console.note(f"Taken unpinned: {file}, SHA-256 {sha256}. Noted in {bundles.trusted_file()}; it must stay so.")
    return done.fetched


def _check_names(names: list[str]) -> None:
    """Raises UsageError that names everything there is, files and voices."""
    for name in names:
        if name not in models.catalogue():
            known = ", ".join([*models.catalogue(), *bundles.catalogue()])
            raise UsageError(f"There is no model file and no voice called '{name}'.", hint=f"Known: {known}.")


def _file_row(m: models.ModelFile) -> tuple[Any, ...]:
    source = "a file of yours (--from)" if m.source == "user:" else fetch.describe(m.source)
    here = models.cached(m.name) is not None
    return m.name, here, round(m.size / 1e6, 1), m.licence, m.commercial, m.embedded, source, m.about


def _bundle_row(row: tuple[bundles.Bundle, bool]) -> tuple[Any, ...]:
    bundle, here = row
    size = round(bundle.size / 1e6, 1) if bundle.size else None
    source = bundle.parts[0].source + ("" if bundle.pinned else " (unpinned)")
    about = f"{bundle.about} {bundle.note}".strip()
    return bundle.name, here, size, bundle.licence, bundle.commercial, False, source, about
