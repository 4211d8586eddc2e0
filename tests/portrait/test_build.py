"""The whole way from a picture file to an avatar, with every real part."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from tests.portrait.kit import drawn_cat, encoded, same_avatar

from mien.avatar import Avatar, Consent
from mien.errors import InputError, PortraitRefused, UsageError
from mien.portrait import build
from mien.portrait.base import FaceGeometry, Rig
from mien.portrait.build import cached_avatar, create_avatar
from mien.portrait.store import bundle
from mien.types import ByteArray


@pytest.fixture(scope="module")
def avatar(astronaut_file: Path) -> Avatar:
    consent = Consent("NASA", "2026-01-01", "anything")
    return create_avatar(astronaut_file, name="astronaut", licence="public domain", consent=consent)


def test_avatar_of_the_astronaut(avatar: Avatar, astronaut_file: Path, tmp_path: Path) -> None:
    m = avatar.manifest
    assert (m.name, m.licence, m.consent.by) == ("astronaut", "public domain", "NASA")
    assert (m.source.width, m.source.height, m.source.filename) == (512, 512, astronaut_file.name)
    x, y, w, h = m.source.box
    assert avatar.size == (w, h) and x + w <= 512 and y + h <= 512
    assert 40 < m.head.eye_distance < 46 and m.readiness["grade"] == "warn" and m.generator.startswith("mien ")
    bundle.save(avatar, tmp_path / "a")
    loaded = bundle.load(tmp_path / "a")
    assert same_avatar(loaded, avatar)
    assert loaded.manifest.readiness == m.readiness and loaded.manifest.limits == dict(m.limits)


def test_texture_is_the_picture_itself(avatar: Avatar, astronaut: ByteArray) -> None:
    x, y, w, h = avatar.manifest.source.box
    assert np.array_equal(avatar.textures["color"], astronaut[y : y + h, x : x + w])


def test_alpha_of_the_file_is_the_matte(astronaut: ByteArray, monkeypatch: pytest.MonkeyPatch) -> None:
    alpha = np.zeros((512, 512), np.uint8)
    cv2.circle(alpha, (224, 140), 130, 255, -1)
    seen: list[FaceGeometry] = []

    def rig_of(image: ByteArray, face: FaceGeometry) -> Rig:
        seen.append(face)
        raise InputError("seen enough")

    monkeypatch.setattr("mien.portrait.rig.build.build_rig", rig_of)
    with pytest.raises(InputError, match="seen enough"):
        create_avatar(encoded(np.dstack([astronaut, alpha]), "PNG"), crop="none")
    assert np.array_equal(np.rint(seen[0].matte * 255), alpha)


def test_second_time_comes_from_the_cache(
    astronaut_file: Path, avatar: Avatar, homes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[object] = []
    told: list[str] = []

    def make(*_: object, **options: object) -> Avatar:
        made.append(options)
        return avatar

    monkeypatch.setattr(build, "create_avatar", make)
    cached_avatar(astronaut_file, crop="head", tell=told.append)
    assert len(made) == len(told) == 1 and astronaut_file.name in told[0]
    copy = homes / "other-name.png"
    copy.write_bytes(astronaut_file.read_bytes())
    again = cached_avatar(copy, crop="head", tell=told.append)
    assert len(made) == len(told) == 1 and same_avatar(again, first_named(avatar, copy.name))
    cached_avatar(astronaut_file, crop="bust")
    assert len(made) == 2


def first_named(avatar: Avatar, filename: str) -> Avatar:
    source = replace(avatar.manifest.source, filename=filename)
    return Avatar(replace(avatar.manifest, source=source), avatar.arrays, avatar.textures)


def test_what_cannot_work_is_refused(astronaut: ByteArray, tmp_path: Path) -> None:
    tiny = np.asarray(cv2.resize(astronaut, (250, 250), interpolation=cv2.INTER_AREA), np.uint8)
    cases = {
        "face is too small": encoded(tiny, "PNG"),
        "not a human": encoded(drawn_cat(), "PNG"),
        "No face": encoded(np.full((300, 300, 3), 99, np.uint8), "PNG"),
    }
    for words, data in cases.items():
        with pytest.raises(PortraitRefused, match=words) as caught:
            create_avatar(data)
        assert caught.value.exit_status == 3 and caught.value.hint
    with pytest.raises(InputError, match="folder"):
        create_avatar(tmp_path)


@pytest.mark.parametrize(
    ("options", "fault"),
    [({"crop": "half"}, UsageError), ({"face": -1}, UsageError), ({"name": "../x"}, UsageError)],
)
def test_wrong_options_are_refused_before_any_work(
    options: dict[str, object], fault: type[Exception], tmp_path: Path
) -> None:
    with pytest.raises(fault):
        create_avatar(tmp_path / "none.png", **options)  # type: ignore[arg-type]


def test_faces_in_profile_are_refused_and_the_frontal_one_is_not(portraits: Path) -> None:
    file = portraits / "three-faces-profile-large.jpg"
    for number in (1, 2):
        with pytest.raises(PortraitRefused, match="from the side"):
            create_avatar(file, face=number)
    with pytest.raises(PortraitRefused, match="only 3 faces"):
        create_avatar(file, face=3)


def test_twelve_megapixels_in_time(portraits: Path) -> None:
    """Everything but the rig takes well under a second of the four that creation may take (measured idle: 0.8 s)."""
    from mien.portrait.crop import cut_texture
    from mien.portrait.find.faces import choose_face
    from mien.portrait.find.segment import portrait_matte
    from mien.portrait.image import load_picture

    still = load_picture(portraits / "still-man-dark-skin-beard-1080p.jpg").rgb[:, 240:1680]
    large = np.asarray(cv2.resize(still, (4000, 3000), interpolation=cv2.INTER_CUBIC), np.uint8)
    data = encoded(large, "JPEG", quality=95)
    begin = time.process_time()
    picture = load_picture(data)
    texture = cut_texture(picture, choose_face(picture.rgb).points)
    portrait_matte(texture.rgb, texture.points, texture.matte)
    assert time.process_time() - begin < 4
    assert max(texture.rgb.shape) <= 2048
