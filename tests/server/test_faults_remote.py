"""A language model or a voice elsewhere breaks: the visitor is told in one sentence, and nobody waits for it."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from tests.contract.chat_server import ChatServer, chat_server
from tests.contract.speech_servers import SpeechServer, speech_server
from tests.server.faults_kit import sentence, still_speaks, unharmed
from tests.server.kit import Served, caster, events, run, serving
from tests.transmit.live_kit import wait_for

from mien.config import ThinkConfig, VoicesConfig
from mien.dialogue.speak.openai import OpenaiSpeaker
from mien.dialogue.think.base import Persona, Thinker
from mien.dialogue.think.openai import OpenaiThinker
from mien.face.base import FaceSettings
from mien.face.listen.driver import ListenDriver
from mien.live.session import Troupe
from mien.live.troupe import Wish

HELD_UP = 0.3
"""Seconds by which an answer that hangs may hold the next one up."""


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
