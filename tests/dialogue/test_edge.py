"""Microsoft's service, played by a server on this machine: words with their sound, and every way to break."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from tests.contract.speech_servers import SECONDS_A_LETTER, EdgeServer

from mien.config import VoicesConfig
from mien.dialogue.perform import perform
from mien.dialogue.speak import edge
from mien.dialogue.speak.base import SpeakRequest
from mien.dialogue.speak.edge import EdgeSpeaker
from mien.errors import BackendError, MissingError, NetworkError
from mien.types import SpeechPart

TEXT = "Hello there, my good friend."


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[EdgeServer]:
    monkeypatch.setenv("MIEN_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(edge, "_BACK_OFF", 0.01)
    for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with EdgeServer().running() as running:
        monkeypatch.setattr("edge_tts.communicate.WSS_URL", f"ws://127.0.0.1:{running.port}/edge/v1?T=1")
        yield running


def say(text: str = TEXT, language: str = "en", **dials: object) -> list[SpeechPart]:
    return list(EdgeSpeaker(VoicesConfig()).speak(SpeakRequest(text, language, **dials)))  # type: ignore[arg-type]


@pytest.mark.parametrize("early", [True, False])
def test_words_stand_where_they_sound(server: EdgeServer, early: bool) -> None:
    server.early = early
    parts = say(start=480, char_offset=1_000)
    words = [w for part in parts for w in part.words or ()]
    assert [TEXT[w.char_start - 1_000 : w.char_end - 1_000] for w in words] == [
        "Hello",
        "there",
        "my",
        "good",
        "friend",
    ]
    letter = SECONDS_A_LETTER * 48_000
    for word in words:
        assert word.start == pytest.approx(480 + letter * (word.char_start - 1_000), abs=2)
        assert word.end == pytest.approx(480 + letter * (word.char_end - 1_000), abs=2)
    assert all(part.audio.start <= w.start < part.audio.end for part in parts for w in part.words or ())
    assert all(a.audio.end == b.audio.start for a, b in pairwise(parts))
    assert all(part.phones is None for part in parts)
    assert [p.last for p in parts][-2:] == ([False, True] if len(parts) > 1 else [True])


def test_sound_comes_before_the_sentence_is_complete(server: EdgeServer) -> None:
    server.moods = ["stall"]
    stream = EdgeSpeaker(VoicesConfig()).speak(SpeakRequest(TEXT * 5, "en"))
    first = next(stream)
    assert 0 < len(first.audio.samples) < 48_000
    begin = time.monotonic()
    stream.close()  # type: ignore[attr-defined]
    assert time.monotonic() - begin < 1
    assert server.gone.wait(5)


def test_words_that_the_service_spells_otherwise_have_no_times(server: EdgeServer) -> None:
    parts = say("It costs €5 & more.")
    said = [w for part in parts for w in part.words or ()]
    assert said
    assert "&amp;" in server.asked[0]


def test_dials_and_voices_are_asked_in_the_service_s_words(server: EdgeServer) -> None:
    say(rate=1.5, pitch=-0.5, voice="male")
    assert "(en-US, GuyNeural)" in server.asked[0]
    assert "rate='+50%'" in server.asked[0] and "pitch='-25Hz'" in server.asked[0]
    say("今天天气好。", "zh")
    assert "(zh-CN, XiaoxiaoNeural)" in server.asked[1]
    say("Guten Tag.", "de-CH", voice="de-CH-LeniNeural")
    assert "(de-CH, LeniNeural)" in server.asked[2]


def test_a_mark_s_moment_falls_on_its_word(server: EdgeServer) -> None:
    parts = list(perform("Hello [cue x]world.", EdgeSpeaker(VoicesConfig()), language="en"))
    (cue,) = [c for part in parts for c in part.cues]
    second = [w for part in parts for w in part.words or ()][1]
    assert cue.tick == second.start
    assert len(server.asked) == 1  # one sentence, asked whole


@pytest.mark.parametrize(("moods", "connections"), [(["403", "403", ""], 4), (["503", ""], 2), (["503", "503", ""], 3)])
def test_what_may_pass_is_tried_again(server: EdgeServer, moods: list[str], connections: int) -> None:
    server.moods = moods if moods[0] != "403" else ["403", "403", "403", ""]  # the library itself asks twice at 403
    assert say()
    assert server.connections == connections


@pytest.mark.parametrize(
    ("mood", "kind", "words"),
    [("403", NetworkError, "status 403"), ("500", NetworkError, "status 500"), ("mute", BackendError, "no sound")],
)
def test_each_trouble_is_one_sentence(server: EdgeServer, mood: str, kind: type[Exception], words: str) -> None:
    server.moods = [mood]
    with pytest.raises(kind, match=words):
        say()


def test_a_service_that_stalls_is_given_up(server: EdgeServer) -> None:
    server.moods = ["stall"]
    begin = time.monotonic()
    with pytest.raises(NetworkError):
        list(EdgeSpeaker(VoicesConfig(timeout=1.0)).speak(SpeakRequest(TEXT, "en")))
    assert time.monotonic() - begin < 5


def test_nothing_is_asked_offline(server: EdgeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIEN_OFFLINE", "1")
    with pytest.raises(MissingError, match="--offline"):
        say()
    assert server.connections == 0


def test_a_machine_without_the_package_is_told_what_to_install(
    server: EdgeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edge, "find_spec", lambda _name: None)
    with pytest.raises(MissingError, match="not installed") as refused:
        say()
    assert "mien[voices]" in refused.value.hint
