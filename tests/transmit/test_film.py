"""Films decoded again: colours, times, tags, alpha; repeated; and writing that fails."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from tests.transmit.films import centres, decoded, material, patches, rgb_of, write

from mien.errors import BackendError, MissingError, OutputError, UsageError
from mien.timeline import frame_tick
from mien.transmit import encoders
from mien.transmit.film import FilmSink, FilmSpec
from mien.transmit.open import open_sink, parse_output
from mien.types import AudioChunk, VideoFrame

FPS = Fraction(25)
SIZE = (128, 102)  # a height that four does not divide


def make(path: Path, count: int = 24, fps: Fraction = FPS, alpha: bool = False, **more: object) -> Path:
    spec = FilmSpec(path, *SIZE, fps, alpha=alpha, encoder="software", **more)  # type: ignore[arg-type]
    write(FilmSink(spec), count, fps, patches(*SIZE, alpha))
    return path


@pytest.mark.parametrize("fps", [24, 25, Fraction(30_000, 1001), 30, 50, 60])
def test_frames_and_sound_have_the_asked_length(tmp_path: Path, fps: int | Fraction) -> None:
    film = decoded(make(tmp_path / "a.mp4", 30, Fraction(fps)))
    assert len(film.frames) == 30 and film.rate == fps
    assert [f.pts * f.time_base for f in film.frames] == [k / Fraction(fps) for k in range(30)]
    assert film.seconds == 30 / Fraction(fps)
    assert abs(len(film.heard) - frame_tick(30, Fraction(fps))) <= 1024  # whole AAC packets


@pytest.mark.parametrize("name", ["a.mp4", "a.m4v", "a.webm", "a.mov"])
def test_colours_come_back_and_are_tagged(tmp_path: Path, name: str) -> None:
    frame = decoded(make(tmp_path / name, 6)).frames[3]
    assert (frame.color_primaries, frame.color_trc, frame.colorspace, frame.color_range) == (1, 1, 1, 1)
    wanted, got = np.array(centres(patches(*SIZE))), np.array(centres(rgb_of(frame)))
    assert np.abs(wanted - got).max() <= 3


@pytest.mark.parametrize("name", ["a.mp4", "a.webm", "a.mov"])
def test_sound_is_in_step_with_the_pictures(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    sink = FilmSink(FilmSpec(path, *SIZE, FPS, encoder="software"))
    click = 24_000
    for frame, chunk in material(25, FPS, patches(*SIZE)):
        samples = np.zeros_like(chunk.samples)
        if chunk.start <= click < chunk.end:
            samples[click - chunk.start :][:480] = 0.8
        sink.video(frame)
        sink.audio(AudioChunk(chunk.start, samples))
    sink.close()
    heard = decoded(path).heard
    onset = int(np.argmax(np.abs(heard) > 0.3))
    assert abs(onset - click) < 480


def test_mp4_starts_to_play_while_it_loads_and_tells_nothing_of_the_machine(tmp_path: Path) -> None:
    data = make(tmp_path / "a.mp4").read_bytes()
    assert 0 < data.index(b"moov") < data.index(b"mdat")
    assert b"colrnclx" in data
    assert os.fsencode(str(tmp_path)) not in data


@pytest.mark.parametrize("name", ["a.mp4", "a.webm", "a.mov"])
def test_the_same_film_twice_is_the_same_file(tmp_path: Path, name: str) -> None:
    hashes = set()
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        hashes.add(hashlib.sha256(make(tmp_path / folder / name).read_bytes()).hexdigest())
    assert len(hashes) == 1


def test_webm_keeps_alpha(tmp_path: Path) -> None:
    import av

    path = make(tmp_path / "a.webm", 6, alpha=True)
    with av.open(str(path)) as file:
        decoder = av.CodecContext.create("libvpx-vp9", "r")
        frames = [f for packet in file.demux(video=0) if packet.size for f in decoder.decode(packet)]
    _check_alpha(frames[2])


def test_prores_keeps_alpha(tmp_path: Path) -> None:
    film = decoded(make(tmp_path / "a.mov", 6, alpha=True))
    assert film.tag == "ap4h"
    _check_alpha(film.frames[2])
    assert len(film.heard) == frame_tick(6, FPS)


def _check_alpha(frame: object) -> None:
    rgba = frame.reformat(format="rgba", src_colorspace=1, src_color_range=1, dst_color_range=2)  # type: ignore[attr-defined]
    got = rgba.to_ndarray()
    wanted = patches(*SIZE, alpha=True)
    assert got[2, 60, 3] <= 2
    assert np.abs(np.array(centres(got)) - np.array(centres(wanted))).max() <= 4


@pytest.mark.parametrize("preset", encoders.PRESETS)
def test_every_preset_works(tmp_path: Path, preset: str) -> None:
    assert len(decoded(make(tmp_path / "a.mp4", 8, preset=preset)).frames) == 8


def test_finer_presets_are_finer() -> None:
    order = [encoders.x264(preset).options["crf"] for preset in encoders.PRESETS]
    assert order == sorted(order, reverse=True)


def test_encoders_are_chosen_by_what_works(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoders, "works", lambda name: name == "h264_qsv")
    assert encoders.h264("auto", "balanced").name == "h264_qsv"
    assert encoders.h264("software", "balanced").name == "libx264"
    assert encoders.h264("h264_qsv", "best").hardware
    with pytest.raises(MissingError, match="does not work"):
        encoders.h264("h264_nvenc", "balanced")
    monkeypatch.setattr(encoders, "works", lambda name: False)
    assert encoders.h264("auto", "balanced").name == "libx264"
    with pytest.raises(UsageError, match="not an encoder"):
        encoders.h264("mpeg1", "balanced")
    with pytest.raises(UsageError, match="preset"):
        encoders.h264("auto", "pretty")


def test_probing_is_honest() -> None:
    assert encoders.works("libx264")
    assert not encoders.works("h264_nonesuch")


def test_a_missing_codec_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="libfrob"):
        encoders.require("libfrob")


def test_a_picture_of_another_size_is_refused(tmp_path: Path) -> None:
    sink = FilmSink(FilmSpec(tmp_path / "a.mp4", *SIZE, FPS, encoder="software"))
    with pytest.raises(BackendError, match="another size"):
        sink.video(VideoFrame(0, np.zeros((8, 8, 3), np.uint8)))
    sink.abort()
    assert not list(tmp_path.iterdir())


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "disk"
    place.mkdir()
    mount = shutil.which("mount")
    if sys.platform != "linux" or mount is None or os.geteuid() != 0:
        pytest.skip("needs Linux and root to mount a small disk")
    command = [mount, "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(place)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("mounting is not allowed here")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.webm", "a.gif", "a.webp", "p_%05d.png", "frames/"])
def test_a_full_disk_is_said_and_leaves_nothing(small_disk: Path, name: str) -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(OutputError, match="disk was full") as caught:
        sink = open_sink(parse_output(f"{small_disk}/{name}"), 128, 128, FPS, preset="fast", encoder="software")
        try:
            for k in range(150):
                noise = rng.integers(0, 256, (128, 128, 3), dtype=np.uint8)
                sink.video(VideoFrame(k * 1920, noise))
                sink.audio(AudioChunk(k * 1920, np.zeros(1920, np.float32)))
            sink.close()
        except BaseException:
            sink.abort()
            raise
    assert caught.value.exit_status == 5
    assert list(small_disk.iterdir()) == []
