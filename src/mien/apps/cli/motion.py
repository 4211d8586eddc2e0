"""``mien motion``: a voice, words, a video of a face or a motion file become a motion file.

Events under ``--json``, one JSON object a line on standard output:

- ``note``: message.
- ``progress``: stage ("Motion"), done, total (whole seconds; total 0 = not known), seconds, eta.
- ``motion``: path, seconds (of motion), rows, fps (as "50" or "30000/1001"), sound (path or null), wall (seconds it
  took).
- ``error``: as for every command.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mien.apps.cli import console
from mien.apps.cli.make import read_text
from mien.errors import UsageError

if TYPE_CHECKING:
    from mien.motions import MotionReport, Take

_WORDS, _RECORDING, _VIDEO = "Words instead of a recording", "Recorded voice", "A video of a face instead"
_FACE, _RESULT = "Face", "Result"


def _option(panel: str, *names: str, metavar: str | None = None, text: str = "") -> typer.models.OptionInfo:
    option: typer.models.OptionInfo = typer.Option(
        *names, metavar=metavar, help=text, rich_help_panel=panel, show_default=False
    )
    return option


_Source = Annotated[
    str | None,
    typer.Argument(metavar="[FILE]", help="Sound or video with a voice, a motion file (.csv, .json), - for stdin."),
]
_Out = Annotated[Path | None, _option(_RESULT, "--out", "-o", metavar="OUT", text="take.csv .json .vmd .glb")]
_Fps = Annotated[str | None, _option(_RESULT, "--fps", metavar="N", text="Rows a second; 50, .vmd always 30.")]
_Sound = Annotated[Path | None, _option(_RESULT, "--sound", metavar="FILE", text="Also the sound: .wav.")]
_Text = Annotated[str | None, _option(_WORDS, "--text", "-t", metavar="TEXT", text="What to say; may hold marks.")]
_TextFile = Annotated[Path | None, _option(_WORDS, "--text-file", metavar="FILE", text="Or the file it stands in.")]
_Video = Annotated[Path | None, _option(_VIDEO, "--from-video", metavar="FILE", text="Follow the face in a video.")]
_Relative = Annotated[
    bool | None, _option(_VIDEO, "--relative", text="The head's turns against how it mostly is, not the camera.")
]
_Transcript = Annotated[Path | None, _option(_RECORDING, "--transcript", metavar="FILE", text="Its words: exact lips.")]
_Denoise = Annotated[str | None, _option(_RECORDING, "--denoise", metavar="HOW", text="auto, on, off or film.")]
_Vad = Annotated[
    str | None, _option(_RECORDING, "--vad", metavar="NAME", text="Who tells speech: auto, silero, energy.")
]
_Language = Annotated[str | None, _option(_WORDS, "--language", "-l", metavar="CODE", text="en, zh, de …; auto.")]
_Emotion = Annotated[str | None, _option(_FACE, "--emotion", "-e", metavar="NAME", text="happy, sad, serious …")]
_Driver = Annotated[str | None, _option(_FACE, "--face-driver", metavar="NAME", text="auto, phones or listen.")]
_Expression = Annotated[
    float | None, _option(_FACE, "--voice-expression", metavar="X", text="How much the voice shows in it, 0 to 1.")
]


def command(
    source: _Source = None,
    out: _Out = None,
    fps: _Fps = None,
    sound: _Sound = None,
    transcript: _Transcript = None,
    denoise: _Denoise = None,
    vad: _Vad = None,
    video: _Video = None,
    relative: _Relative = None,
    text: _Text = None,
    text_file: _TextFile = None,
    language: _Language = None,
    voice: Annotated[str | None, _option(_WORDS, "--voice", metavar="NAME", text="auto; see: mien voice list.")] = None,
    fallback: Annotated[
        bool | None, _option(_WORDS, "--fallback", text="Where that voice fails, the embedded one speaks.")
    ] = None,
    rate: Annotated[float | None, _option(_WORDS, "--rate", metavar="X", text="Speed, 0.5 to 2.")] = None,
    pitch: Annotated[float | None, _option(_WORDS, "--pitch", metavar="X", text="-1 to 1.")] = None,
    lexicon: Annotated[str | None, _option(_WORDS, "--lexicon", metavar="FILE", text="Pronunciations.")] = None,
    emotion: _Emotion = None,
    face_driver: _Driver = None,
    style: Annotated[str | None, _option(_FACE, "--style", metavar="NAME", text="serious, lively or cartoon.")] = None,
    lip_strength: Annotated[float | None, _option(_FACE, "--lip-strength", metavar="X", text="0 to 2.")] = None,
    head_motion: Annotated[float | None, _option(_FACE, "--head-motion", metavar="X", text="0 to 2.")] = None,
    blink_rate: Annotated[float | None, _option(_FACE, "--blink-rate", metavar="X", text="0 to 2.")] = None,
    smoothing: Annotated[float | None, _option(_FACE, "--smoothing", metavar="X", text="0 to 1.")] = None,
    voice_expression: _Expression = None,
    seed: Annotated[int | None, _option(_FACE, "--seed", metavar="N", text="Another number, other idle life.")] = None,
) -> None:
    """The motion of a face as a file, for Unreal, Blender, three.js, MikuMikuDance and others.

    mien motion talk.wav -o talk.csv

    mien motion --from-video me.mp4 -o me.glb
    """
    if out is None:
        raise UsageError("Where should the motion go?", hint="Name it with -o, such as -o take.csv.")
    from mien.motions import motion

    take = motion(
        source,
        text=None if text is None and text_file is None else read_text(text, text_file, None),
        video=video, relative=relative or None, transcript=transcript, denoise=denoise, vad=vad, language=language,
        voice=voice, fallback=fallback or None, rate=rate, pitch=pitch, lexicon=lexicon, face_driver=face_driver,
        emotion=emotion, style=style, lip_strength=lip_strength, head_motion=head_motion, blink_rate=blink_rate,
        smoothing=smoothing, voice_expression=voice_expression, seed=seed, tell=console.note,
    )  # fmt: skip
    begun = time.perf_counter()
    _report(_save(take, out, fps, sound), time.perf_counter() - begun)


def _save(take: Take, out: Path, fps: str | None, sound: Path | None) -> MotionReport:
    with ExitStack() as stack:
        bar: list[console.Progress] = []

        def show(done: float, total: float) -> None:
            if not total:
                return
            whole = max(round(total), int(done))
            if not bar:
                bar.append(stack.enter_context(console.progress("Motion", whole, "s")))
            bar[0].update(int(done), whole)

        return take.save(out, fps=fps, sound=sound, observe=show)


def _report(report: MotionReport, wall: float) -> None:
    names = str(report.path) + (f", {report.sound}" if report.sound else "")
    console.event(
        "motion",
        plain=f"{names}: {report.seconds:.1f} s, {report.rows} rows at {report.fps} a second, made in {wall:.1f} s",
        path=str(report.path),
        seconds=round(report.seconds, 3),
        rows=report.rows,
        fps=str(report.fps),
        sound=None if report.sound is None else str(report.sound),
        wall=round(wall, 3),
    )
