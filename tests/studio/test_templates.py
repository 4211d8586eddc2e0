"""What a new project brings along: pictures, music, a second face."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.studio import folder as make

from mien.apps.studio.check import check
from mien.apps.studio.load import load
from mien.apps.studio.new import LANGUAGES, TEMPLATES, new
from mien.audio.stereo import read_stereo
from mien.portrait.find.faces import find_faces

OURS = files("mien.apps.studio") / "templates"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return make.fill(tmp_path)


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_project_has_what_it_names_and_nothing_else(template: str, language: str, home: Path) -> None:
    made = new(home / "my", template, language, [home / "anna.png"])
    text = made.project.read_text(encoding="utf-8")
    lines = "\n".join(line.partition("#")[0] for line in text.splitlines())
    named = set(re.findall(r"[\w-]+\.(?:webp|opus|png|pdf)", lines))
    assert {path.name for path in made.files} == named | {"my.yaml"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_short_lasts_a_minute(language: str, home: Path) -> None:
    report = check(load(new(home / "my", "short", language, [home / "anna.png"]).project))
    assert not report.problems
    assert 50 < report.seconds < 70


def test_a_dialogue_of_one_portrait_is_with_a_drawing(home: Path) -> None:
    drawing = (OURS / "guest.webp").read_bytes()
    made = new(home / "one", "dialogue", "en", [home / "anna.png"]).project
    assert (made.parent / "second.webp").read_bytes() == drawing
    assert "second.webp" in made.read_text(encoding="utf-8")
    two = new(home / "two", "dialogue", "en", [home / "anna.png", home / "bo.png"]).project
    assert (two.parent / "second.png").is_file()
    assert not (two.parent / "second.webp").exists()


def test_the_drawing_is_a_face() -> None:
    with (OURS / "guest.webp").open("rb") as file, Image.open(file) as picture:
        faces, _ = find_faces(np.asarray(picture.convert("RGB")))
    assert len(faces) == 1


def test_the_music_begins_again_without_a_seam() -> None:
    sound = np.concatenate(list(read_stereo(Path(str(OURS / "music.opus")))))
    assert len(sound) == round(25.6 * 48_000)
    steps = np.abs(np.diff(sound, axis=0)).max(axis=1)
    seam = np.abs(sound[0] - sound[-1]).max()
    assert seam < np.quantile(steps, 0.9)
    loudness = [np.sqrt((part**2).mean()) for part in (sound[-4800:], sound[:4800])]
    assert min(loudness) > 0.02, "it neither fades in nor out"


def test_it_is_little() -> None:
    sizes = {one.name: len(one.read_bytes()) for one in OURS.iterdir() if one.is_file()}
    assert sum(sizes.values()) < 3_000_000
    assert all("\r" not in (OURS / name).read_text(encoding="utf-8") for name in sizes if name.endswith(".yaml"))
