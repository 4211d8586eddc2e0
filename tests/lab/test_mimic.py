"""Motion compared with a reference: the numbers say what they should."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mien import models
from mien.errors import InputError, MissingError
from mien.lab.evaluate.mimic import COLUMNS, blinks, compare, matches, overall, run
from mien.lab.evaluate.mimic_reference import Landmarker, Reference
from mien.portrait.image import load_picture
from mien.tracking import Tracked, TrackReport
from mien.types import SHAPE_INDEX, FaceClip

TASK = Path(__file__).parents[3] / "shared" / "weights" / "mediapipe-face_landmarker.task"


def pair(turn: float = 0.0, trembling: float = 0.0) -> tuple[Tracked, Reference]:
    """Four seconds of one motion, ours with the head turned too far and all of it trembling."""
    times = np.arange(200) / 50
    shapes = np.zeros((200, 52), np.float32)
    shapes[:, SHAPE_INDEX["jawOpen"]] = 0.3 + 0.3 * np.sin(3 * times)
    shapes[[60, 61, 62, 140, 141, 142], SHAPE_INDEX["eyeBlinkLeft"]] = 1
    shapes[[60, 61, 62, 140, 141, 142], SHAPE_INDEX["eyeBlinkRight"]] = 1
    head = np.zeros((200, 6))
    head[:, 0] = 0.1 * np.sin(times)
    noise = np.random.default_rng(0).normal(0, trembling, shapes.shape)
    ours = head.copy()
    ours[100:, 1] += turn
    clip = FaceClip(0, (shapes + noise).astype(np.float32), ours.astype(np.float32))
    report = TrackReport(Path("a.mp4"), 4.0, 200, 200, (), 1, (0.0, 0.0, 0.0), 2.0)
    points = np.tile(np.random.default_rng(1).uniform(0, 100, (1, 478, 3)), (200, 1, 1)).astype(np.float32)
    return Tracked(clip, report), Reference(times, shapes * np.float32(0.6), head[:, :3], points)


def test_the_same_motion_agrees() -> None:
    score = compare("a", *pair())
    assert (score.blinks, score.blinks_reference, score.same) == (2, 2, 2)
    assert score.head == pytest.approx((0, 0, 0), abs=1e-3)
    assert score.agreement["jawOpen"] == pytest.approx(1) and np.isnan(score.agreement["pucker"])
    assert (score.speed, score.seen) == (100, 1)
    assert len(score.row()) == len(COLUMNS) and score.row()[COLUMNS.index("r pucker")] is None


def test_errors_and_trembling_show() -> None:
    good, bad = compare("a", *pair()), compare("a", *pair(turn=0.2, trembling=0.05))
    assert bad.head[1] == pytest.approx(np.degrees(0.1), abs=0.2), "half of the film is off by 0.2, about its median"
    assert bad.jitter > 5 * good.jitter and bad.jitter_reference == good.jitter_reference
    assert bad.agreement["jawOpen"] < good.agreement["jawOpen"]
    both = overall([good, bad])
    assert both.blinks_reference == 4 and good.head[1] < both.head[1] < bad.head[1] and both.seconds == 8


def test_blinks_are_stretches_and_each_has_one_partner() -> None:
    times = np.arange(10) / 10
    found = blinks(np.array([0, 0.6, 0.4, 0.9, 0.2, 0, 0, 0, 0.8, 0.8]), times)
    assert found == [(0.1, 0.4), (0.8, 0.9)], "what dips without opening is one; what lasts to the end counts"
    assert matches(found, [(0.3, 0.5), (0.35, 0.6)]) == 1
    assert matches(found, [(0.5, 0.55), (0.0, 0.05)]) == 1
    assert matches(found, []) == 0


def test_a_folder_without_films_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no films"):
        run(tmp_path)


def test_the_reference_must_be_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "cached", lambda name: None)
    with pytest.raises(MissingError, match="face_landmarker"):
        Landmarker()
    wrong = tmp_path / "a.task"
    wrong.write_bytes(b"PK nonsense")
    with pytest.raises(InputError, match="not MediaPipe"):
        Landmarker(wrong)


def test_the_reference_sees_what_a_portrait_shows() -> None:
    if not TASK.is_file():
        pytest.skip("needs ../shared/weights/mediapipe-face_landmarker.task, which is not part of the repository")
    from mien.portrait.find.follow import FaceFollower

    landmarker, picture = Landmarker(TASK), load_picture(models.path("astronaut")).rgb
    points = FaceFollower(landmarker.landmarks).look(picture)
    mirrored = FaceFollower(landmarker.landmarks).look(np.ascontiguousarray(picture[:, ::-1]))
    assert points is not None and mirrored is not None
    shapes = landmarker.shapes(points)
    assert shapes[[SHAPE_INDEX["mouthSmileLeft"], SHAPE_INDEX["mouthSmileRight"]]].min() > 0.5
    assert shapes[[SHAPE_INDEX["eyeBlinkLeft"], SHAPE_INDEX["tongueOut"], SHAPE_INDEX["mouthPucker"]]].max() < 0.3
    angles, other = landmarker.angles(points), landmarker.angles(mirrored)
    assert angles[0] == pytest.approx(-other[0], abs=0.05) and angles[1] == pytest.approx(other[1], abs=0.05)
    assert np.abs(angles).max() < 0.5
