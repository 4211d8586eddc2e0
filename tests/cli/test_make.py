"""``mien make``: what it prints, how it refuses, what is left when it is stopped."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mien import models
from mien.apps.cli import main
from mien.apps.cli.make import read_text
from mien.errors import InputError, UsageError


@pytest.fixture(scope="session")
def portrait() -> str:
    return str(models.path("astronaut"))


def test_a_film_and_its_events(tmp_path: Path, portrait: str, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "a.mp4"
    words = [
        "make",
        "-p",
        portrait,
        "-t",
        "[cue go]Hi there.",
        "-s",
        "128",
        "--motion",
        str(tmp_path / "a.csv"),
        "-o",
        str(out),
    ]
    assert main([*words, "--json"]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    film = events[-1]
    assert film["event"] == "film" and film["path"] == str(out)
    assert film["frames"] == round(film["duration"] * 25) and (film["width"], film["height"]) == (128, 128)
    assert film["captions"] == [str(tmp_path / "a.srt")] and film["motion"] == str(tmp_path / "a.csv")
    assert film["real_time_factor"] == pytest.approx(film["wall"] / film["duration"], rel=0.01)
    assert film["cues"] == [{"name": "go", "time": 0.25}], "speech begins after a quarter of a second"
    assert set(film["timings"]) == {"speech", "face", "prepare", "draw", "compose", "encode"}
    progress = [e for e in events if e["event"] == "progress"]
    assert progress[-1]["done"] == progress[-1]["total"] == film["frames"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.csv", "a.mp4", "a.srt"]


def test_words_for_people(tmp_path: Path, portrait: str, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "text.txt").write_bytes("\ufeff你好。".encode())
    words = ["make", "--portrait", portrait, "--text-file", str(tmp_path / "text.txt"), "--language", "zh"]
    assert main([*words, "--size", "128", "--captions", "vtt", "-o", str(tmp_path / "a.webm")]) == 0
    printed = capsys.readouterr()
    assert "a.webm, a.vtt:" in printed.out and "128x128" in printed.out
    assert "100 %" in printed.err
    assert "你好。" in (tmp_path / "a.vtt").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "arguments, status, words",
    [
        (["-t", "Hi", "-p", "{portrait}"], 2, "Where should the film go"),
        (["-t", "Hi", "-o", "a.mp4"], 2, "Who should speak"),
        (["-t", "Hi", "-p", "x", "-a", "y", "-o", "a.mp4"], 2, "Both a portrait and an avatar"),
        (["-t", "Hi", "-a", "y", "--face", "0", "-o", "a.mp4"], 2, "--face goes with --portrait"),
        (["-t", "Hi", "-a", "y", "--crop", "head", "-o", "a.mp4"], 2, "--crop goes with --portrait"),
        (["-t", "Hi", "-p", "x", "--face", "x", "-o", "a.mp4"], 2, "--face must be a whole number."),
        (["-t", "Hi", "-p", "x", "--rate", "x", "-o", "a.mp4"], 2, "--rate must be a number."),
        (["-t", "Hi", "-p", "{portrait}", "--seed", "-1", "-o", "a.mp4"], 2, "from 0 to 4294967295"),
        (["-t", "Hi", "-p", "{portrait}", "--size", "99999x99999", "-o", "a.mp4"], 2, "outside 64 to 4096"),
        (["-p", "{portrait}", "-o", "a.mp4"], 2, "--text-file and --audio"),
        (["-p", "{portrait}", "-t", "a", "--text-file", "b", "-o", "a.mp4"], 2, "More than one text"),
        (["-p", "{portrait}", "-t", "Hi", "stray", "-o", "a.mp4"], 2, "stray"),
        (["-p", "missing.jpg", "-t", "Hi", "-o", "a.mp4"], 3, "no portrait 'missing.jpg'"),
        (["-p", ".", "-t", "Hi", "-o", "a.mp4"], 3, "is a folder"),
        (["-p", "bad\0name", "-t", "Hi", "-o", "a.mp4"], 2, "null"),
        (["-a", "nobody", "-t", "Hi", "-o", "a.mp4"], 4, "no avatar 'nobody'"),
        (["-p", "{portrait}", "-t", "  ", "-o", "a.mp4"], 3, "empty"),
        (["-p", "{portrait}", "-t", "...", "-o", "a.mp4"], 3, "nothing that can be spoken"),
        (["-p", "{portrait}", "--text-file", "none.txt", "-o", "a.mp4"], 3, "cannot be read"),
        (["-p", "{portrait}", "--text-file", ".", "-o", "a.mp4"], 3, "is a folder"),
        (["-p", "{portrait}", "-t", "Hi", "-o", "a.avi"], 2, "which kind of film"),
        (["-p", "{portrait}", "-t", "Hi", "-o", "a.png"], 5, "one picture"),
        (["-p", "{portrait}", "-t", "Hi", "-o", "nowhere/a.mp4"], 5, "no folder"),
        (["-p", "{portrait}", "-t", "Hi", "-o", "."], 5, "is a folder"),
        (["-p", "{portrait}", "-t", "Hi", "-s", "9", "-o", "a.mp4"], 2, "size"),
        (["-p", "{portrait}", "-t", "Hi", "--aspect", "1:9", "-o", "a.mp4"], 2, "too narrow"),
        (["-p", "{portrait}", "-t", "Hi", "--fps", "fast", "-o", "a.mp4"], 2, "not a frame rate"),
        (["-p", "{portrait}", "-t", "Hi", "--preset", "ultra", "-o", "a.mp4"], 2, "preset"),
        (["-p", "{portrait}", "-t", "Hi", "--captions", "stl", "-o", "a.mp4"], 2, "caption"),
        (["-p", "{portrait}", "-t", "Hi", "--motion", "a.bvh", "-o", "a.mp4"], 2, "bvh"),
        (["-p", "{portrait}", "-t", "Hi", "-b", "transparent", "-o", "a.mp4"], 2, "transparent"),
        (["-p", "{portrait}", "-t", "Hi", "-b", "none.jpg", "-o", "a.mp4"], 2, "neither a file nor a colour"),
        (["-p", "{portrait}", "-t", "Hi", "--style", "wild", "-o", "a.mp4"], 2, "style"),
        (["-p", "{portrait}", "-t", "Hi", "--rate", "9", "-o", "a.mp4"], 2, "rate"),
        (["-p", "{portrait}", "-t", "Hi", "--face", "-3", "-o", "a.mp4"], 2, "Faces are counted"),
        (["-p", "{portrait}", "-t", "Hi", "--lexicon", "none.toml", "-o", "a.mp4"], 3, "none.toml"),
    ],
)  # fmt: skip
def test_refusals(
    tmp_path: Path, portrait: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
    arguments: list[str], status: int, words: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert main(["make", *[a.format(portrait=portrait) for a in arguments]]) == status
    printed = capsys.readouterr()
    assert words in printed.err and printed.out == ""
    assert 1 <= len(printed.err.strip().splitlines()) <= 2, "one sentence and its hint"
    assert list(tmp_path.iterdir()) == []


def test_text_comes_from_one_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a.txt"
    file.write_text("héllo", encoding="utf-16")
    assert read_text(None, file, None) == "héllo"
    assert read_text("hi", None, None) == "hi"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("从管道".encode())))
    assert read_text(None, None, "-") == "从管道"
    file.write_bytes(b"\xff\xfa\x00caf\xe9")
    with pytest.raises(InputError, match="not UTF-8"):
        read_text(None, file, None)
    file.write_bytes(b"a" * 4_000_001)
    with pytest.raises(InputError, match="over 4 MB"):
        read_text(None, file, None)
    with pytest.raises(UsageError):
        read_text("hi", file, None)


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_stopping_leaves_nothing_where_others_read(tmp_path: Path, portrait: str) -> None:
    """With ``--json``; tests of bad input stop a film that a person watches, by either signal."""
    process = start(tmp_path, portrait)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 130
    assert len(errors.strip().splitlines()) <= 2 and "Traceback" not in errors
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_killing_leaves_a_hidden_file_that_the_next_run_removes(tmp_path: Path, portrait: str) -> None:
    process = start(tmp_path, portrait)
    process.kill()
    process.communicate(timeout=20)
    assert all(p.name.startswith(".") for p in tmp_path.iterdir())
    words = ["make", "-p", portrait, "-t", "Hi.", "-s", "128", "--captions", "none", "-o", str(tmp_path / "b.mp4")]
    assert main(words) == 0
    assert [p.name for p in tmp_path.iterdir()] == ["b.mp4"]


def start(folder: Path, portrait: str) -> subprocess.Popen[str]:
    """A long film that has begun to be written."""
    words = [
        "make",
        "-p",
        portrait,
        "-t",
        "This goes on and on. " * 400,
        "-s",
        "256",
        "-o",
        str(folder / "a.mp4"),
        "--json",
    ]
    process = subprocess.Popen(
        [sys.executable, "-m", "mien", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    for line in process.stdout:
        if '"progress"' in line:
            break
    assert any(p.name.startswith(".") for p in folder.iterdir())
    time.sleep(0.2)
    return process
