"""Speech servers in trouble: what is tried again, what is refused, how soon it ends, and what is never shown."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from tests.contract.speech_servers import SECRET, SpeechServer, hum, speech_server, wav_head

from mien.config import VoicesConfig
from mien.dialogue.speak import web, web_answer
from mien.dialogue.speak.base import SpeakRequest
from mien.dialogue.speak.cosyvoice import CosyVoiceSpeaker
from mien.dialogue.speak.gptsovits import GptSovitsSpeaker
from mien.dialogue.speak.openai import OpenaiSpeaker
from mien.errors import BackendError, InputError, MienError, MissingError, NetworkError, UsageError
from mien.types import Emotion, SpeechPart

TEXT = "This sentence is said by a server."


@pytest.fixture(autouse=True)
def _environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIEN_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(web, "_BACK_OFF", (0.01, 0.02))
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "MIEN_OPENAI_BASE_URL", "http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def server() -> Iterator[SpeechServer]:
    with speech_server() as running:
        yield running


def speaker(server: SpeechServer, **settings: object) -> OpenaiSpeaker:
    return OpenaiSpeaker(VoicesConfig(openai_url=f"{server.address}/v1", **settings))  # type: ignore[arg-type]


def say(who: OpenaiSpeaker, text: str = TEXT, **dials: object) -> list[SpeechPart]:
    return list(who.speak(SpeakRequest(text, "en", **dials)))  # type: ignore[arg-type]


def seconds(parts: list[SpeechPart]) -> float:
    return parts[-1].audio.end / 48_000


@pytest.mark.parametrize("form", ["wav", "pcm", "mp3"])
def test_every_format_is_decoded_as_it_comes(server: SpeechServer, form: str) -> None:
    server.moods = ["slow"]
    stream = speaker(server, openai_format=form).speak(SpeakRequest(TEXT, "en"))
    first = next(stream)  # the server holds the second half back until this is here
    server.release.set()
    parts = [first, *stream]
    assert seconds(parts) == pytest.approx(len(TEXT) * 0.08, abs=0.08)
    sound = np.concatenate([p.audio.samples for p in parts])
    crossings = np.count_nonzero(np.diff((sound[4_800:-4_800] > 0.01).astype(np.int8)) > 0)
    assert crossings / (len(sound) - 9_600) * 48_000 == pytest.approx(200, abs=2)  # the tone that was sent


def test_what_is_asked(server: SpeechServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    who = speaker(server, openai_model="tts-9", instruction="Softly.")
    say(who, voice="onyx", rate=1.25)
    path, headers, body = server.asked[0]
    assert (path, headers["authorization"]) == ("/v1/audio/speech", f"Bearer {SECRET}")
    assert json.loads(body) == {
        "model": "tts-9", "input": TEXT, "voice": "onyx", "response_format": "wav", "speed": 1.25,
        "instructions": "Softly.",
    }  # fmt: skip


def test_newer_models_are_stretched_here_and_told_the_feeling(server: SpeechServer) -> None:
    who = speaker(server)
    parts = say(who, rate=2.0, emotion=Emotion(name="happy"))
    asked = json.loads(server.asked[0][2])
    assert "speed" not in asked
    assert asked["instructions"] == "Speak happily."
    assert seconds(parts) == pytest.approx(len(TEXT) * 0.08 / 2, rel=0.05)


@pytest.mark.parametrize("variable", ["MIEN_OPENAI_BASE_URL", "OPENAI_BASE_URL"])
def test_the_address_comes_from_the_environment(
    server: SpeechServer, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, f"{server.address}/v1/")
    assert say(OpenaiSpeaker(VoicesConfig()))
    assert server.asked[0][0] == "/v1/audio/speech"


@pytest.mark.parametrize("moods", [["429", "429", ""], ["500", ""], ["503", "502", ""], ["gone", "gone", ""]])
def test_what_may_pass_is_tried_again(server: SpeechServer, moods: list[str]) -> None:
    server.moods = list(moods)
    assert seconds(say(speaker(server))) == pytest.approx(len(TEXT) * 0.08, abs=0.01)
    assert len(server.asked) == len(moods)


@pytest.mark.parametrize(
    ("mood", "kind", "asked", "words"),
    [
        ("401", MissingError, 1, "refuses access"),
        ("403", MissingError, 1, "refuses access"),
        ("400", BackendError, 1, "refused the request"),
        ("404", BackendError, 1, "refused the request"),
        ("429", NetworkError, 3, "too busy"),
        ("500", NetworkError, 3, "status 500"),
        ("html", BackendError, 1, "words instead of sound"),
        ("away", BackendError, 1, "elsewhere"),
        ("empty", BackendError, 1, "no sound"),
        ("noise", BackendError, 1, "Ogg"),
        ("short", NetworkError, 1, "broke"),
        ("cut", NetworkError, 1, "broke"),
    ],
)
def test_each_trouble_is_one_sentence_and_no_key_is_shown(
    server: SpeechServer, mood: str, kind: type[MienError], asked: int, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    server.moods = [mood]
    with pytest.raises(kind) as failed:
        say(speaker(server))
    said = f"{failed.value}"
    assert words in said
    assert SECRET not in said and "\n" not in said and len(said) < 500
    assert len(server.asked) == asked


def test_nothing_is_asked_again_once_sound_was_given(server: SpeechServer) -> None:
    server.moods = ["cut", ""]
    stream = speaker(server).speak(SpeakRequest(TEXT, "en"))
    got = [next(stream)]
    with pytest.raises(NetworkError):
        got += list(stream)
    assert len(server.asked) == 1
    assert not any(p.last for p in got)


def test_a_server_that_says_nothing_is_given_up(server: SpeechServer) -> None:
    server.moods = ["silent"]
    begin = time.monotonic()
    with pytest.raises(NetworkError, match="nothing for 1 seconds"):
        say(speaker(server, timeout=1.0))
    assert time.monotonic() - begin < 3


def test_nobody_there_is_told_at_once() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    begin = time.monotonic()
    with pytest.raises(NetworkError, match=f"No answer from .* 127.0.0.1:{port}") as failed:
        say(OpenaiSpeaker(VoicesConfig(openai_url=f"http://127.0.0.1:{port}/v1")))
    assert "--fallback" in failed.value.hint
    assert time.monotonic() - begin < 2


def test_leaving_early_ends_the_request(server: SpeechServer) -> None:
    server.pause = 0.02
    stream = speaker(server).speak(SpeakRequest(TEXT * 6, "en"))
    next(stream)
    begin = time.monotonic()
    stream.close()  # type: ignore[attr-defined]
    assert time.monotonic() - begin < 0.5
    assert server.gone.wait(5)  # the server notices that nobody listens


def test_closing_from_another_thread_ends_a_request_that_waits(server: SpeechServer) -> None:
    server.moods = ["silent"]
    who = speaker(server)
    ended: list[BaseException] = []

    def wait() -> None:
        try:
            say(who)
        except MienError as error:
            ended.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    while not server.asked:
        time.sleep(0.01)
    who.close()
    thread.join(5)
    assert not thread.is_alive()
    assert isinstance(ended[0], NetworkError)
    assert len(server.asked) == 1


def test_more_than_a_text_can_need_is_cut_off(server: SpeechServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_answer, "MAX_BYTES", 50_000)
    with pytest.raises(BackendError, match="sends more than"):
        say(speaker(server))


def test_a_key_never_travels_in_the_clear(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    with pytest.raises(UsageError, match="unencrypted") as refused:
        say(OpenaiSpeaker(VoicesConfig(openai_url="http://speech.example/v1")))
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize("before", range(150, 205, 6))
def test_no_piece_of_a_key_is_left_where_a_message_is_cut(
    server: SpeechServer, before: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    monkeypatch.setattr(server, "complaint", "x" * before + SECRET)
    server.moods = ["400"]
    with pytest.raises(BackendError) as caught:
        say(speaker(server))
    assert "sk-" not in str(caught.value) and "x" * 100 in str(caught.value)


def test_a_password_in_an_address_is_shown_nowhere() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://me:{SECRET}@127.0.0.1:{free.getsockname()[1]}/v1?key={SECRET}"
    for url in (address, f"ftp://me:{SECRET}@x/y"):
        who = OpenaiSpeaker(VoicesConfig(openai_url=url))
        with pytest.raises(MienError) as failed:
            say(who)
        assert SECRET not in f"{failed.value} {who.info}"
    assert web.place_of(address).startswith("127.0.0.1:") and SECRET not in web.place_of(address)


@pytest.mark.parametrize("address", ["ftp://x/y", "speech.example", "http://", "http://h:99999/", "file:///etc/passwd"])
def test_only_addresses_of_servers_are_asked(address: str) -> None:
    with pytest.raises(UsageError, match="not an address"):
        OpenaiSpeaker(VoicesConfig(openai_url=address)).check(SpeakRequest("Hello.", "en"))


def test_offline_lets_nothing_out_and_this_machine_in(server: SpeechServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIEN_OFFLINE", "1")
    assert say(speaker(server))
    for who in (
        OpenaiSpeaker(VoicesConfig(openai_url="https://speech.example/v1")),
        GptSovitsSpeaker(VoicesConfig(gptsovits_url="http://speech.example:9880", reference="me.wav")),
        CosyVoiceSpeaker(VoicesConfig(cosyvoice_url="http://speech.example:50000")),
    ):
        with pytest.raises(MissingError, match=r"speech\.example, and --offline"):
            who.check(SpeakRequest("Hello.", "en"))


def test_openai_itself_wants_a_key() -> None:
    with pytest.raises(MissingError, match="OPENAI_API_KEY"):
        say(OpenaiSpeaker(VoicesConfig()))
    assert "The text goes to api.openai.com." in OpenaiSpeaker(VoicesConfig()).info.leaves


def test_the_environment_s_proxy_is_asked_except_for_this_machine(
    server: SpeechServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", server.address)
    monkeypatch.setenv("no_proxy", "")
    who = CosyVoiceSpeaker(VoicesConfig(cosyvoice_url="http://speech.example:50000"))
    with pytest.raises(BackendError, match="404"):  # the server stands in for the proxy and knows no such address
        list(who.speak(SpeakRequest("Hello.", "en")))
    assert server.asked[0][0] == "http://speech.example:50000/inference_sft"
    assert say(speaker(server))
    assert server.asked[-1][0] == "/v1/audio/speech"


def test_gptsovits_is_asked_in_its_own_words(server: SpeechServer, tmp_path: Path) -> None:
    (tmp_path / "me.wav").write_bytes(wav_head(24_000) + hum("someone", 24_000).tobytes())
    settings = VoicesConfig(
        gptsovits_url=f"{server.address}/", reference=str(tmp_path / "me.wav"), reference_text="某人",
        reference_language="zh",
    )  # fmt: skip
    parts = list(GptSovitsSpeaker(settings).speak(SpeakRequest("你好，world。", "auto", rate=0.8)))
    asked = json.loads(server.asked[0][2])
    assert server.asked[0][0] == "/tts"
    assert asked["text"] == "你好，world。"
    assert (asked["text_lang"], asked["prompt_lang"], asked["prompt_text"]) == ("zh", "zh", "某人")
    assert (asked["ref_audio_path"], asked["speed_factor"]) == (str(tmp_path / "me.wav"), 0.8)
    assert (asked["media_type"], asked["streaming_mode"]) == ("wav", True)
    assert seconds(parts) == pytest.approx(9 * 0.08 / 0.8, abs=0.01)


def test_gptsovits_says_what_the_server_says(server: SpeechServer, tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="recording"):
        GptSovitsSpeaker(VoicesConfig(gptsovits_url=server.address)).check(SpeakRequest("Hi.", "en"))
    with pytest.raises(MissingError, match="is not there"):
        settings = VoicesConfig(gptsovits_url=server.address, reference=str(tmp_path / "none.wav"))
        GptSovitsSpeaker(settings).check(SpeakRequest("Hi.", "en"))


@pytest.mark.parametrize(
    ("settings", "voice", "path"),
    [
        ({}, "中文男", "/inference_sft"),
        ({"cosyvoice_speaker": "mine"}, "", "/inference_sft"),
        ({"reference": "me.wav", "reference_text": "Hello."}, "", "/inference_zero_shot"),
        ({"reference": "me.wav"}, "reference", "/inference_cross_lingual"),
        ({"reference": "me.wav", "instruction": "Sadly."}, "", "/inference_instruct2"),
    ],
)
def test_cosyvoice_is_asked_by_what_is_known(
    server: SpeechServer, tmp_path: Path, settings: dict[str, str], voice: str, path: str
) -> None:
    if "reference" in settings:
        file = tmp_path / settings["reference"]
        file.write_bytes(wav_head(16_000) + hum("somebody who speaks", 16_000).tobytes())
        settings = {**settings, "reference": str(file)}
    who = CosyVoiceSpeaker(VoicesConfig(cosyvoice_url=server.address, **settings))  # type: ignore[arg-type]
    parts = list(who.speak(SpeakRequest("你好。", "zh", voice=voice, rate=0.5)))
    assert server.asked[0][0] == path
    assert "你好。".encode() in server.asked[0][2]
    assert (b"RIFF" in server.asked[0][2]) == ("reference" in settings)
    assert seconds(parts) == pytest.approx(3 * 0.08 / 0.5, rel=0.1)


@pytest.mark.parametrize(("length", "said"), [(0.3, "shorter"), (40.0, "longer than 30")])
def test_a_recording_to_clone_must_be_some_seconds_long(
    server: SpeechServer, tmp_path: Path, length: float, said: str
) -> None:
    file = tmp_path / "me.wav"
    file.write_bytes(wav_head(8_000) + np.zeros(round(8_000 * length), "<i2").tobytes())
    who = CosyVoiceSpeaker(VoicesConfig(cosyvoice_url=server.address, reference=str(file)))
    with pytest.raises(InputError, match=said):
        list(who.speak(SpeakRequest("你好。", "zh")))
    file.write_bytes(b"no sound at all")
    with pytest.raises(InputError, match="cannot be read as sound"):
        list(who.speak(SpeakRequest("你好。", "zh")))


def test_a_recording_to_clone_may_have_a_title_in_another_encoding(server: SpeechServer, tmp_path: Path) -> None:
    file = tmp_path / "me.wav"
    wav = wav_head(8_000)
    title = b"LIST" + (18).to_bytes(4, "little") + b"INFOINAM" + (6).to_bytes(4, "little") + b"Caf\xe9\0\0"
    file.write_bytes(wav[:36] + title + wav[36:] + np.full(16_000, 999, "<i2").tobytes())
    who = CosyVoiceSpeaker(VoicesConfig(cosyvoice_url=server.address, reference=str(file)))
    assert list(who.speak(SpeakRequest("你好。", "zh")))


def test_a_dial_that_a_voice_lacks_is_refused(server: SpeechServer) -> None:
    with pytest.raises(UsageError, match="no dial for its pitch"):
        say(speaker(server), pitch=0.5)


def test_respellings_reach_the_server_and_sounds_are_refused(server: SpeechServer) -> None:
    say(speaker(server), "Doctor Nguyen came.", lexicon={"Nguyen": "win"})
    assert json.loads(server.asked[0][2])["input"] == "Doctor win came."
    with pytest.raises(InputError, match="IPA for 'Nguyen'"):
        say(speaker(server), "Doctor Nguyen came.", lexicon={"Nguyen": "/wɪn/"})
