"""Whatever breaks in here, the visitor is told in one sentence, the session goes on, and everybody else's too."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import websockets
from tests.audio.kit import spoken
from tests.server.faults_kit import sentence, still_speaks, told, unharmed
from tests.server.kit import Canvas, Served, caster, events, run, serving
from tests.transmit.live_kit import wait_for

from mien.apps.server.room import Room
from mien.config import HearConfig
from mien.dialogue.hear.base import Heard, RecogniserInfo
from mien.dialogue.hear.choose import Chosen
from mien.dialogue.speak.base import SpeakRequest
from mien.dialogue.speak.espeak import EspeakSpeaker
from mien.dialogue.think.base import Persona, Thinker
from mien.errors import BackendError
from mien.face.base import FaceSettings
from mien.face.phones import PhoneDriver
from mien.live.session import Troupe
from mien.live.troupe import Wish
from mien.types import AudioChunk, ByteArray, FloatArray, SpeechPart


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
