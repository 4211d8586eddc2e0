"""What a page may ask of its session, message by message: the same over the events' WebSocket and the data channel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from mien.apps.server.desk import Desk
from mien.apps.server.metrics import SKEW
from mien.apps.server.room import Room
from mien.apps.server.schemas import Backdrop, FaceDials, Language, Strict, Text, VoiceName
from mien.errors import InputError, MienError, UsageError


class Ask(Strict):
    """A question; what is being said is cut short."""

    type: Literal["ask"]
    text: Text
    language: Language = "auto"
    interrupt: bool = True


class Say(Strict):
    """A text with marks, to be spoken as it stands. interrupt: at once, else after what is being said."""

    type: Literal["say"]
    text: Text
    interrupt: bool = True


class Interrupt(Strict):
    """Be quiet."""

    type: Literal["interrupt"]


class Press(Strict):
    """Push to talk: the button is down."""

    type: Literal["press"]


class Release(Strict):
    """Push to talk: the button is up."""

    type: Literal["release"]


class Dials(FaceDials):
    """Other dials of the face."""

    type: Literal["dials"]


class ChangeVoice(Strict):
    """Another voice or language."""

    type: Literal["voice"]
    voice: VoiceName = ""
    language: Language = ""


class ChangeBackground(Strict):
    """Another background; transparent only where the session was opened with alpha."""

    type: Literal["background"]
    background: Backdrop


class HandsFree(Strict):
    """Whether speech begins turns."""

    type: Literal["hands_free"]
    on: bool


class Ping(Strict):
    """Answered with a pong that carries the same t."""

    type: Literal["ping"]
    t: float = 0.0


Milliseconds = Annotated[float | None, Field(ge=0, le=600_000)]


class Latency(BaseModel):
    """What the browser measured, milliseconds: of a turn, from the end of the question to text, first sound and first
    frame; from an interrupt to silence; picture after sound (may be negative).
    """

    type: Literal["latency"]
    text_ms: Milliseconds = None
    sound_ms: Milliseconds = None
    frame_ms: Milliseconds = None
    silence_ms: Milliseconds = None
    skew_ms: float | None = Field(default=None, ge=-60_000, le=60_000)


Order = Annotated[
    Ask | Say | Interrupt | Press | Release | Dials | ChangeVoice | ChangeBackground | HandsFree | Ping | Latency,
    Field(discriminator="type"),
]
ORDERS: Final[TypeAdapter[Any]] = TypeAdapter(Order)
_MEASURED: Final = ("text", "sound", "frame", "silence")
"""Kinds of waits; fields with _ms behind."""


class Orders:
    """Takes one page's messages. ``obey`` may wait for a lock or a voice: call it in a thread, in order."""

    def __init__(self, desk: Desk, room: Room, answer: Callable[[dict[str, Any]], object] | None = None) -> None:
        """answer: takes what is said to this page alone; None = everybody is told."""
        self._desk, self._room = desk, room
        self._answer = answer or room.hub.tell

    def obey(self, message: object) -> None:
        """Do it. What is wrong is told as an ``error`` event."""
        try:
            order = _read(message)
            getattr(self, f"_{order.type}")(order)
        except MienError as error:
            self._tell("error", code=error.code, message=error.message, hint=error.hint)

    def _ask(self, order: Ask) -> None:
        self._room.session.ask(order.text, language=order.language or "auto")

    def _say(self, order: Say) -> None:
        self._room.session.say(order.text, interrupt=order.interrupt)

    def _interrupt(self, order: Interrupt) -> None:
        self._room.session.interrupt()

    def _press(self, order: Press) -> None:
        if self._room.ears is not None:
            self._room.ears.press()

    def _release(self, order: Release) -> None:
        if self._room.ears is not None:
            self._room.ears.release()

    def _dials(self, order: Dials) -> None:
        self._desk.set_dials(self._room, order.model_dump(exclude_none=True, exclude={"type"}))

    def _voice(self, order: ChangeVoice) -> None:
        self._desk.set_voice(self._room, order.voice, order.language)
        troupe = self._room.session.troupe
        self._tell("voice", voice=troupe.voice, language=troupe.language)

    def _background(self, order: ChangeBackground) -> None:
        self._desk.set_background(self._room, order.background)
        self._tell("background", background=order.background)

    def _hands_free(self, order: HandsFree) -> None:
        if self._room.ears is not None:
            self._room.ears.set(hands_free=order.on)

    def _ping(self, order: Ping) -> None:
        self._tell("pong", t=order.t)

    def _latency(self, order: Latency) -> None:
        metrics = self._desk.metrics
        for name in _MEASURED:
            value = getattr(order, f"{name}_ms")
            if value is not None:
                metrics.observe("mien_browser_wait_seconds", value / 1000, kind=name)
        if order.skew_ms is not None:
            metrics.observe("mien_av_skew_seconds", abs(order.skew_ms) / 1000, SKEW)

    def _tell(self, kind: str, **more: Any) -> None:
        self._answer({"type": kind, "tick": self._room.session.tick, **more})


def _read(message: object) -> Any:
    try:
        return ORDERS.validate_python(message)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])[:80]
        raise InputError(
            f"The message cannot be used: {place + ': ' if place else ''}{first['msg']}.",
            hint="docs/api.md lists the messages.", code="input.message",
        ) from None  # fmt: skip
    except RecursionError:
        raise UsageError("The message is nested too deeply.", code="input.message") from None
