"""OpenAI's own Python client against this server: speech into files, and a conversation in real time."""

from __future__ import annotations

import asyncio
import base64
import io
from typing import Any

import av
import numpy as np
import openai
import pytest
from tests.server.kit import Served, run

from mien.dialogue.speak.base import SpeakRequest
from mien.dialogue.speak.espeak import EspeakSpeaker

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
            ):  # fmt: skip
                await connection.send(garbage)  # type: ignore[arg-type]
                assert (await talk.until("error")).error.code
            await connection.input_audio_buffer.clear()
            await talk.until("input_audio_buffer.cleared")

    run(babble())
