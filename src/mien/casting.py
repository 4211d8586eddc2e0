"""From what was asked for to a scene that the engine can play: back ends are chosen, started early and in parallel."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from math import log10
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mien import config, plugins
from mien.avatar import Avatar, Manifest
from mien.engine import LEAD_IN, TAIL, Compose, Scene, place
from mien.errors import InputError, MissingError, UsageError
from mien.face.base import FaceDriver, FaceSettings
from mien.recorded import Recording, with_times
from mien.render.base import Canvas
from mien.stage.background import BackgroundSpec, open_backdrop
from mien.stage.marks import Marks, marks_of
from mien.stage.size import canvas_size
from mien.timeline import frames_in, parse_fps, to_ticks
from mien.types import Cue, Emotion, FaceClip, SpeechPart, Word

if TYPE_CHECKING:
    from mien.dialogue.script import Script
    from mien.dialogue.speak.base import Speaker
    from mien.stage.type.burned import CaptionStyle
    from mien.stage.type.spoken import SpokenCaptions

_PREVIEW_FPS: Final = Fraction(25, 2)
_FILM_FPS: Final = Fraction(25)
_LISTENED_LEAD_IN: Final = -(-LEAD_IN // 960) * 960  # whole rows of activity
_UNKNOWN_SECONDS: Final = 60.0  # how long a recording is taken to be that does not say

_OPTIONS: Final = {
    "speak": ("language", "voice", "rate", "pitch", "volume", "fallback"),
    "face": (
        "emotion", "style", "lip_strength", "head_motion", "blink_rate", "smoothing", "voice_expression", "seed",
        "lip_model", "calibration",
    ),
    "audio": ("denoise", "vad"),
    "film": ("size", "aspect", "fps", "preset", "background", "encoder", "burn_captions", "caption_area"),
    "portrait": ("crop",),
    "trust": ("watermark", "label", "c2pa", "strict"),
}  # fmt: skip
"""Section of the settings → the options of :func:`mien.make` that set what it has under the same name."""


def with_options(base: config.Settings, given: Mapping[str, Any]) -> config.Settings:
    """The settings with options of :func:`mien.make` on top, by name; what is None or no setting is passed over.

    Raises UsageError for wrong values.
    """
    parts: dict[str, Any] = {
        section: config.override(getattr(base, section), **{name: _as_setting(given.get(name)) for name in names})
        for section, names in _OPTIONS.items()
    }
    parts["face"] = config.override_named(parts["face"], "--face-driver", backend=given.get("face_driver"))
    return replace(base, **parts)


def _as_setting(value: object) -> object:
    """Settings hold files and rates as text."""
    return str(value) if isinstance(value, Path | Fraction) else value


@dataclass(frozen=True)
class Subject:
    """Whose face it is: exactly one of path (a picture), name (a kept avatar) and avatar."""

    path: Path | None = None
    name: str = ""
    avatar: Avatar | None = None
    crop: str = "auto"
    face: int = 0

    @staticmethod
    def of(portrait: str | Path | Avatar, crop: str, face: int) -> Subject:
        """A file if there is one of that name, else a kept avatar. Raises InputError when there is neither."""
        if isinstance(portrait, Avatar):
            return Subject(avatar=portrait)
        path = Path(portrait)
        if isinstance(portrait, Path) or _exists(path):
            return Subject(path=path, crop=crop, face=face)
        from mien.portrait.store import library

        try:
            if library.has(str(portrait)):
                return Subject(name=str(portrait))
        except UsageError:
            pass  # not a possible name of an avatar, so it was meant as a file
        raise InputError(
            f"There is no picture and no avatar '{portrait}'.", hint="Check the name; see: mien avatar list."
        )

    @property
    def title(self) -> str:
        """What to call it in sentences."""
        return (
            self.name or (self.path.name if self.path is not None else "") or (self.avatar.name if self.avatar else "")
        )

    def manifest(self) -> Manifest | None:
        """The avatar's, None for a picture."""
        from mien.portrait.store import library

        return self.avatar.manifest if self.avatar is not None else library.manifest(self.name) if self.name else None

    def fingerprint(self) -> str:
        """SHA-256 of the picture that it is or was made of, hex. Raises InputError, MissingError."""
        from mien.portrait.store import consent

        known = self.manifest()
        if known is not None:
            return known.source.sha256
        assert self.path is not None
        return consent.fingerprint(self.path)

    def load(self, tell: Callable[[str], None]) -> Avatar:
        """The avatar, made from the picture where it was not made before."""
        if self.avatar is not None:
            return self.avatar
        from mien.portrait import build
        from mien.portrait.store import library

        if self.name:
            return library.get(self.name)
        assert self.path is not None
        return build.cached_avatar(self.path, face=self.face, crop=self.crop, tell=tell)


def require_consent(subjects: Iterable[Subject], cloned: str, trust: config.TrustConfig) -> None:
    """Raise ConsentMissing where ``[trust] strict`` wants a consent and there is none. cloned: the recording of the
    voice that is cloned, "" = none is.
    """
    if not trust.strict:
        return
    from mien.portrait.store import consent

    for subject in subjects:
        consent.require("avatar", subject.fingerprint(), subject.title, subject.manifest())
    if cloned:
        file = Path(cloned).expanduser()
        consent.require("voice", consent.fingerprint(file), file.name)


@dataclass(frozen=True)
class Order:
    """Everything that was asked for, checked as far as is cheap. text: what to say, "" where a recording speaks."""

    subject: Subject
    text: str
    speak: config.SpeakConfig
    face: config.FaceConfig
    film: config.FilmConfig
    background: BackgroundSpec
    lexicon: Mapping[str, str] | str | Path | None = None
    captions: str = "none"
    recording: Recording | None = None
    voices: config.VoicesConfig | None = None
    trust: config.TrustConfig = field(default_factory=config.TrustConfig)

    @cached_property
    def marks(self) -> Marks:
        """What marks the pictures. Raises UsageError, InputError."""
        who = self.subject.fingerprint() if self.trust.watermark == "auto" else ""
        said = (self.text,) if self.recording is None else tuple(path.name for path in self.recording.sources)
        return marks_of(self.trust, (who, *said), self.speak.language)

    @property
    def lettering(self) -> CaptionStyle | None:
        """How captions look in the picture, None where there are to be none."""
        if self.film.burn_captions == "none" or (self.recording is not None and not self.recording.transcript):
            return None
        from mien.stage.type.burned import CaptionStyle

        language = "" if self.speak.language == "auto" else self.speak.language
        return CaptionStyle(self.film.burn_captions, self.film.caption_area, language=language)

    def check_consent(self) -> None:
        """Raise ConsentMissing where ``[trust] strict`` wants a consent and there is none."""
        cloned = self.voices.reference if self.voices is not None and self.recording is None else ""
        require_consent((self.subject,), cloned, self.trust)

    @property
    def sources(self) -> tuple[Path, ...]:
        """The files that are read, which no result may overwrite."""
        named = self.lexicon if self.lexicon is not None else self.speak.lexicon
        lexicon = Path(named) if named and not isinstance(named, Mapping) else None
        own = () if self.recording is None else self.recording.sources
        return (*(p for p in (self.subject.path, self.background.path, lexicon) if p is not None), *own)

    def parse(self) -> Script:
        """The script; a recording's is its transcript. Raises InputError for wrong marks or a text that is too long."""
        from mien.dialogue.script import Say, Script, parse
        from mien.dialogue.text import check_length, identity

        if self.recording is None:
            return parse(self.text)
        words = self.recording.transcript
        check_length(words)
        return Script(words, (Say(identity(words)),))

    def guess_seconds(self) -> float:
        """How long the recording is, or about how long it takes to say the text: 14 letters or 4.5 full-width
        characters a second.
        """
        if self.recording is not None:
            return self.recording.seconds() or _UNKNOWN_SECONDS
        wide = sum(ord(char) > 0x2E80 for char in self.text)
        return 1.0 + (wide / 4.5 + (len(self.text) - wide) / 14.0) / self.speak.rate


class Delivery:
    """What is said and the driver that moves to it, without a face. A context: leaving it ends the voice's process.

    parts: levelled speech. Wrong scripts are refused here and now; sound is made when it is read.
    """

    def __init__(self, order: Order, script: Script, tell: Callable[[str], None]) -> None:
        self._order, self._script, self._tell = order, script, tell
        self._speaker: Speaker | None = None
        self.parts = self._speech()

    def __enter__(self) -> Delivery:
        return self

    def __exit__(self, *failure: object) -> None:
        self.close()

    def close(self) -> None:
        """End what was started. Idempotent."""
        if self._speaker is not None:
            self._speaker.close()

    def _speech(self) -> Iterator[SpeechPart]:
        from mien.audio.loudness import TARGET_LUFS, level
        from mien.dialogue.languages import mismatch
        from mien.dialogue.script import feeling

        speak, emotion = self._order.speak, feeling(self._order.face.emotion)
        if self._order.recording is not None:
            parts = self._order.recording.speech(emotion, self._tell, self._lexicon())
        else:
            parts = self._performed(emotion)
        if unlike := mismatch(self._script.plain.text, speak.language):
            self._tell(unlike)
        return level(parts, -70.0 if speak.volume == 0 else TARGET_LUFS + 20 * log10(speak.volume))

    def _performed(self, emotion: Emotion) -> Iterator[SpeechPart]:
        from mien.dialogue.perform import perform
        from mien.dialogue.speak.choose import open_voice

        speak = self._order.speak
        chosen = open_voice(speak, self._script.plain.text, self._tell, self._order.voices)
        self._speaker = chosen.speaker
        parts = perform(
            self._script,
            chosen.speaker,
            language=speak.language,
            voice=chosen.voice,
            rate=speak.rate,
            pitch=speak.pitch,
            lexicon=self._lexicon(),
            emotion=emotion,
        )
        chosen.tell_what_leaves(self._tell)
        return parts if chosen.speaker.info.gives_times else with_times(parts, self._script, speak, self._lexicon())

    def _lexicon(self) -> Mapping[str, str]:
        given = self._order.lexicon if self._order.lexicon is not None else self._order.speak.lexicon
        if isinstance(given, Mapping):
            return given
        if not given:
            return {}
        from mien.dialogue.lexicon import load

        return load(Path(given))

    def driver(self) -> FaceDriver:
        """A new face driver for this speech. Raises MissingError where the two do not fit."""
        exact = self._speaker is not None and self._speaker.info.gives_times
        name = self._order.face.backend
        if name == "auto":
            name = "phones" if exact else "listen"
        driver: FaceDriver = plugins.load("face", name)(dials(self._order.face))
        recording = self._order.recording
        if driver.info.needs_phones and not exact and not (recording and recording.transcript):
            words = "Give the recording's words with --transcript" if recording else "Choose another voice"
            raise MissingError(
                f"The face driver '{name}' needs to know when each sound is spoken, and this voice does not tell.",
                hint=f"{words}, or use --face-driver listen.",
                code="missing.phones",
            )
        return driver


class Cast:
    """The parts of one performance. A context: leaving it ends the processes that were started.

    preview: sizes and rates that were left open are a preview's. alpha: pictures stay transparent.
    words, cues: of the film so far, in film time. on_clip, on_part: told of motion and speech as they are made.
    """

    def __init__(
        self, order: Order, script: Script, tell: Callable[[str], None], *, preview: bool = False, alpha: bool = False
    ) -> None:
        self._order, self._script, self._alpha, self._preview = order, script, alpha, preview
        fps = order.film.fps
        self.fps = (_PREVIEW_FPS if preview else _FILM_FPS) if fps == "auto" else parse_fps(fps)
        self.words: list[Word] = []
        self.cues: list[Cue] = []
        self.on_clip: Callable[[FaceClip], None] | None = None
        self.on_part: Callable[[SpeechPart], None] | None = None
        self._ticks, self._spoken, self._all_spoken = 0, 0, False
        self._delivery = Delivery(order, script, tell)
        self._pool = ThreadPoolExecutor(2, thread_name_prefix="mien-start")
        self._avatar: Future[Avatar] = self._pool.submit(order.subject.load, tell)
        self._renderer: Future[Any] = self._pool.submit(_load_renderer, order.film.backend)
        self._compose: Compose | None = None
        self._seconds = order.guess_seconds() if order.recording else 0.0
        self._lettering: SpokenCaptions | None = None

    def __enter__(self) -> Cast:
        return self

    def __exit__(self, *failure: object) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._delivery.close()

    @property
    def size(self) -> tuple[int, int]:
        """Canvas in pixels; waits for the avatar where its shape decides."""
        look = self._order.film
        follows = look.size == "auto" and look.aspect == "auto"
        picture = self._avatar.result().size if follows else (1, 1)
        return canvas_size(look.size, look.aspect, picture, preview=self._preview)

    def scene(self) -> Scene:
        """What the engine plays."""
        style = self._order.lettering
        if style is not None:
            from mien.stage.type.spoken import SpokenCaptions

            self._lettering = SpokenCaptions(self.size, style, self._script.source, self._script.caption)
        return Scene(
            parts=self._delivery.parts,
            driver=self._delivery.driver,
            canvas=self._canvas,
            fps=self.fps,
            lead_in=LEAD_IN if self._order.recording is None else _LISTENED_LEAD_IN,
            compose=self._compositor(),
            on_part=self._hear,
            on_clip=self.on_clip,
        )

    def expected_frames(self, done: int) -> int:
        """Frames that the film will have, as far as is known: by the recording, or the share of the text spoken."""
        if self._all_spoken:
            return max(done, frames_in(self._ticks, self.fps))
        if self._order.recording is not None:
            return max(done, frames_in(to_ticks(self._seconds) + _LISTENED_LEAD_IN + TAIL, self.fps))
        share = self._spoken / max(1, len(self._script.source))
        speech = (self._ticks - LEAD_IN) / share if share > 0.02 else to_ticks(self._order.guess_seconds())
        return max(done, frames_in(int(speech) + LEAD_IN + TAIL, self.fps))

    def _canvas(self) -> Canvas:
        width, height = self.size
        opaque = self._order.background.own
        renderer = self._renderer.result()
        if not opaque and not renderer.info.alpha:
            raise MissingError(
                f"The renderer '{renderer.info.name}' cannot draw a person without the background.",
                hint="Leave --background out, or use another renderer.",
                code="missing.alpha",
            )
        avatar = self._avatar.result()
        placement = place(avatar, width, height, opaque=opaque)
        if not opaque and not self._alpha and self._compose is None:  # the first canvas is made alone
            from mien.stage.compose import Compositor
            from mien.stage.framing import frame_avatar

            framing = frame_avatar(avatar, width, height)
            self._compose = Compositor(open_backdrop(self._order.background, width, height, avatar, framing))
        canvas: Canvas = renderer.prepare(avatar, placement)
        return canvas

    def _compositor(self) -> Compose | None:
        """The background's work, then captions, then the marks."""
        steps: list[Compose] = []
        if not self._order.background.own and not self._alpha:
            steps.append(self._composed)
        if self._lettering is not None:
            steps.append(self._lettering.over)
        finish = self._order.marks.finisher()
        if finish is not None:
            steps.append(finish)

        def compose(tick: int, pixels: Any) -> Any:
            for step in steps:
                pixels = step(tick, pixels)
            return pixels

        return compose if steps else None

    def _composed(self, tick: int, pixels: Any) -> Any:
        assert self._compose is not None  # made with the first canvas
        return self._compose(tick, pixels)

    def _hear(self, part: SpeechPart) -> None:
        self._ticks = part.audio.end
        self.cues.extend(part.cues)
        if self.on_part is not None:
            self.on_part(part)
        if part.words:
            if self._lettering is not None:
                self._lettering.hear(part.words)
            self.words.extend(part.words)
            self._spoken = max(self._spoken, part.words[-1].char_end)
        elif part.last and not part.audio.samples.any():
            self._all_spoken = True


def _exists(path: Path) -> bool:
    """Whether there is such a file, False for what no file system takes as a name."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def dials(face: config.FaceConfig) -> FaceSettings:
    """What a face driver is told."""
    return FaceSettings(
        style=face.style, emotion=face.emotion, seed=face.seed, lip_strength=face.lip_strength,
        head_motion=face.head_motion, blink_rate=face.blink_rate, smoothing=face.smoothing,
        voice_expression=face.voice_expression, lip_model=face.lip_model, calibration=face.calibration,
    )  # fmt: skip


def _load_renderer(name: str) -> Any:
    return plugins.load("render", name)()
