"""The texture box stays in the picture, keeps the head in, and never enlarges."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.errors import UsageError
from mien.portrait.crop import CROPS, MAX_EYE_DISTANCE, MAX_SIDE, crop_box, cut_texture
from mien.portrait.find.faces import Face
from mien.portrait.find.features import eye_distance
from mien.portrait.image import Picture
from mien.types import ByteArray


def picture_of(image: ByteArray) -> Picture:
    return Picture(image, None, "", "", image.shape[1], image.shape[0])


@settings(max_examples=60, deadline=None)
@given(
    width=st.integers(64, 9000),
    height=st.integers(64, 9000),
    x=st.floats(0, 1),
    y=st.floats(0, 1),
    size=st.floats(0.02, 0.5),
    crop=st.sampled_from(CROPS),
)
def test_box_lies_inside_and_holds_the_face(
    astronaut_face: Face, width: int, height: int, x: float, y: float, size: float, crop: str
) -> None:
    face = astronaut_face.points - astronaut_face.points[:468].mean(0)
    face = face / np.ptp(face[:, :2]) * size * min(width, height)
    points = face + np.array([x * width, y * height, 0])
    left, top, w, h = crop_box(points, width, height, crop)
    assert left >= 0 and top >= 0 and w >= 1 and h >= 1 and left + w <= width and top + h <= height
    seen = points[(points[:, 0] >= 0) & (points[:, 0] < width) & (points[:, 1] >= 0) & (points[:, 1] < height)]
    if len(seen):
        assert (seen[:, 0] >= left - 1).all() and (seen[:, 0] <= left + w).all()
        assert (seen[:, 1] >= top - 1).all() and (seen[:, 1] <= top + h).all()


def test_crops_from_narrow_to_wide(astronaut: ByteArray, astronaut_face: Face) -> None:
    areas = []
    for crop in ("head", "bust", "auto", "none"):
        texture = cut_texture(picture_of(astronaut), astronaut_face.points, crop)
        areas.append(texture.rgb.shape[0] * texture.rgb.shape[1])
        assert texture.rgb.shape[:2] == (texture.box[3], texture.box[2])
        x, y = texture.box[:2]
        assert np.allclose(texture.points[:, :2] + [x, y], astronaut_face.points[:, :2])
    assert areas == sorted(areas) and areas[0] < areas[-1]


def test_large_pictures_shrink_and_small_ones_stay(astronaut: ByteArray, astronaut_face: Face) -> None:
    factor = 12
    large = np.repeat(np.repeat(astronaut, factor, 0), factor, 1)
    points = astronaut_face.points * [factor, factor, factor] + [(factor - 1) / 2, (factor - 1) / 2, 0]
    for crop in CROPS:
        texture = cut_texture(picture_of(large), points, crop)
        assert max(texture.rgb.shape) <= MAX_SIDE
        assert eye_distance(texture.points) <= MAX_EYE_DISTANCE * 1.01
        x, y, w, _ = texture.box
        scale = texture.rgb.shape[1] / w
        back = (texture.points[:, :2] + 0.5) / scale - 0.5 + [x, y]
        assert np.abs(back - points[:, :2]).max() < 1.5 / scale
    assert cut_texture(picture_of(astronaut), astronaut_face.points, "none").rgb.shape == astronaut.shape


def test_alpha_is_cut_along(astronaut: ByteArray, astronaut_face: Face) -> None:
    matte = np.linspace(0, 1, 512 * 512, dtype=np.float32).reshape(512, 512)
    texture = cut_texture(Picture(astronaut, matte, "", "", 512, 512), astronaut_face.points, "head")
    x, y, w, h = texture.box
    assert texture.matte is not None and np.array_equal(texture.matte, matte[y : y + h, x : x + w])


def test_unknown_crop(astronaut_face: Face) -> None:
    with pytest.raises(UsageError, match="half"):
        crop_box(astronaut_face.points, 512, 512, "half")
