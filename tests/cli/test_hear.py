"""``mien hear``: a recording's turns and words; what nobody here understands is said with the command that mends it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tests.audio.kit import RATE, noise, spoken, tone, write
from tests.dialogue import hear_networks

from mien.apps import cli


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MIEN_DATA_DIR", str(tmp_path / "data"))
    for name in ("OPENAI_BASE_URL", "MIEN_OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "data"


@pytest.fixture
def talk(tmp_path: Path) -> str:
    """Two sentences with a second and a half between them, to the end of the file."""
    pause = np.zeros(3 * RATE // 2, np.float32)
    sound = np.concatenate([pause, spoken("Please stop for a moment.")[0], pause, spoken("What time is it?")[0][:RATE]])
    return str(write(tmp_path / "talk.wav", 0.5 * sound))


def events(out: str, name: str) -> list[dict[str, object]]:
    return [e for e in map(json.loads, out.splitlines()) if e["event"] == name]


def test_turns_and_words_are_printed(talk: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["hear", talk, "--language", "en", "--json"]) == 0
    out = capsys.readouterr().out
    first, second = events(out, "heard")
    assert 1.4 < float(str(first["start"])) < 1.8 and float(str(first["end"])) < float(str(second["start"]))
    assert first["text"] and first["language"] == "en"
    assert 0.3 < float(str(first["wait"])) < 1.2
    [done] = events(out, "hearing")
    assert (done["backend"], done["turns"]) == ("pocketsphinx", 2)


def test_a_model_is_named_and_lines_are_for_people(
    folders: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hear_networks.make_sense_voice(folders / "hearing/tones")
    voice = spoken("Please stop for a moment.")[0]
    file = str(write(tmp_path / "voice.flac", voice, codec="flac"))
    assert cli.main(["hear", file, "--hear", "sherpa:tones", "--silence", "0.8"]) == 0
    [line] = capsys.readouterr().out.splitlines()
    assert len(line.split()) >= 3


def test_nobody_speaks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = str(write(tmp_path / "still.wav", noise(2.0, 0.001) + tone(2.0, gain=0.001)))
    assert cli.main(["hear", file, "-l", "en"]) == 0
    assert "Nobody seems to speak" in capsys.readouterr().err


def test_what_cannot_be_heard_is_refused(talk: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["hear", talk, "--language", "zh"]) == 4
    assert "mien models pull sense-voice" in capsys.readouterr().err
    assert cli.main(["hear", talk, "--hear", "nobody"]) == 4
    assert cli.main(["hear", "no-such.wav", "-l", "en"]) == 3
    assert cli.main(["hear", talk, "--silence", "9"]) == 2
