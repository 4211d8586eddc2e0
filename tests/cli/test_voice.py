"""``mien voice``."""

from __future__ import annotations

import json
import shutil
import wave
from pathlib import Path

import numpy as np
import pytest
from tests.contract.speech_servers import EdgeServer, speech_server
from tests.dialogue import networks

from mien import plugins
from mien.apps.cli import main


def test_say_writes_a_wav_and_tells_the_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "a.wav"
    assert main(["voice", "say", "Hello [cue x]世界", "-o", str(output), "--json"]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [e["text"] for e in events if e["event"] == "word"] == ["Hello", "世", "界"]
    (second,) = [e["start"] for e in events if e.get("text") == "世"]
    assert [(e["name"], e["time"]) for e in events if e["event"] == "cue"] == [("x", second)]
    with wave.open(str(output)) as file:
        assert (file.getframerate(), file.getsampwidth(), file.getnchannels()) == (48_000, 2, 1)
        assert file.getnframes() / 48_000 == pytest.approx(events[-1]["seconds"], abs=0.001)
        sound = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    assert np.abs(sound).max() > 3_000


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["Hello", "--language", "xx"], 4),
        (["Hello", "--voice", "nobody"], 4),
        (["Hello", "--rate", "9"], 2),
        (["..."], 3),
        (["Hello [b]"], 3),
        (["Hello", "--lexicon", "none.toml"], 3),
    ],
)
def test_refusals_leave_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], status: int
) -> None:
    assert main(["voice", "say", *arguments, "-o", str(tmp_path / "a.wav")]) == status
    assert not list(tmp_path.iterdir())
    assert len(capsys.readouterr().err.strip().splitlines()) <= 2


@pytest.mark.parametrize("command", [["voice", "say"], ["motion", "--text"]])
def test_what_leaves_this_machine_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    out = tmp_path / ("a.wav" if command[0] == "voice" else "a.csv")
    with EdgeServer().running() as server:
        monkeypatch.setattr("edge_tts.communicate.WSS_URL", f"ws://127.0.0.1:{server.port}/edge/v1?T=1")
        assert main([*command, "Hello there.", "--voice", "edge", "-o", str(out)]) == 0
        assert len(server.asked) == 1
    assert capsys.readouterr().err.count("The text goes to Microsoft.") == 1


@pytest.mark.parametrize("command", [["voice", "say"], ["motion", "--text"]])
def test_a_voice_that_is_refused_does_not_say_first_what_it_would_send(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    out = tmp_path / ("a.wav" if command[0] == "voice" else "a.csv")
    assert main([*command, "Hello", "--voice", "edge", "--offline", "-o", str(out)]) == 4
    assert [line[:5] for line in capsys.readouterr().err.splitlines()] == ["mien:", "  Use"]


def test_sound_is_not_written_under_another_ending(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["voice", "say", "Hello", "-o", str(tmp_path / "a.mp3")]) == 2
    assert "does not end in .wav" in capsys.readouterr().err and not list(tmp_path.iterdir())


def test_list_names_languages_and_voices(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["voice", "list", "--json"]) == 0
    tables = {e["event"]: e["rows"] for e in map(json.loads, capsys.readouterr().out.splitlines())}
    codes = {row["language"] for row in tables["languages"]}
    assert {"en", "zh", "yue", "ja", "pt-br"} <= codes
    assert [row["voice"] for row in tables["voices"]][:2] == ["female", "male"]


def test_list_of_one_language(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["voice", "list", "--language", "zh-TW", "--json"]) == 0
    tables = {e["event"]: e["rows"] for e in map(json.loads, capsys.readouterr().out.splitlines())}
    assert [(row["language"], row["name"]) for row in tables["languages"]] == [("zh-TW", "Chinese (Mandarin)")]


@pytest.fixture
def voices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's folder of voices; nothing else is there."""
    monkeypatch.setenv("MIEN_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("MIEN_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("OPENAI_API_KEY", _SECRET)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    return tmp_path / "data/voices"


_SECRET = "sk-never-to-be-seen"


def test_list_shows_what_each_back_end_needs_and_sends(voices: Path, capsys: pytest.CaptureFixture[str]) -> None:
    networks.make_kokoro(voices / "koko")
    assert main(["voice", "list", "--language", "zh", "--json"]) == 0
    said = capsys.readouterr().out
    tables = {e["event"]: e["rows"] for e in map(json.loads, said.splitlines())}
    ends = {row["back_end"]: row for row in tables["back_ends"]}
    assert set(ends) == set(plugins.available("speak"))
    assert all(row["licence"] for row in ends.values())
    assert (ends["sherpa"]["ready"], ends["sherpa"]["what_leaves_this_machine"]) == ("yes", "-")
    assert ends["edge"]["what_leaves_this_machine"] == "The text goes to Microsoft."
    names = [row["voice"] for row in tables["voices"]]
    assert {"female", "sherpa:koko/zf_001", "edge:zh-CN-XiaoxiaoNeural", "cosyvoice:中文女"} <= set(names)
    assert not {"sherpa:koko/af_maple", "edge:de-DE-KatjaNeural", "cosyvoice:英文女"} & set(names)
    assert _SECRET not in said


def test_a_person_gets_a_short_list(voices: Path, capsys: pytest.CaptureFixture[str]) -> None:
    networks.make_vits(voices / "many", speakers=40)
    assert main(["voice", "list", "-l", "en"]) == 0
    short = capsys.readouterr().out
    assert "sherpa:many/11" in short and "sherpa:many/12" not in short
    assert "28 more: mien voice list --all" in short
    assert main(["voice", "list", "-l", "en", "--all"]) == 0
    assert "sherpa:many/39" in capsys.readouterr().out


def test_say_with_the_best_voice_here(tmp_path: Path, voices: Path, capsys: pytest.CaptureFixture[str]) -> None:
    networks.make_kokoro(voices / "koko")
    output = tmp_path / "a.wav"
    assert main(["voice", "say", "今天[cue x]天气好。", "--voice", "auto", "-o", str(output), "--json"]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert events[0] == {"event": "note", "message": "Voice: sherpa:koko/zf_001."}
    assert [e["name"] for e in events if e["event"] == "cue"] == ["x"]
    assert (events[-1]["event"], events[-1]["backend"]) == ("said", "sherpa")


def test_say_through_a_server_with_the_settings_file(
    tmp_path: Path, voices: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with speech_server() as server:
        voices.parent.mkdir(parents=True)
        settings = f'[speak]\nbackend = "openai"\nvoice = "onyx"\n[voices]\nopenai_url = "{server.address}/v1"\n'
        (voices.parent / "mien.toml").write_text(settings)
        assert main(["voice", "say", "Hello.", "-o", str(tmp_path / "a.wav")]) == 0
        assert json.loads(server.asked[0][2])["voice"] == "onyx"
        server.moods = ["401"]
        assert main(["voice", "say", "Hello.", "-o", str(tmp_path / "b.wav")]) == 4
        said = capsys.readouterr()
        assert _SECRET not in said.err + said.out
        assert not (tmp_path / "b.wav").exists()
        assert main(["voice", "say", "Hello.", "--fallback", "-o", str(tmp_path / "b.wav")]) == 0
        assert "The embedded voice speaks instead" in capsys.readouterr().err


def test_doctor_lists_the_voices_and_shows_no_key(voices: Path, capsys: pytest.CaptureFixture[str]) -> None:
    networks.make_vits(voices / "hum")
    main(["doctor", "--json"])
    said = capsys.readouterr().out
    rows = next(e["rows"] for e in map(json.loads, said.splitlines()) if e["event"] == "doctor")
    found = {row["name"]: row["found"] for row in rows}
    assert found["voices sherpa"] == "ready."
    assert "Microsoft" in found["voices edge"]
    assert "not ready (optional)" in found["voices gptsovits"]
    assert _SECRET not in said


def test_models_pull_takes_a_voice_from_a_folder_and_names_its_licence(
    tmp_path: Path, voices: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = tmp_path / "plain"
    shutil.copytree(networks.make_kokoro(tmp_path / "made"), plain)
    assert main(["models", "pull", "kokoro-zh-en", "--from", str(plain)]) == 0
    said = capsys.readouterr()
    assert "Licence: Apache-2.0; commercial use allowed" in said.err and "as it is" in said.err
    assert "Fetched: kokoro-zh-en." in said.out
    assert main(["models", "path", "kokoro-zh-en"]) == 0
    assert (Path(capsys.readouterr().out.strip()) / "voices.bin").is_file()
    assert main(["models", "verify"]) == 0
    assert "kokoro-zh-en" in capsys.readouterr().out
    assert main(["models", "list", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert {r["name"]: r["here"] for r in rows}["kokoro-zh-en"] is True
    assert {r["name"]: r["size_mb"] for r in rows}["piper-en-small"] is None


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["pull", "piper-en-small"], 4, "--accept-unpinned"),
        (["pull", "kokoro-zh-en", "--offline"], 4, "--offline forbids"),
        (["pull", "nobody"], 2, "kokoro-zh-en"),
        (["pull", "kokoro-zh-en", "melo-zh-en", "--from", "x"], 2, "one model only"),
        (["pull", "kokoro-zh-en", "--from", "nowhere.tar.bz2"], 3, "cannot be read"),
        (["path", "melo-zh-en"], 4, "mien models pull melo-zh-en"),
    ],
)
def test_models_refuses_in_one_sentence(
    voices: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], status: int, said: str
) -> None:
    assert main(["models", *arguments]) == status
    error = [line for line in capsys.readouterr().err.splitlines() if "Licence:" not in line]
    assert said in " ".join(error)
