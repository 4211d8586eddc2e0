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

from mien.apps.cli import console, options
from mien.apps.cli.make import read_text
from mien.apps.cli.options import FACE, RECORDING, RESULT, option
from mien.errors import UsageError

if TYPE_CHECKING:
    from mien.motions import MotionReport, Take

_WORDS, _VIDEO = "Words instead of a recording", "A video of a face instead"

_Source = Annotated[
    str | None,
    typer.Argument(metavar="[FILE]", help="Sound or video with a voice, a motion file (.csv, .json), - for stdin."),
]
_Out = Annotated[Path | None, option(RESULT, "--out", "-o", metavar="OUT", text="take.csv .json .vmd .glb")]
_Fps = Annotated[str | None, option(RESULT, "--fps", metavar="N", text="Rows a second; 50, .vmd always 30.")]
_Sound = Annotated[Path | None, option(RESULT, "--sound", metavar="FILE", text="Also the sound: .wav.")]
_Text = Annotated[str | None, option(_WORDS, "--text", "-t", metavar="TEXT", text="What to say; may hold marks.")]
_TextFile = Annotated[Path | None, option(_WORDS, "--text-file", metavar="FILE", text="Or the file it stands in.")]
_Video = Annotated[Path | None, option(_VIDEO, "--from-video", metavar="FILE", text="Follow the face in a video.")]
_Relative = Annotated[
    bool | None, option(_VIDEO, "--relative", text="The head's turns against how it mostly is, not the camera.")
]
_Transcript = Annotated[Path | None, option(RECORDING, "--transcript", metavar="FILE", text="Its words: exact lips.")]
_Language = Annotated[str | None, option(_WORDS, "--language", "-l", metavar="CODE", text="en, zh, de …; auto.")]
_Emotion = Annotated[str | None, option(FACE, "--emotion", "-e", metavar="NAME", text="happy, sad, serious …")]


def command(
    source: _Source = None,
    out: _Out = None,
    fps: _Fps = None,
    sound: _Sound = None,
    transcript: _Transcript = None,
    denoise: options.Denoise = None,
    vad: options.Vad = None,
    video: _Video = None,
    relative: _Relative = None,
    text: _Text = None,
    text_file: _TextFile = None,
    language: _Language = None,
    voice: Annotated[str | None, option(_WORDS, "--voice", metavar="NAME", text="auto; see: mien voice list.")] = None,
    fallback: Annotated[
        bool | None, option(_WORDS, "--fallback", text="Where that voice fails, the embedded one speaks.")
    ] = None,
    rate: Annotated[float | None, option(_WORDS, "--rate", metavar="X", text="Speed, 0.5 to 2.")] = None,
    pitch: Annotated[float | None, option(_WORDS, "--pitch", metavar="X", text="-1 to 1.")] = None,
    lexicon: Annotated[str | None, option(_WORDS, "--lexicon", metavar="FILE", text="Pronunciations.")] = None,
    emotion: _Emotion = None,
    face_driver: options.Driver = None,
    style: options.Style = None,
    lip_strength: options.LipStrength = None,
    head_motion: options.HeadMotion = None,
    blink_rate: options.BlinkRate = None,
    smoothing: options.Smoothing = None,
    voice_expression: options.Expression = None,
    seed: options.Seed = None,
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
