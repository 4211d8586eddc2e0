"""OpenAI's own Python client against this server: speech into files, and a conversation in real time."""

from __future__ import annotations

import asyncio
import base64
import io
import threading
from collections.abc import Iterator
from typing import Any

import av
import numpy as np
import openai
import pytest
from tests.contract.chat_server import ChatServer
from tests.server.kit import Served, run, serving

from mien import config
from mien.dialogue.speak.base import SpeakRequest
from mien.dialogue.speak.espeak import EspeakSpeaker
from mien.dialogue.think.openai import OpenaiThinker

RATE = 24_000


def seconds_in(data: bytes) -> float:
    with av.open(io.BytesIO(data), "r") as file:
        frames = list(file.decode(audio=0))
    assert max(float(np.abs(f.to_ndarray()).max()) for f in frames) > 0
    return float(sum(f.samples / f.sample_rate for f in frames))


def test_speech_comes_in_every_form(served: Served) -> None:
    client = openai.OpenAI(base_url=f"{served.url}/v1", api_key="none")
    assert [m.id for m in client.models.list()] == ["mien-speech", "mien-realtime"]
    asked: dict[str, Any] = {"model": "tts-1", "voice": "alloy", "input": "Hello there, how are you?"}
    raw = client.audio.speech.create(response_format="pcm", **asked).read()
    length = len(raw) / 2 / RATE
    assert 1 < length < 4
    for form in ("wav", "mp3", "opus", "flac", "aac"):
        data = client.audio.speech.create(response_format=form, **asked).read()
        assert seconds_in(data) == pytest.approx(length, abs=0.15), form
    fast = client.audio.speech.create(response_format="pcm", speed=2.0, **asked).read()
    assert len(fast) < 0.7 * len(raw)


@pytest.mark.parametrize(
    ("wish", "kind"),
    [({"voice": "nobody:here"}, openai.NotFoundError), ({"input": ""}, openai.UnprocessableEntityError),
     ({"input": "…"}, openai.UnprocessableEntityError), ({"voice": "../../etc"}, openai.UnprocessableEntityError),
     ({"speed": 9.0}, openai.UnprocessableEntityError), ({"input": "x" * 5000}, openai.UnprocessableEntityError)],
)  # fmt: skip
def test_what_cannot_be_spoken_is_refused_before_the_answer_begins(
    served: Served, wish: dict[str, Any], kind: type[openai.APIStatusError]
) -> None:
    client = openai.OpenAI(base_url=f"{served.url}/v1", api_key="none", max_retries=0)
    with pytest.raises(kind) as refused:
        client.audio.speech.create(**{"model": "tts-1", "voice": "alloy", "input": "Hello.", **wish})
    assert refused.value.code
    assert served.desk.speaking._free == 4


class Talk:
    """A connection, and what came of it."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.kinds: list[str] = []
        self.sound = b""
        self.rows = 0

    async def until(self, kind: str) -> Any:
        async with asyncio.timeout(20):
            async for event in self.connection:
                self.kinds.append(event.type)
                if event.type == "response.output_audio.delta":
                    self.sound += base64.b64decode(event.delta)
                elif event.type == "response.face.delta":
                    self.rows += len(event.shapes)
                    assert len(event.shapes[0]) == 52 and len(event.head[0]) == 6
                if event.type == kind:
                    return event
        raise AssertionError(f"the connection ended before {kind}")


def client_of(served: Served) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=f"{served.url}/v1", websocket_base_url=f"{served.ws}/v1", api_key="none")


def item(text: str) -> Any:
    return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}


def test_a_conversation_by_text_brings_sound_words_and_a_face(served: Served) -> None:
    async def talk() -> None:
        async with client_of(served).realtime.connect(model="mien-realtime") as connection:
            talk = Talk(connection)
            made = await talk.until("session.created")
            assert len(made.session.face["shapes"]) == 52
            await connection.session.update(
                session={"type": "realtime", "instructions": "Be brief.", "audio": {"input": {"turn_detection": None}}}
            )
            assert (await talk.until("session.updated")).session.instructions == "Be brief."
            await connection.conversation.item.create(item=item("Who are you?"))
            await connection.response.create()
            created = await talk.until("response.created")
            done = await talk.until("response.done")
            assert done.response.status == "completed" and done.response.id == created.response.id
            assert done.response.output[0].content[0].transcript == "Hello there."
            samples = np.frombuffer(talk.sound, "<i2")
            assert np.abs(samples).max() > 1000 and talk.rows == pytest.approx(len(samples) / RATE * 25, abs=1.5)
            order = [k for k in dict.fromkeys(talk.kinds) if k.startswith("response.")]
            assert order[:3] == ["response.created", "response.output_item.added", "response.content_part.added"]
            assert order[-1] == "response.done" and "response.output_audio_transcript.done" in order

            await connection.conversation.item.create(item=item("Again, please?"))
            await connection.response.create()
            first = await talk.until("response.output_audio.delta")
            await connection.conversation.item.truncate(item_id=first.item_id, content_index=0, audio_end_ms=40)
            assert (await talk.until("response.done")).response.status == "cancelled"
            await connection.response.cancel()
            assert (await talk.until("error")).error.code == "response_cancel_not_active"

    run(talk())


def test_a_conversation_by_voice_where_the_server_tells_turns(served: Served) -> None:
    speaker = EspeakSpeaker()
    try:
        parts = [p.audio.samples for p in speaker.speak(SpeakRequest("Hello, who are you my friend?", "en"))]
    finally:
        speaker.close()
    voice = (np.concatenate(parts)[::2] * 32767).astype("<i2").tobytes()
    sound = bytes(RATE // 2) + voice + bytes(RATE * 4)

    async def talk() -> None:
        async with client_of(served).realtime.connect(model="mien-realtime") as connection:
            talk = Talk(connection)

            async def speak() -> None:
                for start in range(0, len(sound), RATE // 25 * 2):
                    piece = base64.b64encode(sound[start : start + RATE // 25 * 2]).decode()
                    await connection.input_audio_buffer.append(audio=piece)
                    await asyncio.sleep(0.04)

            microphone = asyncio.create_task(speak())
            await talk.until("input_audio_buffer.speech_started")
            await talk.until("input_audio_buffer.speech_stopped")
            await talk.until("conversation.item.input_audio_transcription.completed")
            microphone.cancel()
            assert "input_audio_buffer.committed" in talk.kinds

    run(talk())


def test_an_answer_in_writing_is_not_spoken_and_is_remembered(served: Served) -> None:
    async def talk() -> None:
        async with client_of(served).realtime.connect(model="mien-realtime") as connection:
            talk = Talk(connection)
            made = await talk.until("session.created")
            room = served.desk.room(made.session.id)
            await connection.conversation.item.create(item=item("Who are you?"))
            await connection.response.create(response={"output_modalities": ["text"]})
            done = (await talk.until("response.done")).response
            assert done.status == "completed" and done.output_modalities == ["text"]
            assert done.output[0].content[0].type == "output_text" and done.output[0].content[0].text == "Hello there."
            assert "response.output_text.delta" in talk.kinds and "response.output_text.done" in talk.kinds
            assert not talk.sound and not talk.rows and room.session.state == "idle"
            assert [s.text for s in room.session.history] == ["Who are you?", "Hello there."]

            spoken: Any = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Aha."}]}
            await connection.conversation.item.create(item=spoken)
            await connection.conversation.item.create(
                item={"type": "message", "role": "system", "content": [{"type": "input_text", "text": "Be kind."}]}
            )
            await talk.until("conversation.item.done")
            await talk.until("conversation.item.done")
            assert room.session.history[-1].text == "Aha." and room.session.troupe.persona.manner.endswith("Be kind.")

            await connection.session.update(session={"type": "realtime", "output_modalities": ["text"]})
            assert (await talk.until("session.updated")).session.output_modalities == ["text"]
            await connection.session.update(session={"type": "realtime", "tools": [WEATHER]})
            assert (await talk.until("error")).error.code == "unsupported_tools"

    run(talk())


WEATHER: Any = {
    "type": "function", "name": "weather", "description": "The weather of a place.",
    "parameters": {"type": "object", "properties": {"place": {"type": "string"}}, "required": ["place"]},
}  # fmt: skip


@pytest.fixture
def model() -> Iterator[tuple[Served, ChatServer]]:
    """A server that answers by a language model, which is one of the tests'."""
    server = ChatServer()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    thinker = OpenaiThinker(config.ThinkConfig(url=server.address, model="small"))
    try:
        with serving(thinker) as served:
            yield served, server
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


@pytest.mark.parametrize("way", ["audio", "text"])
def test_functions_are_run_by_the_client(model: tuple[Served, ChatServer], way: Any) -> None:
    served, server = model
    server.calls = [[("weather", '{"place": "Paris"}')]]
    server.says = ["It rains there."]

    async def talk() -> None:
        async with client_of(served).realtime.connect(model="mien-realtime") as connection:
            talk = Talk(connection)
            await connection.session.update(
                session={"type": "realtime", "tools": [WEATHER], "tool_choice": "auto", "output_modalities": [way]}
            )
            await talk.until("session.updated")
            await connection.conversation.item.create(item=item("How is the weather in Paris?"))
            await connection.response.create()
            asked = await talk.until("response.function_call_arguments.done")
            assert asked.name == "weather" and asked.arguments == '{"place": "Paris"}'
            first = (await talk.until("response.done")).response
            assert first.status == "completed" and first.output[1].type == "function_call"
            assert first.output[1].call_id == asked.call_id
            await connection.conversation.item.create(
                item={"type": "function_call_output", "call_id": asked.call_id, "output": '{"sky": "rain"}'}
            )
            await connection.response.create()
            second = (await talk.until("response.done")).response
            assert second.id != first.id and second.status == "completed"
            part = second.output[0].content[0]
            assert (part.text if way == "text" else part.transcript) == "It rains there."
            assert bool(talk.sound) == (way == "audio")
            told = [m for m in server.asked[-1]["messages"] if m["role"] == "tool"]
            assert [m["content"] for m in told] == ['{"sky": "rain"}']
            await connection.conversation.item.create(
                item={"type": "function_call_output", "call_id": asked.call_id, "output": "late"}
            )
            assert (await talk.until("error")).error.code == "invalid_call_id"

    run(talk())


@pytest.mark.parametrize("way", ["audio", "text"])
def test_a_function_without_result_and_a_cancelled_answer(
    model: tuple[Served, ChatServer], way: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mien.apps.server.calls.PATIENCE", 0.3)
    served, server = model
    server.calls = [[("weather", '{"place": "Paris"}')], [("weather", '{"place": "Rome"}')]]
    server.says = ["I cannot say."]

    async def talk() -> None:
        async with client_of(served).realtime.connect(model="mien-realtime") as connection:
            talk = Talk(connection)
            await connection.session.update(
                session={"type": "realtime", "tools": [WEATHER], "output_modalities": [way]}
            )
            await connection.conversation.item.create(item=item("How is the weather?"))
            await connection.response.create()
            for _ in range(2):  # two calls that nobody answers, each ends a response
                await talk.until("response.function_call_arguments.done")
                await talk.until("response.done")
            last = (await talk.until("response.done")).response
            part = last.output[0].content[0]
            assert (part.text if way == "text" else part.transcript) == "I cannot say."

            server.moods = ["silent"]
            await connection.conversation.item.create(item=item("Are you there?"))
            await connection.response.create()
            await talk.until("response.created")
            await connection.response.cancel()
            assert (await talk.until("response.done")).response.status == "cancelled"
            server.release.set()

    run(talk())


def test_garbage_brings_error_events_and_the_connection_lives(served: Served) -> None:
    async def babble() -> None:
        async with client_of(served).realtime.connect(model="mien-realtime") as connection:
            talk = Talk(connection)
            for garbage in (
                {"type": "unheard.of"}, {"type": "input_audio_buffer.append"}, {"type": "response.create"},
                {"type": "input_audio_buffer.append", "audio": "!!"}, {"type": "conversation.item.create"},
                {"type": "input_audio_buffer.append", "audio": "AA=="}, {"type": "input_audio_buffer.commit"},
                {"type": "session.update", "session": {"audio": {"input": {"format": {"type": "audio/pcmu"}}}}},
                {"type": "session.update", "session": 5},
                {"type": "session.update", "session": {"tools": [{"type": "function"}]}},
                {"type": "session.update", "session": {"tools": [{"type": "mcp", "name": "x"}]}},
                {"type": "session.update", "session": {"tool_choice": "required"}},
                {"type": "session.update", "session": {"output_modalities": ["smell"]}},
                {"type": "conversation.item.create", "item": {"type": "function_call_output", "call_id": "x"}},
                {"type": "conversation.item.create", "item": {"type": "message", "role": "user", "content": []}},
                {"type": "response.cancel"},
            ):  # fmt: skip
                await connection.send(garbage)  # type: ignore[arg-type]
                assert (await talk.until("error")).error.code
            await connection.input_audio_buffer.clear()
            await talk.until("input_audio_buffer.cleared")

    run(babble())
