"""The Python interface: a portrait and words or a voice in, a film or its frames out.

import mien

mien.make("me.jpg", text="Hello.").save("out.mp4")
mien.make("me.jpg", audio="talk.mp3").save("out.mp4")
for frame, sound in mien.make("me.jpg", text="Hello.").frames():
    ...
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

from mien import config
from mien.audio.source import AudioSource
from mien.avatar import Avatar
from mien.captions import make_captions
from mien.casting import Cast, Order, Subject, with_options
from mien.engine import Progress, Show, Timings, film
from mien.errors import UsageError
from mien.recorded import Recording
from mien.stage.background import parse_background
from mien.stage.size import check_size
from mien.timeline import parse_fps, to_seconds
from mien.transmit.captions import caption_paths, write_captions
from mien.transmit.open import Output, open_sink, parse_output
from mien.transmit.provenance import check as check_signing
from mien.transmit.provenance import sign_if_wanted
from mien.types import AudioChunk, Cue, VideoFrame


@dataclass(frozen=True, slots=True)
class FilmProgress:
    """How far a film is. frames: done. total: expected, exact once all speech is made. seconds: of film, done."""

    frames: int
    total: int
    seconds: float


@dataclass(frozen=True)
class FilmReport:
    """What was made. duration: seconds of film. captions, motion: files beside it. timings: seconds by stage.

    cues: the script's [cue …] marks, ticks in film time. watermark: payload of the invisible mark, None = none. signed:
    whether it holds Content Credentials.
    """

    path: Path
    duration: float
    frames: int
    fps: Fraction
    width: int
    height: int
    captions: tuple[Path, ...]
    motion: Path | None
    timings: Timings
    cues: tuple[Cue, ...] = ()
    watermark: int | None = None
    signed: bool = False

    @property
    def real_time_factor(self) -> float:
        """Seconds of work for a second of film."""
        return self.timings.wall / self.duration


def make(
    portrait: str | Path | Avatar,
    text: str | None = None,
    *,
    audio: AudioSource | None = None,
    transcript: str | Path | None = None,
    denoise: str | None = None,
    vad: str | None = None,
    face_driver: str | None = None,
    language: str | None = None,
    voice: str | None = None,
    rate: float | None = None,
    pitch: float | None = None,
    volume: float | None = None,
    fallback: bool | None = None,
    lexicon: Mapping[str, str] | str | Path | None = None,
    emotion: str | None = None,
    style: str | None = None,
    lip_strength: float | None = None,
    head_motion: float | None = None,
    blink_rate: float | None = None,
    smoothing: float | None = None,
    voice_expression: float | None = None,
    lip_model: str | Path | None = None,
    calibration: str | Path | None = None,
    seed: int | None = None,
    size: str | None = None,
    aspect: str | None = None,
    fps: str | float | Fraction | None = None,
    preset: str | None = None,
    background: str | None = None,
    encoder: str | None = None,
    burn_captions: str | None = None,
    caption_area: str | None = None,
    crop: str | None = None,
    face: int = 0,
    watermark: str | int | None = None,
    label: str | None = None,
    c2pa: bool | None = None,
    strict: bool | None = None,
    settings: config.Settings | None = None,
    tell: Callable[[str], None] | None = None,
) -> Film:
    """A film of a portrait that says a text or speaks with a recorded voice: exactly one of text and audio is given.

    Nothing slow happens until it is saved or its frames are read.
    portrait: a picture file, the name of an avatar, or an avatar. text: may hold script marks (docs/script-marks.md);
    :func:`escape` plain text. audio: a sound or video file, "-" for one on standard input, "pcm:s16le:16000:1" for raw
    samples there (":PATH" after it: from a file), or (samples, rate in Hz), where samples is an array, (n,) or
    (n, channels), or an iterable of arrays; what can be read once makes one film. transcript: its words (str) or a file
    of them (Path; text, .srt or .vtt): exact lips and captions. denoise, vad, face_driver: as in the settings ([audio],
    and backend of [face]). face: which one in the picture, 0 = largest. What is None is as in the settings
    (:mod:`mien.config`, which also states units and ranges); settings: default the user's own. voice: docs/voices.md;
    fallback: the embedded voice steps in for one that cannot speak. watermark, label, c2pa, strict: marks,
    signature and consent (docs/trust.md). tell: told in a line when an avatar has to be made
    first, which voice "auto" took, and what leaves this machine. Raises UsageError, InputError, MissingError.
    """
    given = {name: value for name, value in locals().items() if value is not None}
    chosen = with_options(settings or config.load(), given)
    check_size(chosen.film.size, chosen.film.aspect)
    _check_words(given)
    order = Order(
        subject=Subject.of(portrait, chosen.portrait.crop, face),
        text=text or "",
        recording=None if audio is None else Recording.of(audio, transcript, chosen.speak.language, chosen.audio),
        speak=chosen.speak,
        voices=chosen.voices,
        face=chosen.face,
        film=chosen.film,
        background=parse_background(chosen.film.background),
        lexicon=lexicon,
        captions=chosen.film.captions,
        trust=chosen.trust,
    )
    order.check_consent()
    return Film(order, tell or (lambda line: None))


_OF_RECORDINGS: Final = ("transcript", "denoise", "vad")
_OF_VOICES: Final = ("voice", "rate", "pitch", "fallback")
_OF_WORDS: Final = ("lexicon", "language", "burn_captions")


def _check_words(given: Mapping[str, object]) -> None:
    """Exactly one of text and audio, and nothing that would be ignored."""
    if ("text" in given) == ("audio" in given):
        question = "Both a text and a recording are given." if "text" in given else "What should be said?"
        raise UsageError(question, hint="Give a text or a recording; --transcript holds a recording's words.")
    if "text" in given:
        _refuse(_OF_RECORDINGS, given, "goes with a recording", "Give the recording with --audio, or leave it out.")
        return
    _refuse(_OF_VOICES, given, "is for a text that is spoken; a recording has its own voice", "Leave it out.")
    if "transcript" not in given:
        _refuse(_OF_WORDS, given, "is for words, and none are given", "Give the recording's words with --transcript.")


def _refuse(options: Iterable[str], given: Mapping[str, object], why: str, hint: str) -> None:
    for name in options:
        if name in given:
            raise UsageError(f"--{name.replace('_', '-')} {why}.", hint=hint)


class Film:
    """A film that can be made, as often as wanted, always the same. See :func:`make`."""

    def __init__(self, order: Order, tell: Callable[[str], None]) -> None:
        self._order, self._tell = order, tell
        self._script = order.parse()

    def save(
        self,
        path: str | Path,
        *,
        captions: str | None = None,
        motion: str | Path | None = None,
        trace: str | Path | None = None,
        observe: Callable[[FilmProgress], None] | None = None,
    ) -> FilmReport:
        """Make the film. The ending of ``path`` says which kind: .mp4 .m4v .mov .webm .gif .webp name_%05d.png folder/

        captions: "srt", "vtt", "ass", several with commas, "both" or "none", beside the film; default as in the
        settings, none for previews. motion: also write the motion, .csv (Live Link Face) or .json. trace: also write
        what was said when, as JSON for ``mien eval film``. observe: called after every frame.
        Files appear whole or not at all. Raises any MienError; Ctrl-C leaves nothing behind.
        """
        output, extras = self._checked(path, captions, motion, trace)
        cast = self._cast(preview=output.preview)
        with cast, _motion_file(cast, extras.motion), _trace_file(cast, extras.trace), Show(cast.scene()) as show:
            width, height = cast.size
            output.check_room(width, height, cast.fps, self._order.guess_seconds())
            sink = open_sink(
                output, width, height, cast.fps, preset=self._order.film.preset, encoder=self._order.film.encoder,
                alpha=self._wants_alpha,
            )  # fmt: skip
            done = film(show, sink, _watch(cast, observe))
        self._write_extras(cast, extras)
        self._sign(output)
        return FilmReport(
            path=output.path,
            duration=to_seconds(done.tick),
            frames=done.frames,
            fps=cast.fps,
            width=width,
            height=height,
            captions=extras.captions,
            motion=extras.motion,
            timings=show.timings,
            cues=tuple(cast.cues),
            watermark=self._order.marks.payload,
            signed=self._order.trust.c2pa,
        )

    @property
    def sources(self) -> tuple[Path, ...]:
        """The files that are read."""
        return self._order.sources

    def check(
        self,
        path: str | Path,
        *,
        captions: str | None = None,
        motion: str | Path | None = None,
        trace: str | Path | None = None,
    ) -> dict[str, Path]:
        """Raise what :meth:`save` would raise before any work. Returns the files that it would write.

        Their names: "film", "srt", "vtt", "motion", "trace", as far as they are asked for.
        """
        output, extras = self._checked(path, captions, motion, trace)
        beside = {"motion": extras.motion, "trace": extras.trace}
        files = {"film": output.path, **{file.suffix[1:]: file for file in extras.captions}}
        return files | {name: file for name, file in beside.items() if file is not None}

    def frames(self) -> Iterator[tuple[VideoFrame, AudioChunk]]:
        """Every picture with its sound, as it is made: in memory of a few frames, however long the film is.

        Pixels are RGB, or RGBA with background "transparent". Stop early by closing the iterator.
        """
        cast = self._cast()
        with cast, Show(cast.scene()) as show:
            yield from show

    def _cast(self, *, preview: bool = False) -> Cast:
        """Who plays. preview: sizes and rates that were left open are a preview's."""
        return Cast(self._order, self._script, self._tell, preview=preview, alpha=self._wants_alpha)

    def _captions(self, asked: str | None, output: Output) -> str:
        """Which caption files there will be: none for words that nobody gave."""
        recording = self._order.recording
        if recording is None or recording.transcript:
            return asked or ("none" if output.preview else self._order.captions)
        if asked not in (None, "none"):
            raise UsageError(
                "Captions need the words of the recording.",
                hint="Give them with --transcript, or leave --captions out.",
            )
        return "none"

    @property
    def _wants_alpha(self) -> bool:
        return self._order.background.kind == "transparent"

    def _checked(
        self, path: str | Path, captions: str | None, motion: str | Path | None, trace: str | Path | None
    ) -> tuple[Output, _Extras]:
        """What is to be written; everything that can be refused cheaply is."""
        output = parse_output(path)
        extras = _extra_files(output, self._captions(captions, output), motion, trace)
        order = self._order
        if self._wants_alpha and not output.alpha:
            raise UsageError(
                f"{output.kind} films cannot be transparent.", hint="Write a .webm, a .mov or name_%05d.png instead."
            )
        parse_fps(order.film.fps if order.film.fps != "auto" else 25)
        output.check(order.film.preset, order.film.encoder)
        order.marks.check()
        self._check_lettering()
        check_signing("Numbered picture" if output.pictures is not None else output.kind, order.trust)
        written = [output.path, *extras.captions, *(p for p in (extras.motion, extras.trace) if p is not None)]
        for target in written:
            _refuse_overwriting(target, order.sources)
        if len({p.absolute() for p in written}) < len(written):
            raise UsageError("Two results would get the same file name.", hint="Choose another name for one of them.")
        return output, extras

    def _sign(self, output: Output) -> None:
        """Content Credentials, where they are wanted."""
        sign_if_wanted(output.path, self._order.trust, self._order.marks.payload)

    def _check_lettering(self) -> None:
        """Refuse captions that cannot be drawn; tell which emoji will not be."""
        style = self._order.lettering
        if style is None:
            return
        if self._wants_alpha:
            raise UsageError(
                "Captions cannot be drawn into a transparent film.", hint="Leave --burn-captions or the background out."
            )
        from mien.stage.type.burned import text_style
        from mien.stage.type.text import check_text

        shown = self._script.caption(0, len(self._script.source))
        left_out = check_text(shown, text_style(style, (1080, 1920)))
        if left_out:
            self._tell(f"No font here has the emoji {', '.join(left_out[:3])}: left out of the captions.")

    def _write_extras(self, cast: Cast, extras: _Extras) -> None:
        if extras.captions:
            recording, script = self._order.recording, self._script
            if recording is None:
                lines = make_captions(cast.words, script.source, script.caption)
            else:
                lines = recording.captions(cast.words)
            for path in extras.captions:
                write_captions(lines, path, cast.size)


def create_avatar(portrait: str | Path, name: str = "", *, crop: str = "auto", face: int = 0) -> Avatar:
    """Make an avatar of a picture; with a name it is also kept for ``make(name, …)`` and ``mien make --avatar``.

    crop: "auto", "none", "head" or "bust". face: 0 = largest. Raises InputError, PortraitRefused, UsageError.
    """
    from mien.portrait import build
    from mien.portrait.store import library

    avatar = build.create_avatar(Path(portrait), name=name, face=face, crop=crop)
    return library.add(avatar) if name else avatar


def load_avatar(name: str | Path) -> Avatar:
    """A kept avatar by name, or one exported to a ``.mien`` file. Raises MissingError, InputError."""
    from mien.portrait.store import bundle, library

    path = Path(name)
    return bundle.load(path) if path.suffix == ".mien" else library.get(str(name))


def escape(text: str) -> str:
    """Plain text as a script: brackets lose their meaning as marks."""
    from mien.dialogue.script import escape as escape_script

    return escape_script(text)


@dataclass(frozen=True, slots=True)
class _Extras:
    captions: tuple[Path, ...]
    motion: Path | None
    trace: Path | None


@contextmanager
def _motion_file(cast: Cast, path: Path | None) -> Iterator[None]:
    """Writes the motion as it passes; the file appears when the film does."""
    if path is None:
        yield
        return
    from mien.transmit.motion import MotionWriter

    with MotionWriter(path) as writer:
        cast.on_clip = writer.write
        yield


@contextmanager
def _trace_file(cast: Cast, path: Path | None) -> Iterator[None]:
    """Writes what was said when, once the film is complete."""
    if path is None:
        yield
        return
    from mien.transmit.trace import TraceRecorder

    recorder = TraceRecorder()
    cast.on_part = recorder.hear
    yield
    recorder.write(path)


def _extra_files(output: Output, captions: str, motion: str | Path | None, trace: str | Path | None) -> _Extras:
    from mien.transmit.atomic import check_target
    from mien.transmit.motion import suffix_of

    paths = caption_paths(output.path, captions)
    beside = Path(motion) if motion is not None else None
    if beside is not None:
        suffix_of(beside)  # refuses endings that are no motion file
    traced = Path(trace) if trace is not None else None
    for path in (*paths, *(p for p in (beside, traced) if p is not None)):
        check_target(path)
    return _Extras(paths, beside, traced)


def _refuse_overwriting(target: Path, inputs: Iterable[Path]) -> None:
    for path in inputs:
        if target.exists() and path.exists() and target.samefile(path):
            raise UsageError(
                f"The result would overwrite its own source '{path}'.", hint="Choose another name with -o."
            )


def _watch(cast: Cast, observe: Callable[[FilmProgress], None] | None) -> Callable[[Progress], None] | None:
    if observe is None:
        return None

    def tell(progress: Progress) -> None:
        observe(FilmProgress(progress.frames, cast.expected_frames(progress.frames), to_seconds(progress.tick)))

    return tell
