"""``mien voice``."""

from __future__ import annotations

import json
import wave
from pathlib import Path

import numpy as np
import pytest

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
