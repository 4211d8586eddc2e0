"""``mien eval lips``, ``closures`` and ``align`` as a person or a program calls them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from mien.apps import cli
from mien.errors import InputError, UsageError
from mien.lab.evaluate import align, lips_noise, lips_video
from mien.lab.evaluate.lips_video import Followed, Result
from mien.lab.evaluate.measure import Measure, at_least

RESULT = Result(
    ("a", "b"),
    {
        "listen": {
            "aperture": Followed(np.array([0.5, 0.3]), np.array([0.55, 0.35]), np.array([0.6, 0.4]), 20),
            "width": Followed(np.array([0.2, 0.2]), np.array([0.25, 0.25]), np.array([0.3, 0.3]), -40),
        },
        "loudness flap": {"aperture": Followed(np.zeros(2), np.full(2, 0.1), np.full(2, 0.2), 0)},
    },
    ("c.mp4 is left out: it has no sound.",),
)


def test_scores_are_shown_film_by_film_and_over_all(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(lips_video, "run", lambda *_, **__: RESULT)
    out = tmp_path / "lips.json"
    assert cli.main(["eval", "lips", "--videos", str(tmp_path), "-o", str(out)]) == 0
    said = capsys.readouterr()
    assert "0.450" in said.out  # mean aperture at one lag
    assert "+20 and -40 ms" in said.out
    flap = next(line for line in said.out.splitlines() if line.startswith("loudness flap  a"))
    assert flap.split()[-3:] == ["-", "-", "-"]
    assert "No previous model" in said.err
    written = json.loads(out.read_text("utf-8"))
    assert written["ways"]["listen"]["aperture"]["one_lag"] == 0.45
    assert written["ways"]["listen"]["width"]["lag_ms"] == -40
    assert written["notes"] == ["c.mp4 is left out: it has no sound."]


def test_programs_get_an_event(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(lips_video, "run", lambda *_, **__: RESULT)
    assert cli.main(["--json", "eval", "lips", "--videos", str(tmp_path)]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    last = events[-1]
    assert last["event"] == "lips"
    assert last["films"] == ["a", "b"]
    assert set(last["ways"]["loudness flap"]) == {"aperture"}


def test_which_ways_are_compared(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    compared: list[list[str]] = []

    def run(_: Path, ways: dict[str, object], **__: object) -> Result:
        compared.append(list(ways))
        return RESULT

    monkeypatch.setattr(lips_video, "run", run)
    mine = tmp_path / "mine.onnx"
    mine.touch()
    common = ["eval", "lips", "--videos", str(tmp_path)]
    assert cli.main(common) == 0
    assert cli.main([*common, "--model", str(mine), "--previous", str(mine)]) == 0
    assert compared == [
        ["listen", "listen live, 60 ms", "listen live, 0 ms", "phones heard", "loudness flap"],
        ["mine.onnx", "previous model", "phones heard", "loudness flap"],
    ]


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["lips", "--videos", "nowhere"], InputError.exit_status),
        (["lips", "--videos", ".", "--model", "nowhere.onnx"], InputError.exit_status),
        (["lips", "--videos", ".", "--driver", "phones", "--model", __file__], UsageError.exit_status),
        (["closures", "--crowd", "nowhere"], InputError.exit_status),
        (["closures", "--ambience", "nowhere.wav"], InputError.exit_status),
        (["align", "nowhere"], InputError.exit_status),
        (["mimic", "nowhere"], InputError.exit_status),
    ],
)
def test_what_is_not_there_is_said(words: list[str], status: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["eval", *words]) == status
    assert capsys.readouterr().err.startswith("mien: ")


@pytest.mark.parametrize(("module", "words"), [(lips_noise, ["closures"]), (align, ["align", "."])])
@pytest.mark.parametrize(("value", "status"), [(0.8, 0), (0.7, 1)])
def test_strict_ends_with_a_status_when_a_bound_is_missed(
    module: object, words: list[str], value: float, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    measures = [at_least("lips.10dB.closed", value, 0.75, ""), Measure("other", 1.0, "")]
    monkeypatch.setattr(module, "run", lambda *_, **__: measures)
    assert cli.main(["eval", *words, "--strict"]) == status
    assert cli.main(["eval", *words]) == 0
