"""sherpa-onnx itself, with small networks of every family; folders that are none; a child that dies."""

from __future__ import annotations

import shutil
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
from tests.dialogue import networks

from mien.config import VoicesConfig
from mien.dialogue.speak import onnx_metadata, sherpa, sherpa_model
from mien.dialogue.speak.base import SpeakRequest
from mien.dialogue.speak.sherpa import SherpaSpeaker
from mien.dialogue.speak.sherpa_process import Job
from mien.errors import BackendError, InputError, MissingError
from mien.types import SpeechPart

ZH = "大家好，欢迎来到我们的节目。"


@pytest.fixture(autouse=True)
def voices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's own folder of voices."""
    monkeypatch.setenv("MIEN_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("MIEN_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "data" / "voices"


@pytest.fixture
def speaker() -> Iterator[SherpaSpeaker]:
    who = SherpaSpeaker(VoicesConfig())
    yield who
    who.close()


def say(who: SherpaSpeaker, text: str = ZH, language: str = "zh", **dials: object) -> list[SpeechPart]:
    return list(who.speak(SpeakRequest(text, language, **dials)))  # type: ignore[arg-type]


def pitch(parts: list[SpeechPart]) -> float:
    """Hertz over all, by crossings."""
    sound = np.concatenate([p.audio.samples for p in parts])
    return float(np.count_nonzero(np.diff((sound > 0.01).astype(np.int8)) > 0) / len(sound) * 48_000)


def test_vits_hums_its_letters(voices: Path, speaker: SherpaSpeaker) -> None:
    networks.make_vits(voices / "hum", speakers=3)
    assert [v.name for v in speaker.voices()] == ["hum/0", "hum/1", "hum/2"]
    parts = say(speaker, "abab.", "en", voice="hum/2")
    assert parts[-1].audio.end == pytest.approx(5 * 4_800, abs=480)
    assert pitch(parts) > pitch(say(speaker, "abab.", "en", voice="hum/0")) + 100


def test_kokoro_speaks_by_name_language_and_gender(voices: Path, speaker: SherpaSpeaker) -> None:
    networks.make_kokoro(voices / "koko")
    assert [(v.name, v.languages, v.gender) for v in speaker.voices()] == [
        ("koko/af_maple", ("en",), "female"), ("koko/bm_low", ("en",), "male"),
        ("koko/zf_001", ("zh",), "female"), ("koko/zm_010", ("zh",), "male"),
    ]  # fmt: skip

    def taken(language: str, voice: str = "") -> str:
        return speaker.name_of(SpeakRequest("a 好", language, voice=voice))

    assert [taken("en"), taken("zh"), taken("zh", "male")] == ["koko/af_maple", "koko/zf_001", "koko/zm_010"]
    assert [taken("en", "koko"), taken("en", "bm_low")] == ["koko/af_maple", "koko/bm_low"]
    low, high = pitch(say(speaker, voice="af_maple")), pitch(say(speaker, voice="zm_010"))
    assert high > low + 200


def test_matcha_with_its_vocoder(voices: Path, speaker: SherpaSpeaker) -> None:
    networks.make_matcha(voices / "match")
    assert say(speaker)[-1].audio.end > 48_000
    with pytest.raises(MissingError, match="'en'"):
        say(speaker, "hello", "en", voice="match")


def test_zipvoice_speaks_with_a_recording(voices: Path, tmp_path: Path) -> None:
    networks.make_zipvoice(voices / "zip")
    with pytest.raises(MissingError, match="recording of the voice"):
        SherpaSpeaker(VoicesConfig()).check(SpeakRequest(ZH, "zh", voice="zip"))
    recording = _recording(tmp_path / "me.wav")
    with pytest.raises(MissingError, match="words that are said"):
        SherpaSpeaker(VoicesConfig(reference=str(recording))).check(SpeakRequest(ZH, "zh", voice="zip"))
    who = SherpaSpeaker(VoicesConfig(reference=str(recording), reference_text="我们的节目"))
    slow, fast = say(who, rate=0.5), say(who, rate=2.0)
    who.close()
    assert slow[-1].audio.end > 3 * fast[-1].audio.end


def test_the_model_that_speaks_the_whole_text_is_taken(
    voices: Path, speaker: SherpaSpeaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    networks.make_matcha(voices / "a-match")
    networks.make_vits(voices / "b-german", language="German")
    networks.make_vits(voices / "c-both")
    assert speaker.name_of(SpeakRequest("大家好", "zh")) == "a-match"
    assert speaker.name_of(SpeakRequest("我用 iPhone 拍照", "auto")) == "c-both"
    assert speaker.name_of(SpeakRequest("Guten Tag", "de-AT")) == "b-german"
    with pytest.raises(MissingError, match="'fr'"):
        speaker.check(SpeakRequest("bonjour", "fr"))


def test_sentences_come_one_by_one_and_leaving_early_does_no_harm(voices: Path, speaker: SherpaSpeaker) -> None:
    networks.make_vits(voices / "hum")
    stream = speaker.speak(SpeakRequest("One is here. Two is here. Three.", "en"))
    first = next(stream)
    again = speaker.speak(SpeakRequest("Another.", "en"))  # while the first is not read out
    assert list(again)[-1].last
    assert not first.last
    stream.close()  # type: ignore[attr-defined]
    assert say(speaker, "Still here.", "en")


def test_the_child_stays_and_one_that_died_is_started_again(voices: Path, speaker: SherpaSpeaker) -> None:
    networks.make_vits(voices / "hum")
    say(speaker, "One.", "en")
    process = speaker._process
    assert process is not None
    say(speaker, "Two.", "en")
    assert speaker._process is process
    process._process.kill()
    process._process.wait()
    assert say(speaker, "Three.", "en")
    assert speaker._process is not process


def test_a_child_that_is_killed_meanwhile_is_one_sentence(voices: Path, speaker: SherpaSpeaker) -> None:
    networks.make_vits(voices / "hum")
    say(speaker, "One.", "en")
    assert speaker._process is not None
    speaker._process._process.kill()
    speaker._process._process.wait()
    with pytest.raises(BackendError, match="voice 'hum'"):
        list(speaker._process.speak(Job("Two.", 0, 1.0, {})))


def test_a_network_that_does_not_suit_sherpa_ends_only_the_child(voices: Path, speaker: SherpaSpeaker) -> None:
    folder = networks.make_vits(voices / "hum")
    model = onnx.load(str(folder / "model.onnx"))
    del model.metadata_props[:]
    onnx.save(model, str(folder / "model.onnx"))
    with pytest.raises(BackendError, match=r"does not start|ended") as failed:
        say(speaker, "Hello.", "en")
    assert "'hum'" in failed.value.message and "\n" not in failed.value.message
    assert "sample_rate" in failed.value.message  # what sherpa-onnx itself complained of


def test_a_text_without_a_known_letter_is_one_sentence(voices: Path, speaker: SherpaSpeaker) -> None:
    networks.make_vits(voices / "hum")
    with pytest.raises(BackendError, match="no sound"):
        say(speaker, "ØØØ", "en")
    assert say(speaker, "Hello.", "en")


@pytest.mark.parametrize("missing", ["tokens.txt", "model.onnx"])
def test_folders_that_are_no_voices_are_left_out(voices: Path, speaker: SherpaSpeaker, missing: str) -> None:
    networks.make_vits(voices / "hum")
    (voices / "hum" / missing).unlink()
    (voices / "empty").mkdir()
    (voices / "file.txt").write_text("no folder")
    with pytest.raises(InputError, match="it lacks"):
        sherpa_model.describe("hum", voices / "hum")
    assert speaker.voices() == ()
    assert "No voice" in speaker.info.lacks
    with pytest.raises(MissingError) as refused:
        say(speaker)
    assert refused.value.hint == "mien models pull kokoro-zh-en"


def test_a_pointer_in_the_place_of_a_network_is_passed_over(voices: Path, speaker: SherpaSpeaker) -> None:
    folder = networks.make_vits(voices / "hum")
    (folder / "zzz.int8.onnx").write_text("version https://git-lfs.github.com/spec/v1\nsize 99999999\n" + "x" * 9_000)
    assert say(speaker, "Hello.", "en")


def test_a_machine_without_the_package_is_told_what_to_install(
    voices: Path, speaker: SherpaSpeaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    networks.make_vits(voices / "hum")
    monkeypatch.setattr(sherpa, "find_spec", lambda _name: None)
    with pytest.raises(MissingError, match="not installed") as refused:
        say(speaker)
    assert "mien[voices]" in refused.value.hint


def test_the_notes_of_a_network_are_read_without_loading_it(tmp_path: Path) -> None:
    folder = networks.make_kokoro(tmp_path / "koko")
    about = onnx_metadata.read(folder / "model.onnx")
    loaded = onnx.load(str(folder / "model.onnx"))
    assert about == {entry.key: entry.value for entry in loaded.metadata_props}


@pytest.mark.parametrize("content", [b"", b"no network", b"\x7a\xff\xff\xff\xff\x0f", b"\x00" * 50, b"\xff" * 50])
def test_what_is_no_network_is_told(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "model.onnx"
    file.write_bytes(content)
    if content:
        with pytest.raises(InputError, match=r"not an ONNX file"):
            onnx_metadata.read(file)
    else:
        assert onnx_metadata.read(file) == {}


def test_a_bundle_s_own_languages_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, speaker: SherpaSpeaker
) -> None:
    from mien import bundles

    made = networks.make_kokoro(tmp_path / "made")
    plain = tmp_path / "plain"
    shutil.copytree(made, plain, symlinks=False)
    bundles.pull("kokoro-multi", origin=plain)
    (model,) = sherpa_model.installed()
    assert model.languages == bundles.catalogue()["kokoro-multi"].languages
    assert model.licence == "Apache-2.0"
    assert model.options("pt") == {"lang": "pt-br"}
    assert say(speaker, voice="kokoro-multi/zf_001")


def _recording(path: Path) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(44_100)
        file.writeframes((8_000 * np.sin(np.arange(2 * 88_200) * 0.05)).astype("<i2").tobytes())
    return path
