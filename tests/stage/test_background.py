"""Backgrounds: words, colours, pictures, looping videos; the person in front of them."""

from __future__ import annotations

import contextlib
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from tests.root.films import grey, with_cover_first, written
from tests.stage.kit import figure

from mien.errors import InputError, UsageError
from mien.stage.background import BackgroundSpec, load_picture, open_backdrop, parse_background
from mien.stage.compose import Compositor
from mien.stage.framing import Framing, frame_avatar
from mien.timeline import frame_tick
from mien.transmit.film import FilmSink, FilmSpec
from mien.types import AudioChunk, VideoFrame

AVATAR = figure(200, 160, 100, 60, 20)
FRAMING = Framing(1.0, 0.0, 0.0, True)


@pytest.mark.parametrize(
    "text, kind, colour",
    [
        ("source", "source", (0, 0, 0)), ("Source", "source", (0, 0, 0)), ("", "source", (0, 0, 0)),
        ("transparent", "transparent", (0, 0, 0)), ("blur", "blur", (0, 0, 0)),
        ("teal", "colour", (0, 128, 128)), ("#20304f", "colour", (32, 48, 79)), ("#fff", "colour", (255, 255, 255)),
        ("rgb(1, 2, 3)", "colour", (1, 2, 3)), ("hsl(0,100%,50%)", "colour", (255, 0, 0)),
    ],
)  # fmt: skip
def test_words_and_colours(text: str, kind: str, colour: tuple[int, int, int]) -> None:
    spec = parse_background(text)
    assert (spec.kind, spec.colour) == (kind, colour)
    assert spec.own == (kind == "source")


def test_two_colours_run_into_each_other() -> None:
    spec = parse_background("#000, #fff")
    assert (spec.kind, spec.colour, spec.lower) == ("gradient", (0, 0, 0), (255, 255, 255))
    still = open_backdrop(spec, 32, 256, AVATAR, FRAMING)(0)
    means = still.mean(axis=(1, 2))
    assert still[0].max() <= 1 and still[-1].min() >= 254 and abs(float(means[128]) - 128) < 1.5
    assert float(np.abs(np.diff(means)).max()) < 2.5


def test_no_file_is_looked_for_where_none_may_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "secret").write_text("x")
    monkeypatch.chdir(tmp_path)
    assert parse_background("secret").kind == "picture"
    with pytest.raises(UsageError):
        parse_background("secret", files=False)


@pytest.mark.parametrize(
    "text", ["blurple", "teal,", ",", "#fff,#ggg", "#12", "missing.png", "/", "a\0b", "x" * 9000, "rgb(1,2)"]
)
def test_what_is_neither_a_colour_nor_a_file_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="neither a file nor a colour") as caught:
        parse_background(text)
    assert len(str(caught.value)) < 300


@given(st.text(max_size=60))
def test_any_text_is_understood_or_refused(text: str) -> None:
    with contextlib.suppress(UsageError):
        parse_background(text)


def test_a_picture_fills_the_canvas_and_keeps_its_middle(tmp_path: Path) -> None:
    picture = np.zeros((90, 300, 3), np.uint8)
    picture[:, 100:200] = (10, 200, 30)
    Image.fromarray(picture).save(tmp_path / "a.png")
    assert parse_background(str(tmp_path / "a.png")).kind == "picture"
    fitted = load_picture(tmp_path / "a.png", 60, 60)
    assert fitted.shape == (60, 60, 3)
    assert np.abs(fitted.astype(int) - (10, 200, 30)).max() <= 1


def test_camera_pictures_stand_upright_and_transparent_ones_lie_on_white(tmp_path: Path) -> None:
    picture = Image.new("RGB", (40, 20), "red")
    exif = picture.getexif()
    exif[0x0112] = 6  # turned by 90°
    picture.paste("blue", (0, 0, 20, 20))
    picture.save(tmp_path / "a.jpg", exif=exif, quality=95)
    upright = load_picture(tmp_path / "a.jpg", 20, 40)
    assert upright[5, 10, 2] > 200 and upright[35, 10, 0] > 200
    Image.new("RGBA", (8, 8), (255, 0, 0, 0)).save(tmp_path / "b.png")
    assert (load_picture(tmp_path / "b.png", 8, 8) == 255).all()


@pytest.mark.parametrize("content", [b"", b"not a picture", b"\x89PNG\r\n\x1a\n" + b"\0" * 50])
def test_damaged_files_are_refused(tmp_path: Path, content: bytes) -> None:
    for name in ("a.png", "a.mp4"):
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(InputError, match=name):
            open_backdrop(parse_background(str(path)), 64, 64, AVATAR, FRAMING)(0)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten frames at 10 a second, frame k grey 20 k."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    sink = FilmSink(FilmSpec(path, 64, 48, Fraction(10), "best", "software", sound=False))
    for k in range(10):
        sink.video(VideoFrame(k * 4800, np.full((48, 64, 3), 20 * k, np.uint8)))
        sink.audio(AudioChunk(k * 4800, np.zeros(4800, np.float32)))
    sink.close()
    return path


@pytest.mark.parametrize("fps", [Fraction(10), Fraction(25), Fraction(5), Fraction(30000, 1001)])
def test_a_video_runs_in_time_with_the_film_and_loops(clip: Path, fps: Fraction) -> None:
    spec = parse_background(str(clip))
    assert spec.kind == "video"
    at = open_backdrop(spec, 64, 64, AVATAR, FRAMING)
    for k in range(int(2.5 * fps)):
        tick = frame_tick(k, fps)
        picture = at(tick)
        assert picture.shape == (64, 64, 3)
        assert int(picture[32, 32, 0]) == pytest.approx(20 * (tick // 4800 % 10), abs=4)


def test_a_video_without_pictures_is_refused(tmp_path: Path) -> None:
    import wave

    with wave.open(str(tmp_path / "a.mov"), "wb") as sound:
        sound.setparams((1, 2, 48_000, 0, "NONE", ""))
        sound.writeframes(bytes(9600))
    with pytest.raises(InputError, match="no pictures"):
        open_backdrop(parse_background(str(tmp_path / "a.mov")), 64, 64, AVATAR, FRAMING)


def test_a_cover_is_not_the_background(tmp_path: Path) -> None:
    path = with_cover_first(written(tmp_path / "a.mp4", [grey(40), grey(90), grey(140)]), grey(250))
    at = open_backdrop(parse_background(str(path)), 64, 48, AVATAR, FRAMING)
    assert [int(at(k * 1920)[24, 32, 0]) for k in range(4)] == pytest.approx([40, 90, 140, 40], abs=4)


def test_a_title_in_another_encoding_is_no_damage(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "a.mp4"), "w", metadata_encoding="latin-1") as file:
        stream = file.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        file.metadata["title"] = "Café"
        file.mux(stream.encode(av.VideoFrame.from_ndarray(np.full((48, 64, 3), 200, np.uint8), format="rgb24")))
        file.mux(stream.encode(None))
    assert open_backdrop(parse_background(str(tmp_path / "a.mp4")), 64, 48, AVATAR, FRAMING)(0).min() > 180


def test_the_person_does_not_bleed_into_the_blurred_background() -> None:
    blurred = open_backdrop(BackgroundSpec("blur"), 200, 160, AVATAR, FRAMING)(0)
    assert np.abs(blurred.astype(int) - (40, 120, 60)).max() <= 12
    wide = open_backdrop(BackgroundSpec("blur"), 320, 180, AVATAR, frame_avatar(AVATAR, 320, 180))(0)
    assert wide.shape == (180, 320, 3)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_composing_is_exact(seed: int) -> None:
    rng = np.random.default_rng(seed)
    over, under = rng.integers(0, 256, (6, 5, 4), dtype=np.uint8), rng.integers(0, 256, (6, 5, 3), dtype=np.uint8)
    got = Compositor(lambda tick: under)(0, over)
    a = over[..., 3:].astype(float)
    np.testing.assert_array_equal(got, np.floor((over[..., :3] * a + under * (255 - a)) / 255 + 0.5))
