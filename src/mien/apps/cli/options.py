"""Options that several commands take in the same words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final

import typer

from mien import config

WHO: Final = "Who"
RECORDING: Final = "Recorded voice"
FACE: Final = "Face"
PICTURE: Final = "Picture"
RESULT: Final = "Result"
TRUST: Final = "Trust"
"""Panels of the help."""


def option(panel: str, *names: str, metavar: str | None = None, text: str = "") -> typer.models.OptionInfo:
    """An option without a default of its own. panel: under which heading the help has it."""
    made: typer.models.OptionInfo = typer.Option(
        *names, metavar=metavar, help=text, rich_help_panel=panel, show_default=False
    )
    return made


Portrait = Annotated[Path | None, option(WHO, "--portrait", "-p", metavar="FILE", text="A picture of a face.")]
Avatar = Annotated[str | None, option(WHO, "--avatar", "-a", metavar="NAME", text="An avatar made before.")]
Crop = Annotated[str | None, option(WHO, "--crop", metavar="HOW", text="auto, none, head or bust.")]
Which = Annotated[int | None, option(WHO, "--face", metavar="N", text="Which face of the picture, 0 is the largest.")]

Denoise = Annotated[str | None, option(RECORDING, "--denoise", metavar="HOW", text="auto, on, off or film.")]
Vad = Annotated[str | None, option(RECORDING, "--vad", metavar="NAME", text="Who tells speech: auto, silero, energy.")]

Driver = Annotated[str | None, option(FACE, "--face-driver", metavar="NAME", text="auto, phones or listen.")]
Style = Annotated[str | None, option(FACE, "--style", metavar="NAME", text="serious, lively or cartoon.")]
LipStrength = Annotated[float | None, option(FACE, "--lip-strength", metavar="X", text="0 to 2.")]
HeadMotion = Annotated[float | None, option(FACE, "--head-motion", metavar="X", text="0 to 2.")]
BlinkRate = Annotated[float | None, option(FACE, "--blink-rate", metavar="X", text="0 to 2.")]
Smoothing = Annotated[float | None, option(FACE, "--smoothing", metavar="X", text="0 to 1.")]
Expression = Annotated[
    float | None, option(FACE, "--voice-expression", metavar="X", text="How much the voice shows in it, 0 to 1.")
]
Seed = Annotated[int | None, option(FACE, "--seed", metavar="N", text="Another number, other idle life.")]

Size = Annotated[str | None, option(PICTURE, "--size", "-s", metavar="SIZE", text="512, 720p, 1080p or WxH.")]
Aspect = Annotated[str | None, option(PICTURE, "--aspect", metavar="W:H", text="9:16, 16:9, 1:1 …")]
Background = Annotated[
    str | None, option(PICTURE, "--background", "-b", metavar="B", text="File, colour, source, blur, transparent.")
]
Preset = Annotated[str | None, option(RESULT, "--preset", metavar="NAME", text="fast, balanced or best.")]
Encoder = Annotated[str | None, option(RESULT, "--encoder", metavar="NAME", text="auto, software, h264_nvenc …")]
Motion = Annotated[
    Path | None, option(RESULT, "--motion", metavar="FILE", text="Also the motion: .csv .json .vmd .glb.")
]

Watermark = Annotated[
    str | None, option(TRUST, "--watermark", metavar="N", text="Invisible mark: a number to 4294967295, or auto.")
]
Label = Annotated[
    str | None, option(TRUST, "--label", metavar="TEXT", text="Visible mark: words in a corner, or auto.")
]
Credentials = Annotated[bool | None, option(TRUST, "--c2pa/--no-c2pa", text="Sign it with Content Credentials.")]
Strict = Annotated[
    bool | None, option(TRUST, "--strict/--no-strict", text="Only with the consent of whose face and voice it is.")
]


@contextmanager
def strictly(strict: bool | None) -> Iterator[None]:
    """Within, ``[trust] strict`` is what the option says; None = as the settings have it."""
    settings = config.load()
    if strict is None:
        yield
        return
    with config.using(replace(settings, trust=replace(settings.trust, strict=strict))):
        yield
