"""A face is followed from picture to picture, and what is no video is refused."""

from __future__ import annotations

import contextlib
import wave
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import av
import numpy as np
import pytest
from PIL import Image
from tests.root import films
from tests.root.films import grey, with_cover_first

from mien.errors import InputError
from mien.portrait.find import video as video_module
from mien.portrait.find.features import Points, eye_distance
from mien.portrait.find.follow import FaceFollower
from mien.portrait.find.video import Video, _upright, open_video
from mien.types import ByteArray


def written(path: Path, pictures: Iterator[ByteArray] | list[ByteArray], size: tuple[int, int]) -> Path:
    with av.open(str(path), "w") as file:
        stream = file.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        for pixels in pictures:
            file.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        file.mux(stream.encode(None))
    return path


def middle(points: Points) -> Points:
    return np.asarray(points[:468, :2].mean(0))


def test_the_crop_goes_along_and_the_points_with_it(astronaut: ByteArray) -> None:
    follower, places = FaceFollower(), []
    for step in range(12):
        shifted = np.roll(astronaut, (3 * step, 5 * step), (0, 1))
        points = follower.look(shifted)
        assert points is not None
        places.append(middle(points))
    walked = np.diff(places, axis=0).mean(0)
    assert walked == pytest.approx([5, 3], abs=0.25) and (follower.found, follower.lost) == (1, 0)


def test_a_face_standing_still_stands_still(astronaut: ByteArray) -> None:
    follower, noise = FaceFollower(), np.random.default_rng(0)
    seen = []
    for _ in range(8):
        grain = noise.normal(0, 3, astronaut.shape)
        points = follower.look(np.clip(astronaut + grain, 0, 255).astype(np.uint8))
        assert points is not None
        seen.append(points)
    trembling = np.std([points[:468, :2] for points in seen], axis=0).mean()
    assert trembling < 0.006 * eye_distance(seen[0])


def test_a_face_that_goes_and_comes_back_is_found_again(astronaut: ByteArray) -> None:
    follower, empty = FaceFollower(), np.full_like(astronaut, 90)
    found = [follower.look(picture) is not None for picture in [astronaut] * 2 + [empty] * 3 + [astronaut] * 2]
    assert found == [True, True, False, False, False, True, True]
    assert (follower.found, follower.lost) == (2, 1)


def test_of_two_faces_the_larger_is_taken_and_kept(astronaut: ByteArray) -> None:
    def scene(left: int, right: int) -> ByteArray:
        canvas = np.full((512, 900, 3), 120, np.uint8)
        for x, size in ((20, left), (480, right)):
            small = np.asarray(Image.fromarray(astronaut[0:360, 60:420]).resize((size, size)))
            canvas[40 : 40 + size, x : x + size] = small
        return canvas

    follower = FaceFollower()
    for left, right in ((390, 250), (360, 300), (320, 340), (280, 400)):
        points = follower.look(scene(left, right))
        assert points is not None and middle(points)[0] < 450, "the first stays, though the other grew larger"


def test_pictures_come_upright_with_their_times(tmp_path: Path, astronaut: ByteArray) -> None:
    path = written(tmp_path / "a.mp4", [astronaut[0:360, 60:420]] * 10, (360, 360))
    video = open_video(path)
    pictures = list(video.pictures())
    assert (video.fps, video.width, video.height, video.sound) == (Fraction(25), 360, 360, False)
    assert [time for time, _ in pictures] == pytest.approx([k / 25 for k in range(10)])
    assert np.abs(pictures[0][1].astype(int) - astronaut[0:360, 60:420]).mean() < 6


def test_large_pictures_are_made_smaller(tmp_path: Path) -> None:
    path = written(tmp_path / "a.mp4", [np.zeros((1200, 2400, 3), np.uint8)] * 2, (2400, 1200))
    assert next(open_video(path).pictures())[1].shape == (960, 1920, 3)


def test_a_video_that_breaks_off_ends_there(tmp_path: Path, astronaut: ByteArray) -> None:
    noise = np.random.default_rng(0)
    busy = (noise.integers(0, 255, (240, 240, 3), dtype=np.uint8) for _ in range(50))
    path = tmp_path / "a.mkv"
    written(path, busy, (240, 240))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    video = open_video(path)
    assert 3 < len(list(video.pictures())) < 50


def test_a_title_in_another_encoding_is_no_damage(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "a.mp4"), "w", metadata_encoding="latin-1") as file:
        stream = file.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        file.metadata["title"] = "Café"
        for _ in range(3):
            file.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")))
        file.mux(stream.encode(None))
    assert len(list(open_video(tmp_path / "a.mp4").pictures())) == 3


@pytest.mark.parametrize("jump", [7200.0, -7200.0])
def test_a_clock_that_was_set_is_not_taken_for_time(tmp_path: Path, jump: float) -> None:
    seconds = [8000 + k * 0.04 + (jump if k >= 10 else 0) for k in range(20)]
    frames = [_shown(time) for time in seconds]
    video = Video(tmp_path / "a.ts", Fraction(25), 0.8, 64, 48)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(video_module, "_opened", lambda path: contextlib.nullcontext(_File(frames)))
        times = [time for time, _ in video.pictures()]
    assert times == pytest.approx([k * 0.04 for k in range(20)], abs=1e-3)


def test_a_cover_before_the_film_is_passed_over(tmp_path: Path) -> None:
    path = with_cover_first(films.written(tmp_path / "a.mp4", [grey(40), grey(90)]), grey(250))
    assert [int(pixels[24, 32, 0]) for _, pixels in open_video(path).pictures()] == pytest.approx([40, 90], abs=4)


class _File:
    """A file whose clock is as wanted; FFmpeg's own writers make none like it."""

    def __init__(self, frames: list[av.VideoFrame]) -> None:
        self.streams = SimpleNamespace(video=[SimpleNamespace(disposition=0)])
        self.start_time, self._frames = 8_000_000_000, frames

    def decode(self, stream: object) -> list[av.VideoFrame]:
        return self._frames


def _shown(time: float) -> av.VideoFrame:
    frame = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")
    frame.pts, frame.time_base = round(time * 1000), Fraction(1, 1000)
    return frame


def test_what_a_phone_held_upright_films_is_turned() -> None:
    class Frame:
        width, height, rotation = 4, 2, -90  # as the file's display matrix says it: counter-clockwise

        def to_ndarray(self, format: str) -> ByteArray:
            return np.arange(24, dtype=np.uint8).reshape(2, 4, 3)

    upright = _upright(Frame())
    assert upright.shape == (4, 2, 3)
    assert (upright[0, -1] == [0, 1, 2]).all(), "what lay top left is top right after a quarter turn clockwise"


def still(path: Path) -> None:
    Image.new("RGB", (64, 64)).save(path)


PLAYLIST = "#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n"


def sound(path: Path) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes(b"\0" * 32000)


@pytest.mark.parametrize(
    ("name", "make", "words"),
    [
        ("none.mp4", None, "no video"),
        ("a.png", still, "still picture"),
        ("a.jpg", still, "still picture"),
        ("a.wav", sound, "sound only"),
        ("a.mp4", lambda path: path.write_bytes(b"\0" * 5000), "cannot be read"),
        ("b.mp4", lambda path: path.write_bytes(b""), "cannot be read"),
        ("folder", lambda path: path.mkdir(), "folder"),
        ("list.m3u8", lambda path: path.write_text(PLAYLIST), "cannot be|no pictures"),
    ],
    ids=lambda value: value if isinstance(value, str) and "." in value else "",
)  # fmt: skip
def test_what_is_no_video_is_refused(tmp_path: Path, name: str, make: object, words: str) -> None:
    if callable(make):
        make(tmp_path / name)
    with pytest.raises(InputError, match=words) as refused:
        open_video(tmp_path / name)
    assert refused.value.message.count(".") <= 3 and refused.value.hint
