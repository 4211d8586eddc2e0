"""Whole films with the real parts, decoded again."""

from __future__ import annotations

import hashlib
import json
from fractions import Fraction
from itertools import islice, pairwise
from pathlib import Path

import numpy as np
import pytest
from tests.transmit.films import Decoded, decoded, rgb_of

import mien
from mien.audio.loudness import integrated, true_peak
from mien.avatar import Avatar
from mien.errors import InputError, MissingError, UsageError
from mien.timeline import frame_tick

ENGLISH = "[happy]Hello, my dear friends![/happy] My best map is by the pub. [pause 300ms] Bye."
CHINESE = "大家好，欢迎来到今天的节目！我们慢慢说。"


def check_film(film: Decoded, report: mien.FilmReport, size: tuple[int, int]) -> None:
    assert len(film.frames) == report.frames
    assert film.rate == report.fps == 25
    assert abs(len(film.heard) - frame_tick(report.frames, report.fps)) <= 1920, "sound and pictures end together"
    assert (film.frames[0].width, film.frames[0].height) == (report.width, report.height) == size
    assert report.duration == pytest.approx(report.frames / 25)
    heard = film.heard / max(1.0, float(np.abs(film.heard).max()))
    assert integrated(heard, channels=2) == pytest.approx(-16.0, abs=1.0)
    assert true_peak(heard) <= 10 ** (-0.3 / 20)  # the ceiling and what AAC adds


@pytest.mark.parametrize(
    "text, aspect, size",
    [(ENGLISH, "1:1", (256, 256)), (CHINESE, "9:16", (256, 456)), (ENGLISH, "16:9", (456, 256))],
)
def test_a_film(avatar: Avatar, tmp_path: Path, text: str, aspect: str, size: tuple[int, int]) -> None:
    out, motion = tmp_path / "film.mp4", tmp_path / "film.json"
    seen = list[mien.FilmProgress]()
    film = mien.make(avatar, text, size="256", aspect=aspect, encoder="software")
    report = film.save(out, captions="both", motion=motion, observe=seen.append)
    check_film(decoded(out), report, size)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["film.json", "film.mp4", "film.srt", "film.vtt"]
    spoken = (tmp_path / "film.srt").read_text(encoding="utf-8")
    assert "[" not in spoken
    assert "My best map is by the pub." in spoken if text is ENGLISH else "欢迎来到今天的节目！" in spoken
    rows = json.loads(motion.read_text())["frames"]
    assert abs(len(rows) - 2 * report.frames) <= 2
    assert [p.frames for p in seen] == list(range(1, report.frames + 1))
    assert seen[-1].total == report.frames


def test_the_mouth_moves_while_the_background_rests(avatar: Avatar, tmp_path: Path) -> None:
    mien.make(avatar, ENGLISH, size="256", encoder="software").save(tmp_path / "a.mp4")
    pictures = np.stack([rgb_of(f) for f in decoded(tmp_path / "a.mp4").frames]).astype(np.int16)
    change = np.abs(np.diff(pictures, axis=0)).mean(axis=(0, 3))
    head = np.zeros(change.shape, bool)
    head[20:170, 60:200] = True
    assert change[head].mean() > 5 * change[~head].mean()
    assert change[:, :30].mean() < 0.6  # codec noise only


def test_the_same_film_twice_is_the_same_file_and_another_seed_is_another(avatar: Avatar, tmp_path: Path) -> None:
    hashes = []
    for name, seed in (("a", 7), ("b", 7), ("c", 8)):
        path = tmp_path / f"{name}.mp4"
        mien.make(avatar, ENGLISH, size="128", seed=seed, encoder="software").save(path, captions="none")
        hashes.append(hashlib.sha256(path.read_bytes()).hexdigest())
    assert hashes[0] == hashes[1] != hashes[2]


def test_frames_stream_and_equal_those_of_the_next_time(avatar: Avatar) -> None:
    film = mien.make(avatar, ENGLISH, size="128", fps=24)
    first, again = (list(islice(film.frames(), 30)) for _ in range(2))
    assert [f.tick for f, _ in first] == [frame_tick(k, Fraction(24)) for k in range(30)]
    assert all(a.end == b.start for (_, a), (_, b) in pairwise(first))
    for (a, x), (b, y) in zip(first, again, strict=True):
        np.testing.assert_array_equal(a.pixels, b.pixels)
        np.testing.assert_array_equal(x.samples, y.samples)
    assert first[0][0].pixels.shape == (128, 128, 3)


def test_a_person_before_a_colour(avatar: Avatar) -> None:
    ((frame, _),) = islice(mien.make(avatar, "Hi.", size="256", background="#20304f").frames(), 1)
    corner, face = frame.pixels[:20, :20], frame.pixels[80, 128]
    assert np.abs(corner.astype(int) - (0x20, 0x30, 0x4F)).max() <= 3
    assert np.abs(face.astype(int) - (0x20, 0x30, 0x4F)).max() > 60


def test_a_transparent_person(avatar: Avatar) -> None:
    ((frame, _),) = islice(mien.make(avatar, "Hi.", size="256", background="transparent").frames(), 1)
    assert frame.pixels.shape == (256, 256, 4)
    assert frame.pixels[:20, :20, 3].max() <= 8 and frame.pixels[80, 128, 3] == 255


@pytest.mark.parametrize("background", ["source", "blur", "white"])
def test_backgrounds_agree_about_the_person(avatar: Avatar, background: str) -> None:
    ((own, _),) = islice(mien.make(avatar, "Hi.", size="256").frames(), 1)
    ((frame, _),) = islice(mien.make(avatar, "Hi.", size="256", background=background).frames(), 1)
    face = (slice(70, 100), slice(110, 145))
    assert np.abs(frame.pixels[face].astype(int) - own.pixels[face]).mean() < 2


@pytest.mark.parametrize("name", ["a.webm", "a.mov", "a.gif", "a.webp", "a_%05d.png"])
def test_other_containers(avatar: Avatar, tmp_path: Path, name: str) -> None:
    film = mien.make(avatar, "Hi.", size="128", preset="fast", background="transparent")
    report = film.save(tmp_path / name, captions="none")
    assert report.frames == len(list(film.frames())) if name != "a.gif" and name != "a.webp" else report.fps < 25
    assert report.captions == ()


@pytest.mark.parametrize(
    "changes, error, words",
    [
        ({"text": "   "}, InputError, "nothing that can be spoken"),
        ({"text": "[happy]Hello"}, InputError, "never closed"),
        ({"language": "tlh-x"}, MissingError, "tlh-x"),
        ({"voice": "nobody at all"}, MissingError, "nobody"),
        ({"background": "blurple"}, UsageError, "blurple"),
        ({"background": "transparent"}, UsageError, "cannot be transparent"),
        ({"emotion": "hangry"}, UsageError, "hangry"),
        ({"size": "513x512"}, UsageError, "odd"),
        ({"fps": "500"}, UsageError, "500"),
        ({"encoder": "h264_frob"}, UsageError, "h264_frob"),
    ],
)
def test_refusals_leave_nothing(
    avatar: Avatar, tmp_path: Path, changes: dict[str, str], error: type[mien.MienError], words: str
) -> None:
    with pytest.raises(error, match=words):
        mien.make(avatar, **{"text": "Hello.", **changes}).save(tmp_path / "a.mp4")  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_results_never_overwrite_their_sources_or_each_other(avatar: Avatar, tmp_path: Path) -> None:
    picture = tmp_path / "me.mp4"
    picture.write_bytes(b"a picture, whatever its name says")
    with pytest.raises(UsageError, match="its own source"):
        mien.make(picture, "Hello.").save(picture)
    lexicon = tmp_path / "words.toml"
    lexicon.write_text('"Hello" = "hallo"')
    with pytest.raises(UsageError, match="its own source"):
        mien.make(avatar, "Hello.", lexicon=lexicon).save(tmp_path / "a.mp4", trace=lexicon)
    lexicon.unlink()
    with pytest.raises(UsageError, match="motion"):
        mien.make(avatar, "Hello.").save(tmp_path / "a.mp4", motion=tmp_path / "a.txt")
    assert [p.name for p in tmp_path.iterdir()] == ["me.mp4"]


@pytest.mark.parametrize("portrait", ["nobody-of-that-name", "../nobody.jpg", "nobody?", "a\0b", "x" * 5000])
def test_what_is_neither_picture_nor_avatar_is_refused(portrait: str) -> None:
    with pytest.raises(InputError, match="no picture and no avatar"):
        mien.make(portrait, "Hello.")
