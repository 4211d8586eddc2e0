"""``mien train``: make the network that listens, or a personal one, and fit the phone table to real lips.

Events under ``--json``: ``note`` (message) while it works, then ``model``: folder, card (the card's contents), or
``table``: file, card.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from mien.apps.cli import console
from mien.errors import InputError, MissingError, UsageError

app = typer.Typer(no_args_is_help=True, help="Make the network that listens, or fit the phone table.")

_SMOKE_HOURS, _SMOKE_STEPS = 0.02, 12


@app.callback()
def group() -> None:
    """Make models from data."""


@app.command()
def audio2face(
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Folder of what is made; goes on from it.")],
    data: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Real voices and films with a SOURCES.tsv.", show_default=False),
    ] = None,
    videos: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Films of one person: a personal model.", show_default=False),
    ] = None,
    base: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Checkpoint to begin with.", show_default=False)
    ] = None,
    minutes: Annotated[
        float, typer.Option(metavar="N", help="Minutes of training at most.", min=0.01, max=10_000)
    ] = 90.0,
    steps: Annotated[int, typer.Option(metavar="N", help="Steps of training at most; 0: no limit.", min=0)] = 6000,
    hours: Annotated[float, typer.Option(metavar="N", help="Hours of made-up speech.", min=0.01, max=200)] = 6.0,
    width: Annotated[int, typer.Option(metavar="N", help="Units of a layer.", min=16, max=512)] = 160,
    seed: Annotated[int, typer.Option(metavar="N", help="Another number, another model.", min=0)] = 0,
    smoke: Annotated[bool, typer.Option("--smoke", help="A few steps, to see that everything works.")] = False,
) -> None:
    """Train the network that turns sound into lips, from nothing or for one person.

    mien train audio2face --out model --data corpus
    """
    _needs_torch()
    for folder in (data, videos):
        if folder is not None and not folder.is_dir():
            raise InputError(f"There is no folder '{folder}'.", hint="Give the folder that holds the films.")
    if out.exists() and not out.is_dir():
        raise UsageError(f"'{out}' is not a folder.", hint="Give --out a folder.")
    from mien.lab.training import kit
    from mien.lab.training.loop import Recipe

    plan = kit.Plan(
        out, Recipe(seed=seed, minutes=minutes, steps=steps, width=width), hours, data=data, videos=videos, base=base
    )
    if smoke:
        recipe = replace(plan.recipe, steps=_SMOKE_STEPS, width=min(width, 32), batch=4, rows=100)
        plan = replace(plan, recipe=recipe, hours=_SMOKE_HOURS, shards=1)
    card = kit.run(plan, console.note)
    console.event("model", f"{out}: {', '.join(card['files'])}; see card.md.", folder=str(out), card=card)


@app.command()
def visemes(
    clips: Annotated[Path, typer.Argument(metavar="DIR", help="Films of talking people, words beside them (.align).")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="The fitted table with its card, JSON.")],
    cache: Annotated[Path, typer.Option(metavar="DIR", help="Folder where tracked lips are kept.")],
    others: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Films of other people, to judge by.", show_default=False)
    ] = None,
    licence: Annotated[str, typer.Option(metavar="NAME", help="Licence of the films, for the card.")] = "",
    seed: Annotated[int, typer.Option(metavar="N", help="Which films are held out.", min=0)] = 0,
) -> None:
    """Fit how far each sound opens and spreads the lips to real lips.

    mien train visemes films --out visemes-fitted.json --cache tracked
    """
    for folder in (clips, others):
        if folder is not None and not folder.is_dir():
            raise InputError(f"There is no folder '{folder}'.", hint="Give the folder that holds the films.")
    from mien.lab.training.visemes import fit

    card = fit(
        clips, out, cache=cache, others=others, data=clips.name, licence=licence, seed=seed, tell=console.note
    )  # fmt: skip
    console.event(
        "table", f"{out}: fitted to {card['films']} films, judged on {card['held_out']}.", file=str(out), card=card
    )


def _needs_torch() -> None:
    try:
        import onnx  # noqa: F401
        import torch  # noqa: F401
    except ImportError as error:
        raise MissingError(
            f"Training is not installed ({error.name} is missing).",
            hint="Install it with: pip install 'mien[train]'.",
            code="missing.train",
        ) from error
