"""A visitor cuts in: whatever a voice waits for, nobody waits for it, and nothing is left of it.

The servers speak the real ones' protocols, and keep silent where the test asks them to.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult

import pytest
from tests.contract.speech_servers import EdgeServer, SpeechServer, speech_server
from tests.contract.test_speak import _recording
from tests.transmit.live_kit import wait_for

from mien import plugins
from mien.dialogue import errands
from mien.dialogue.speak import web
from mien.dialogue.speak.base import Speaker, SpeakRequest
from mien.turn import Cut, Turn

TEXT = "This sentence is said by a server. And here is another one behind it."
QUICK = 0.05
REMOTE = ("openai", "gptsovits", "cosyvoice", "edge")


@dataclass
class Stage:
    """A voice and its server."""

    speaker: Speaker
    server: SpeechServer | EdgeServer

    def mood(self, *moods: str) -> None:
        self.server.moods = list(moods)


@pytest.fixture(params=REMOTE)
def stage(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    with ExitStack() as stack:
        monkeypatch.setenv("MIEN_DATA_DIR", str(tmp_path / "data"))
        monkeypatch.delenv("OPENAI_API_KEY", raising=False)
        server: SpeechServer | EdgeServer
        if request.param == "edge":
            server = stack.enter_context(EdgeServer().running())
            monkeypatch.setattr("edge_tts.communicate.WSS_URL", f"ws://127.0.0.1:{server.port}/edge/v1?T=1")
        else:
            server = stack.enter_context(speech_server())
            monkeypatch.setenv("MIEN_OPENAI_BASE_URL", f"{server.address}/v1")
            monkeypatch.setenv("MIEN_VOICES_GPTSOVITS_URL", server.address)
            monkeypatch.setenv("MIEN_VOICES_COSYVOICE_URL", server.address)
            monkeypatch.setenv("MIEN_VOICES_REFERENCE", str(_recording(tmp_path / "me.wav")))
            monkeypatch.setenv("MIEN_VOICES_REFERENCE_TEXT", "Hello.")
        speaker = stack.enter_context(closing(plugins.load("speak", request.param)()))
        list(speaker.speak(SpeakRequest("One.", "en")))  # libraries are loaded, the voices' names are asked for
        yield Stage(speaker, server)


def cut_after(speaker: Speaker, wait: Callable[[], object]) -> float:
    """Seconds from the cut to the end of a voice that was cut when ``wait`` came back."""
    turn, ended, told = Turn(1), [], []

    def listen() -> None:
        try:
            for _ in speaker.speak(SpeakRequest(TEXT, "en", fence=turn)):
                pass
        except BaseException as error:
            told.append(type(error))
        ended.append(time.monotonic())

    thread = threading.Thread(target=listen)
    thread.start()
    wait()
    began = time.monotonic()
    turn.cut()
    thread.join(10)
    assert told == [Cut]
    return ended[0] - began


def ours() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith("mien-")]


@pytest.mark.parametrize("mood", ["silent", "slow"])
def test_who_waits_for_a_server_is_free_at_once_and_the_next_is_heard(stage: Stage, mood: str) -> None:
    stage.mood("stall" if mood == "slow" and isinstance(stage.server, EdgeServer) else mood)
    before = len(stage.server.asked)

    def wait() -> None:
        assert wait_for(lambda: len(stage.server.asked) > before)
        time.sleep(0.1)

    assert min(cut_after(stage.speaker, wait) for _ in range(2)) < QUICK
    stage.mood("")
    began = time.monotonic()
    next(iter(stage.speaker.speak(SpeakRequest("Here I am.", "en"))))
    assert time.monotonic() - began < 0.3
    assert wait_for(lambda: not ours()), ours()


def test_a_turn_that_is_over_asks_nobody(stage: Stage) -> None:
    turn = Turn()
    turn.cut()
    before = len(stage.server.asked)
    with pytest.raises(Cut):
        list(stage.speaker.speak(SpeakRequest(TEXT, "en", fence=turn)))
    assert len(stage.server.asked) == before


@pytest.mark.parametrize("stage", ["openai"], indirect=True)
def test_connections_that_are_never_made_are_left_behind_in_bounded_number(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = threading.Event()
    real = web.connect

    def connect(parts: SplitResult, timeout: float) -> tuple[HTTPConnection, str]:
        assert made.wait(20)
        return real(parts, timeout)

    monkeypatch.setattr(web, "connect", connect)
    asked = len(stage.server.asked)
    for _ in range(3 * errands.MOST_LEFT):
        assert cut_after(stage.speaker, lambda: time.sleep(0.02)) < QUICK
    assert len(ours()) <= errands.MOST_LEFT
    made.set()
    assert wait_for(lambda: not ours())
    assert len(stage.server.asked) == asked  # nothing is sent of what nobody wants
    assert list(stage.speaker.speak(SpeakRequest("Here I am.", "en")))


@pytest.mark.parametrize("stage", ["openai"], indirect=True)
def test_who_waits_for_the_names_of_voices_is_free_at_once(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    made, waits = threading.Event(), threading.Event()

    def connect(parts: SplitResult, timeout: float) -> Any:
        waits.set()
        made.wait(20)
        raise TimeoutError

    monkeypatch.setattr(web, "connect", connect)
    with closing(plugins.load("speak", "openai")()) as fresh:
        assert cut_after(fresh, lambda: waits.wait(5)) < QUICK
    made.set()
