"""Motion without a film: a voice, words, a video of a face or a motion file in, a motion file or its rows out.

import mien

mien.motion("talk.mp3").save("talk.glb")
mien.motion(text="Hello.").save("hello.vmd", sound="hello.wav")
mien.motion(video="me.mp4").save("me.csv", fps=60)
for clip in mien.motion("talk.mp3").clips():
    ...
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

from mien import config
from mien.audio.source import AudioSource
from mien.errors import UsageError
from mien.timeline import parse_fps
from mien.transmit.atomic import check_target
from mien.transmit.motion import MotionWriter, check_rate
from mien.transmit.motion_reader import READ, read_motion
from mien.transmit.sound import WavWriter
from mien.types import FaceClip, FloatArray

Observe = Callable[[float, float], None]
"""Told of seconds done and of seconds in all (0 = not known)."""

Hear = Callable[[FloatArray], None]

_DIALS: Final = (
    "face_driver", "emotion", "style", "lip_strength", "head_motion", "blink_rate", "smoothing", "voice_expression",
    "seed",
)  # fmt: skip
_WRITTEN: Final = ("language", "lexicon")
_FITTING: Final = {  # what goes with which source; all else would be ignored, and is refused
    "a text": ("voice", "rate", "pitch", "fallback", *_WRITTEN, *_DIALS),
    "a recording without its words": ("transcript", "denoise", "vad", *_DIALS),
    "a recording and its words": ("transcript", "denoise", "vad", *_WRITTEN, *_DIALS),
    "a video": ("relative",),
    "a motion file": (),
}


@dataclass(frozen=True, slots=True)
class MotionReport:
    """What was written. rows: in the file's rate, ``fps``. seconds: of motion. sound: the file with the sound."""

    path: Path
    seconds: float
    rows: int
    fps: Fraction
    sound: Path | None = None


def motion(
    source: AudioSource | Path | None = None,
    *,
    text: str | None = None,
    video: str | Path | None = None,
    relative: bool | None = None,
    transcript: str | Path | None = None,
    denoise: str | None = None,
    vad: str | None = None,
    language: str | None = None,
    voice: str | None = None,
    rate: float | None = None,
    pitch: float | None = None,
    fallback: bool | None = None,
    lexicon: Mapping[str, str] | str | Path | None = None,
    face_driver: str | None = None,
    emotion: str | None = None,
    style: str | None = None,
    lip_strength: float | None = None,
    head_motion: float | None = None,
    blink_rate: float | None = None,
    smoothing: float | None = None,
    voice_expression: float | None = None,
    seed: int | None = None,
    settings: config.Settings | None = None,
    tell: Callable[[str], None] | None = None,
) -> Take:
    """The motion of a face from exactly one source. Nothing slow happens until it is saved or its clips are read.

    source: a recorded voice, as ``audio`` of :func:`mien.make` (a sound or video file, …), or a motion file (.csv as
    Live Link Face writes it, .json). text: what to say. video: a video of a face to follow; relative: the head's turns
    against how it mostly is, not against the camera. voice_expression: 0…1, how much of the voice's expression shows.
    All else is as in :func:`mien.make`; None is as in the settings. Raises UsageError (also for what the source has no
    use for), InputError, MissingError.
    """
    given: dict[str, Any] = {name: value for name, value in locals().items() if value is not None}
    base = settings or config.load()
    say = tell or (lambda line: None)
    if sum(name in given for name in ("source", "text", "video")) != 1:
        several = given.keys() & {"source", "text", "video"}
        question = "More than one source is given." if several else "What should move the face?"
        raise UsageError(question, hint="Give one of a recording, a text, a video of a face and a motion file.")
    if video is not None:
        _refuse_useless(given, "a video")
        return _VideoTake(Path(video), relative=bool(relative), tell=say)
    if isinstance(source, str | Path) and Path(source).suffix.lower() in READ:
        _refuse_useless(given, "a motion file")
        return _FileTake(Path(source))
    _refuse_useless(
        given, "a text" if text is not None else f"a recording {'without' if transcript is None else 'and'} its words"
    )
    return _SpeechTake(given, base, say)


def _refuse_useless(given: Mapping[str, Any], kind: str) -> None:
    for name in given:
        if name not in (*_FITTING[kind], "source", "text", "video", "settings", "tell"):
            raise UsageError(f"--{name.replace('_', '-')} is of no use for {kind}.", hint="Leave it out.")


class Take(ABC):
    """Motion that can be made. What can be read only once (standard input, iterables) makes it once."""

    def clips(self, observe: Observe | None = None) -> Iterator[FaceClip]:
        """The motion piece by piece, each clip following on from the last; in memory that does not grow."""
        return self._made(_ignore, observe or _ignore)

    def save(
        self,
        path: str | Path,
        *,
        fps: str | float | Fraction | None = None,
        sound: str | Path | None = None,
        observe: Observe | None = None,
    ) -> MotionReport:
        """Write a motion file; the ending says which: .csv .json .vmd .glb (docs/motion.md).

        fps: rows a second, default as the motion comes (50, or as the motion file has it; VMD always 30). sound: also
        what is heard, as a .wav that runs with the motion. Files appear whole or not at all. Raises any MienError.
        """
        target, beside = Path(path), None if sound is None else Path(sound)
        rate = check_rate(target, None if fps is None else parse_fps(fps))
        self._check(target, beside)
        rows, seconds, native = 0, 0.0, Fraction(50)
        with ExitStack() as stack:
            hear = _ignore if beside is None else stack.enter_context(WavWriter(beside)).write
            writer = stack.enter_context(MotionWriter(target, rate))
            for clip in self._made(hear, observe or _ignore):
                writer.write(clip)
                rows, native = rows + len(clip), clip.rate
            seconds = float(rows / native)
        fps_written = rate or native
        return MotionReport(target, seconds, -int(-rows * fps_written // native), fps_written, beside)

    @property
    def _sources(self) -> tuple[Path, ...]:
        return ()

    @property
    def _has_sound(self) -> bool:
        return False

    @abstractmethod
    def _made(self, hear: Hear, observe: Observe) -> Iterator[FaceClip]:
        """The motion. hear: told of the sound that goes with it."""

    def _check(self, target: Path, sound: Path | None) -> None:
        """Refuse what can be refused cheaply."""
        if sound is not None and not self._has_sound:
            raise UsageError(
                "A video or a motion file gives no sound to write beside the motion.", hint="Leave --sound out."
            )
        for written in (target, *(() if sound is None else (sound,))):
            check_target(written)
            for source in self._sources:
                if written.exists() and source.exists() and written.samefile(source):
                    raise UsageError(
                        f"The result would overwrite its own source '{source}'.", hint="Choose another name with -o."
                    )


class _FileTake(Take):
    """A motion file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def _sources(self) -> tuple[Path, ...]:
        return (self._path,)

    def _made(self, hear: Hear, observe: Observe) -> Iterator[FaceClip]:
        yield read_motion(self._path)


class _VideoTake(Take):
    """A face in a video."""

    def __init__(self, path: Path, *, relative: bool, tell: Callable[[str], None]) -> None:
        self._path, self._relative, self._tell = path, relative, tell

    @property
    def _sources(self) -> tuple[Path, ...]:
        return (self._path,)

    def _made(self, hear: Hear, observe: Observe) -> Iterator[FaceClip]:
        from mien.tracking import VideoMotion

        yield from VideoMotion(self._path, relative=self._relative, tell=self._tell, observe=observe)


class _SpeechTake(Take):
    """Words or a recorded voice."""

    def __init__(self, given: Mapping[str, Any], base: config.Settings, tell: Callable[[str], None]) -> None:
        from mien.casting import Order, Subject, with_options
        from mien.recorded import Recording
        from mien.stage.background import parse_background

        chosen = with_options(base, given)
        audio = given.get("source")
        recording = None
        if audio is not None:
            recording = Recording.of(audio, given.get("transcript"), chosen.speak.language, chosen.audio)
        self._tell = tell
        self._order = Order(
            subject=Subject(),
            text=given.get("text", ""),
            recording=recording,
            speak=chosen.speak,
            voices=chosen.voices,
            face=chosen.face,
            film=chosen.film,
            background=parse_background("source"),
            lexicon=given.get("lexicon"),
        )
        self._script = self._order.parse()

    @property
    def _sources(self) -> tuple[Path, ...]:
        return self._order.sources

    @property
    def _has_sound(self) -> bool:
        return True

    def _made(self, hear: Hear, observe: Observe) -> Iterator[FaceClip]:
        from mien.casting import Delivery
        from mien.timeline import to_seconds

        total = self._order.guess_seconds()
        with Delivery(self._order, self._script, self._tell) as delivery:
            driver = delivery.driver()
            for part in delivery.parts:
                driver.push(part)
                hear(part.audio.samples)
                yield driver.read()
                observe(to_seconds(part.audio.end), total)
            driver.close()
            yield driver.read()


def _ignore(*told: object) -> None:
    """Whoever listens to nothing."""
