"""A session as OpenAI's realtime API has it: what happens in it becomes that API's events.

A response is one turn of the session. Its sound is sent as it is spoken, moment by moment, with the motion of the face
beside it; nothing is sent ahead, so an interrupt leaves nothing to be thrown away.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable
from typing import Any, Final

from mien.apps.server.speech_file import RATE, to_pcm
from mien.audio.resample import Resampler
from mien.timeline import TICKS_PER_SECOND
from mien.transmit.live import Tally
from mien.types import AudioChunk, FaceClip, VideoFrame

Event = dict[str, Any]
_DIGITS: Final = 4


class Moments:
    """A viewer that hands sound and motion on, as events "moment". give: called in the session's thread; is quick."""

    def __init__(self, give: Callable[[Event], object]) -> None:
        self._give = give
        self._clip: FaceClip | None = None
        self._frames = 0

    @property
    def tally(self) -> Tally:
        """How many moments were handed on."""
        return Tally(frames=0, rows=self._frames, state="live")

    def move(self, clip: FaceClip) -> None:
        """The motion of the next moment."""
        self._clip = clip

    def show(self, frame: VideoFrame, sound: AudioChunk) -> None:
        """The moment's sound."""
        if self._clip is not None:
            self._frames += 1
            self._give({"type": "moment", "sound": sound, "clip": self._clip})

    def cut(self, tick: int) -> None:
        """Nothing waits here."""

    def close(self) -> None:
        """Nothing to release."""


def name(kind: str) -> str:
    """A new id."""
    return f"{kind}_{secrets.token_hex(10)}"


def event(kind: str, **fields: Any) -> Event:
    """An event of the server."""
    return {"type": kind, "event_id": name("event"), **fields}


def fault(message: str, code: str, cause: str = "") -> Event:
    """An error event. cause: id of the client's event."""
    error = {"type": "invalid_request_error", "code": code, "message": message, "param": None}
    return event("error", error={**error, "event_id": cause or None})


def user_item(text: str, *, spoken: bool, item: str = "") -> Event:
    """What the visitor said or wrote, as an item of the conversation."""
    part = {"type": "input_audio", "transcript": text} if spoken else {"type": "input_text", "text": text}
    return {
        "id": item or name("item"), "object": "realtime.item", "type": "message", "status": "completed",
        "role": "user", "content": [part],
    }  # fmt: skip


class Response:
    """One answer, from its first event to its last. say: sends an event. turn: of the session, 0 = written."""

    def __init__(self, say: Callable[[Event], None], turn: int) -> None:
        self.id, self.item, self.turn = name("resp"), name("item"), turn
        self._kind = "audio" if turn else "text"
        self._calls: list[Event] = []
        self.sounding = False
        self.spoken = 0
        self._say, self._words = say, ""
        self._resampler = Resampler(TICKS_PER_SECOND, RATE)

    def begin(self) -> None:
        """It was created."""
        self._say(event("response.created", response=self._about("in_progress")))
        self._say(event("response.output_item.added", response_id=self.id, output_index=0, item=self._message(False)))
        self._say(event("conversation.item.added", previous_item_id=None, item=self._message(False)))
        self._part("response.content_part.added", "")

    def words(self, text: str) -> None:
        """A clause is going to be heard."""
        tight = not self._words or ord(self._words[-1]) > 0x2E80 or ord(text[0]) > 0x2E80
        delta = text if tight else f" {text}"
        self._words += delta
        self._told("response.output_audio_transcript.delta" if self.turn else "response.output_text.delta", delta=delta)

    def call(self, call: str, called: str, arguments: str) -> None:
        """The client is to run a function; the response ends with it."""
        item = {
            "id": name("item"), "object": "realtime.item", "type": "function_call", "status": "completed",
            "call_id": call, "name": called, "arguments": arguments,
        }  # fmt: skip
        place = {"response_id": self.id, "output_index": 1, "item_id": item["id"], "call_id": call}
        begun = {**item, "status": "in_progress", "arguments": ""}
        self._say(event("response.output_item.added", response_id=self.id, output_index=1, item=begun))
        self._say(event("conversation.item.added", previous_item_id=self.item, item=begun))
        self._say(event("response.function_call_arguments.delta", delta=arguments, **place))
        self._say(event("response.function_call_arguments.done", arguments=arguments, name=called, **place))
        self._say(event("response.output_item.done", response_id=self.id, output_index=1, item=item))
        self._say(event("conversation.item.done", previous_item_id=self.item, item=item))
        self._calls.append(item)

    def moment(self, sound: AudioChunk, clip: FaceClip) -> None:
        """A moment of it is heard and seen."""
        data = to_pcm(self._resampler.push(sound.samples))
        if data:
            self._told("response.output_audio.delta", delta=base64.b64encode(data).decode())
        start = self.spoken * 1000 / TICKS_PER_SECOND
        self._told(
            "response.face.delta", start_ms=round(start, 3), tick=clip.start, rate=float(clip.rate),
            shapes=[[round(float(v), _DIGITS) for v in row] for row in clip.shapes],
            head=[[round(float(v), _DIGITS) for v in row] for row in clip.head],
        )  # fmt: skip
        self.spoken += len(sound.samples)

    def end(self, status: str, reason: str = "") -> None:
        """It is over. status: "completed", "cancelled" or "failed"."""
        if self.turn:
            rest = to_pcm(self._resampler.close())
            if rest and self.spoken:
                self._told("response.output_audio.delta", delta=base64.b64encode(rest).decode())
            self._told("response.output_audio.done")
            self._told("response.output_audio_transcript.done", transcript=self._words)
        else:
            self._told("response.output_text.done", text=self._words)
        self._part("response.content_part.done", self._words)
        item = self._message(True, status)
        self._say(event("response.output_item.done", response_id=self.id, output_index=0, item=item))
        self._say(event("conversation.item.done", previous_item_id=None, item=item))
        self._say(event("response.done", response=self._about(status, reason, [item, *self._calls])))

    def _told(self, kind: str, **more: Any) -> None:
        self._say(event(kind, response_id=self.id, item_id=self.item, output_index=0, content_index=0, **more))

    def _part(self, kind: str, text: str) -> None:
        self._told(kind, part={"type": self._kind, "transcript" if self.turn else "text": text})

    def _message(self, over: bool, status: str = "") -> Event:
        state = ("completed" if status == "completed" else "incomplete") if over else "in_progress"
        part = {"type": f"output_{self._kind}", "transcript" if self.turn else "text": self._words}
        content = [part] if over else []
        return {
            "id": self.item, "object": "realtime.item", "type": "message", "status": state, "role": "assistant",
            "content": content,
        }  # fmt: skip

    def _about(self, status: str, reason: str = "", output: list[Event] | None = None) -> Event:
        details = {"type": status, "reason": reason} if reason else None
        return {
            "id": self.id, "object": "realtime.response", "status": status, "status_details": details,
            "output": output or [], "output_modalities": [self._kind], "metadata": None, "usage": None,
        }  # fmt: skip
