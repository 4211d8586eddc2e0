"""``mien mimic``: a portrait does what the face in a video does.

Events under ``--json``, one JSON object a line on standard output:

- ``note``: message. Something that was done first, or is worth knowing (stretches without a face).
- ``progress``: stage ("Video", in whole seconds, then "Film", in frames), done, total, seconds, eta.
- ``tracking``: video (path), seconds, pictures, seen (with a face), gaps (list of begin and end, seconds), taken_up
  (how often a face was found anew), usual (yaw, pitch, roll in degrees as the head mostly is), speed (pictures/s).
- ``film``: as for ``mien make``.
- ``error``: as for every command.
"""

from __future__ import annotations

import math
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mien.apps.cli import console, options
from mien.apps.cli.make import check_who, report_film, subject
from mien.apps.cli.options import PICTURE, RESULT, option
from mien.errors import UsageError

if TYPE_CHECKING:
    from mien.api import FilmProgress
    from mien.tracking import TrackReport

_DRIVER = "Driver"

_Out = Annotated[str, option(RESULT, "--out", "-o", metavar="OUT", text="film.mp4 .mov .webm .gif .webp dir/")]
_Driver = Annotated[Path | None, option(_DRIVER, "--driver", "-d", metavar="FILE", text="A video of a face.")]
_Relative = Annotated[
    bool,
    typer.Option(
        "--relative/--absolute",
        help="The head's turns against how it mostly is, or against the camera.",
        rich_help_panel=_DRIVER,
    ),
]
_Expression = Annotated[float, option(_DRIVER, "--expression", metavar="X", text="How strong the face moves, 0 to 2.")]
_Head = Annotated[float, option(_DRIVER, "--head-motion", metavar="X", text="How far the head moves, 0 to 2.")]
_Sound = Annotated[
    bool, typer.Option("--sound/--no-sound", help="With the video's sound, or silent.", rich_help_panel=_DRIVER)
]


def command(
    out: _Out = "",
    portrait: options.Portrait = None,
    avatar: options.Avatar = None,
    crop: options.Crop = None,
    face: options.Which = None,
    driver: _Driver = None,
    relative: _Relative = True,
    expression: _Expression = 1.0,
    head_motion: _Head = 1.0,
    sound: _Sound = True,
    size: options.Size = None,
    aspect: options.Aspect = None,
    fps: Annotated[str | None, option(PICTURE, "--fps", metavar="N", text="Default: as the video.")] = None,
    background: options.Background = None,
    preset: options.Preset = None,
    encoder: options.Encoder = None,
    motion: options.Motion = None,
) -> None:
    """Make a portrait do what the face in a video does.

    mien mimic --portrait me.jpg --driver clip.mp4 -o out.mp4
    """
    if not out:
        raise UsageError("Where should the film go?", hint="Name it with -o, such as -o film.mp4.")
    check_who(portrait, avatar, crop, face, question="Which portrait should move?")
    if driver is None:
        raise UsageError("Whose face should be followed?", hint="Give a video with --driver FILE.")
    from mien.mimicry import mimic

    with ExitStack() as stack:
        bars = _Bars(stack)
        film = mimic(
            subject(portrait, avatar), driver, relative=relative, expression=expression, head_motion=head_motion,
            sound=sound, size=size, aspect=aspect, fps=fps, background=background, preset=preset, encoder=encoder,
            crop=crop, face=face or 0, tell=console.note, observe=bars.followed,
        )  # fmt: skip
        made = film.save(out, motion=motion, observe=bars.drawn)
    _tell(film.tracking)
    report_film(made, None)


class _Bars:
    """One bar at a time: the video until there is a picture to show, then the film."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack, self._lock = stack, threading.Lock()
        self._bar: console.Progress | None = None
        self._filming = False

    def followed(self, done: float, total: float) -> None:
        with self._lock:
            if self._filming or not total:
                return
            whole = max(round(total), int(done))
            if self._bar is None:
                self._bar = self._stack.enter_context(console.progress("Video", whole, "s"))
            self._bar.update(int(done), whole)

    def drawn(self, progress: FilmProgress) -> None:
        with self._lock:
            if not self._filming:
                self._filming = True
                self._stack.close()
                self._bar = self._stack.enter_context(console.progress("Film", progress.total, "frames"))
            assert self._bar is not None
            self._bar.update(progress.frames, progress.total)


def _tell(report: TrackReport) -> None:
    console.event(
        "tracking",
        plain=f"{report.path.name}: a face in {report.seen} of {report.pictures} pictures, followed at "
        f"{report.speed:.0f} a second",
        video=str(report.path),
        seconds=round(report.seconds, 3),
        pictures=report.pictures,
        seen=report.seen,
        gaps=[[round(begin, 3), round(end, 3)] for begin, end in report.gaps],
        taken_up=report.taken_up,
        usual=[round(math.degrees(angle), 2) for angle in report.usual],
        speed=round(report.speed, 2),
    )
