"""Projects become films: what is said, seen and heard comes when the project says, however the work is cut up."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from mien import config, models
from mien.apps.studio import render as rendering
from mien.apps.studio.artist import frames
from mien.apps.studio.load import load_project
from mien.apps.studio.plan import Plan, plan, sound
from mien.apps.studio.preview import preview
from mien.apps.studio.render import Job, load_plan, render
from mien.errors import InputError, UsageError
from mien.timeline import TICKS_PER_SECOND, frame_tick, to_seconds, to_ticks
from mien.types import FloatArray

PROJECT = """
mien: 1
canvas: {size: 96x160, fps: 25}
language: en
avatar: {portrait: face.png, shape: bust, shadow: true}
captions: {style: karaoke, files: [srt, ass]}
logo: {picture: leaf.png, corner: top-left, width: 20%}
loudness: -16
scenes:
  - id: first
    background: {gradient: [navy, teal]}
    script: One two three.
    layers:
      - {picture: leaf.png, at: {word: three}, for: 0.3s, place: {x: 90%, y: 50%, width: 30%}}
    transition: {kind: fade, for: 0.2s}
  - id: second
    background: {picture: leaf.png, zoom: [1.0, 1.5]}
    script: Four five.
    transition: cut
  - id: third
    background: teal
    avatar: {portrait: face.png, shape: circle}
    for: 1s
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project's folder, and a cache of its own for what renders keep; models and avatars are everybody's."""
    kept = tmp_path / "cache"
    kept.mkdir()
    for part in ("models", "avatars"):
        (config.cache_dir() / part).mkdir(parents=True, exist_ok=True)
        (kept / part).symlink_to(config.cache_dir() / part)
    monkeypatch.setattr("mien.config.cache_dir", lambda: kept)
    shutil.copy(models.path("astronaut"), tmp_path / "face.png")
    Image.fromarray(np.full((40, 60, 3), (40, 200, 60), np.uint8)).save(tmp_path / "leaf.png")
    (tmp_path / "film.yaml").write_text(PROJECT)
    return tmp_path


@pytest.fixture
def film(folder: Path) -> Plan:
    return load_plan(Job(folder / "film.yaml"))


def pictures(film: Plan, first: int, last: int) -> Iterator[np.ndarray]:
    for picture in frames(film, (first, last)):
        yield picture.copy()


def samples(path: Path) -> FloatArray:
    with av.open(str(path)) as file:
        return np.concatenate([f.to_ndarray()[0] for f in file.decode(audio=0)])


def greenness(picture: np.ndarray, rows: slice, columns: slice) -> float:
    part = picture[rows, columns].astype(float)
    return float((part[..., 1] - part[..., 0]).mean())


def test_scenes_follow_each_other_and_overlap_in_transitions(film: Plan) -> None:
    first, second, third = film.takes
    assert (first.first, second.overlap, third.overlap) == (0, 5, 0)
    assert second.first == first.end - 5 and third.first == second.end and film.frames == third.end
    assert third.frames == 25
    for take in film.takes[:2]:
        assert take.performed is not None
        assert take.frames == len(take.performed.sound) * 25 // TICKS_PER_SECOND


def test_a_picture_comes_with_its_word_and_goes(film: Plan) -> None:
    performed = film.takes[0].performed
    assert performed is not None
    third = performed.lines[0].words[-1]
    frame = third.start * 25 // TICKS_PER_SECOND + 1
    shown = [greenness(p, slice(70, 90), slice(70, 90)) > 100 for p in pictures(film, 0, frame + 12)]
    assert not any(shown[: frame - 1]) and all(shown[frame : frame + 6]) and not any(shown[frame + 9 :])


def test_frames_depend_on_nothing_but_their_number(film: Plan) -> None:
    whole = list(pictures(film, 0, film.frames))
    for first, last in ((0, 7), (film.takes[1].first + 2, film.takes[1].first + 12), (film.frames - 9, film.frames)):
        for expected, got in zip(whole[first:last], pictures(film, first, last), strict=True):
            np.testing.assert_array_equal(got, expected)


def test_the_film_is_whole_and_in_time(folder: Path, film: Plan) -> None:
    made = render(Job(folder / "film.yaml", preset="fast"), folder / "film.mp4")
    assert made.frames == made.drawn == film.frames and (made.width, made.height) == (96, 160)
    assert [p.name for p in made.captions] == ["film.srt", "film.ass"]
    with av.open(str(folder / "film.mp4")) as file:
        times = [float(f.time) for f in file.decode(video=0)]
    assert times == pytest.approx([k / 25 for k in range(film.frames)], abs=0.001)
    heard, planned = samples(folder / "film.mp4"), np.concatenate(list(sound(film).blocks()))[:, 0]
    assert abs(len(heard) - film.ticks) <= 2048
    both = min(len(heard), len(planned))
    lags = np.correlate(heard[:both:4], planned[2000 : both - 2000 : 4], "valid")
    assert abs(int(lags.argmax()) * 4 - 2000) <= 8  # 0.2 ms
    assert not (folder / "cache" / "studio").exists() or not list((folder / "cache" / "studio").iterdir())


def test_pieces_and_processes_make_the_same_film(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job = Job(folder / "film.yaml", preset="fast")
    render(job, folder / "one.mp4")
    monkeypatch.setattr(rendering, "PIECE", 1)
    render(job, folder / "alone.mp4", workers=1)
    made = render(job, folder / "many.mp4", workers=2)
    assert made.drawn == made.frames
    assert (folder / "alone.mp4").read_bytes() == (folder / "many.mp4").read_bytes()
    np.testing.assert_array_equal(samples(folder / "one.mp4"), samples(folder / "many.mp4"))


def test_a_render_that_was_stopped_goes_on(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job = Job(folder / "film.yaml", preset="fast")
    monkeypatch.setattr(rendering, "PIECE", 1)
    render(job, folder / "whole.mp4")

    def stop(done: int, of: int) -> None:
        if done == 2 * 25:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        render(job, folder / "film.mp4", workers=1, observe=stop)
    assert not (folder / "film.mp4").exists()
    made = render(job, folder / "film.mp4", workers=1)
    assert 0 < made.drawn < made.frames
    assert (folder / "film.mp4").read_bytes() == (folder / "whole.mp4").read_bytes()


def test_what_changed_is_drawn_anew(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "rmtree", lambda *_, **__: None)
    job = Job(folder / "film.yaml", preset="fast")
    assert render(job, folder / "a.mp4").drawn > 0
    assert render(job, folder / "b.mp4").drawn == 0
    Image.fromarray(np.full((40, 60, 3), (240, 20, 60), np.uint8)).save(folder / "leaf.png")
    assert render(job, folder / "c.mp4").drawn > 0


def test_settings_belong_to_a_film(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "rmtree", lambda *_, **__: None)
    job = Job(folder / "film.yaml", preset="fast")
    assert render(job, folder / "a.mp4").drawn > 0
    with config.using(replace(config.Settings(), face=replace(config.FaceConfig(), lip_strength=0.3))):
        assert render(job, folder / "b.mp4").drawn > 0
    assert render(job, folder / "c.mp4").drawn == 0


def test_no_piece_is_kept_of_a_file_that_changed_meanwhile(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job, leaf = Job(folder / "film.yaml", preset="fast"), folder / "leaf.png"
    whole = leaf.read_bytes()
    monkeypatch.setattr(rendering, "PIECE", 1)
    render(job, folder / "whole.mp4")

    def harm(done: int, of: int) -> None:
        if done == 30:
            leaf.write_bytes(whole[:50])
        if done == 40:
            leaf.write_bytes(whole)

    with pytest.raises(InputError, match=r"leaf.png' was changed while"):
        render(job, folder / "film.mp4", workers=1, observe=harm)
    made = render(job, folder / "film.mp4", workers=1)
    assert 25 <= made.frames - made.drawn < 50, "the first piece is kept"
    assert (folder / "film.mp4").read_bytes() == (folder / "whole.mp4").read_bytes()


def test_captions_are_in_time_with_the_speech(folder: Path, film: Plan) -> None:
    render(Job(folder / "film.yaml", preset="fast"), folder / "film.mp4")
    text = (folder / "film.srt").read_text("utf-8")
    assert "One two three." in text and "Four five." in text
    start = text.splitlines()[1].split(" --> ")[0]
    hours, minutes, seconds = start.replace(",", ".").split(":")
    shown = int(hours) * 3600 + int(minutes) * 60 + float(seconds)
    heard = np.abs(np.concatenate(list(sound(film).blocks()))[:, 0])
    assert abs(shown - to_seconds(int(np.argmax(heard > 0.01)))) <= 0.04


def test_a_marked_film_can_be_told(folder: Path) -> None:
    from mien.stage.watermark.embed import Watermark

    project = (folder / "film.yaml").read_text() + "\nwatermark: {payload: 77}\n"
    (folder / "marked.yaml").write_text(project)
    plain, marked = (load_plan(Job(folder / name)) for name in ("film.yaml", "marked.yaml"))
    a, b = next(pictures(plain, 3, 4)), next(pictures(marked, 3, 4))
    np.testing.assert_array_equal(Watermark(77)(0, a), b)


def test_other_endings_are_refused(folder: Path) -> None:
    with pytest.raises(UsageError, match=r"film\.gif"):
        render(Job(folder / "film.yaml"), folder / "film.gif")


def test_a_preview_is_small_and_shows_every_scene(folder: Path) -> None:
    text = PROJECT.replace("96x160", "540x960")
    (folder / "film.yaml").write_text(text)
    seen = preview(Job(folder / "film.yaml"), folder / "look.mp4")
    assert (seen.film.width, seen.film.height) == (270, 480) and seen.film.fps * 2 == 25
    with Image.open(seen.sheet) as sheet:
        assert sheet.width > 1500 and sheet.height > 400


def test_people_in_a_dialogue_speak_in_turn(folder: Path) -> None:
    people = {"a": {"portrait": "face.png"}, "b": {"portrait": "face.png"}}
    lines = [{"a": "Good morning."}, {"b": "Hello to you."}, {"a": "Goodbye."}]
    (folder / "talk.json.yaml").write_text(
        json.dumps({"mien": 1, "canvas": "96x160", "language": "en", "cast": people, "scenes": [{"dialogue": lines}]})
    )
    film = load_plan(Job(folder / "talk.json.yaml"))
    performed = film.takes[0].performed
    assert performed is not None and [line.who for line in performed.lines] == ["a", "b", "a"]
    assert all(x.end <= y.start - to_ticks(0.2) for x, y in pairwise(performed.lines))
    from mien.face.measure import aperture_mm

    for who, movement in performed.movements.items():
        gap = aperture_mm(movement.shapes)
        assert len(gap) == performed.frames
        for line in performed.lines:
            during = gap[line.start * 25 // TICKS_PER_SECOND : line.end * 25 // TICKS_PER_SECOND]
            assert (during.max() > 3) == (line.who == who)


def test_intro_and_outro_frame_the_film(folder: Path) -> None:
    project = load_plan(Job(folder / "film.yaml")).project
    from mien.apps.studio.project import Clip

    clip = Clip(picture=folder / "leaf.png", ticks=to_ticks(0.4))
    film = plan(replace(project, intro=clip, outro=clip))
    assert film.takes[0].frames == 10 and film.takes[-1].frames == 10
    shown = next(pictures(film, 0, 1))
    assert greenness(shown, slice(0, 160), slice(0, 96)) > 100
    assert film.ticks == frame_tick(film.frames, film.fps)


def test_a_project_may_be_edited_while_it_is_rendered(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rendering, "PIECE", 1)
    file = folder / "film.yaml"
    whole = render(Job(file), folder / "whole.mp4").frames

    def edit(done: int, of: int) -> None:
        file.write_text("mien: 1\nscenes: []\n")

    assert render(Job(file), folder / "film.mp4", workers=2, observe=edit).frames == whole


def test_a_layer_shows_the_part_that_it_is_told_to(tmp_path: Path) -> None:
    pixels = np.zeros((100, 100, 3), np.uint8)
    pixels[:, :50, 1] = 250
    Image.fromarray(pixels).save(tmp_path / "half.png")
    file = tmp_path / "pan.yaml"
    shown = "picture: half.png, place: {x: 0px, y: 0px, width: 25%, height: 100%}"
    for pan, least, most in (("left", 200, 255), ("right", 0, 50)):
        file.write_text(
            f"canvas: 128x128\nbackground: black\nscenes: [{{for: 1s, layers: [{{{shown}, pan: {pan}}}]}}]\n", "utf-8"
        )
        picture = next(pictures(plan(load_project(file)), 5, 6))
        assert least <= picture[:, 2:30, 1].mean() <= most


def test_what_would_come_after_its_scene_is_told(folder: Path) -> None:
    text = (folder / "film.yaml").read_text().replace("at: {word: three}", "at: 99s")
    (folder / "late.yaml").write_text(text)
    told: list[str] = []
    load_plan(Job(folder / "late.yaml"), told.append)
    (line,) = (line for line in told if line.startswith("Scene"))
    assert line.startswith("Scene first: a picture would come at 99.0 s, but the scene lasts ")
