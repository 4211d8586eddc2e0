"""``mien align``."""

from __future__ import annotations

import json
import wave
from pathlib import Path

import numpy as np
import pytest
from tests.dialogue.align_kit import OTHER, TEXTS, Recorded, recorded

from mien.apps.cli import main

TRUTH = TEXTS["en"]


@pytest.fixture(scope="module")
def truth() -> Recorded:
    return recorded(TRUTH, "en")


@pytest.fixture(scope="module")
def talk(truth: Recorded, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("talk") / "talk.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(48_000)
        file.writeframes((np.clip(truth.sound, -1, 1) * 32767).astype("<i2").tobytes())
    return path


@pytest.fixture
def words(tmp_path: Path) -> Path:
    path = tmp_path / "talk.txt"
    path.write_text(TRUTH, "utf-8")
    return path


@pytest.mark.parametrize("name", ["a.json", "a.srt", "a.vtt", "a.TextGrid", "a.csv"])
def test_every_format_is_written(
    talk: Path, words: Path, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / name
    assert main(["align", str(talk), str(words), "-l", "en", "-o", str(out), "--json"]) == 0
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (last["event"], last["path"], last["words"]) == ("aligned", str(out), 18)
    assert last["confidence"] > 0.8
    assert "bicycle" in out.read_text("utf-8")


def test_json_has_the_times_of_the_words(talk: Path, truth: Recorded, words: Path, tmp_path: Path) -> None:
    assert main(["align", str(talk), str(words), "-o", str(tmp_path / "a.json")]) == 0
    content = json.loads((tmp_path / "a.json").read_text("utf-8"))
    off = [abs(w["start"] - t.start / 48_000) for w, t in zip(content["words"], truth.words, strict=True)]
    assert np.median(off) <= 0.02
    assert abs(content["seconds"] - len(truth.sound) / 48_000) < 1e-3
    assert content["language"] == "en"


@pytest.mark.parametrize(("language", "told"), [("zh", 1), ("en-GB", 0), ("auto", 0)])
def test_words_of_another_language_than_was_asked_for_are_told(
    talk: Path, words: Path, tmp_path: Path, language: str, told: int, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "a.json"
    assert main(["align", str(talk), str(words), "-l", language, "-o", str(out)]) == 0
    assert capsys.readouterr().err.count("they are read as 'en'.") == told
    assert json.loads(out.read_text("utf-8"))["language"] == ("en-GB" if language == "en-GB" else "en")


def test_without_a_file_the_words_are_printed(talk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["align", str(talk), "--text", TRUTH, "--language", "en"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[2] for line in lines] == [word.strip(".,") for word in TRUTH.split()]


def test_subtitles_do_not_show_what_is_not_said(talk: Path, tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text(f"{TRUTH} {OTHER}", "utf-8")
    assert main(["align", str(talk), str(tmp_path / "in.txt"), "-o", str(tmp_path / "out.srt")]) == 0
    shown = (tmp_path / "out.srt").read_text("utf-8")
    assert "late." in shown and "elephants" not in shown and "Nobody" not in shown


def test_subtitles_keep_their_cuts_and_get_new_times(talk: Path, truth: Recorded, tmp_path: Path) -> None:
    lines = [["My brother wants", "to buy"], ["a new bicycle. The shop"], ["opens at nine, but the bus comes late."]]
    cues = [f"{n}\n00:00:0{n},000 --> 00:00:0{n},900\n" + "\n".join(cue) for n, cue in enumerate(lines)]
    (tmp_path / "in.srt").write_text("\n\n".join(cues), "utf-8")
    assert main(["align", str(talk), str(tmp_path / "in.srt"), "-o", str(tmp_path / "out.srt")]) == 0
    blocks = [block.split("\n") for block in (tmp_path / "out.srt").read_text("utf-8").strip().split("\n\n")]
    assert [block[2:] for block in blocks] == lines
    begins = [block[1].split(" ")[0].replace(",", ".").split(":") for block in blocks]
    heard = [truth.starts[TRUTH.index(first)] / 48_000 for first in ("My", "a new", "opens")]
    assert [60 * int(m) + float(s) for _, m, s in begins] == pytest.approx(heard, abs=0.15)


def test_subtitles_can_be_the_transcript(talk: Path, tmp_path: Path) -> None:
    (tmp_path / "in.srt").write_text(f"1\n00:00:00,000 --> 00:00:09,000\n{TRUTH}\n", "utf-8")
    assert main(["align", str(talk), str(tmp_path / "in.srt"), "-o", str(tmp_path / "out.vtt")]) == 0
    assert (tmp_path / "out.vtt").read_text("utf-8").startswith("WEBVTT\n\n")


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["-t", OTHER, "-l", "en"], 3, "The transcript is not what is said in the recording."),
        (["-t", "…"], 3, "The transcript has no words."),
        ([], 2, "What is said in it?"),
        (["-t", "Hello.", "-o", "a.doc"], 2, "has no ending that is known"),
        (["-t", "Hello.", "-l", "xx"], 4, "No voice here speaks the language 'xx'."),
        (["none.txt"], 3, "The transcript none.txt cannot be read"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(
    talk: Path, arguments: list[str], status: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["align", str(talk), *arguments]) == status
    assert said in capsys.readouterr().err


def test_a_recording_that_is_none_is_refused(words: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["align", str(words), str(words)]) == 3
    assert "Traceback" not in capsys.readouterr().err


def test_the_transcript_and_the_recording_are_never_written_over(
    talk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    subtitles = tmp_path / "talk.srt"
    subtitles.write_text(f"1\n00:00:00,000 --> 00:00:09,000\n{TRUTH}\n", "utf-8")
    before = subtitles.read_bytes()
    assert main(["align", str(talk), str(subtitles), "-o", str(subtitles)]) == 2
    assert "overwrite its own source" in capsys.readouterr().err
    assert subtitles.read_bytes() == before
