"""``mien mimic``: what it prints and how it refuses."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from tests.engine.driving import film

import mien
from mien import models
from mien.apps.cli import main


@pytest.fixture(scope="session")
def portrait() -> str:
    return str(models.path("astronaut"))


@pytest.fixture(scope="session")
def clip(portrait: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    actor = mien.create_avatar(portrait, crop="head")
    return film(actor, tmp_path_factory.mktemp("driving") / "clip.mp4", frames=15)


def test_a_film_and_its_events(clip: Path, portrait: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "a.mp4"
    assert main(["mimic", "-p", portrait, "-d", str(clip), "-o", str(out), "-s", "64", "--json"]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    tracking, made = events[-2:]
    assert tracking["event"] == "tracking" and tracking["video"] == str(clip)
    assert (tracking["pictures"], tracking["seen"], tracking["gaps"], tracking["taken_up"]) == (15, 15, [], 1)
    assert len(tracking["usual"]) == 3 and tracking["speed"] > 0
    assert made["event"] == "film" and (made["frames"], made["fps"]) == (15, "25")
    assert [p.name for p in tmp_path.iterdir()] == ["a.mp4"]


def test_words_for_people(clip: Path, portrait: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [
        "mimic",
        "--portrait",
        portrait,
        "--driver",
        str(clip),
        "--absolute",
        "--expression",
        "1.5",
        "--size",
        "64",
    ]
    assert main([*words, "--fps", "24", "--no-sound", "-o", str(tmp_path / "a.mp4")]) == 0
    printed = capsys.readouterr().out
    assert "a face in 15 of 15 pictures" in printed and "a.mp4: 0.6 s, 64x64" in printed


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["-o", "a.mp4"], 2, "Which portrait should move?"),
        (["-p", "PORTRAIT", "-o", "a.mp4"], 2, "Whose face should be followed?"),
        (["-p", "PORTRAIT", "-d", "CLIP"], 2, "Where should the film go?"),
        (["-p", "PORTRAIT", "-d", "gone.mp4", "-o", "a.mp4"], 3, "no video 'gone.mp4'"),
        (["-p", "PORTRAIT", "-d", "PORTRAIT", "-o", "a.mp4"], 3, "still picture"),
        (["-p", "PORTRAIT", "-d", "CLIP", "-o", "a.mp4", "--expression", "3"], 2, "outside 0 to 2"),
        (["-p", "PORTRAIT", "-d", "CLIP", "-o", "a.mp4", "--head-motion", "-1"], 2, "outside 0 to 2"),
        (["-p", "PORTRAIT", "-d", "CLIP", "-o", "a.txt"], 2, ".txt"),
    ],
)
def test_what_cannot_be_is_refused(
    words: list[str], status: int, said: str, clip: Path, portrait: str, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    named = [{"PORTRAIT": portrait, "CLIP": str(clip)}.get(word, word) for word in words]
    assert main(["mimic", *named]) == status
    assert said in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("page", ["docs/mimic.md", "docs/zh-CN/mimic.md"])
def test_every_option_is_on_its_page(
    page: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert main(["mimic", "--help"]) == 0
    options = set(re.findall(r"(?<!\S)(--[\w-]+)", capsys.readouterr().out)) - {"--help"}
    assert {"--driver", "--relative", "--absolute", "--no-sound"} <= options
    text = (Path(__file__).parents[2] / page).read_text("utf-8")
    assert {option for option in options if f"`{option}" not in text} == set()
