"""What only one hearing back end has, and which one is taken: servers in trouble, tags, models, children that die."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from tests.audio.kit import RATE, tone
from tests.contract.hear_servers import SECRET, TranscriptionServer, transcription_server
from tests.dialogue import hear_networks, networks

from mien import bundles
from mien.config import HearConfig
from mien.dialogue.hear import sherpa_model
from mien.dialogue.hear.base import Heard, HearSettings
from mien.dialogue.hear.choose import open_ear, recognisers
from mien.dialogue.hear.ear import untagged
from mien.dialogue.hear.openai import OpenaiRecogniser
from mien.dialogue.hear.pocketsphinx import PocketsphinxRecogniser
from mien.dialogue.hear.sherpa import SherpaRecogniser
from mien.dialogue.speak import sherpa_model as voices
from mien.errors import BackendError, InputError, MienError, MissingError, NetworkError, UsageError
from mien.turn import Cut
from mien.types import AudioChunk

SOUND = tone(0.5)


@pytest.fixture(autouse=True)
def hearing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's own folder of models that listen."""
    monkeypatch.setenv("MIEN_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("MIEN_CACHE_DIR", str(tmp_path / "cache"))
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "MIEN_OPENAI_BASE_URL", "MIEN_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "data" / "hearing"


@pytest.fixture
def server() -> Iterator[TranscriptionServer]:
    with transcription_server() as running:
        yield running


def listen(server: TranscriptionServer, timeout: float = 5.0, language: str = "auto") -> Heard:
    options = HearConfig(openai_url=server.address, timeout=timeout, openai_model="small")
    with closing(OpenaiRecogniser(HearSettings(language), options)) as ear:
        ear.push(AudioChunk(0, SOUND))
        return ear.finish()


def test_the_server_gets_a_wav_the_model_and_the_language(
    server: TranscriptionServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    assert listen(server, language="zh-Hans").text == "It lasted 0.50 seconds."
    headers, fields = server.asked[0]
    assert headers["authorization"] == f"Bearer {SECRET}"
    assert (fields["model"], fields["language"], fields["response_format"]) == (b"small", b"zh", b"json")
    listen(server)
    assert "language" not in server.asked[1][1]


@pytest.mark.parametrize(
    ("mood", "kind", "said", "tries"),
    [
        ("500", NetworkError, "failed .status 500.", 3), ("503", NetworkError, "503", 3),
        ("429", NetworkError, "too busy", 3), ("400", BackendError, "refused the request", 1),
        ("401", MissingError, "refuses access", 1), ("html", BackendError, "something else than JSON", 1),
        ("nothing", BackendError, "without a text", 1), ("list", BackendError, "without a text", 1),
        ("away", BackendError, "elsewhere", 1), ("huge", BackendError, "far more", 1),
        ("gone", NetworkError, "broke", 3), ("short", NetworkError, "broke", 3),
        ("slow", NetworkError, "did not answer within 1", 1), ("drip", NetworkError, "did not answer within 1", 1),
    ],
)  # fmt: skip
def test_a_server_in_trouble_is_one_clear_sentence(
    server: TranscriptionServer,
    mood: str,
    kind: type[MienError],
    said: str,
    tries: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    monkeypatch.setattr("mien.dialogue.hear.upload._BACK_OFF", (0.01, 0.01))
    server.moods = [mood]
    with pytest.raises(kind, match=said) as refused:
        listen(server, timeout=1.0)
    assert SECRET not in str(refused.value)
    assert len(server.asked) == tries


def test_a_fault_that_passes_is_not_noticed(server: TranscriptionServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mien.dialogue.hear.upload._BACK_OFF", (0.01, 0.01))
    server.moods = ["500", "gone", ""]
    assert listen(server).text


def test_dropping_ends_a_request_at_once(server: TranscriptionServer) -> None:
    server.moods = ["slow"]
    ear = OpenaiRecogniser(options=HearConfig(openai_url=server.address))
    ear.push(AudioChunk(0, SOUND))
    threading.Timer(0.3, ear.drop).start()
    begun = time.monotonic()
    with pytest.raises(Cut):
        ear.finish()
    assert time.monotonic() - begun < 2.0


def test_keys_and_sound_stay_where_they_are_meant_to(monkeypatch: pytest.MonkeyPatch) -> None:
    official = OpenaiRecogniser(options=HearConfig())
    with pytest.raises(MissingError, match="OPENAI_API_KEY"):
        official.push(AudioChunk(0, SOUND))
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    away = OpenaiRecogniser(options=HearConfig(openai_url="http://speech.example/v1"))
    assert "speech.example" in away.info.leaves
    away.push(AudioChunk(0, SOUND))
    with pytest.raises(UsageError, match="unencrypted"):
        away.finish()
    monkeypatch.setenv("MIEN_OFFLINE", "1")
    with pytest.raises(MissingError, match="offline"):
        away.check()
    with pytest.raises(UsageError, match="not an address"):
        OpenaiRecogniser(options=HearConfig(openai_url="nonsense")).check()


def test_a_server_that_is_not_there() -> None:
    ear = OpenaiRecogniser(options=HearConfig(openai_url="http://127.0.0.1:9/v1"))
    ear.push(AudioChunk(0, SOUND))
    with pytest.raises(NetworkError, match="No answer"):
        ear.finish()


@pytest.mark.parametrize(
    ("text", "tags", "wanted"),
    [
        ("<|zh|><|SAD|><|Speech|><|withitn|>你好。", (), ("你好。", "zh", "sad")),
        ("hello", ("<|en|>", "<|EMO_UNKNOWN|>"), ("hello", "en", "")),
        ("HELLO THERE", (), ("hello there", "", "")), ("I", ("en", ""), ("I", "en", "")),
        ("今 天 iPhone 很 好", (), ("今天 iPhone 很好", "", "")),
        ("  Mixed Case ", (None, None), ("Mixed Case", "", "")),
        ("", ("<|nospeech|>", "<|NEUTRAL|>"), ("", "", "neutral")),
    ],
)  # fmt: skip
def test_tags_are_read_and_taken_out(text: str, tags: tuple[str | None, ...], wanted: tuple[str, str, str]) -> None:
    assert untagged(text, tags) == wanted


def test_emotion_and_language_come_from_the_model(hearing: Path) -> None:
    hear_networks.make_sense_voice(hearing / "sad", ("<|zh|>", "<|SAD|>"))
    with closing(SherpaRecogniser()) as ear:
        ear.push(AudioChunk(0, tone(1.0, hertz=250.0)))
        heard = ear.finish()
    assert (heard.text, heard.language, heard.emotion) == ("low", "zh", "sad")


def test_streaming_tells_before_the_end(hearing: Path) -> None:
    hear_networks.make_streaming(hearing / "zipformer-en")
    with closing(SherpaRecogniser()) as ear:
        assert ear.info.streaming
        texts: list[str] = []
        until = time.monotonic() + 20
        at = 0
        while not texts and time.monotonic() < until:
            heard = ear.push(AudioChunk(at, tone(0.1, hertz=250.0)))
            at += RATE // 10
            time.sleep(0.05)
            texts += [heard.text] if heard else []
        assert texts == ["low"]
        assert ear.finish().language == "en"


def test_a_model_is_chosen_by_language_and_name(hearing: Path) -> None:
    hear_networks.make_sense_voice(hearing / "many")
    hear_networks.make_streaming(hearing / "stream-de")
    assert SherpaRecogniser(HearSettings("de")).model == "stream-de"
    assert SherpaRecogniser(HearSettings("zh-Hans")).model == "many"
    assert SherpaRecogniser(HearSettings("auto")).model == "many"
    assert SherpaRecogniser(HearSettings("auto", "stream-de")).model == "stream-de"
    with pytest.raises(MissingError, match="'fr'") as refused:
        SherpaRecogniser(HearSettings("fr")).check()
    assert refused.value.hint == "mien models pull whisper-base"
    with pytest.raises(MissingError, match="'fr'"):
        SherpaRecogniser(HearSettings("fr", "many")).check()
    with pytest.raises(MissingError, match="not here") as refused:
        SherpaRecogniser(HearSettings(model="sense-voice")).check()
    assert refused.value.hint == "mien models pull sense-voice"


def test_folders_that_are_no_ears_are_refused_and_do_not_speak(hearing: Path) -> None:
    (hearing / "empty").mkdir(parents=True)
    networks.make_vits(hearing / "voice")
    assert sherpa_model.installed() == ()
    with pytest.raises(InputError, match="lacks"):
        sherpa_model.describe("empty", hearing / "empty")
    with pytest.raises(InputError, match="kind"):
        sherpa_model.describe("voice", hearing / "voice")
    hear_networks.make_sense_voice(hearing / "ear")
    assert [m.name for m in sherpa_model.installed()] == ["ear"]
    assert voices.installed() == ()


def test_a_network_that_does_not_load_is_one_sentence(hearing: Path) -> None:
    folder = hear_networks.make_sense_voice(hearing / "broken")
    (folder / "tokens.txt").write_text("nonsense", "utf-8")
    with closing(SherpaRecogniser()) as ear, pytest.raises(BackendError, match="broken"):
        ear.push(AudioChunk(0, SOUND))
        ear.finish()


def test_an_ear_that_was_opened_already_loads(hearing: Path) -> None:
    hear_networks.make_sense_voice(hearing / "ear")
    with closing(open_ear(HearConfig(), lambda line: None).recogniser) as ear:
        process = ear._ear._process  # type: ignore[attr-defined]
        until = time.monotonic() + 20
        while not process._shared.loaded and time.monotonic() < until:
            time.sleep(0.02)
        assert process._shared.loaded
        ear.push(AudioChunk(480, tone(1.0, hertz=250.0)))
        assert ear.finish().text == "low"
        assert ear._ear._process is process  # type: ignore[attr-defined]


def test_a_child_that_dies_is_told_and_started_again(hearing: Path) -> None:
    hear_networks.make_sense_voice(hearing / "ear")
    with closing(SherpaRecogniser()) as ear:
        ear.push(AudioChunk(0, SOUND))
        process = ear._ear._process  # type: ignore[union-attr]
        assert process is not None
        process._process.kill()
        process._process.wait()
        with pytest.raises(BackendError):
            ear.push(AudioChunk(len(SOUND), SOUND))
        ear.push(AudioChunk(0, tone(1.0, hertz=250.0)))
        assert ear.finish().text == "low"


def test_no_process_outlives_its_ear(hearing: Path) -> None:
    hear_networks.make_sense_voice(hearing / "ear")
    before = threading.active_count()
    for _ in range(3):
        ear = SherpaRecogniser()
        ear.push(AudioChunk(0, SOUND))
        process = ear._ear._process  # type: ignore[union-attr]
        assert process is not None
        ear.close()
        assert process._process.poll() is not None
    until = time.monotonic() + 5
    while threading.active_count() > before and time.monotonic() < until:
        time.sleep(0.02)
    assert threading.active_count() <= before


def test_pocketsphinx_refuses_other_languages_with_the_command_that_mends_it() -> None:
    with pytest.raises(MissingError, match="'zh'") as refused:
        PocketsphinxRecogniser(HearSettings("zh")).push(AudioChunk(0, SOUND))
    assert "mien models pull sense-voice" in refused.value.hint
    PocketsphinxRecogniser(HearSettings("en-GB")).check()


def test_auto_takes_the_best_and_says_which(
    hearing: Path, server: TranscriptionServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []

    def taken(language: str = "auto", **options: object) -> str:
        told.clear()
        chosen = open_ear(HearConfig(language=language, **options), told.append)  # type: ignore[arg-type]
        chosen.recogniser.close()
        return f"{chosen.backend}:{chosen.model}"

    assert taken() == "pocketsphinx:"
    assert "English only" in told[0]
    with pytest.raises(MissingError, match="'zh'") as refused:
        taken("zh")
    assert "mien models pull sense-voice" in refused.value.hint
    assert taken(openai_url=server.address) == "openai:"
    hear_networks.make_sense_voice(hearing / "ear")
    assert taken("zh") == "sherpa:ear" and told == ["Hearing: sherpa:ear."]
    assert taken(backend="sherpa:ear") == "sherpa:ear"
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    assert taken(backend="openai") == "openai:" and "api.openai.com" in told[0]
    with pytest.raises(MissingError, match="no 'nobody'"):
        taken(backend="nobody")
    names = []
    for name, ear in recognisers(HearConfig()):
        names.append(name)
        ear.close()
    assert names == ["sherpa", "openai", "pocketsphinx"]


def test_every_ear_of_the_catalogue_can_be_described() -> None:
    for bundle in bundles.of("hear").values():
        assert bundle.pinned and bundle.size
    assert np.all([b.use == "speak" for b in bundles.of("speak").values()])
