"""What all routes share: the sessions and who makes them, who thinks, the UDP port, the counts. One for each app."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final, TypeVar

from mien import config
from mien.apps.server.cabinet import Cabinet
from mien.apps.server.hub import Event, Hub
from mien.apps.server.limits import Once, Places, Rate
from mien.apps.server.memory import give_back
from mien.apps.server.metrics import Metrics
from mien.apps.server.options import ServeOptions
from mien.apps.server.room import Hearing, Room
from mien.apps.server.rtc import RtcThread
from mien.apps.server.schemas import HearingWish, SessionWish
from mien.apps.server.studio.studio import Studio
from mien.dialogue.hear.turns import TurnSettings
from mien.dialogue.think.base import Persona, Said, Thinker
from mien.dialogue.think.memory import Memory
from mien.errors import InputError, MienError, MissingError
from mien.face.listen.driver import ListenDriver
from mien.live.ears import Ears
from mien.live.house import House
from mien.live.session import Session, Troupe
from mien.live.troupe import Wish, cast, dials, with_background, with_face, with_voice
from mien.stage.background import BackgroundSpec
from mien.transmit.alpha import pack_alpha
from mien.transmit.broadcast import Broadcast

_T = TypeVar("_T")
_SWEEP: Final = 5.0
_WORKERS: Final = 8
_AT_THE_DOOR: Final = 4
"""Sessions that are being opened at once. A voice's server that does not answer holds up who comes, not who is in."""
_SPEAKING: Final = 4
"""Texts that are spoken into files at once, besides what sessions say."""

_log = logging.getLogger(__name__)

Tell = Callable[[str], None]
Caster = Callable[[Wish, Persona, Thinker], Troupe]


@dataclass
class Readiness:
    """Whether the first visitor would have to wait. reason: what is not there, or why it cannot be had."""

    avatar: bool = False
    voice: bool = False
    reason: str = "Loading."

    @property
    def ready(self) -> bool:
        """Everything is there."""
        return self.avatar and self.voice


@dataclass
class Desk:
    """Made by :func:`mien.apps.server.app.create_app`; ``open`` and ``shut`` by the app's lifespan.

    caster: makes who plays in a session; None = as :mod:`mien.live.troupe` does. tell: told in a line what the server's
    owner should know.
    """

    options: ServeOptions
    settings: config.Settings
    tell: Tell = lambda _: None
    caster: Caster | None = None
    thinker: Thinker | None = None
    metrics: Metrics = field(default_factory=Metrics)
    readiness: Readiness = field(default_factory=Readiness)

    def __post_init__(self) -> None:
        self.house = House(self.options.sessions, alone=self.options.alone)
        self.cabinet = Cabinet(self.options.portraits, self.settings.portrait.crop, self.tell)
        self.rtc = RtcThread(self.options.rtc)
        self.rate = Rate(self.options.openings)
        self.once = Once(60.0)
        self.speaking = Places(_SPEAKING)
        self.aliases: dict[str, str] = {}
        self.studio = _studio(self.options)
        self.kept = Memory(mode=self.settings.think.memory, keep_days=self.settings.think.keep_days)
        self.memory = self.kept if self.settings.think.memory != "off" else None
        self._pool: ThreadPoolExecutor | None = None
        self._errands: ThreadPoolExecutor | None = None
        self._door: ThreadPoolExecutor | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._closing: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Everything that runs, from here to the end. Raises what the thinker and the UDP port raise."""
        self._pool = ThreadPoolExecutor(_WORKERS, "mien-serve")
        self._errands = ThreadPoolExecutor(1, "mien-errands")
        self._door = ThreadPoolExecutor(_AT_THE_DOOR, "mien-door")
        try:
            self.thinker = self.thinker or await self.run(self._open_thinker)
            await self.rtc.open()
            self._tasks = [asyncio.create_task(self._sweep()), asyncio.create_task(self._warm())]
            async with self.studio.opened() if self.studio is not None else nullcontext():
                yield
        finally:
            for task in self._tasks:
                task.cancel()
            await self._shut()

    async def run(self, work: Callable[..., _T], *arguments: Any) -> _T:
        """Work that may take long, in a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, work, *arguments)

    def later(self, work: Callable[..., object], *arguments: Any) -> None:
        """Small work that nobody waits for, in order, in a thread. From any thread."""
        if self._errands is not None:
            with suppress(RuntimeError):  # it is shut
                self._errands.submit(_quietly, work, *arguments)

    # Sessions.

    async def open_room(self, wish: SessionWish, owner: str = "", most: int = 0) -> Room:
        """Let somebody in. Raises BackendError ("busy", "busy.token"), and what is wrong with the wish."""
        try:
            let_in = partial(self.house.open, lambda: self._furnish(wish), owner, most)
            guest = await asyncio.get_running_loop().run_in_executor(self._door, let_in)
        except MienError as error:
            self.metrics.count("mien_refused_total", reason=error.code)
            raise
        assert isinstance(guest, Room)
        self.metrics.count("mien_sessions_opened_total")
        return guest

    def room(self, name: str, owner: str = "") -> Room:
        """A session of this owner. Raises InputError for one that is not there, or another's."""
        guest = self.house.get(self.aliases.get(name, name))
        if guest.owner != owner:
            guest = self.house.get("")
        assert isinstance(guest, Room)
        return guest

    async def close_room(self, name: str) -> None:
        """Let somebody go; what it held is released when this returns."""
        await self.run(self.house.close, name)

    def soon_close(self, name: str) -> None:
        """The same, in the event loop, without waiting."""
        task = asyncio.get_running_loop().create_task(self.close_room(name))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    def play(self, room: Room, data: bytes) -> None:
        """Play a sound file through the avatar; takes as long as opening it. Raises InputError for what is none."""
        from mien.apps.server.sound import decoded, listening

        samples = decoded(data)
        face = config.override(self.settings.face, **room.wish.face)
        room.session.play(lambda: listening(samples, self.settings.audio), lambda: ListenDriver(dials(face)))

    def set_puppet(self, room: Room, on: bool) -> None:
        """Whether the microphone moves the face directly."""
        from mien.live.puppet import Puppet

        puppet, room.puppet = room.puppet, None
        if on:
            face = config.override(self.settings.face, **room.wish.face)
            room.session.interrupt()
            room.puppet = Puppet(room.session, dials(face), self.settings.audio.vad, self.tell)
            room.microphone = room.puppet.hear
        elif room.ears is not None:
            room.microphone = room.ears.hear
        if puppet is not None:
            puppet.close()

    def shelf_once(self, key: str, make: Callable[[], Any]) -> Any:
        """What is dear to find out and stays true for a minute. From any thread."""
        return self.once.get(key, make)

    def set_dials(self, room: Room, dials: dict[str, Any]) -> None:
        """Other dials of the face, besides those that were set before. Raises UsageError."""
        wish = replace(room.wish, face={**room.wish.face, **dials})
        room.session.change(with_face(room.session.troupe, wish, self.settings))
        room.wish = wish

    def set_background(self, room: Room, background: str = "", data: bytes | None = None) -> None:
        """Another background: as a session is opened with, or the content of a picture file. Raises InputError,
        MissingError.
        """
        spec = BackgroundSpec("picture", data=data) if data else self.cabinet.background(background)
        if spec is not None and spec.kind == "transparent" and room.broadcast.pack is None:
            raise InputError(
                "This session's pictures cannot become transparent.",
                hint="Open one with alpha: true; its background may then be anything.", code="input.conflict",
            )  # fmt: skip
        wish = replace(room.wish, background=spec)
        room.session.change(with_background(room.session.troupe, wish, self.settings, self.cabinet))
        room.wish = wish

    def set_voice(self, room: Room, voice: str, language: str) -> None:
        """Another voice or language; takes a while. Raises MissingError, UsageError."""
        wish = replace(room.wish, voice=voice, language=language or room.wish.language)
        room.session.change(with_voice(room.session.troupe, wish, self.settings, self.tell))
        room.wish = wish

    # Inside.

    def _furnish(self, wish: SessionWish) -> Room:
        from mien.dialogue.think.personas import load_persona, names

        named = wish.persona or self.settings.think.persona
        if wish.persona and wish.persona not in names():
            raise MissingError(
                f"There is no persona '{wish.persona[:60]}'.", hint="GET /api/personas lists them.",
                code="missing.persona",
            )  # fmt: skip
        persona = load_persona(named)
        if wish.language not in ("", "auto"):
            persona = persona.speaking(wish.language)
        plain = Wish(
            self.cabinet.find(wish.avatar).name if wish.avatar else "", wish.voice, wish.language,
            self.cabinet.background(wish.background), wish.alpha, wish.face.model_dump(exclude_none=True),
        )  # fmt: skip
        assert self.thinker is not None
        troupe = (self.caster or self._cast)(plain, persona, self.thinker)
        if self.memory is not None and wish.visitor:
            self.memory.recall(wish.visitor)  # refuses names that cannot be one
            troupe = replace(troupe, known=lambda: _known(self.kept, wish.visitor))
        return self._seat(plain, wish, troupe)

    def _seat(self, plain: Wish, wish: SessionWish, troupe: Troupe) -> Room:
        hub = Hub(lambda event: self._note(event, wish.visitor))
        packed = plain.alpha or (plain.background is not None and plain.background.kind == "transparent")
        try:
            session = Session(troupe, on_event=hub.tell)
        except BaseException:
            troupe.speaker.close()
            raise
        try:
            room = Room(session, Broadcast(troupe.fps, pack=pack_alpha if packed else None), hub, plain, self._gone)
            self._give_ears(room, wish.hearing, plain.language)
        except BaseException:
            session.close()
            raise
        return room

    def _give_ears(self, room: Room, wish: HearingWish, language: str) -> None:
        from mien.dialogue.hear.choose import open_ear

        hear = config.override(
            self.settings.hear, language=wish.language or language or None, barge_in=wish.barge_in,
            silence=wish.silence, denoise=wish.denoise,
        )  # fmt: skip
        notes: list[str] = []
        recogniser = None
        try:
            chosen = open_ear(hear, notes.append)
            recogniser, info = chosen.recogniser, chosen.recogniser.info
            room.hearing = Hearing(chosen.backend, info.languages, " ".join(notes))
        except MienError as error:
            room.hearing = Hearing(note=str(error))
        except Exception:
            _log.exception("Nobody listens.")
            room.hearing = Hearing(note="Hearing failed to start; the server's log has the reason. Text works.")
        settings = replace(TurnSettings.of(hear, self.settings.audio.vad), hands_free=wish.hands_free)
        room.ears = Ears(room.session, recogniser, settings, room.hub.tell)
        room.microphone = room.ears.hear

    def _cast(self, wish: Wish, persona: Persona, thinker: Thinker) -> Troupe:
        return cast(wish, self.settings, self.cabinet, thinker, persona, self.tell)

    def _note(self, event: Event, visitor: str) -> None:
        """Count what sessions tell; in their threads, so nothing here waits."""
        kind = event["type"]
        if kind == "sound":
            self.metrics.observe("mien_turn_wait_seconds", event["waited"])
        elif kind == "error":
            self.metrics.count("mien_errors_total", code=str(event.get("code", "")))
        elif kind == "said" and self.memory is not None and visitor:
            self.later(self.memory.heard, visitor, Said(event["role"], event["text"]))

    def _gone(self, room: Room) -> None:
        """A session's counts go on in the totals."""
        for name, value in room.totals().items():
            self.metrics.count(name[0], value, **dict(name[1]))
        self.later(lambda: give_back(unused=not self.house.guests()))
        for alias in [a for a, name in self.aliases.items() if name == room.id]:
            self.aliases.pop(alias, None)

    def _open_thinker(self) -> Thinker:
        from mien.dialogue.think.choose import open_thinker

        return open_thinker(self.settings.think, self.tell)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(min(_SWEEP, self.options.alone / 2))
            try:
                await self.run(self.house.sweep)
            except Exception:
                _log.exception("The sweep failed.")

    async def _warm(self) -> None:
        """Load what the first visitor needs: avatar, renderer (compiled), voice."""
        try:
            await self.run(self._rehearse)
        except MienError as error:
            self.readiness.reason = str(error)
            self.tell(f"Not ready: {error}")
        except Exception:
            self.readiness.reason = "Loading failed; the server's log has the reason."
            _log.exception("Warming up failed.")

    def _rehearse(self) -> None:
        from mien.dialogue.perform import perform
        from mien.dialogue.think.personas import load_persona

        assert self.thinker is not None
        troupe = (self.caster or self._cast)(Wish(), load_persona(self.settings.think.persona), self.thinker)
        try:
            import numpy as np

            troupe.canvas().draw(np.zeros(52, np.float32), np.zeros(6, np.float32))
            self.readiness.avatar = True
            for _ in perform("Hello.", troupe.speaker, language="en", voice=troupe.voice):
                pass
            self.readiness.voice, self.readiness.reason = True, ""
        finally:
            troupe.speaker.close()

    async def _shut(self) -> None:
        if self._pool is not None:
            await asyncio.gather(*(self.run(self.house.close, guest.id) for guest in self.house.guests()))
            await self.rtc.shut()
            if self.thinker is not None:
                await self.run(self.thinker.close)
            if self._errands is not None:
                await self.run(self._errands.shutdown)
            self._pool.shutdown(wait=False, cancel_futures=True)
        if self._door is not None:
            self._door.shutdown(wait=False, cancel_futures=True)
        self.kept.close()


def _studio(options: ServeOptions) -> Studio | None:
    if options.studio is None:
        return None
    secrets = [token.secret for token in options.tokens]
    return Studio(options.studio, options.studio_quota, options.project_quota, secrets)


def _known(memory: Memory, visitor: str) -> tuple[str, ...]:
    kept = memory.known(visitor)
    return kept.known if kept else ()


def _quietly(work: Callable[..., object], *arguments: Any) -> None:
    try:
        work(*arguments)
    except MienError as error:
        _log.warning("%s", error)
    except Exception:
        _log.exception("An errand failed.")
