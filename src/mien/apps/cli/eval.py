"""``mien eval``: measure what was made.

Events under ``--json``: ``measures``, with ``film`` (path), ``good`` (whether no bound is missed) and ``rows``: objects
with name, value (null where it could not be measured), unit, wanted, good (null without a bound), note. The commands
about lips and voices stand in :mod:`mien.apps.cli.eval_lips`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mien.apps.cli import console, eval_lips, eval_turns
from mien.errors import InputError, UsageError

if TYPE_CHECKING:
    from mien.avatar import Avatar
    from mien.lab.evaluate.measure import Measure

app = typer.Typer(no_args_is_help=True, help="Measure films, backgrounds, and lips against real ones.")
app.command()(eval_lips.lips)
app.command()(eval_lips.closures)
app.command()(eval_lips.align)
app.command()(eval_lips.mimic)
app.command()(eval_turns.turns)

Portrait = Annotated[
    Path | None,
    typer.Option("--portrait", "-p", metavar="FILE", help="The picture it was made of.", show_default=False),
]
Crop = Annotated[str, typer.Option(metavar="auto|none|head|bust", help="The crop it was made with.")]
Kept = Annotated[str | None, typer.Option("--avatar", "-a", metavar="NAME", help="Or the avatar.", show_default=False)]


@app.callback()
def group() -> None:
    """Measure what was made."""


@app.command()
def film(
    file: Annotated[Path, typer.Argument(metavar="FILM", help="A film that mien make wrote.")],
    motion: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Its motion (mien make --motion).", show_default=False)
    ] = None,
    trace: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Its trace (mien make --trace).", show_default=False)
    ] = None,
    portrait: Portrait = None,
    avatar: Kept = None,
    crop: Crop = "auto",
    strict: Annotated[bool, typer.Option("--strict", help="Exit with status 1 when a bound is missed.")] = False,
) -> None:
    """Measure a film: sync, closures, smoothness, rest, loudness. The more it is given, the more it can say.

    mien eval film film.mp4 --motion film.json --trace film.trace.json --portrait me.jpg
    """
    if portrait is not None and avatar is not None:
        raise UsageError("Who is seen?", hint="Give --portrait or --avatar, not both.")
    if not file.is_file():
        raise InputError(f"There is no film '{file}'.", hint="Give a film that mien make wrote.")
    from mien.lab.evaluate.film import Evidence, judge
    from mien.lab.evaluate.measure import all_good
    from mien.transmit.motion_reader import read_motion
    from mien.transmit.trace import read_trace

    measures = judge(
        Evidence(
            path=file,
            motion=None if motion is None else read_motion(motion),
            trace=None if trace is None else read_trace(trace),
            avatar=_avatar(portrait, avatar, crop),
        )
    )
    show_measures(str(file), measures)
    if strict and not all_good(measures):
        raise typer.Exit(1)


@app.command()
def background(portrait: Portrait = None, avatar: Kept = None, crop: Crop = "auto") -> None:
    """Measure how still the background stands while the head turns 8°, nods 6° and tilts 2°.

    mien eval background --portrait me.jpg
    """
    if (portrait is None) == (avatar is None):
        raise UsageError("Who is seen?", hint="Give either --portrait or --avatar.")
    from mien.lab.evaluate.background import BOUND, background_motion
    from mien.lab.evaluate.measure import Measure, at_most
    from mien.render.mesh import MeshRenderer

    seen = _avatar(portrait, avatar, crop)
    assert seen is not None
    measures: list[Measure] = []
    for found in background_motion(seen, MeshRenderer()):
        margin = f"{found.margin:g}"
        note = f"worst of {found.blocks} blocks in all poses, beyond {margin} eye distances from the person"
        measures.append(at_most(f"background.motion.{margin}", found.worst, BOUND, "px", note))
        note = "share of the pixels there that are not bit for bit what they were"
        measures.append(Measure(f"background.changed.{margin}", 100 * found.changed, "%", note=note))
    if not measures:
        console.note("The background has no structure whose motion could be seen.")
    show_measures(str(portrait or avatar), measures)


def _avatar(portrait: Path | None, name: str | None, crop: str) -> Avatar | None:
    from mien.portrait import build

    if portrait is not None:
        return build.cached_avatar(portrait, crop=crop, tell=console.note)
    if name is not None:
        from mien import api

        return api.load_avatar(name)
    return None


def show_measures(what: str, measures: list[Measure]) -> None:
    """A table of measures, or the event ``measures``. what: that was measured."""
    from mien.lab.evaluate.measure import all_good

    if console.is_json():
        console.event("measures", film=what, good=all_good(measures), rows=[m.as_dict() for m in measures])
        return
    rows = [(m.name, f"{m.value:.4g}", m.unit, m.wanted or "-", _verdict(m), m.note) for m in measures]
    console.table("measures", ("Measure", "Value", "Unit", "Wanted", "Kept", "How"), rows, title=what)


def _verdict(measure: Measure) -> str:
    return {True: "yes", False: "NO", None: "-"}[measure.good]
