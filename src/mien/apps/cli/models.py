"""``mien models``: list, fetch and check the model files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mien import fetch, models
from mien.apps.cli import console
from mien.errors import InputError

app = typer.Typer(no_args_is_help=True)

_Names = Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", show_default=False)]


@app.command("list")
def show() -> None:
    """What there is: licence, size, and whether it is here."""
    console.table(
        "models",
        ("Name", "Here", "Size MB", "Licence", "Commercial", "Embedded", "Source", "About"),
        [
            (
                m.name,
                models.cached(m.name) is not None,
                round(m.size / 1e6, 1),
                m.licence,
                m.commercial,
                m.embedded,
                _source(m),
                m.about,
            )
            for m in models.catalogue().values()
        ],
    )


@app.command()
def pull(
    names: _Names = None,
    origin: Annotated[
        Path | None, typer.Option("--from", metavar="FILE", help="Take the named one from this file.")
    ] = None,
) -> None:
    """Fetch model files: those named, or all that the film path needs."""
    fetched = models.pull(names or (), from_file=origin)
    told = ", ".join(m.name for m in fetched)
    console.event(
        "pulled",
        plain=f"Fetched: {told}." if told else "Everything asked for is here already.",
        names=[m.name for m in fetched],
    )


@app.command()
def verify(names: _Names = None) -> None:
    """Hash the files in full: those named, or all that are here. Exit status 3 when one is damaged."""
    states = models.verify(names or ())
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
    found = models.path(name)
    console.event("path", plain=str(found), name=name, path=found)


def _source(model: models.ModelFile) -> str:
    return "a file of yours (--from)" if model.source == "user:" else fetch.describe(model.source)
