"""Whatever breaks, the visitor is told in one sentence, the session goes on, and everybody else's too."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import httpx
import numpy as np
import pytest
import websockets
from tests.audio.kit import spoken
from tests.contract.chat_server import ChatServer, chat_server
from tests.contract.speech_servers import SpeechServer, speech_server
from tests.live.fakes import Parrot
from tests.server.kit import Canvas, Served, caster, events, portrait, run, serving
from tests.transmit.live_kit import wait_for

from mien.apps.server.options import Token
from mien.apps.server.room import Room
from mien.config import HearConfig, ThinkConfig, VoicesConfig
from mien.dialogue.hear.base import Heard, RecogniserInfo
from mien.dialogue.hear.choose import Chosen
from mien.dialogue.speak.base import SpeakRequest
from mien.dialogue.speak.espeak import EspeakSpeaker
from mien.dialogue.speak.openai import OpenaiSpeaker
from mien.dialogue.think.base import Persona, Thinker
from mien.dialogue.think.openai import OpenaiThinker
from mien.errors import BackendError
from mien.face.base import FaceSettings
from mien.face.listen.driver import ListenDriver
from mien.face.phones import PhoneDriver
from mien.live.session import Troupe
from mien.live.troupe import Wish
from mien.types import AudioChunk, ByteArray, FloatArray, SpeechPart

SECRET = "a-secret-of-some-length"
BIG = 50 << 20
HELD_UP = 0.3
"""Seconds by which an answer that hangs may hold the next one up."""
SLOWER = 0.6
"""Part of its frames a second that somebody else's session keeps at least while something breaks."""


def sentence(message: str) -> None:
    """One sentence for a person: no trace, no class, nothing from inside."""
    assert message and message.rstrip()[-1] in ".!?…", message
    assert "\n" not in message and "Traceback" not in message and len(message) < 400
    assert not re.search(r"<[^>]+ at 0x|[A-Z]\w+Error\b|\bNone\b", message), message


def told(answer: httpx.Response) -> str:
    """The code of an error that was answered as the API has it."""
    fault = answer.json()["error"]
    assert set(fault) == {"code", "message", "hint", "retryable"} and fault["code"]
    sentence(fault["message"])
    return str(fault["code"])


@contextlib.contextmanager
def unharmed(served: Served) -> Iterator[Room]:
    """Somebody else's session, that goes on through all of the block."""
    room = served.desk.house.get(served.session())
    assert isinstance(room, Room)
    opened, first = time.monotonic(), room.session.counts.frames
    errors: list[Any] = []
    told_before = room.hub._listen

    def listen(event: dict[str, Any]) -> None:
        if event["type"] == "error":
            errors.append(event)
        told_before(event)

    room.hub._listen = listen
    time.sleep(0.5)
    usual = min(25.0, (room.session.counts.frames - first) / (time.monotonic() - opened))  # a busy machine has fewer
    began, frames = time.monotonic(), room.session.counts.frames
    yield room
    time.sleep(max(0.0, began + 0.6 - time.monotonic()))
    rate = (room.session.counts.frames - frames) / (time.monotonic() - began)
    assert rate > SLOWER * usual and not errors and not room.session.broken, (rate, usual, errors)
    with served.client() as client:
        assert client.delete(f"/api/sessions/{room.id}").status_code == 200


async def still_speaks(page: Any) -> None:
    """The session that met the fault says something else."""
    await page.send("say", text="I am still here.")
    await page.until("turn")
    await page.until("sound")


# The language model.


@pytest.fixture(scope="module")
def chat() -> Iterator[ChatServer]:
    with chat_server() as running:
        yield running


@pytest.fixture(scope="module")
def model(chat: ChatServer) -> Iterator[Served]:
    thinker = OpenaiThinker(ThinkConfig(url=chat.address, model="small", timeout=0.4, first_timeout=1.2))
    with serving(thinker) as server:
        yield server


MOODS = {
    "500": "network.server", "429": "network.busy", "silent": "backend.slow", "drip": "backend.slow",
    "stall": "backend.stalled", "garbage": "backend.garbage", "not json": "backend.garbage", "deep": "backend.garbage",
    "binary": "backend.garbage", "half": "backend.garbage", "endless": "backend.garbage", "html": "backend.garbage",
    "error": "network.server", "status": "network.cut", "broken": "network.cut", "cut": "network.cut",
    "away": "backend.redirect", "401": "missing.key", "404": "missing.model",
}  # fmt: skip


def test_a_language_model_in_trouble(model: Served, chat: ChatServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mien.dialogue.think.link._BACK_OFF", (0.01, 0.02))
    name = model.session()

    async def ask() -> None:
        async with events(model, name) as page:
            for mood, code in MOODS.items():
                chat.moods = [mood]
                began = time.monotonic()
                await page.send("ask", text="Well?")
                fault = await page.until("error")
                assert time.monotonic() - began < 5
                assert fault["code"] == code and "turn" in fault and fault["hint"], (mood, fault)
                sentence(fault["message"])
                await page.until("state", state="idle")
            await still_speaks(page)

    with unharmed(model):
        run(ask())
    with model.client() as client:
        client.delete(f"/api/sessions/{name}")


def test_a_language_model_that_is_not_there() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    thinker = OpenaiThinker(ThinkConfig(url=f"http://127.0.0.1:{port}/v1", model="small"))
    with serving(thinker) as served, unharmed(served):
        name = served.session()

        async def ask() -> None:
            async with events(served, name) as page:
                await page.send("ask", text="Well?")
                fault = await page.until("error", seconds=3)
                assert fault["code"] == "network.unreachable" and str(port) in fault["message"] and fault["hint"]
                sentence(fault["message"])
                await still_speaks(page)

        run(ask())


# Cutting in while something remote keeps everybody waiting.


def _answers(served: Served, hang: Callable[[], object], came: Callable[[], int]) -> tuple[float, float]:
    """Seconds from a question to the request that it makes, at best: asked in silence, and cutting one short whose
    answer hangs. hang: have the next one hang. came: how many requests came.
    """

    async def ask(page: Any, text: str) -> float:
        began, before = time.monotonic(), came()
        await page.send("ask", text=text)
        await page.until("turn", text=text)
        while came() == before:
            await asyncio.sleep(0.005)
        return time.monotonic() - began

    async def once(page: Any, *, cutting: bool) -> float:
        if cutting:
            hang()
            await ask(page, "First?")
        took = await ask(page, "Second?")
        await page.until("sound")
        await page.send("interrupt")
        await page.until("state", state="idle")
        return took

    async def all_of_them() -> tuple[float, float]:
        name = await asyncio.to_thread(served.session)
        async with events(served, name) as page:
            plain = [await once(page, cutting=False) for _ in range(3)]
            cutting = [await once(page, cutting=True) for _ in range(3)]
            assert not [e for e in page.seen if e["type"] == "error"]
            return min(plain), min(cutting)

    plain, cutting = run(all_of_them())
    return float(plain), float(cutting)


def _threads() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name in ("mien-turn", "mien-web", "mien-think")]


@pytest.mark.parametrize("mood", ["silent", "stall"])
def test_the_next_answer_does_not_wait_for_a_model_that_keeps_silent(
    model: Served, chat: ChatServer, mood: str
) -> None:
    chat.moods = [""]
    plain, cutting = _answers(model, lambda: chat.moods.__setitem__(slice(None), [mood, ""]), lambda: len(chat.asked))
    assert cutting < plain + HELD_UP, (plain, cutting)
    assert wait_for(lambda: not _threads()), _threads()


@pytest.fixture(scope="module")
def voice() -> Iterator[SpeechServer]:
    with speech_server() as running:
        yield running


@pytest.mark.parametrize("mood", ["silent", "slow"])
def test_the_next_answer_does_not_wait_for_a_voice_that_keeps_silent(voice: SpeechServer, mood: str) -> None:
    def cast(wish: Wish, persona: Persona, thinker: Thinker) -> Troupe:
        remote = OpenaiSpeaker(VoicesConfig(openai_url=f"{voice.address}/v1"))
        face = partial(ListenDriver, FaceSettings())
        return replace(caster(wish, persona, thinker), speaker=remote, driver=face)

    voice.moods = [""]
    with serving(cast=cast) as served:
        assert wait_for(lambda: served.desk.readiness.ready)
        with unharmed(served):
            plain, cutting = _answers(
                served, lambda: voice.moods.__setitem__(slice(None), [mood, ""]), lambda: len(voice.asked)
            )
        assert cutting < plain + HELD_UP, (plain, cutting)
        assert wait_for(lambda: not _threads()), _threads()


# What is made here.


class Hoarse(EspeakSpeaker):
    """A voice that breaks at the word "break", before or in the middle."""

    def check(self, request: SpeakRequest) -> None:
        if "at once" in request.text:
            raise RuntimeError("inside")
        super().check(request)

    def speak(self, request: SpeakRequest) -> Iterator[SpeechPart]:
        if "told" in request.text:
            raise BackendError("The voice is hoarse.", hint="Give it tea.")
        for part in super().speak(request):
            yield part
            if "break" in request.text:
                raise ValueError("inside")


def test_a_voice_that_throws() -> None:
    def cast(wish: Wish, persona: Persona, thinker: Thinker) -> Troupe:
        return replace(caster(wish, persona, thinker), speaker=Hoarse())

    with serving(cast=cast) as served, unharmed(served):
        name = served.session()

        async def say() -> None:
            async with events(served, name) as page:
                for text, message in (
                    ("I break. And that is that.", "The answer failed."), ("Broken at once.", "The answer failed."),
                    ("This is told.", "The voice is hoarse."),
                ):  # fmt: skip
                    await page.send("say", text=text)
                    fault = await page.until("error")
                    assert fault["message"] == message and fault["hint"]
                await still_speaks(page)

        run(say())


class Rigid(PhoneDriver):
    """A face that breaks when it is asked to speak."""

    breaks = False

    def push(self, part: SpeechPart) -> None:
        if Rigid.breaks and part.audio.samples.any():
            raise IndexError("inside")
        super().push(part)


def test_a_face_that_throws(monkeypatch: pytest.MonkeyPatch) -> None:
    def cast(wish: Wish, persona: Persona, thinker: Thinker) -> Troupe:
        made = caster(wish, persona, thinker)
        return replace(made, driver=lambda: Rigid(FaceSettings())) if wish.voice == "male" else made

    monkeypatch.setattr(Rigid, "breaks", True)
    with serving(cast=cast) as served, unharmed(served):
        name = served.session(voice="male")

        async def say() -> None:
            async with events(served, name) as page:
                await page.send("say", text="This cannot be shown.")
                fault = await page.until("error")
                assert fault["code"] == "face.failed" and fault["hint"]
                sentence(fault["message"])
                monkeypatch.setattr(Rigid, "breaks", False)
                await still_speaks(page)

        run(say())


class Torn(Canvas):
    """A canvas that cannot draw at all."""

    def draw(self, shapes: FloatArray, head: FloatArray) -> ByteArray:
        raise RuntimeError("inside")


def test_a_session_that_never_shows_a_picture_says_so_to_who_comes_later() -> None:
    def cast(wish: Wish, persona: Persona, thinker: Thinker) -> Troupe:
        made = caster(wish, persona, thinker)
        return replace(made, canvas=Torn) if wish.voice == "male" else made

    with serving(cast=cast) as served, unharmed(served):
        name = served.session(voice="male")
        room = served.desk.house.get(name)
        assert isinstance(room, Room)
        room.sit()
        assert wait_for(lambda: bool(room.session.broken))

        async def come() -> None:
            async with events(served, name) as page:
                fault = await page.until("error")
                assert fault["code"] == "session.broken" and fault["hint"]
                sentence(fault["message"])

        run(come())


@pytest.mark.parametrize("where", ["driver", "cast", "canvas"])
def test_a_session_that_cannot_be_made_is_refused_and_leaves_nothing(where: str) -> None:
    speakers: list[Closing] = []

    class Closing(EspeakSpeaker):
        closed = 0

        def close(self) -> None:
            self.closed += 1
            super().close()

    def bad(*_: Any) -> Any:
        raise RuntimeError("inside")

    def cast(wish: Wish, persona: Persona, thinker: Thinker) -> Troupe:
        made = caster(wish, persona, thinker)
        if wish.voice != "male":
            return made
        if where == "cast":
            bad()
        speakers.append(Closing())
        made = replace(made, speaker=speakers[0])
        return replace(made, driver=bad) if where == "driver" else replace(made, canvas=bad)

    with serving(cast=cast) as served, unharmed(served), served.client() as client:
        answer = client.post("/api/sessions", json={"voice": "male"})
        if where == "canvas":  # it is made in the session's own thread
            assert answer.status_code == 201
            room = served.desk.house.get(answer.json()["id"])
            assert wait_for(lambda: bool(room.session.broken))
        else:
            assert answer.status_code == 500 and told(answer) == "internal"
            assert answer.headers["connection"] == "close"  # for the next request would meet a closed door
            assert client.get("/health").json()["sessions"] == 1
            assert all(s.closed for s in speakers)


def test_visitors_who_wait_at_the_door_hold_nobody_up_inside() -> None:
    let_in = threading.Event()

    def cast(wish: Wish, persona: Persona, thinker: Thinker) -> Troupe:
        if wish.voice == "male":
            assert let_in.wait(30)
        return caster(wish, persona, thinker)

    with serving(cast=cast, sessions=16) as served, unharmed(served) as inside:
        waiting = [threading.Thread(target=served.session, kwargs={"voice": "male"}) for _ in range(12)]
        for one in waiting:
            one.start()

        async def say() -> None:
            async with events(served, inside.id) as page:
                await still_speaks(page)
                await page.send("interrupt")
                await page.until("cut")

        try:
            run(say())
        finally:
            let_in.set()
            for one in waiting:
                one.join()


class Ear:
    """An ear that throws where it is told to."""

    info = RecogniserInfo("ear", ("en",), streaming=False)

    def __init__(self, where: str) -> None:
        self.where = where

    def check(self) -> None:
        pass

    def push(self, chunk: AudioChunk) -> Heard | None:
        if self.where == "push":
            raise RuntimeError("inside")
        return None

    def end(self) -> Callable[[], Heard]:
        if self.where == "end":
            raise RuntimeError("inside")
        return self._words

    def finish(self) -> Heard:
        return self.end()()

    def drop(self) -> None:
        pass

    def close(self) -> None:
        raise RuntimeError("inside")

    def _words(self) -> Heard:
        raise RuntimeError("inside") if self.where == "words" else BackendError("The ear is deaf.", hint="Wait.")


def test_ears_that_throw(monkeypatch: pytest.MonkeyPatch) -> None:
    places = ["told", "words", "end", "push"]
    left = list(places)
    monkeypatch.setattr("mien.dialogue.hear.choose.open_ear", lambda *_: Chosen(Ear(left.pop()), "ear"))
    sound = np.concatenate([np.zeros(24_000, np.float32), spoken("Where is it?")[0]])
    pcm = (np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes()

    async def speak(served: Served, name: str) -> None:
        async with (
            events(served, name) as page,
            websockets.connect(f"{served.ws}/api/sessions/{name}/media", max_size=None) as media,
        ):
            drain = asyncio.create_task(_drain(media))
            await page.until("avatar")
            for at in range(0, len(pcm) + 70 * 1920, 1920):
                await media.send(pcm[at : at + 1920].ljust(1920, b"\0"))
                await asyncio.sleep(0.014)
            fault = await page.until("error")
            sentence(fault["message"])
            assert fault["hint"] and "inside" not in json.dumps(fault)
            await still_speaks(page)
            drain.cancel()
            kinds = [e["type"] for e in page.seen]
            assert 1 <= kinds.count("error") <= kinds.count("speech_started")

    with serving() as served:
        names = [served.session() for _ in places]
        left.append("nowhere")

        async def all_speak() -> None:
            await asyncio.gather(*(speak(served, name) for name in names))

        with unharmed(served):
            run(all_speak())
        with served.client() as client:  # such ears throw when they are closed, too
            for name in names:
                assert client.delete(f"/api/sessions/{name}").status_code == 200
                assert client.get(f"/api/sessions/{name}").status_code == 404
            assert client.get("/health").json()["sessions"] == 0


async def _drain(socket: Any) -> None:
    async for _ in socket:
        pass


def test_an_ear_that_cannot_be_made_leaves_text(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(hear: HearConfig, tell: Callable[[str], None]) -> Chosen:
        raise OSError("inside")

    monkeypatch.setattr("mien.dialogue.hear.choose.open_ear", broken)
    with serving() as served, served.client() as client:
        opened = client.post("/api/sessions", json={})
        assert opened.status_code == 201
        note = opened.json()["hearing"]["note"]
        sentence(note)
        assert "inside" not in note

        async def ask() -> None:
            async with events(served, opened.json()["id"]) as page:
                await still_speaks(page)

        run(ask())


# What comes in.

OFFER = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
FINGERPRINT = "a=fingerprint:sha-256 " + ":".join(["AB"] * 32) + "\r\n"
ICE = "a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\na=setup:actpass\r\na=mid:0\r\n"
SDPS = {
    "empty": "", "words": "hello", "big": OFFER + "a=x:" + "y" * (1 << 20),
    "binary": "\x00\xff\ufffd\u2028v=0\r\n" * 40,
    "no media": OFFER,
    "unknown codec": OFFER + "m=video 9 UDP/TLS/RTP/SAVPF 100\r\nc=IN IP4 0.0.0.0\r\n" + ICE + FINGERPRINT
    + "a=recvonly\r\na=rtcp-mux\r\na=rtpmap:100 NOBODY/90000\r\n",
    "no fingerprint": OFFER + "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\n" + ICE
    + "a=recvonly\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\n",
    "no ice": OFFER + "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\n" + FINGERPRINT
    + "a=recvonly\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\n",
    "numbers": "v=0\r\nm=audio 999999999999 UDP/TLS/RTP/SAVPF x y z\r\na=rtpmap:x opus/y/z\r\n",
    "many media": OFFER + ("m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=rtpmap:96 VP8/90000\r\n" * 900),
}  # fmt: skip


def test_malformed_offers(served: Served) -> None:
    name = served.session()
    with unharmed(served), served.client() as client:
        for kind, sdp in SDPS.items():
            answer = client.post(f"/api/sessions/{name}/offer", json={"type": "offer", "sdp": sdp})
            assert answer.status_code in (413, 422), (kind, answer.text[:300])
            told(answer)
            other = client.post("/offer", json={"type": "offer", "sdp": sdp})
            if other.status_code == 200:
                assert other.json()["code"] == -1
                sentence(other.json()["msg"])
            else:
                assert other.status_code in (413, 422)
                told(other)
        client.delete(f"/api/sessions/{name}")
        assert wait_for(lambda: client.get("/health").json()["sessions"] == 1)
    assert wait_for(lambda: served.desk.rtc.peers == 0)


BODIES = [
    b"", b"{", b"nonsense", b"[1, 2]", b'"text"', b"null", b"\xff\xfe{}", b"[" * 60_000, b'{"a":' * 20_000,
    b'{"language": NaN}', b'{"sdp": 1e999, "type": "offer"}', b'{"input": "\\ud800"}', b'{"text": "\\u0000"}',
]  # fmt: skip


def _operations(served: Served) -> list[tuple[str, str, dict[str, Any]]]:
    with served.client() as client:
        paths = client.get("/openapi.json").json()["paths"]
    return [(method, path, about) for path, methods in paths.items() for method, about in methods.items()]


def _filled(path: str) -> str:
    return re.sub(r"\{\w+\}", "x", path)


def test_malformed_json_everywhere(served: Served) -> None:
    with unharmed(served), served.client() as client:
        for method, path, about in _operations(served):
            if "requestBody" not in about:
                continue
            for body in BODIES:
                answer = client.request(
                    method, _filled(path), content=body, headers={"Content-Type": "application/json"}
                )
                assert answer.status_code < 500, (path, body[:40], answer.text)
                if answer.status_code >= 400:
                    told(answer)


def test_too_large_a_body_everywhere(served: Served) -> None:
    body = memoryview(bytes(BIG))
    with unharmed(served):
        for method, path, about in _operations(served):
            if "requestBody" in about:
                head = f"{method.upper()} {_filled(path)} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {BIG}\r\n\r\n"
                status, answer = _raw(served, head.encode(), body)
                assert status == 413, (method, path, answer)
                fault = json.loads(answer.partition(b"\r\n\r\n")[2])["error"]
                assert fault["code"] == "input.too_large"
                sentence(fault["message"])


def _raw(served: Served, *sent: bytes | memoryview) -> tuple[int, bytes]:
    """The status and all of the answer to bytes that no client would send; the server closes the connection."""
    host, port = served.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), 20) as raw:
        for data in sent:
            raw.sendall(data)
        answer = b"".join(iter(lambda: raw.recv(65536), b""))
    return int(answer.split(b" ")[1]), answer


SOUNDS: dict[str, bytes] = {
    "nothing": b"", "odd": bytes(1919), "one byte": b"x", "wrong size": bytes(1922), "large": bytes(1 << 20),
    "header only": bytes(24), "huge numbers": b"\xff" * 1944, "loud": b"\x00\x80" * 960,
    "text": b'{"type": "ask"}' * 100,
}  # fmt: skip


def test_malformed_sound_on_the_media_socket(served: Served) -> None:
    name = served.session()
    left = list(SOUNDS.values()) * 2

    async def send() -> None:
        async with events(served, name) as page:
            while left:
                with contextlib.suppress(websockets.ConnectionClosed):
                    async with websockets.connect(f"{served.ws}/api/sessions/{name}/media", max_size=None) as socket:
                        while left:
                            await socket.send(left.pop())
                        for _ in range(12):
                            message = await socket.recv()
                            if isinstance(message, str) and json.loads(message)["type"] == "error":
                                sentence(json.loads(message)["message"])
            await still_speaks(page)

    with unharmed(served):
        run(send())
    with served.client() as client:
        client.delete(f"/api/sessions/{name}")


FILES: dict[str, bytes] = {
    "nothing": b"", "words": b"hello" * 100, "odd": b"RIFF" + bytes(41), "cut": b"RIFF\xff\xff\xff\xffWAVEfmt ",
    "not numbers": b"RIFF\x24\x10\x00\x00WAVEfmt \x10\x00\x00\x00\x03\x00\x01\x00\x80\xbb\x00\x00\x00\xee\x02\x00"
    b"\x04\x00\x20\x00data\x00\x10\x00\x00" + np.full(1024, np.nan, "<f4").tobytes(),
    "endless numbers": b"RIFF\x24\x10\x00\x00WAVEfmt \x10\x00\x00\x00\x03\x00\x01\x00\x80\xbb\x00\x00\x00\xee\x02\x00"
    b"\x04\x00\x20\x00data\x00\x10\x00\x00" + np.full(1024, np.inf, "<f4").tobytes(),
    "no samples": b"RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x80\xbb\x00\x00\x00\x77\x01\x00"
    b"\x02\x00\x10\x00data\x00\x00\x00\x00",
    "picture": b"\x89PNG\r\n\x1a\n" + bytes(100), "a mad rate": b"RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00"
    b"\x01\x00\xff\xff\xff\xff\xff\xff\xff\xff\x02\x00\x10\x00data\x04\x00\x00\x00\x00\x00\x00\x00",
}  # fmt: skip


def test_malformed_sound_files(served: Served) -> None:
    with unharmed(served), served.client() as client:
        name = served.session()
        for kind, data in FILES.items():
            answer = client.post("/humanaudio", data={"sessionid": name}, files={"file": ("a.wav", data)})
            assert answer.status_code == 200, (kind, answer.text)
            if answer.json()["code"]:
                sentence(answer.json()["msg"])
            else:
                assert kind in ("not numbers", "endless numbers")
        odd = client.post("/humanaudio", content=b"--x\r\nbroken", headers={"Content-Type": "multipart/form-data"})
        assert odd.status_code < 500

        async def ask() -> None:
            async with events(served, name) as page:
                await still_speaks(page)
                assert not [e for e in page.seen if e["type"] == "error"]

        run(ask())
        client.delete(f"/api/sessions/{name}")


ORDERS: tuple[dict[str, Any], ...] = (
    {}, {"type": None}, {"type": []}, {"type": "session.update"}, {"type": "response.create", "response": 5},
    {"type": "session.update", "session": {"audio": 5}}, {"type": "conversation.item.create", "item": []},
    {"type": "session.update", "session": {"turn_detection": {"silence_duration_ms": "x"}}},
)  # fmt: skip


def test_malformed_sound_on_the_realtime_socket(served: Served) -> None:
    async def send() -> None:
        async with websockets.connect(f"{served.ws}/v1/realtime") as socket:
            for audio in ("", "A", "AA==", "not base64!", "AAAA" * 200_000, 5, None, ["AAAA"], {"a": 1}):
                await socket.send(json.dumps({"type": "input_audio_buffer.append", "audio": audio}))
            for order in ORDERS:
                await socket.send(json.dumps(order))
            await socket.send(b"\xff\xfe")
            await socket.send("[" * 100_000)
            await socket.send(json.dumps({"type": "session.update", "session": {}}))
            while (event := json.loads(await socket.recv()))["type"] != "session.updated":
                if event["type"] == "error":
                    sentence(event["error"]["message"])

    with unharmed(served):
        run(send())


def test_too_large_a_message_ends_that_socket_alone(served: Served) -> None:
    name = served.session()

    async def send() -> None:
        for path in ("events", "media", "motion"):
            async with (
                events(served, name) as page,
                websockets.connect(f"{served.ws}/api/sessions/{name}/{path}", max_size=None) as socket,
            ):
                with contextlib.suppress(websockets.ConnectionClosed):
                    await socket.send("x" * (2 << 20))
                    while True:
                        await socket.recv()
                assert socket.close_code == 1009
                await still_speaks(page)

    with unharmed(served):
        run(send())
    with served.client() as client:
        client.delete(f"/api/sessions/{name}")


# Who may come in.


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    pictures = (portrait(tmp_path_factory.mktemp("portraits")),)
    with serving(Parrot("Hello."), tokens=(Token(SECRET),), portraits=pictures) as server:
        yield server


OPEN = {"/health", "/ready"}
SOCKETS = ("/api/sessions/x/events", "/api/sessions/x/media", "/api/sessions/x/motion", "/v1/realtime")
TRICKS = ("", "?token=", "?token=wrong", f"?token={SECRET}x", f"?Token={SECRET}", "?token=%00", f"?token={SECRET[:-1]}",
          f"?token=wrong&token={SECRET}")  # fmt: skip


@pytest.mark.parametrize("trick", TRICKS)
def test_a_wrong_token_opens_nothing(locked: Served, trick: str) -> None:
    with locked.client() as client:
        for method, path, _ in _operations(locked):
            answer = client.request(method, f"{_filled(path)}{trick}", content=b"{}" if method == "post" else None)
            if path in OPEN:
                assert answer.status_code in (200, 503)
            else:
                assert answer.status_code == 401, (method, path, answer.text)
                assert told(answer) == "denied.token"

    async def knock() -> None:
        for path in SOCKETS:
            with pytest.raises(websockets.InvalidStatus) as refused:
                async with websockets.connect(f"{locked.ws}{path}{trick}"):
                    pass
            assert refused.value.response.status_code == 401
            sentence(json.loads(refused.value.response.body or b"{}")["error"]["message"])

    run(knock())


@pytest.mark.parametrize(
    "path",
    ["//api/avatars", "/page/../api/avatars", "/page/%2e%2e/api/avatars", "/health/../api/avatars", "/API/avatars",
     "/api/avatars/", "/page//api/avatars", "/./api/avatars", "/api%2favatars", "/docs/..%2fapi/avatars",
     "/page/../../metrics", "/;/api/avatars", "/api/avatars;x=/health", "/%61pi/avatars", "/page/\\..\\api/avatars"],
)  # fmt: skip
def test_no_path_gets_round_the_token(locked: Served, path: str) -> None:
    status, answer = _raw(locked, f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
    assert status in (400, 401, 404), answer[:200]
    assert b"anna" not in answer and b"mien_sessions" not in answer


@pytest.mark.parametrize(
    "name",
    ["../../../../etc/passwd", "..%2f..%2f..%2fetc%2fpasswd", "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
     "....//....//etc/passwd", "..%5c..%5cetc%5cpasswd", 
     "/etc/passwd", "%2fetc%2fpasswd", "anna.png", "anna%00.png", "a%0d%0ab", "%ff%fe",
     "x" * 3000, "CON", "~root", "file:%2f%2f%2fetc%2fpasswd"],
)  # fmt: skip
def test_no_name_leads_out_of_its_folder(served: Served, name: str) -> None:
    for place in ("/api/avatars/{}/picture", "/api/recordings/{}", "/page/{}", "/api/sessions/{}", "/v1/models/{}"):
        head = f"GET {place.format(name)} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
        status, answer = _raw(served, head.encode())
        assert status in (400, 404, 422), (place, answer[:200])
        assert b"root:" not in answer
    with served.client() as client:
        for wish in ({"avatar": f"{name}?"}, {"persona": name}, {"background": f"/{name}"}):
            refused = client.post("/api/sessions", json=wish)
            assert refused.status_code in (400, 404, 422), (wish, refused.text)
            told(refused)
