"""What a file name asks for; numbered pictures; previews."""

from __future__ import annotations

import hashlib
import wave
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.transmit.films import patches, write

from mien.errors import MienError, OutputError, UsageError
from mien.transmit.open import open_sink, parse_output
from mien.types import AudioChunk, VideoFrame

FPS = Fraction(25)
SIZE = (96, 64)


def make(target: str, count: int = 8, alpha: bool = False, fps: Fraction = FPS) -> None:
    sink = open_sink(parse_output(target), *SIZE, fps, preset="balanced", encoder="software", alpha=alpha)
    write(sink, count, fps, patches(*SIZE, alpha))


@pytest.mark.parametrize(
    "name, kind, alpha, sound, preview",
    [
        ("a.mp4", ".mp4", False, True, False), ("A.MP4", ".mp4", False, True, False),
        ("a.m4v", ".m4v", False, True, False), ("a.mov", ".mov", True, True, False),
        ("a.webm", ".webm", True, True, False), ("a.gif", ".gif", True, False, True),
        ("a.webp", ".webp", True, False, True), ("a_%05d.png", ".png", True, True, False),
        ("new/", ".png", True, True, False),
    ],
)  # fmt: skip
def test_endings(tmp_path: Path, name: str, kind: str, alpha: bool, sound: bool, preview: bool) -> None:
    output = parse_output(f"{tmp_path}/{name}")
    output.check()
    assert (output.kind, output.alpha, output.sound, output.preview) == (kind, alpha, sound, preview)


@pytest.mark.parametrize("name", ["a.avi", "film", "a.mp4.txt", "", "  ", "a\0.mp4", "a.png", "a_%05d_%d.png"])
def test_unknown_endings_are_refused_with_the_known_ones(tmp_path: Path, name: str) -> None:
    with pytest.raises(MienError) as caught:
        parse_output(f"{tmp_path}/{name}" if name.strip() else name)
    assert caught.value.exit_status in (2, 5) and caught.value.hint


def test_hardware_names_are_for_h264(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="makes H"):
        parse_output(tmp_path / "a.webm").check("balanced", "h264_nvenc")
    with pytest.raises(UsageError, match="not an encoder"):
        parse_output(tmp_path / "a.mp4").check("balanced", "frob")


def test_a_film_that_cannot_fit_is_refused(tmp_path: Path) -> None:
    parse_output(tmp_path / "a.mp4").check_room(512, 512, FPS, 60)
    with pytest.raises(OutputError, match="needs about"):
        parse_output(tmp_path / "a.mov").check_room(4096, 4096, Fraction(60), 1e7)


def check_pictures(folder: Path, names: list[str], sound: str, frames: int, alpha: bool) -> None:
    assert sorted(p.name for p in folder.iterdir()) == sorted([*names, sound])
    with Image.open(folder / names[3]) as picture:
        pixels = np.asarray(picture)
    wanted = patches(*SIZE, alpha)
    np.testing.assert_array_equal(pixels[:56], wanted[:56])
    with wave.open(str(folder / sound)) as heard:
        assert (heard.getnchannels(), heard.getframerate(), heard.getnframes()) == (2, 48_000, frames * 1920)


@pytest.mark.parametrize("alpha", [False, True])
def test_a_folder_of_pictures(tmp_path: Path, alpha: bool) -> None:
    for count in (8, 5):  # the second run replaces the first
        make(f"{tmp_path}/shots/", count, alpha)
        names = [f"frame_{k:05}.png" for k in range(1, count + 1)]
        check_pictures(tmp_path / "shots", names, "sound.wav", count, alpha)
    assert [p.name for p in tmp_path.iterdir()] == ["shots"]


def test_numbered_pictures_in_a_folder_with_other_things(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    for count in (8, 5):
        make(f"{tmp_path}/s_%03d.png", count)
    (tmp_path / "notes.txt").unlink()
    check_pictures(tmp_path, [f"s_{k:03}.png" for k in range(1, 6)], "s.wav", 5, False)


def test_a_folder_with_other_things_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "holiday.jpg").touch()
    with pytest.raises(OutputError, match="holiday"):
        parse_output(f"{tmp_path}/").check()
    assert (tmp_path / "holiday.jpg").exists()


@pytest.mark.parametrize("name", ["a.gif", "a.webp"])
@pytest.mark.parametrize("alpha", [False, True])
def test_previews_move_forever_and_repeat(tmp_path: Path, name: str, alpha: bool) -> None:
    hashes = set()
    for _ in range(2):
        make(f"{tmp_path}/{name}", 10, alpha, Fraction(25, 2))
        hashes.add(hashlib.sha256((tmp_path / name).read_bytes()).hexdigest())
    assert len(hashes) == 1 and [p.name for p in tmp_path.iterdir()] == [name]
    with Image.open(tmp_path / name) as picture:
        assert (picture.n_frames, picture.size, picture.info["loop"]) == (10, SIZE, 0)  # type: ignore[attr-defined]
        picture.seek(5)
        assert picture.info.get("duration", 80) == 80
        got = np.asarray(picture.convert("RGBA")).astype(int)
    wanted = patches(*SIZE, True).astype(int)
    for x in (24,) if alpha else (24, 72):
        for y in (24, 48):
            assert np.abs(got[y, x, :3] - wanted[y, x, :3]).max() <= 12
            assert got[y, x, 3] == 255
    assert (got[3, 90, 3] == 0) == alpha


def test_aborting_leaves_nothing(tmp_path: Path) -> None:
    for name in ("a.mp4", "a.webm", "a.gif", "a.webp", "p_%05d.png", "shots/"):
        sink = open_sink(parse_output(f"{tmp_path}/{name}"), *SIZE, FPS, preset="fast", encoder="software")
        sink.video(VideoFrame(0, patches(*SIZE)))
        sink.audio(AudioChunk(0, np.zeros(1920, np.float32)))
        sink.abort()
        sink.abort()
        assert list(tmp_path.iterdir()) == []
