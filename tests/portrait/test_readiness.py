"""The report says what is wrong with a portrait, in two languages, and refuses what cannot work."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from mien.errors import PortraitRefused
from mien.portrait.find.faces import Face, choose_face
from mien.portrait.find.features import LOWER_INNER_LIP, UPPER_INNER_LIP, eye_centres, eye_distance
from mien.portrait.image import load_picture
from mien.portrait.readiness import assess, rows, sharpness
from mien.types import ByteArray


def grades(image: ByteArray, points: Any, scale: float = 1.0) -> dict[str, str]:
    return {check.key: check.grade for check in assess(image, points, source_scale=scale).checks}


def test_the_astronaut(astronaut: ByteArray, astronaut_face: Face) -> None:
    report = assess(astronaut, astronaut_face.points)
    assert report.lips == "teeth" and not report.glasses and not report.occluded
    assert report.grade == "warn"  # teeth, and a face of 107 pixels
    report.refuse_if_unfit()
    assert report.face_size == pytest.approx(107, abs=8)


def test_size_is_that_of_the_source(astronaut: ByteArray, astronaut_face: Face) -> None:
    assert assess(astronaut, astronaut_face.points, source_scale=0.5).face_size == pytest.approx(214, abs=16)
    with pytest.raises(PortraitRefused, match="too small") as caught:
        assess(astronaut, astronaut_face.points, source_scale=2.0).refuse_if_unfit()
    assert caught.value.code == "portrait.size" and caught.value.hint


def test_profiles_are_refused(astronaut: ByteArray, astronaut_face: Face) -> None:
    spin, points = np.radians(60), astronaut_face.points
    turn = np.array([[np.cos(spin), 0, -np.sin(spin)], [0, 1, 0], [np.sin(spin), 0, np.cos(spin)]])
    middle = points[:468].mean(0)
    with pytest.raises(PortraitRefused, match="from the side"):
        assess(astronaut, (points - middle) @ turn.T + middle).refuse_if_unfit()


def test_blur_is_seen(astronaut: ByteArray, astronaut_face: Face) -> None:
    levels = [
        sharpness(np.asarray(cv2.GaussianBlur(astronaut, (0, 0), s)), astronaut_face.points) for s in (0.4, 1.5, 3)
    ]
    assert levels[0] > levels[1] > levels[2]
    soft = np.asarray(cv2.GaussianBlur(astronaut, (0, 0), 3), np.uint8)
    assert grades(soft, astronaut_face.points)["sharpness"] == "warn"
    assert grades(astronaut, astronaut_face.points)["sharpness"] == "ok"


def test_light_is_judged(astronaut: ByteArray, astronaut_face: Face) -> None:
    points = astronaut_face.points
    assert grades((astronaut * 0.15).astype(np.uint8), points)["exposure"] == "warn"
    burnt = np.clip(astronaut.astype(int) * 2 + 60, 0, 255).astype(np.uint8)
    assert grades(burnt, points)["exposure"] == "warn"
    flat = (astronaut * 0.1 + 120).astype(np.uint8)
    assert grades(flat, points)["contrast"] == "warn"
    shade = np.where(np.arange(512) < points[168, 0], 0.25, 1.0)
    half = (astronaut * shade[None, :, None]).astype(np.uint8)
    report = assess(half, points)
    assert {c.key: c.grade for c in report.checks}["side_light"] == "warn"
    assert float(next(c.value for c in report.checks if c.key == "side_light")) > 0  # brighter on the viewer's right


def test_lips(astronaut: ByteArray, astronaut_face: Face) -> None:
    points = astronaut_face.points
    mouth = np.vstack([points[list(UPPER_INNER_LIP), :2], points[list(LOWER_INNER_LIP), :2][::-1]])
    dark = astronaut.copy()
    cv2.fillPoly(dark, [np.rint(mouth).astype(np.int32)], (50, 15, 15))
    assert assess(dark, points).lips == "parted"
    closed = points.copy()
    closed[list(LOWER_INNER_LIP)] = closed[list(UPPER_INNER_LIP)]
    assert assess(astronaut, closed).lips == "closed"


def test_drawn_glasses_are_suspected(astronaut: ByteArray, astronaut_face: Face) -> None:
    points, unit = astronaut_face.points, eye_distance(astronaut_face.points)
    worn = astronaut.copy()
    eyes = [tuple(int(v) for v in eye[:2].round()) for eye in eye_centres(points)]
    for eye in eyes:
        cv2.circle(worn, eye, round(0.38 * unit), (20, 20, 20), 2, cv2.LINE_AA)
    cv2.line(
        worn,
        (eyes[0][0] + round(0.38 * unit), eyes[0][1]),
        (eyes[1][0] - round(0.38 * unit), eyes[1][1]),
        (20, 20, 20),
        2,
    )
    assert assess(worn, points).glasses


def test_a_microphone_before_the_cheek_is_suspected(astronaut: ByteArray, astronaut_face: Face) -> None:
    points, unit = astronaut_face.points, eye_distance(astronaut_face.points)
    covered = astronaut.copy()
    cheek = points[[288, 397, 411], :2].mean(0)
    cv2.circle(covered, (int(cheek[0]), int(cheek[1])), round(0.75 * unit), (25, 25, 30), -1)
    assert assess(covered, points).occluded


def test_words_in_both_languages(astronaut: ByteArray, astronaut_face: Face) -> None:
    report = assess((astronaut * 0.15).astype(np.uint8), astronaut_face.points).as_dict()
    english, chinese = rows(report, "en"), rows(report, "zh-CN")
    assert len(english) == len(chinese) == 11
    for (label, _, grade, text), (label_zh, _, _, text_zh) in zip(english, chinese, strict=True):
        assert bool(text) == bool(text_zh) == (grade != "ok"), label
        assert not re.search(r"[\u4e00-\u9fff]", label + text) and re.search(r"[\u4e00-\u9fff]", label_zh)


def test_rows_of_strange_reports_do_not_fail() -> None:
    assert rows({}) == [] and rows({"checks": 3}) == [] and rows({"checks": {"a": 1, "b": {"value": 1}}}) == []
    assert rows({"checks": {"new": {"value": "x", "grade": "warn"}}}) == [("new", "x", "warn", "")]


GLASSES = "still-man-glasses-smile-teeth-1080p.jpg"


def test_real_portraits(portraits: Path) -> None:
    for file in sorted(portraits.iterdir()):
        picture = load_picture(file)
        report = assess(picture.rgb, choose_face(picture.rgb).points)
        assert report.glasses == (file.name == GLASSES), file.name
        assert report.grade != "refuse" and not report.occluded, file.name
        assert (report.lips == "teeth") == ("teeth" in file.name or file.name.startswith(("woman", "still"))), file.name
