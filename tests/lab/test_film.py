"""A real film through ``mien eval film``: measured, and wrong when something is made wrong."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.root.films import grey, with_cover_first, written

import mien
from mien import models
from mien.apps import cli
from mien.errors import InputError
from mien.lab.evaluate.decode import film_facts, pictures
from mien.lab.evaluate.film import Evidence, judge
from mien.lab.evaluate.measure import Measure
from mien.portrait.build import cached_avatar
from mien.transmit.motion_reader import read_motion
from mien.transmit.trace import read_trace
from mien.types import FaceClip

TEXT = "My big brown puppy plays by the pump. Please bring my map, Bob. We may be back before the bus comes by."


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("film")
    made = mien.make(models.path("astronaut"), TEXT, language="en", size="384", fps=25, encoder="software")
    made.save(folder / "film.mp4", captions="none", motion=folder / "motion.json", trace=folder / "trace.json")
    return folder


@pytest.fixture(scope="module")
def evidence(film: Path) -> Evidence:
    return Evidence(
        film / "film.mp4",
        read_motion(film / "motion.json"),
        read_trace(film / "trace.json"),
        cached_avatar(models.path("astronaut")),
    )


def named(measures: list[Measure]) -> dict[str, Measure]:
    return {measure.name: measure for measure in measures}


def test_the_command_measures_everything(film: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["eval", "film", str(film / "film.mp4"), "--motion", str(film / "motion.json")]
    arguments += ["--trace", str(film / "trace.json"), "-p", str(models.path("astronaut")), "--json", "--strict"]
    status = cli.main(arguments)
    event = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert event["event"] == "measures"
    rows = {row["name"]: row for row in event["rows"]}
    missed = {name: row for name, row in rows.items() if row["good"] is False}
    assert not missed
    assert status == 0
    assert abs(rows["sync.lips.start"]["value"]) <= 20
    assert abs(rows["sync.sound.start"]["value"]) <= 5
    assert rows["lips.closures.24fps"]["value"] >= 98
    assert rows["lips.closures.25fps"]["value"] >= 98


def test_motion_that_comes_late_is_found(evidence: Evidence) -> None:
    """The film is early against a motion whose clock says 80 ms later."""
    motion = evidence.motion
    assert motion is not None
    early = FaceClip(motion.start + 3840, motion.shapes, motion.head, motion.rate)
    found = named(judge(Evidence(evidence.path, early, evidence.trace, evidence.avatar)))["sync.lips.start"]
    assert found.value == pytest.approx(-80, abs=15)
    assert found.good is False


def test_lips_that_do_not_close_are_found(evidence: Evidence) -> None:
    motion = evidence.motion
    assert motion is not None
    open_jaw = motion.shapes.copy()
    open_jaw[:, 17] = np.maximum(open_jaw[:, 17], 0.3)
    open_jaw[:, 18] = 0
    measures = named(
        judge(Evidence(evidence.path, FaceClip(0, open_jaw, motion.head, motion.rate), evidence.trace, evidence.avatar))
    )
    assert measures["lips.closures.25fps"].good is False
    assert measures["lips.opening_in_silence"].good is False


def test_what_is_not_given_is_not_claimed(evidence: Evidence) -> None:
    names = named(judge(Evidence(evidence.path)))
    assert {name.split(".")[0] for name in names} == {"length", "sound", "smooth"}
    assert "smooth.flicker" not in names


def test_motion_of_another_film_is_refused(evidence: Evidence) -> None:
    motion = evidence.motion
    assert motion is not None
    short: dict[str, Any] = {"shapes": motion.shapes[:50], "head": motion.head[:50]}
    with pytest.raises(InputError, match="lasts"):
        judge(Evidence(evidence.path, FaceClip(0, **short, rate=Fraction(50)), None, evidence.avatar))


def test_a_cover_is_not_measured(tmp_path: Path) -> None:
    path = with_cover_first(written(tmp_path / "a.mp4", [grey(level) for level in range(40, 240, 20)]), grey(250))
    assert film_facts(path, np.zeros(0, np.float32)).frames == 10
    shown = [int(pixels[24, 32, 0]) for _, pixels in pictures(path)]
    assert shown == pytest.approx(range(40, 240, 20), abs=4)


def test_a_still_picture_is_no_film(tmp_path: Path) -> None:
    from PIL import Image

    Image.new("RGB", (64, 64)).save(tmp_path / "a.jpg")
    with pytest.raises(InputError, match="too few pictures"):
        judge(Evidence(path=tmp_path / "a.jpg"))
