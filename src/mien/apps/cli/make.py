"""``mien make``: a portrait and words, or a recorded voice, become a film.

Events under ``--json``, one JSON object a line on standard output:

- ``note``: message. Something that was done first, such as making the avatar.
- ``progress``: stage ("Film"), done, total (frames; total is an estimate until all speech is made), seconds (since the
  start), eta (seconds left, or null).
- ``film``: path, duration (seconds of film), frames, fps (as "25" or "30000/1001"), width, height, captions (list of
  paths), motion and trace (path or null), watermark (payload or null), c2pa (whether it is signed), cues (list of name
  and time in seconds), wall (seconds it took), real_time_factor (wall / duration), first_frame (seconds until the first
  picture was drawn), timings (seconds by stage: speech, face, prepare, draw, compose, encode).
- ``error``: as for every command.
"""

from __future__ import annotations

import sys
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mien import config
from mien.apps.cli import console, options
from mien.apps.cli.options import FACE, PICTURE, RECORDING, RESULT, option
from mien.errors import InputError, UsageError
from mien.timeline import to_seconds

if TYPE_CHECKING:
    from mien.api import Film, FilmProgress, FilmReport
    from mien.avatar import Avatar

_MAX_TEXT_BYTES = 4_000_000

_WORDS, _VOICE = "Words", "Voice"

_Out = Annotated[
    str, option(RESULT, "--out", "-o", metavar="OUT", text="film.mp4 .mov .webm .gif .webp x_%05d.png dir/")
]
_Text = Annotated[str | None, option(_WORDS, "--text", "-t", metavar="TEXT", text="What to say; may hold marks.")]
_TextFile = Annotated[Path | None, option(_WORDS, "--text-file", metavar="FILE", text="Or the file it stands in.")]
_Audio = Annotated[
    str | None, option(RECORDING, "--audio", metavar="FILE", text="Sound or video; - or pcm:s16le:16000:1 is stdin.")
]
_Transcript = Annotated[
    Path | None, option(RECORDING, "--transcript", metavar="FILE", text="Its words: exact lips, and captions.")
]
_Model = Annotated[
    Path | None, option(FACE, "--lip-model", metavar="FILE", text="A network of your own: see mien train.")
]
_Calibration = Annotated[
    Path | None, option(FACE, "--calibration", metavar="FILE", text="Keeps what is learned about a voice.")
]
_Language = Annotated[str | None, option(_WORDS, "--language", "-l", metavar="CODE", text="en, zh, de …; auto.")]
_Emotion = Annotated[str | None, option(_WORDS, "--emotion", "-e", metavar="NAME", text="happy, sad, serious …")]
_Captions = Annotated[str | None, option(RESULT, "--captions", metavar="KIND", text="srt, vtt, ass, both or none.")]
_Burn = Annotated[
    str | None, option(RESULT, "--burn-captions", metavar="STYLE", text="In the picture: plain box karaoke big-word.")
]
_Area = Annotated[
    str | None, option(RESULT, "--caption-area", metavar="NAME", text="Clear of: tiktok douyin reels shorts bilibili.")
]
_Trace = Annotated[
    Path | None, option(RESULT, "--trace", metavar="FILE", text="Also what was said when, for mien eval film.")
]


def command(
    stdin: Annotated[str | None, typer.Argument(metavar="[-]", help="- reads the text from standard input.")] = None,
    out: _Out = "",
    portrait: options.Portrait = None,
    avatar: options.Avatar = None,
    crop: options.Crop = None,
    face: options.Which = None,
    text: _Text = None,
    text_file: _TextFile = None,
    audio: _Audio = None,
    transcript: _Transcript = None,
    denoise: options.Denoise = None,
    vad: options.Vad = None,
    language: _Language = None,
    emotion: _Emotion = None,
    voice: Annotated[str | None, option(_VOICE, "--voice", metavar="NAME", text="auto; see: mien voice list.")] = None,
    fallback: Annotated[
        bool | None, option(_VOICE, "--fallback", text="Where that voice fails, the embedded one speaks.")
    ] = None,
    rate: Annotated[float | None, option(_VOICE, "--rate", metavar="X", text="Speed, 0.5 to 2.")] = None,
    pitch: Annotated[float | None, option(_VOICE, "--pitch", metavar="X", text="-1 to 1.")] = None,
    volume: Annotated[float | None, option(_VOICE, "--volume", metavar="X", text="0 to 2; 1 is -16 LUFS.")] = None,
    lexicon: Annotated[str | None, option(_VOICE, "--lexicon", metavar="FILE", text="Pronunciations.")] = None,
    face_driver: options.Driver = None,
    style: options.Style = None,
    lip_strength: options.LipStrength = None,
    head_motion: options.HeadMotion = None,
    blink_rate: options.BlinkRate = None,
    smoothing: options.Smoothing = None,
    voice_expression: options.Expression = None,
    lip_model: _Model = None,
    calibration: _Calibration = None,
    seed: options.Seed = None,
    size: options.Size = None,
    aspect: options.Aspect = None,
    fps: Annotated[str | None, option(PICTURE, "--fps", metavar="N", text="24, 25, 29.97, 30, 50 or 60.")] = None,
    background: options.Background = None,
    preset: options.Preset = None,
    encoder: options.Encoder = None,
    captions: _Captions = None,
    burn_captions: _Burn = None,
    caption_area: _Area = None,
    motion: options.Motion = None,
    trace: _Trace = None,
    watermark: options.Watermark = None,
    label: options.Label = None,
    c2pa: options.Credentials = None,
    strict: options.Strict = None,
) -> None:
    """Make a film: a portrait or an avatar, and words or a recorded voice.

    mien make --portrait me.jpg --text "Hello." -o hello.mp4

    mien make --portrait me.jpg --audio talk.mp3 -o talk.mp4
    """
    if not out:
        raise UsageError("Where should the film go?", hint="Name it with -o, such as -o film.mp4.")
    check_who(portrait, avatar, crop, face)
    if audio is not None:
        _refuse_text(text, text_file, stdin)
    from mien import api

    words = None if audio is not None else read_text(text, text_file, stdin)
    _moderate(words)
    made = api.make(
        subject(portrait, avatar),
        words,
        audio=audio, transcript=transcript, denoise=denoise, vad=vad, face_driver=face_driver,
        language=language, voice=voice, rate=rate, pitch=pitch, volume=volume, fallback=fallback, lexicon=lexicon,
        emotion=emotion, style=style, lip_strength=lip_strength, head_motion=head_motion, blink_rate=blink_rate,
        smoothing=smoothing, voice_expression=voice_expression, lip_model=lip_model,
        calibration=calibration, seed=seed, size=size, aspect=aspect, fps=fps, preset=preset, background=background,
        encoder=encoder, burn_captions=burn_captions, caption_area=caption_area, crop=crop, face=face or 0,
        watermark=watermark, label=label, c2pa=c2pa, strict=strict, tell=console.note,
    )  # fmt: skip
    report_film(_save(made, out, captions, motion, trace), trace)


def _moderate(words: str | None) -> None:
    """Have the script checked, where the settings want it."""
    trust = config.load().trust
    if words is not None and trust.moderation != "off":
        from mien.apps.trust.moderate.choose import require_pass

        require_pass(words, trust, console.note)


def _refuse_text(text: str | None, file: Path | None, stdin: str | None) -> None:
    if any(words is not None for words in (text, file, stdin)):
        raise UsageError(
            "Both words and a recording are given.", hint="Give the words of a recording with --transcript FILE."
        )


def check_who(
    portrait: Path | None,
    avatar: str | None,
    crop: str | None,
    face: int | None,
    *,
    question: str = "Who should speak?",
) -> None:
    """Exactly one of portrait and avatar, and nothing that an avatar has settled. Raises UsageError.

    question: put to whoever gave neither.
    """
    if portrait is None and avatar is None:
        raise UsageError(question, hint="Give --portrait FILE or --avatar NAME.")
    if avatar is None:
        return
    if portrait is not None:
        raise UsageError("Both a portrait and an avatar are given.", hint="Give either --portrait or --avatar.")
    if crop is not None or face is not None:
        option = "--face" if crop is None else "--crop"
        raise UsageError(
            f"{option} goes with --portrait; an avatar has it settled.",
            hint=f"Make another: mien avatar create PICTURE --name NAME {option} …",
        )


def read_text(text: str | None, file: Path | None, stdin: str | None) -> str:
    """The words from exactly one of the three places. Raises UsageError or InputError."""
    if stdin not in (None, "-"):
        raise UsageError(
            f"'{stdin}' is not understood.", hint='Give the words with --text "…", or - for standard input.'
        )
    given = sum(source is not None for source in (text, file, stdin))
    if given != 1:
        if not given:
            raise UsageError(
                "What should be said?", hint="Give one of --text, --text-file and --audio, or - for standard input."
            )
        raise UsageError("More than one text is given.", hint="Give one of --text, --text-file and -.")
    if text is not None:
        return _checked(text, "The text")
    if file is None:
        return _decoded(sys.stdin.buffer.read(_MAX_TEXT_BYTES + 1), "Standard input")
    try:
        if file.is_dir():
            raise InputError(f"'{file}' is a folder, not a text file.")
        with file.open("rb") as stream:
            return _decoded(stream.read(_MAX_TEXT_BYTES + 1), f"The file {file.name}")
    except OSError as error:
        raise InputError(f"The text file '{file}' cannot be read: {error.strerror or error}.") from None
    except ValueError:
        raise InputError("The name of the text file is not one.") from None


def _decoded(data: bytes, what: str) -> str:
    if len(data) > _MAX_TEXT_BYTES:
        raise InputError(f"{what} is over 4 MB.", hint="Split it into several films.")
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return _checked(data.decode(encoding), what)
    except UnicodeDecodeError:
        raise InputError(f"{what} is not UTF-8 text.", hint="Save it as UTF-8.") from None


def _checked(text: str, what: str) -> str:
    if any("\ud800" <= char <= "\udfff" for char in text):  # what Python makes of bytes that are not UTF-8
        raise InputError(f"{what} is not UTF-8 text.", hint="Use a terminal in UTF-8, or --text-file.")
    if not text.strip():
        raise InputError(f"{what} is empty.", hint="Give at least one word.", code="input.nothing_to_say")
    return text


def subject(portrait: Path | None, avatar: str | None) -> str | Path | Avatar:
    """What :func:`mien.make` takes, checked. A kept avatar is loaded by name, whatever files lie around."""
    if portrait is None:
        from mien import api

        return api.load_avatar(str(avatar))
    with suppress(OSError, ValueError):
        if portrait.is_file():
            return portrait
    with suppress(OSError, ValueError):
        if portrait.is_dir():
            raise InputError(f"The portrait '{portrait}' is a folder.", hint="Give a JPEG, PNG, WebP or AVIF file.")
    raise InputError(f"There is no portrait '{portrait}'.", hint="Give a JPEG, PNG, WebP or AVIF file.")


def _save(made: Film, out: str, captions: str | None, motion: Path | None, trace: Path | None) -> FilmReport:
    with ExitStack() as stack:
        bar: list[console.Progress] = []

        def show(progress: FilmProgress) -> None:
            if not bar:  # from the first frame on, so that the time left is not guessed from the start-up
                bar.append(stack.enter_context(console.progress("Film", progress.total, "frames")))
            bar[0].update(progress.frames, progress.total)

        return made.save(out, captions=captions, motion=motion, trace=trace, observe=show)


def report_film(report: FilmReport, trace: Path | None) -> None:
    """Tell what was made. trace: the file beside it, if any."""
    timings = report.timings
    names = [
        str(report.path),
        *(path.name for path in report.captions),
        *(path.name for path in (report.motion, trace) if path is not None),
    ]
    made = f"{report.duration:.1f} s, {report.width}x{report.height}, made in {timings.wall:.1f} s"
    console.event(
        "film",
        plain=f"{', '.join(names)}: {made} ({report.duration / timings.wall:.1f} x real time)",
        path=str(report.path),
        duration=round(report.duration, 3),
        frames=report.frames,
        fps=str(report.fps),
        width=report.width,
        height=report.height,
        captions=[str(path) for path in report.captions],
        motion=None if report.motion is None else str(report.motion),
        trace=None if trace is None else str(trace),
        watermark=report.watermark,
        c2pa=report.signed,
        cues=[{"name": cue.name, "time": round(to_seconds(cue.tick), 4)} for cue in report.cues],
        wall=round(timings.wall, 3),
        real_time_factor=round(report.real_time_factor, 4),
        first_frame=round(timings.first_frame, 3),
        timings={
            name: round(getattr(timings, name), 3)
            for name in ("speech", "face", "prepare", "draw", "compose", "encode")
        },
    )
