"""``mien eval lips``, ``closures``, ``align`` and ``mimic``: how well voices and films move the face.

Events under ``--json``: ``note`` while it works; then ``lips``, with films, ways and notes as
:meth:`mien.lab.evaluate.lips_video.Result.as_dict` has them; or ``measures``, as ``mien eval film`` gives them; or
``mimic``, rows of films.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mien.apps.cli import console
from mien.errors import InputError, UsageError

if TYPE_CHECKING:
    from mien.lab.evaluate.lips_drive import Way
    from mien.lab.evaluate.lips_video import Followed, Result

Driver = Annotated[str, typer.Option(metavar="NAME", help="The face driver that is judged.")]
Model = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="A model of one's own instead of the shipped one.", show_default=False),
]


def lips(
    videos: Annotated[Path, typer.Option(metavar="DIR", help="Films of people who talk.", show_default=False)],
    driver: Driver = "listen",
    model: Model = None,
    previous: Annotated[
        Path | None, typer.Option(metavar="FILE", help="An earlier model, to compare with.", show_default=False)
    ] = None,
    landmarker: Annotated[
        Path | None, typer.Option(metavar="FILE", help="face_landmarker.task, unless pulled.", show_default=False)
    ] = None,
    cache: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Keep the lips that were tracked here.", show_default=False)
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write all figures as JSON.", show_default=False),
    ] = None,
) -> None:
    """Score driven lips against the real lips of talking films, beside three baselines.

    mien eval lips --videos films --landmarker face_landmarker.task
    """
    for file in (model, previous, landmarker):
        if file is not None and not file.is_file():
            raise InputError(f"There is no file '{file}'.", hint="Check the name.")
    from mien.lab.evaluate import lips_video
    from mien.transmit.atomic import check_target, write_text

    if output is not None:
        check_target(output)
    with _folder(cache) as kept:
        result = lips_video.run(videos, _ways(driver, model, previous), cache=kept, task=landmarker, tell=console.note)
    if previous is None:
        console.note("No previous model was given (--previous), so there is none in the table.")
    if output is not None:
        write_text(output, json.dumps(result.as_dict(), indent=1, ensure_ascii=False) + "\n")
    _show(result)


def closures(
    driver: Driver = "listen",
    model: Model = None,
    crowd: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Recordings of speech to make the babble of.", show_default=False),
    ] = None,
    ambience: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="A sound in which nobody speaks; may be repeated.", show_default=False),
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with status 1 when a bound is missed.")] = False,
) -> None:
    """Judge closures of the lips in unseen voices and in noise, and whether the mouth is shut where nobody speaks.

    mien eval closures
    """
    if crowd is not None:
        _needs(crowd)
    from mien.apps.cli.eval import show_measures
    from mien.lab.evaluate import lips_noise
    from mien.lab.evaluate.lips_drive import open_driver
    from mien.lab.evaluate.measure import all_good

    sounds = {file.stem: _sound(file) for file in ambience or []}
    measures = lips_noise.run(lambda: open_driver(driver, model), crowd=crowd, ambience=sounds, tell=console.note)
    show_measures(driver if model is None else str(model), measures)
    if strict and not all_good(measures):
        raise typer.Exit(1)


def align(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Recordings of the GRID corpus, with .align files.")],
    clips: Annotated[int, typer.Option(metavar="N", help="So many of them, evenly spaced.", min=1)] = 50,
    landmarker: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="face_landmarker.task: also look at their lips.", show_default=False),
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with status 1 when a bound is missed.")] = False,
) -> None:
    """Measure how exactly known words are found in recordings, and whether m, b and p then close the lips.

    mien eval align grid --landmarker face_landmarker.task
    """
    _needs(folder)
    if landmarker is not None and not landmarker.is_file():
        raise InputError(f"There is no file '{landmarker}'.", hint="Check the name.")
    from mien.apps.cli.eval import show_measures
    from mien.lab.evaluate.align import run
    from mien.lab.evaluate.measure import all_good

    measures = run(folder, clips=clips, landmarker=landmarker, tell=console.note)
    show_measures(str(folder), measures)
    if strict and not all_good(measures):
        raise typer.Exit(1)


def mimic(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Films of one face each.")],
    landmarker: Annotated[
        Path | None, typer.Option(metavar="FILE", help="face_landmarker.task, unless pulled.", show_default=False)
    ] = None,
) -> None:
    """Compare the motion that is read from films with what MediaPipe's landmarker sees in them.

    mien eval mimic films --landmarker face_landmarker.task
    """
    _needs(folder)
    if landmarker is not None and not landmarker.is_file():
        raise InputError(f"There is no file '{landmarker}'.", hint="Check the name.")
    from mien.lab.evaluate.mimic import COLUMNS, run

    scores = run(folder, landmarker, console.note)
    console.table("mimic", COLUMNS, [score.row() for score in scores], title="Motion read from films")


def _needs(folder: Path) -> None:
    if not folder.is_dir():
        raise InputError(f"There is no folder '{folder}'.", hint="Check the name.")


def _ways(driver: str, model: Path | None, previous: Path | None) -> dict[str, Way]:
    from mien.lab.evaluate import lips_drive

    if model is not None and driver != "listen":
        raise UsageError("--model is for the driver that listens.", hint="Leave --driver out.")
    ways = {driver if model is None else model.name: lips_drive.listening(driver, model)}
    if driver == "listen" and model is None:
        ways |= {"listen live, 60 ms": lips_drive.live(3), "listen live, 0 ms": lips_drive.live(0)}
    if previous is not None:
        ways["previous model"] = lips_drive.listening("listen", previous)
    return ways | {"phones heard": lips_drive.recognised, "loudness flap": lips_drive.flap}


@contextmanager
def _folder(given: Path | None) -> Iterator[Path]:
    if given is not None:
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="mien-eval-") as folder:
        yield Path(folder)


def _sound(file: Path) -> Any:
    import numpy as np

    from mien.audio.read import read_audio

    return np.concatenate([chunk.samples for chunk in read_audio(file)])


def _show(result: Result) -> None:
    if console.is_json():
        console.event("lips", **result.as_dict())
        return
    each, overall = [], []
    for way, measures in result.scores.items():
        for i, film in enumerate(result.films):
            each.append((way, film, *_figures(measures, i)))
        lags = " and ".join(f"{m.lag:+d}" for m in measures.values())
        overall.append((way, *_figures(measures), f"{lags} ms"))
    columns = [f"{m} {at}" for m in ("Aperture", "Width") for at in ("no lag", "one lag", "[best lag]")]
    title = f"Correlation with the real lips of {len(result.films)} films"
    console.table("lips", ("Way", "Film", *columns), each, title=title)
    console.table("lips_overall", ("Way", *columns, "One lag is"), overall, title="Means")


def _figures(measures: dict[str, Followed], film: int | None = None) -> list[str]:
    """Six cells: of one film, or the means of all."""
    cells = []
    for measure in ("aperture", "width"):
        found = measures.get(measure)
        tracks = () if found is None else (found.at_zero, found.at_lag, found.at_best)
        cells += [f"{t.mean() if film is None else t[film]:.3f}" for t in tracks] or ["-"] * 3
    return cells
