"""``mien motion``: files for others, what it says and how it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mien.apps.cli import main
from mien.transmit.motion_reader import read_motion


def test_a_motion_file_and_its_event(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, sound = tmp_path / "a.csv", tmp_path / "a.wav"
    words = ["motion", "--text", "Hi there.", "-l", "en", "--fps", "29.97", "--sound", str(sound), "-o", str(out)]
    assert main([*words, "--json"]) == 0
    event = [json.loads(line) for line in capsys.readouterr().out.splitlines()][-1]
    assert (event["event"], event["path"], event["sound"]) == ("motion", str(out), str(sound))
    assert event["fps"] == "30000/1001"
    assert event["rows"] == len(read_motion(out))
    assert event["rows"] / 29.97 == pytest.approx(event["seconds"], abs=0.04)
    assert main(["motion", str(sound), "-o", str(tmp_path / "b.vmd")]) == 0
    assert main(["motion", str(out), "-o", str(tmp_path / "c.glb")]) == 0
    printed = capsys.readouterr().out
    assert "b.vmd" in printed and "30 a second" in printed
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.csv", "a.wav", "b.vmd", "c.glb"]


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["-t", "hi"], 2, "Where should the motion go?"),
        (["-o", "a.csv"], 2, "What should move the face?"),
        (["-t", "hi", "-o", "a.fbx"], 2, ".csv, .json, .vmd or .glb"),
        (["-t", "hi", "-o", "a.vmd", "--fps", "24"], 2, "30 frames"),
        (["-t", "hi", "-o", "a.csv", "--fps", "0"], 2, "frames a second"),
        (["-t", "hi", "-o", "a.csv", "--denoise", "on"], 2, "--denoise"),
        (["-t", "hi", "--text-file", "b.txt", "-o", "a.csv"], 2, "More than one text"),
        (["absent.wav", "-o", "a.csv"], 3, "absent.wav"),
        (["absent.csv", "-o", "a.glb"], 3, "absent.csv"),
        (["--from-video", "absent.mp4", "-o", "a.glb"], 3, "absent.mp4"),
        (["-t", "hi", "-o", "no/such/a.csv"], 5, "no folder"),
    ],
)
def test_refusals(
    words: list[str],
    status: int,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["motion", *words]) == status
    assert said in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
