"""A client of OpenAI's realtime API and its session: orders one way, events the other. Lives in the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any, Final

import numpy as np

from mien import config
from mien.apps.server.calls import Calls
from mien.apps.server.desk import Desk
from mien.apps.server.hub import Event
from mien.apps.server.input_buffer import InputBuffer
from mien.apps.server.room import Room
from mien.apps.server.routes.speech import THEIR_VOICES
from mien.apps.server.speech_file import RATE
from mien.apps.server.talk import Response, event, fault, name, user_item
from mien.apps.server.writing import modality_of, written
from mien.audio.resample import Resampler
from mien.dialogue.think.base import Said
from mien.errors import InputError, MienError
from mien.timeline import TICKS_PER_SECOND
from mien.turn import Turn
from mien.types import ARKIT_SHAPES, AudioChunk, FaceClip, FloatArray

_LONGEST_TEXT: Final = 20_000
_WRITTEN: Final = -1
_ROLES: Final = ("user", "assistant", "system")


class Bridge:
    """Between one client and one session. say: sends an event to the client; returns at once."""

    def __init__(self, desk: Desk, room: Room, model: str, say: Callable[[Event], None]) -> None:
        self._desk, self._room, self._model, self._say = desk, room, model, say
        self._response: Response | None = None
        self._held: tuple[AudioChunk, FaceClip] | None = None
        self._pending: list[str] = []
        self._item = ""
        self._automatic = True  # the server tells turns
        self._instructions = ""
        self._reason = "turn_detected"
        self._buffer = InputBuffer(room.hear)
        self._modality = "audio"
        self._writer: Turn | None = None
        self._sounded = False  # whether that was heard already
        self._going_on = 0  # the turn that waits for a function of the client's
        loop = asyncio.get_running_loop()
        self._calls = Calls(lambda *call: loop.call_soon_threadsafe(self._called, *call))

    def greet(self) -> None:
        """The first event."""
        self._say(event("session.created", session=self._session()))

    # From the client.

    async def obey(self, order: dict[str, Any]) -> None:
        """An event of the client."""
        cause = str(order.get("event_id", ""))
        kind = order.get("type")
        handler = self._ORDERS.get(kind) if isinstance(kind, str) else None
        if handler is None:
            told = f"There is no event '{kind[:60]}'." if isinstance(kind, str) else "The event has no type."
            self._say(fault(told, "unknown_event", cause))
            return
        try:
            await handler(self, order)
        except MienError as error:
            self._say(fault(str(error), error.code, cause))
        except (KeyError, TypeError, ValueError, AttributeError):
            self._say(fault(f"A field of '{order['type']}' is missing or wrong.", "invalid_value", cause))

    async def _update(self, order: dict[str, Any]) -> None:
        given: dict[str, Any] = order["session"]
        sound_in = given.get("audio", {}).get("input", {})
        sound_out = given.get("audio", {}).get("output", {})
        for form in (sound_in.get("format"), sound_out.get("format")):
            if form and (form.get("type") != "audio/pcm" or form.get("rate", RATE) != RATE):
                raise InputError("Sound is PCM of 16 bits at 24000 Hz here.", code="unsupported_format")
        modality = modality_of(given.get("output_modalities"), self._modality)
        if "tools" in given or "tool_choice" in given:
            self._offer(given.get("tools", self._calls.listed), given.get("tool_choice", "auto"))
        self._modality = modality
        if "turn_detection" in {**given, **sound_in}:
            self._set_turns({**given, **sound_in}["turn_detection"])
        if "instructions" in given:
            await self._desk.run(self._instruct, str(given["instructions"])[:_LONGEST_TEXT])
        voice = sound_out.get("voice", given.get("voice"))
        if isinstance(voice, str) and voice and voice.lower() not in THEIR_VOICES:
            await self._desk.run(self._desk.set_voice, self._room, voice, "")
        self._say(event("session.updated", session=self._session()))

    def _set_turns(self, wanted: dict[str, Any] | None) -> None:
        self._automatic = wanted is not None
        changes: dict[str, Any] = {"hands_free": self._automatic}
        if wanted:
            changes["barge_in"] = bool(wanted.get("interrupt_response", True))
            if "silence_duration_ms" in wanted:
                changes["silence"] = min(5.0, max(0.1, float(wanted["silence_duration_ms"]) / 1000))
        if self._room.ears is not None:
            self._room.ears.set(**changes)

    def _offer(self, listed: list[dict[str, Any]], choice: Any) -> None:
        """The client's functions, for the answers to come."""
        thinker = self._room.session.troupe.thinker
        if choice not in ("auto", "none"):
            raise InputError("The model decides itself what it calls: tool_choice is auto or none.", code="unsupported")
        if listed and not thinker.info.tools:
            raise InputError(
                f"Who answers here ({thinker.info.name}) calls no functions.",
                hint="A language model does: [think] url.", code="unsupported_tools",
            )  # fmt: skip
        self._calls.offer(listed if choice == "auto" else [])
        self._room.session.change(replace(self._room.session.troupe, tools=lambda: self._calls.tools))

    def _instruct(self, text: str) -> None:
        troupe = self._room.session.troupe
        self._room.session.change(replace(troupe, persona=replace(troupe.persona, manner=text)))
        self._instructions = text

    async def _append(self, order: dict[str, Any]) -> None:
        self._buffer.append(order["audio"])
        self.pace()

    async def _clear(self, order: dict[str, Any]) -> None:
        self._buffer.take()
        self._say(event("input_audio_buffer.cleared"))

    async def _commit(self, order: dict[str, Any]) -> None:
        if self._automatic:
            raise InputError("The server commits by itself; set turn_detection to null.", code="invalid_state")
        samples = self._buffer.take()
        if len(samples) < RATE // 10:
            raise InputError("The buffer has less than 100 ms of sound.", code="input_audio_buffer_commit_empty")
        item = name("item")
        self._say(event("input_audio_buffer.committed", item_id=item, previous_item_id=None))
        text = await self._desk.run(self._understand, samples)
        self._heard(text, item)
        if text.strip():
            self._pending.append(text)

    async def _create_item(self, order: dict[str, Any]) -> None:
        item = order["item"]
        parts = item.get("content") or []
        text = " ".join(str(p.get("text") or p.get("transcript") or "") for p in parts).strip()[:_LONGEST_TEXT]
        if item.get("type") == "function_call_output":
            self._calls.result(str(item["call_id"]), str(item.get("output", "")))
        elif item.get("type") != "message" or item.get("role") not in _ROLES or not text:
            raise InputError(
                "An item is a message with text, of user, assistant or system, or a function_call_output.",
                code="unsupported_item",
            )  # fmt: skip
        elif item["role"] == "user":
            self._pending.append(text)
        elif item["role"] == "assistant":
            await self._desk.run(self._room.session.note, Said("assistant", text))
        else:
            await self._desk.run(self._instruct, f"{self._instructions}\n{text}".strip())
        shown = {"id": name("item"), "object": "realtime.item", "status": "completed", **item}
        self._say(event("conversation.item.added", previous_item_id=order.get("previous_item_id"), item=shown))
        self._say(event("conversation.item.done", previous_item_id=order.get("previous_item_id"), item=shown))

    async def _respond(self, order: dict[str, Any]) -> None:
        wanted = order.get("response") or {}
        for item in wanted.get("input") or []:
            self._pending += [str(p.get("text", "")) for p in item.get("content") or []]
        text = " ".join(self._pending).strip()
        self._pending.clear()
        if self._going_on and not text:
            self._go_on()
            return
        if not text:
            raise InputError("There is nothing to answer.", hint="Create an item first.", code="nothing_to_answer")
        if self._writer is not None:
            raise InputError("An answer is being written.", hint="Cancel it first.", code="response_in_progress")
        self._reason = "client_cancelled"
        if modality_of(wanted.get("output_modalities"), self._modality) == "text":
            self._write(text)
        else:
            await self._desk.run(self._room.session.ask, text)

    def _write(self, text: str) -> None:
        """An answer that is not spoken: it begins here and goes on by itself."""
        turn = self._writer = Turn()
        self._response = Response(self._say, 0)
        self._response.begin()
        loop = asyncio.get_running_loop()

        def words(clause: str) -> None:
            loop.call_soon_threadsafe(self._written, turn, clause)

        work = asyncio.ensure_future(self._desk.run(written, self._room.session, text, turn, words))
        work.add_done_callback(partial(self._writing_over, turn))

    def _written(self, turn: Turn, text: str) -> None:
        if self._writer is turn:
            if self._response is None:  # the client told no result of a function in time
                self._go_on()
            if self._response is not None:
                self._response.words(text)

    def _writing_over(self, turn: Turn, work: asyncio.Future[None]) -> None:
        error = None if work.cancelled() else work.exception()
        if self._writer is not turn:
            return
        self._writer = None
        if error is None:
            self._end("completed")
            return
        known = error if isinstance(error, MienError) else InputError("The answer failed.", code="internal")
        self._say(fault(str(known), known.code))
        self._end("failed", known.code)

    def _stop_writing(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.cut()

    async def _cancel(self, order: dict[str, Any]) -> None:
        if self._response is None and not self._going_on:
            raise InputError("Nothing is being answered.", code="response_cancel_not_active")
        self._reason = "client_cancelled"
        if self._writer is not None:
            self._stop_writing()
            self._going_on = 0
            self._end("cancelled", self._reason)
        else:
            await self._desk.run(self._room.session.interrupt)

    async def _truncate(self, order: dict[str, Any]) -> None:
        if self._response is not None and order["item_id"] == self._response.item:
            self._reason = "client_cancelled"
            await self._desk.run(self._room.session.interrupt)
        self._say(event(
            "conversation.item.truncated", item_id=str(order["item_id"]), content_index=int(order["content_index"]),
            audio_end_ms=int(order["audio_end_ms"]),
        ))  # fmt: skip

    _ORDERS: Final = {
        "session.update": _update,
        "input_audio_buffer.append": _append,
        "input_audio_buffer.clear": _clear,
        "input_audio_buffer.commit": _commit,
        "conversation.item.create": _create_item,
        "conversation.item.truncate": _truncate,
        "response.create": _respond,
        "response.cancel": _cancel,
        "output_audio_buffer.clear": _cancel,
    }

    # From the session.

    def take(self, told: Event) -> None:
        """What happened in the session."""
        handler = self._EVENTS.get(told["type"])
        if handler is not None:
            handler(self, told)

    def _moment(self, told: Event) -> None:
        """What is heard and seen now. The first moment of an answer comes before the event that tells of it."""
        if self._response is not None and self._response.sounding:
            self._response.moment(told["sound"], told["clip"])
        else:
            self._held = (told["sound"], told["clip"])

    def _called(self, call: str, called: str, arguments: str) -> None:
        """The answer waits for a function of the client's: the response ends, the turn goes on."""
        if self._going_on and self._response is None:  # the last one had no result
            self._go_on()
        if self._response is not None:
            self._going_on, self._sounded = self._response.turn or _WRITTEN, self._response.sounding
            self._response.call(call, called, arguments)
            self._end("completed")

    def _go_on(self) -> None:
        """The answer that waited for a function goes on as another response."""
        turn, self._going_on = self._going_on, 0
        self._response = Response(self._say, max(turn, 0))
        self._response.begin()
        self._response.sounding = self._sounded
        self._calls.go_on()

    def _turn(self, told: Event) -> None:
        self._end("cancelled", "turn_detected")
        self._stop_writing()
        self._going_on = 0
        self._response = Response(self._say, told["turn"])
        self._response.begin()

    def _caption(self, told: Event) -> None:
        if self._going_on and self._response is None:  # the client told no result in time
            self._go_on()
        if self._response is not None:
            self._response.words(told["text"])

    def _sound(self, told: Event) -> None:
        if self._response is not None and not self._response.sounding:
            self._response.sounding = True
            if self._held is not None and self._held[0].start >= told["at"]:
                self._response.moment(*self._held)

    def _state(self, told: Event) -> None:
        if told["state"] == "idle" and self._response is not None and self._response.turn:
            self._end("completed")

    def _cut(self, told: Event) -> None:
        self._going_on = 0
        self._end("cancelled", self._reason)
        self._reason = "turn_detected"

    def _failed(self, told: Event) -> None:
        self._say(fault(f"{told['message']} {told['hint']}".strip(), told["code"]))
        if "turn" in told:
            self._end("failed", told["code"])

    def _started(self, told: Event) -> None:
        self._item = name("item")
        self._say(event("input_audio_buffer.speech_started", item_id=self._item, audio_start_ms=told["at"] // 48))

    def _ended(self, told: Event) -> None:
        self._say(event("input_audio_buffer.speech_stopped", item_id=self._item, audio_end_ms=told["at"] // 48))
        self._say(event("input_audio_buffer.committed", item_id=self._item, previous_item_id=None))

    def _understood(self, told: Event) -> None:
        self._heard(told["text"], self._item)

    _EVENTS: Final = {
        "moment": _moment, "turn": _turn, "caption": _caption, "sound": _sound, "state": _state, "cut": _cut,
        "error": _failed,
        "speech_started": _started, "speech_ended": _ended, "heard": _understood,
    }  # fmt: skip

    # Inside.

    def _end(self, status: str, reason: str = "") -> None:
        response, self._response = self._response, None
        if response is not None:
            response.end(status, reason)

    def _heard(self, text: str, item: str) -> None:
        made = user_item(text, spoken=True, item=item)
        self._say(event("conversation.item.added", previous_item_id=None, item=made))
        self._say(event("conversation.item.done", previous_item_id=None, item=made))
        self._say(event(
            "conversation.item.input_audio_transcription.completed", item_id=item, content_index=0, transcript=text,
            usage={"type": "duration", "seconds": 0.0},
        ))  # fmt: skip

    def pace(self) -> None:
        """Give the microphone's sound to who listens; call it now and then."""
        if self._automatic:
            self._buffer.pace()

    def _understand(self, samples: FloatArray) -> str:
        from mien.dialogue.hear.choose import open_ear

        chosen = open_ear(config.override(self._desk.settings.hear, language=self._room.wish.language or None), _unsaid)
        try:
            up = Resampler(RATE)
            sound = np.concatenate([up.push(samples), up.close()])
            for start in range(0, len(sound), TICKS_PER_SECOND):
                chosen.recogniser.push(AudioChunk(start, sound[start : start + TICKS_PER_SECOND]))
            return chosen.recogniser.finish().text
        finally:
            with suppress(MienError):
                chosen.recogniser.close()

    def _session(self) -> dict[str, Any]:
        troupe = self._room.session.troupe
        form = {"type": "audio/pcm", "rate": RATE}
        turns = {"type": "server_vad", "interrupt_response": True} if self._automatic else None
        return {
            "type": "realtime", "object": "realtime.session", "id": self._room.id, "model": self._model,
            "output_modalities": [self._modality], "tools": self._calls.listed, "tool_choice": "auto",
            "instructions": self._instructions or troupe.persona.manner,
            "audio": {
                "input": {"format": form, "turn_detection": turns},
                "output": {"format": form, "voice": troupe.voice or "mien", "speed": 1.0},
            },
            "face": {"rate": float(troupe.fps), "shapes": list(ARKIT_SHAPES), "size": list(troupe.size)},
        }  # fmt: skip


def _unsaid(_: str) -> None:
    """Which ear listens was told when the session was opened."""


async def keep_pace(bridge: Bridge) -> None:
    """Call :meth:`Bridge.pace` for ever."""
    while True:
        await asyncio.sleep(0.04)
        bridge.pace()
