"""Who plays in a session: from settings and a portrait to the parts that a session needs.

What never changes (avatars, renderers, thinkers) is shared by all sessions of a process; what has a state (voices,
drivers, canvases) is made for each.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any, Final

from mien import casting, config, plugins
from mien.avatar import Avatar
from mien.casting import Subject
from mien.dialogue.speak.base import Speaker, SpeakRequest
from mien.dialogue.speak.choose import Chosen, open_voice
from mien.dialogue.think.base import Persona, Thinker
from mien.engine import place
from mien.errors import MissingError
from mien.face.base import FaceDriver, FaceSettings
from mien.live.session import Troupe
from mien.render.base import Canvas
from mien.stage.background import BackgroundSpec, open_backdrop, parse_background
from mien.stage.size import canvas_size
from mien.timeline import parse_fps
from mien.types import ByteArray

SIZE: Final = "512"
"""Canvas of a live avatar where nothing else is asked for: what two cores do for several at once."""


@dataclass(frozen=True)
class Wish:
    """What one visitor may choose, "" or None = as the house has it. portrait: as :meth:`mien.casting.Subject.of` takes
    it. alpha: pictures are transparent at first.
    """

    portrait: str = ""
    voice: str = ""
    language: str = ""
    background: BackgroundSpec | None = None
    alpha: bool = False
    face: dict[str, Any] = field(default_factory=dict)


class Wardrobe:
    """Avatars and renderers, made once. Safe from any thread."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell, self._lock = tell, threading.Lock()
        self._avatars: dict[str, Avatar] = {}
        self._renderers: dict[str, Any] = {}

    def avatar(self, portrait: str, crop: str) -> Avatar:
        """The avatar of a portrait. Raises InputError, PortraitRefused."""
        with self._lock:
            if portrait not in self._avatars:
                self._avatars[portrait] = self.subject(portrait, crop).load(self._tell)
            return self._avatars[portrait]

    def subject(self, portrait: str, crop: str) -> Subject:
        """Whose face a portrait is. Raises InputError."""
        return Subject.of(portrait, crop, 0)

    def renderer(self, name: str) -> Any:
        """The renderer of this name. Raises MissingError."""
        with self._lock:
            if name not in self._renderers:
                self._renderers[name] = plugins.load("render", name)()
            return self._renderers[name]


def cast(
    wish: Wish, settings: config.Settings, wardrobe: Wardrobe, thinker: Thinker, persona: Persona,
    tell: Callable[[str], None],
) -> Troupe:  # fmt: skip
    """The parts of one session. Raises what a film would: InputError, MissingError, UsageError, ConsentMissing."""
    face_of = (wish.portrait or persona.avatar, settings.portrait.crop)
    if settings.trust.strict:
        casting.require_consent((wardrobe.subject(*face_of),), settings.voices.reference, settings.trust)
    avatar = wardrobe.avatar(*face_of)
    look = settings.film
    size = canvas_size(SIZE if look.size == "auto" else look.size, look.aspect, avatar.size, preview=False)
    face = config.override(settings.face, **wish.face)
    background = wish.background or parse_background(look.background)
    if wish.alpha:
        background = BackgroundSpec("transparent")
    scene = _scene(avatar, background, size, wardrobe.renderer(look.backend))
    speak, chosen = _voice(wish, settings, persona, tell)
    return Troupe(
        driver=_driver(face, chosen.speaker), speaker=chosen.speaker, thinker=thinker, **scene,
        size=size, fps=Fraction(25) if look.fps == "auto" else parse_fps(look.fps), language=speak.language,
        voice=chosen.voice, rate=speak.rate, persona=replace(persona, voice=chosen.voice),
    )  # fmt: skip


def with_background(troupe: Troupe, wish: Wish, settings: config.Settings, wardrobe: Wardrobe) -> Troupe:
    """The same before the background that is wished now; pictures have alpha where that is transparent. Raises
    InputError for a picture that cannot be read.
    """
    background = wish.background or parse_background(settings.film.background)
    avatar = wardrobe.avatar(wish.portrait or troupe.persona.avatar, settings.portrait.crop)
    scene = _scene(avatar, background, troupe.size, wardrobe.renderer(settings.film.backend))
    canvas = scene["canvas"]()  # now, for it takes longer than a picture
    return replace(troupe, canvas=lambda: canvas, compose=scene["compose"])


def with_face(troupe: Troupe, wish: Wish, settings: config.Settings) -> Troupe:
    """The same with the face's dials as they are wished now. Raises UsageError."""
    return replace(troupe, driver=_driver(config.override(settings.face, **wish.face), troupe.speaker))


def with_voice(troupe: Troupe, wish: Wish, settings: config.Settings, tell: Callable[[str], None]) -> Troupe:
    """The same with the voice and language that are wished now; the old voice is not closed. Raises MissingError."""
    speak, chosen = _voice(wish, settings, troupe.persona, tell)
    face = config.override(settings.face, **wish.face)
    return replace(
        troupe, speaker=chosen.speaker, voice=chosen.voice, language=speak.language,
        driver=_driver(face, chosen.speaker), persona=replace(troupe.persona, voice=chosen.voice),
    )  # fmt: skip


def _scene(avatar: Avatar, background: BackgroundSpec, size: tuple[int, int], renderer: Any) -> dict[str, Any]:
    """Canvas and composition, as a troupe has them."""
    placement = place(avatar, *size, opaque=background.own)
    compose: Callable[[int, ByteArray], ByteArray] | None = None
    if not placement.opaque and background.kind != "transparent":
        from mien.stage.compose import Compositor
        from mien.stage.framing import frame_avatar

        compose = Compositor(open_backdrop(background, *size, avatar, frame_avatar(avatar, *size)))

    def canvas() -> Canvas:
        made: Canvas = renderer.prepare(avatar, placement)
        return made

    return {"canvas": canvas, "compose": compose}


def _voice(
    wish: Wish, settings: config.Settings, persona: Persona, tell: Callable[[str], None]
) -> tuple[config.SpeakConfig, Chosen]:
    speak = config.override(settings.speak, voice=wish.voice or persona.voice or None, language=wish.language or None)
    chosen = open_voice(speak, persona.greeting or "Hello.", tell, settings.voices)
    try:
        _check_voice(chosen, speak.language)
    except BaseException:
        chosen.speaker.close()
        raise
    chosen.tell_what_leaves(tell)
    return speak, chosen


def _check_voice(chosen: Chosen, language: str) -> None:
    """Raise MissingError for a voice that is not here, before anybody waits for it to speak."""
    try:
        chosen.speaker.check(SpeakRequest("Hello.", "en" if language == "auto" else language, voice=chosen.voice))
    except MissingError as error:
        if language != "auto" or error.code == "missing.voice":  # the language shows later
            raise


def _driver(face: config.FaceConfig, speaker: Speaker) -> Callable[[], FaceDriver]:
    name = face.backend if face.backend != "auto" else ("phones" if speaker.info.gives_times else "listen")
    settings = dials(face)

    def driver() -> FaceDriver:
        made: FaceDriver = plugins.load("face", name)(settings)
        return made

    return driver


def dials(face: config.FaceConfig) -> FaceSettings:
    """What a face driver of a session is told: not of a file of one voice, for sessions share none."""
    return replace(casting.dials(face), calibration="")
