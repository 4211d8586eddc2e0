"""Mattes: the person, and nothing but; colours without the background's tint."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from mien.portrait.find.faces import Face, choose_face
from mien.portrait.find.segment import decontaminate, person_matte, portrait_matte
from mien.portrait.image import load_picture
from mien.types import ByteArray, FloatArray


@pytest.fixture(scope="module")
def matte(astronaut: ByteArray, astronaut_face: Face) -> FloatArray:
    return person_matte(astronaut, astronaut_face.points)


def test_astronaut_is_in_and_flag_and_shuttle_are_out(astronaut_face: Face, matte: FloatArray) -> None:
    assert matte.shape == (512, 512) and matte.dtype == np.float32
    assert matte.min() >= 0 and matte.max() <= 1
    face = np.zeros((512, 512), np.uint8)
    cv2.fillConvexPoly(face, cv2.convexHull(np.rint(astronaut_face.points[:, :2]).astype(np.int32)), 1)
    assert matte[cv2.erode(face, np.ones((21, 21), np.uint8)) > 0].min() == 1
    assert matte[face > 0].mean() > 0.97
    assert matte[300:420, 180:260].mean() > 0.95  # the suit
    assert matte[:60, :120].mean() < 0.02 and matte[20:250, :60].mean() < 0.05 and matte[20:300, 380:].mean() < 0.05
    soft = ((matte > 0.05) & (matte < 0.95)).mean()
    assert 0.002 < soft < 0.08  # an edge, not a fog


def test_same_picture_same_matte(astronaut: ByteArray, astronaut_face: Face, matte: FloatArray) -> None:
    assert np.array_equal(person_matte(astronaut, astronaut_face.points), matte)


def test_a_pasted_person_comes_back(astronaut: ByteArray, astronaut_face: Face, matte: FloatArray) -> None:
    """Over another background the same person gets nearly the same matte."""
    blue = np.full_like(astronaut, (60, 90, 160))
    over = (astronaut * matte[..., None] + blue * (1 - matte[..., None])).astype(np.uint8)
    again = person_matte(over, astronaut_face.points)
    both = np.minimum(again, matte).sum() / np.maximum(again, matte).sum()
    assert both > 0.96


def test_alpha_of_the_file_wins_where_it_cuts_out(
    astronaut: ByteArray, astronaut_face: Face, matte: FloatArray
) -> None:
    points = astronaut_face.points
    disc = np.zeros((512, 512), np.float32)
    cv2.circle(disc, (224, 130), 120, 1.0, -1)
    assert np.array_equal(portrait_matte(astronaut, points, disc), disc)
    corners = np.ones((512, 512), np.float32)
    corners[:20, :20] = 0
    assert np.array_equal(portrait_matte(astronaut, points, corners), np.minimum(corners, matte))
    hides_the_face = 1 - disc
    assert np.array_equal(portrait_matte(astronaut, points, hides_the_face), matte)
    assert np.array_equal(portrait_matte(astronaut, points, None), matte)


def test_decontaminated_colours_are_the_persons_own() -> None:
    """A red disc with a soft edge on green: its edge must come out red, not brown."""
    y, x = np.mgrid[:200, :200]
    soft = np.clip((70 - np.hypot(x - 100, y - 100)) / 12 + 0.5, 0, 1).astype(np.float32)
    red, green = np.array([200, 30, 40]), np.array([20, 220, 40])
    mixed = np.rint(red * soft[..., None] + green * (1 - soft[..., None])).astype(np.uint8)
    clean = decontaminate(mixed, soft)
    edge = (soft > 0.1) & (soft < 0.9)
    assert clean.dtype == np.uint8 and clean.shape == mixed.shape
    assert np.abs(clean[edge].astype(int) - red).mean() < 6 < np.abs(mixed[edge].astype(int) - red).mean()
    assert np.array_equal(clean[soft == 1], mixed[soft == 1])


def test_all_person_and_no_person_are_harmless(astronaut: ByteArray) -> None:
    assert np.array_equal(decontaminate(astronaut, np.ones((512, 512), np.float32)), astronaut)
    assert decontaminate(astronaut, np.zeros((512, 512), np.float32)).shape == astronaut.shape


def test_real_backgrounds_go(portraits: Path) -> None:
    """Places that are surely background (share of width, share of height), looked up in the pictures."""
    places = {
        "painting-dark-skin-afro.png": ((0.95, 0.75), (0.05, 0.9), (0.97, 0.1)),
        "painting-side-pose-pearl-earring.jpg": ((0.05, 0.8), (0.1, 0.5), (0.95, 0.1)),
        "still-man-dark-skin-beard-1080p.jpg": ((0.05, 0.6), (0.2, 0.6), (0.95, 0.3)),
        "woman-neutral-512.jpg": ((0.05, 0.2), (0.9, 0.2), (0.97, 0.6)),
        "man-mouth-wide-open.jpg": ((0.05, 0.5), (0.95, 0.5), (0.5, 0.005)),
    }
    for name, spots in places.items():
        image = load_picture(portraits / name).rgb
        found = person_matte(image, choose_face(image).points)
        for x, y in spots:
            assert found[int(y * image.shape[0]), int(x * image.shape[1])] < 0.05, (name, x, y)
