"""Pictures that are none, or that no avatar can be made of."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw
from tests.bad_input import files
from tests.bad_input.conftest import MEDIA

Refused = Callable[[list[str], int, str], str]


def make(picture: Path, out: Path, *more: str) -> list[str]:
    return ["make", "-p", str(picture), "-t", "Hello.", "-o", str(out / "film.mp4"), "--size", "64", *more]


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "AVIF"])
@pytest.mark.parametrize("damage", [files.truncated, files.lying])
def test_damaged_pictures(
    format: str, damage: Callable[[str], bytes], out: Path, tmp_path: Path, refused: Refused
) -> None:
    file = tmp_path / f"picture.{format.lower()}"
    file.write_bytes(damage(format))
    refused(make(file, out), 3, "")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        pytest.param("empty.jpg", b"", "empty", id="0 bytes"),
        pytest.param("text.jpg", b"This is no picture.\n" * 40, "", id="text"),
        pytest.param("film.png", b"\x00\x00\x00\x18ftypisom" + bytes(400), "video", id="video"),
        pytest.param("scan.jpg", b"%PDF-1.7" + bytes(400), "PDF", id="PDF"),
        pytest.param("zeros.png", bytes(4096), "", id="zeros"),
    ],
)
def test_files_that_are_no_pictures(
    name: str, content: bytes, words: str, out: Path, tmp_path: Path, refused: Refused
) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    refused(make(file, out), 3, words)


def test_bomb(out: Path, tmp_path: Path, refused: Refused) -> None:
    file = tmp_path / "bomb.png"
    file.write_bytes(files.bomb())
    assert file.stat().st_size < 1_000_000
    refused(make(file, out), 3, "too large")


def test_picture_that_is_not_there_or_a_folder(out: Path, tmp_path: Path, refused: Refused) -> None:
    refused(make(tmp_path / "none.jpg", out), 3, "none.jpg")
    refused(make(tmp_path, out), 3, "folder")


def test_no_face(out: Path, tmp_path: Path, refused: Refused) -> None:
    files.picture().save(tmp_path / "waves.png")
    refused(make(tmp_path / "waves.png", out), 3, "face")


def test_too_small_picture(out: Path, tmp_path: Path, refused: Refused) -> None:
    files.picture(20, 20).save(tmp_path / "dot.png")
    refused(make(tmp_path / "dot.png", out), 3, "")


def test_tiny_face(portrait: Path, out: Path, tmp_path: Path, refused: Refused) -> None:
    files.tiny_face(portrait).save(tmp_path / "far.png")
    refused(make(tmp_path / "far.png", out), 3, "face")


def test_animal(out: Path, tmp_path: Path, refused: Refused) -> None:
    """A drawn cat: round head, ears, slit eyes, whiskers."""
    cat = Image.new("RGB", (400, 400), (90, 120, 90))
    draw = ImageDraw.Draw(cat)
    for ear in ([(80, 160), (110, 30), (190, 110)], [(320, 160), (290, 30), (210, 110)]):
        draw.polygon(ear, fill=(150, 110, 70))
    draw.ellipse((70, 80, 330, 350), fill=(160, 120, 80))
    for x in (140, 260):
        draw.ellipse((x - 32, 160, x + 32, 220), fill=(190, 200, 80))
        draw.ellipse((x - 6, 162, x + 6, 218), fill=(10, 10, 10))
    draw.polygon([(185, 245), (215, 245), (200, 262)], fill=(200, 120, 120))
    for dy in (-8, 8):
        draw.line([(120, 262 + dy), (20, 255 + 3 * dy)], fill=(240, 240, 240), width=2)
        draw.line([(280, 262 + dy), (380, 255 + 3 * dy)], fill=(240, 240, 240), width=2)
    cat.save(tmp_path / "cat.png")
    refused(make(tmp_path / "cat.png", out), 3, "face")


def test_profile(out: Path, refused: Refused) -> None:
    file = MEDIA / "portraits" / "three-faces-profile-large.jpg"
    if not file.is_file():
        pytest.skip("needs the test portraits in ../shared/media/portraits, which are not part of the repository")
    refused(make(file, out, "--face", "2"), 3, "")


def test_faces_that_are_not_there(portrait: Path, out: Path, refused: Refused) -> None:
    refused(make(portrait, out, "--face", "7"), 3, "face 7")
    refused(make(portrait, out, "--face", "-1"), 2, "")
    refused(make(portrait, out, "--crop", "feet"), 2, "feet")


def test_noise(out: Path, tmp_path: Path, refused: Refused) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (256, 256, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.png")
    refused(make(tmp_path / "noise.png", out), 3, "face")
