"""The examples run as they are written and make what they say."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mien import models

EXAMPLES = Path(__file__).parents[2] / "examples"
CASES = {
    "english.py": ["film.mp4"],
    "chinese.py": ["film.mp4"],
    "stream_frames.py": [],
    "one_avatar_many_films.py": ["happy.mp4", "serious.mp4", "surprised.mp4"],
    "transparent.sh": ["person.webm", "person.mov"],
    "formats.sh": ["hello-9x16.mp4", "hello-16x9.mp4", "hello-1x1.mp4"],
}


@pytest.mark.parametrize(("name", "made"), CASES.items())
def test_it_runs(name: str, made: list[str], tmp_path: Path) -> None:
    portrait = str(models.path("astronaut"))
    target = tmp_path / made[0] if made == ["film.mp4"] else tmp_path
    words = [] if name == "stream_frames.py" else [str(target)]
    start = [sys.executable] if name.endswith(".py") else ["bash"]
    beside = Path(sys.executable).parent
    environment = {**os.environ, "PATH": f"{beside}{os.pathsep}{os.environ['PATH']}", "MIEN_FILM_SIZE": "128"}
    command = [*start, str(EXAMPLES / name), portrait, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    assert all((tmp_path / film).stat().st_size > 1000 for film in made)
    if name == "stream_frames.py":
        assert "512x512 pixels, 1920 samples" in done.stdout.splitlines()[0]


def test_every_example_is_run() -> None:
    assert {path.name for path in EXAMPLES.iterdir() if path.suffix in (".py", ".sh")} == set(CASES)
