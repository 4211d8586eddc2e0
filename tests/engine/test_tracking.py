"""A film made by our own renderer, followed by our own tracker: the motion comes back, through every stage."""

from __future__ import annotations

import wave
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from tests.engine.driving import FPS, STEPS, film, motion, peak

import mien
from mien import models
from mien.avatar import Avatar
from mien.errors import InputError, UsageError
from mien.lab.evaluate.decode import sound_of
from mien.tracking import Tracked, VideoMotion, track_video
from mien.transmit.motion_reader import read_motion
from mien.types import SHAPE_INDEX


@pytest.fixture(scope="session")
def actor() -> Avatar:
    return mien.create_avatar(models.path("astronaut"), crop="head")


@pytest.fixture(scope="session")
def clip(actor: Avatar, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return film(actor, tmp_path_factory.mktemp("driving") / "clip.mp4", sound=True)


@pytest.fixture(scope="session")
def tracked(clip: Path) -> Tracked:
    return track_video(clip)


def value(tracked: Tracked, step: str, *names: str) -> float:
    row = tracked.clip.shapes[2 * peak(step)]
    return float(np.mean([row[SHAPE_INDEX[name]] for name in names]))


def test_all_of_the_video_becomes_motion(tracked: Tracked) -> None:
    frames = len(motion()[0])
    assert (tracked.clip.start, tracked.clip.rate, len(tracked.clip)) == (0, Fraction(50), 2 * frames)
    report = tracked.report
    assert (report.pictures, report.seen, report.gaps, report.taken_up) == (frames, frames, (), 1)
    assert report.seconds == pytest.approx(frames / FPS) and report.speed > 0


@pytest.mark.parametrize(
    ("step", "names", "least"),
    [
        ("jaw", ("jawOpen",), 0.35),
        ("blink", ("eyeBlinkLeft", "eyeBlinkRight"), 0.6),
        ("smile", ("mouthSmileLeft", "mouthSmileRight"), 0.25),
        ("brows", ("browInnerUp", "browOuterUpLeft", "browOuterUpRight"), 0.12),
        ("look", ("eyeLookOutLeft", "eyeLookInRight"), 0.25),
        ("pucker", ("mouthPucker",), 0.2),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_the_face_did_is_found(tracked: Tracked, step: str, names: tuple[str, ...], least: float) -> None:
    assert value(tracked, step, *names) > least
    for other, _, _ in STEPS:
        if other != step:
            assert value(tracked, other, *names) < 0.6 * value(tracked, step, *names), other


@pytest.mark.parametrize(("step", "channel", "least"), [("yaw", 0, 0.06), ("pitch", 1, 0.05), ("roll", 2, 0.055)])
def test_where_the_head_went_is_found(tracked: Tracked, step: str, channel: int, least: float) -> None:
    turned = tracked.clip.head[2 * peak(step), :3] - np.median(tracked.clip.head[:, :3], axis=0)
    assert least < turned[channel] < 0.17
    assert np.abs(np.delete(turned, channel)).max() < 0.04


def test_lips_move_when_they_moved(tracked: Tracked) -> None:
    jaw = motion()[0][:, SHAPE_INDEX["jawOpen"]]
    made = np.interp(np.arange(len(tracked.clip)) / 50, np.arange(len(jaw)) / FPS, jaw)
    got = tracked.clip.shapes[:, SHAPE_INDEX["jawOpen"]]
    lags = range(-5, 6)
    fit = [np.corrcoef(made[10:-10], np.roll(got, -lag)[10:-10])[0, 1] for lag in lags]
    assert abs(list(lags)[int(np.argmax(fit))]) <= 1 and max(fit) > 0.8


def test_relative_motion_starts_from_how_the_head_mostly_is(actor: Avatar, tmp_path: Path) -> None:
    relative = track_video(film(actor, tmp_path / "short.mp4", frames=30), relative=True, fps=25)
    assert (relative.clip.rate, len(relative.clip)) == (Fraction(25), 30)
    assert np.abs(np.median(relative.clip.head[:, :3], axis=0)).max() < 0.02


def test_a_rate_that_is_none_is_refused(clip: Path) -> None:
    with pytest.raises(UsageError):
        VideoMotion(clip, fps="fast")


def test_what_has_no_face_or_is_too_short_is_refused(actor: Avatar, tmp_path: Path) -> None:
    empty = film(actor, tmp_path / "empty.mp4", frames=20, empty=True)
    with pytest.raises(InputError, match=r"nowhere in the video empty\.mp4"):
        track_video(empty)
    short = film(actor, tmp_path / "short.mp4", frames=6)
    with pytest.raises(InputError, match="too short: 6 pictures"):
        track_video(short)


def test_a_film_that_mimics(clip: Path, tmp_path: Path) -> None:
    said: list[str] = []
    made = mien.mimic(models.path("astronaut"), clip, size="96", crop="head", tell=said.append)
    report = made.save(tmp_path / "out.mp4", motion=tmp_path / "out.json")
    frames = len(motion()[0])
    assert (report.frames, report.fps, report.width) == (frames, Fraction(FPS), 96)
    assert made.tracking.seen == frames
    assert len(read_motion(tmp_path / "out.json")) == 2 * frames
    sound, channels = sound_of(tmp_path / "out.mp4")
    assert channels and len(sound) == pytest.approx(48000 * frames / FPS, abs=2500)
    assert np.abs(sound).max() > 0.05


def test_frames_with_their_sound_as_a_stream_and_silence_where_there_is_none(actor: Avatar, tmp_path: Path) -> None:
    silent = film(actor, tmp_path / "silent.mp4", frames=16)
    seen = list(mien.mimic(actor, silent, size="64").frames())
    assert len(seen) == 16
    assert sum(len(sound.samples) for _, sound in seen) == 16 * 48000 // FPS
    assert not any(sound.samples.any() for _, sound in seen)
    assert seen[0][0].pixels.shape == (64, 64, 3)


def test_the_driver_is_never_overwritten(clip: Path) -> None:
    with pytest.raises(UsageError, match="overwrite"):
        mien.mimic(models.path("astronaut"), clip, size="64").save(clip)


@pytest.mark.parametrize("name", ["voice.wav", "me.png", "gone.mp4"])
def test_a_driver_that_is_no_video_is_refused_at_once(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    if name == "voice.wav":
        with wave.open(str(path), "wb") as file:
            file.setparams((1, 2, 8000, 0, "NONE", ""))
            file.writeframes(b"\0" * 8000)
    elif name == "me.png":
        path.write_bytes(models.path("astronaut").read_bytes())
    with pytest.raises(InputError):
        mien.mimic(models.path("astronaut"), path)
