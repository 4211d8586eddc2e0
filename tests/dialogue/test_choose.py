"""Who speaks: by name, by "auto", and who steps in."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from tests.contract.speech_servers import SpeechServer, hum, speech_server, wav_head
from tests.dialogue import networks

from mien import plugins
from mien.config import SpeakConfig, VoicesConfig
from mien.dialogue.perform import perform
from mien.dialogue.speak import web
from mien.dialogue.speak.base import SpeakRequest
from mien.dialogue.speak.choose import open_voice, split
from mien.dialogue.speak.espeak import EspeakSpeaker
from mien.errors import InputError, MissingError, NetworkError
from mien.types import SpeechPart


@pytest.fixture(autouse=True)
def voices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MIEN_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("MIEN_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(web, "_BACK_OFF", (0.01, 0.01))
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "MIEN_OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "data" / "voices"


@pytest.fixture
def server() -> Iterator[SpeechServer]:
    with speech_server() as running:
        yield running


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def dead() -> str:
    """An address at which nobody answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}/v1"


@pytest.mark.parametrize(
    ("voice", "backend", "taken"),
    [
        ("", "espeak", ("espeak", "")),
        ("male", "espeak", ("espeak", "male")),
        ("auto", "espeak", ("auto", "")),
        ("auto:male", "espeak", ("auto", "male")),
        ("edge", "espeak", ("edge", "")),
        ("edge:zh-CN-YunxiNeural", "espeak", ("edge", "zh-CN-YunxiNeural")),
        ("sherpa:kokoro-zh-en/zf_001", "edge", ("sherpa", "kokoro-zh-en/zf_001")),
        ("", "auto", ("auto", "")),
        ("zh-CN-YunxiNeural", "edge", ("edge", "zh-CN-YunxiNeural")),
        ("nobody:x", "espeak", ("espeak", "nobody:x")),
        ("kokoro-zh-en/zf_001", "espeak", ("sherpa", "kokoro-zh-en/zf_001")),
        ("de-DE-KatjaNeural", "espeak", ("edge", "de-DE-KatjaNeural")),
        ("kokoro-zh-en", "openai", ("openai", "kokoro-zh-en")),
    ],
)
def test_a_voice_may_name_its_back_end(voice: str, backend: str, taken: tuple[str, str]) -> None:
    assert split(voice, backend) == taken


def test_auto_takes_the_embedded_voice_where_there_is_no_other(told: list[str]) -> None:
    chosen = open_voice(SpeakConfig(voice="auto:male"), "Guten Tag.", told.append, VoicesConfig())
    assert isinstance(chosen.speaker, EspeakSpeaker)
    assert (chosen.backend, chosen.voice) == ("espeak", "male")
    assert len(told) == 1 and "embedded" in told[0] and "mien models pull" in told[0]


def test_auto_takes_what_is_installed_for_the_language_and_says_which(voices: Path, told: list[str]) -> None:
    networks.make_kokoro(voices / "koko")
    chosen = open_voice(SpeakConfig(voice="auto"), "今天天气好。", told.append, VoicesConfig())
    assert (chosen.backend, chosen.voice) == ("sherpa", "koko/zf_001")
    assert told == ["Voice: sherpa:koko/zf_001."]
    chosen.speaker.close()
    chosen = open_voice(SpeakConfig(backend="auto", voice="male"), "Hello there.", told.append, VoicesConfig())
    assert chosen.voice == "koko/bm_low"
    other = open_voice(SpeakConfig(voice="auto"), "Bonjour à tous.", told.append, VoicesConfig())
    assert other.backend == "sherpa"  # the writing alone does not tell French
    other = open_voice(SpeakConfig(voice="auto", language="fr"), "Bonjour.", told.append, VoicesConfig())
    assert other.backend == "espeak"


def test_auto_takes_a_local_server_and_never_a_distant_one(
    server: SpeechServer, told: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    local = VoicesConfig(openai_url=f"{server.address}/v1")
    assert open_voice(SpeakConfig(voice="auto"), "Hello.", told.append, local).backend == "openai"
    recording = tmp_path / "me.wav"
    recording.write_bytes(wav_head(24_000) + hum("somebody", 24_000).tobytes())
    cloned = VoicesConfig(gptsovits_url=server.address, reference=str(recording))
    assert open_voice(SpeakConfig(voice="auto"), "Hello.", told.append, cloned).backend == "gptsovits"
    monkeypatch.setenv("OPENAI_API_KEY", "sk-something")
    assert open_voice(SpeakConfig(voice="auto"), "Hello.", told.append, VoicesConfig()).backend == "espeak"
    assert not any("leave" in line or "goes to" in line for line in told)


def test_a_voice_of_the_user_s_own_folder_needs_no_back_end(voices: Path) -> None:
    networks.make_vits(voices / "hum")
    assert split("hum", "espeak") == ("sherpa", "hum")


def test_what_leaves_the_machine_is_said(told: list[str]) -> None:
    chosen = open_voice(SpeakConfig(voice="edge"), "Hello.", told.append, VoicesConfig())
    assert told == []
    chosen.tell_what_leaves(told.append)
    assert told == ["The text goes to Microsoft."]


def test_nothing_leaves_where_the_embedded_voice_steps_in(told: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIEN_OFFLINE", "1")
    chosen = open_voice(SpeakConfig(voice="edge", fallback=True), "Hello.", told.append, VoicesConfig())
    parts = perform("Hello.", chosen.speaker, language="en", voice=chosen.voice)
    chosen.tell_what_leaves(told.append)
    assert len(told) == 1 and "The embedded voice speaks instead" in told[0]
    assert list(parts)
    chosen.speaker.close()


def test_a_dead_server_is_an_error_unless_asked_otherwise(dead: str, told: list[str]) -> None:
    chosen = open_voice(SpeakConfig(voice="openai"), "Hello.", told.append, VoicesConfig(openai_url=dead))
    with pytest.raises(NetworkError, match="No answer"):
        list(perform("Hello.", chosen.speaker, language="en"))
    assert told == []


def test_the_embedded_voice_steps_in_once_and_says_so(dead: str, told: list[str]) -> None:
    asked = SpeakConfig(voice="openai:nova", fallback=True)
    chosen = open_voice(asked, "x", told.append, VoicesConfig(openai_url=dead))
    parts = list(perform("One. [pause 0.2s] Two.", chosen.speaker, language="en", voice=chosen.voice))
    chosen.speaker.close()
    assert parts[-1].last
    assert len(told) == 1
    assert "No answer" in told[0] and "embedded voice speaks instead" in told[0]
    assert all(a.audio.end == b.audio.start for a, b in pairwise(parts))


def test_a_missing_key_or_package_is_no_reason_to_be_silent(told: list[str]) -> None:
    chosen = open_voice(SpeakConfig(voice="openai", fallback=True), "Hello.", told.append, VoicesConfig())
    assert list(perform("Hello.", chosen.speaker, language="en"))
    chosen.speaker.close()
    assert [line for line in told if "OPENAI_API_KEY" in line and "instead" in line]


def test_half_a_sentence_is_not_mended_by_another_voice(server: SpeechServer, told: list[str]) -> None:
    server.moods = ["cut"]
    asked = SpeakConfig(voice="openai", fallback=True)
    chosen = open_voice(asked, "x", told.append, VoicesConfig(openai_url=f"{server.address}/v1"))
    got: list[SpeechPart] = []
    with pytest.raises(NetworkError):
        got.extend(chosen.speaker.speak(SpeakRequest("A sentence of some length.", "en")))
    assert told == []


def test_mistakes_are_not_papered_over(server: SpeechServer, told: list[str]) -> None:
    asked = SpeakConfig(voice="openai:nobody", fallback=True)
    chosen = open_voice(asked, "x", told.append, VoicesConfig(openai_url=f"{server.address}/v1"))
    with pytest.raises(MissingError, match="no voice 'nobody'"):
        list(perform("Hello.", chosen.speaker, language="en", voice=chosen.voice))
    with pytest.raises(InputError):
        list(chosen.speaker.speak(SpeakRequest("...", "en")))
    assert told == []


def test_back_ends_of_others_need_take_no_settings(monkeypatch: pytest.MonkeyPatch, told: list[str]) -> None:
    monkeypatch.setattr(plugins, "available", lambda _role: ("espeak", "theirs"))
    monkeypatch.setattr(plugins, "load", lambda _role, _name: EspeakSpeaker)
    chosen = open_voice(SpeakConfig(voice="theirs:f2"), "Hello.", told.append, VoicesConfig())
    assert (chosen.backend, chosen.voice) == ("theirs", "f2")
