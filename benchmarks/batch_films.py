"""Batches for the benchmarks of faults: short films, shorts of a template in several pieces; and what is to be seen."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
import wave
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.portrait import portrait
from mien import config
from mien.apps.jobs.batch import store_folder
from mien.apps.jobs.states import State
from mien.apps.jobs.store import Store

TEMPLATE = """mien: 1
canvas: {size: 96x160, fps: 25}
language: en
avatar: {portrait: face.png, shape: circle}
captions: {style: karaoke, files: [srt]}
music: {file: music.wav}
scenes:
  - script: This is ${name}, a film in several pieces.
    background: {picture: "${picture}"}
  - for: SECONDSs
    avatar: none
    background: {picture: "${picture}", zoom: [1.0, 1.5]}
  - for: SECONDSs
    background: {video: "${clip}"}
"""
STILL = ("lost", "interrupted", "crashed", "failed")
"""Outcomes of attempts after which a job may go on."""


def shorts(folder: Path, jobs: int, seconds: int) -> Path:
    """A batch file of shorts of ``2 * seconds`` and a little more, its template and its files, each row its own."""
    folder.mkdir(parents=True)
    (folder / "short.yaml").write_text(TEMPLATE.replace("SECONDS", str(seconds)), encoding="utf-8")
    shutil.copy(portrait(), folder / "face.png")
    _sound(folder / "music.wav")
    rows = []
    for number in range(jobs):
        picture, clip = f"picture{number}.jpg", f"clip{number}.mp4"
        _picture(folder / picture, number)
        _clip(folder / clip, number)
        row = {"id": f"s{number}", "name": f"number {number}", "picture": picture, "clip": clip}
        rows.append(row | {"output": f"out/s{number}.mp4", "encoder": "software"})
    return written(folder, rows)


def written(folder: Path, rows: Sequence[dict[str, Any]]) -> Path:
    """The batch file of some rows."""
    file = folder / "jobs.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return file


def command(file: Path, *more: str) -> list[str]:
    """``mien batch``, with the template that lies beside the file."""
    template = file.with_name("short.yaml")
    named = ["--template", str(template)] if template.exists() else []
    return [sys.executable, "-m", "mien", "batch", str(file), "--workers", "2", *named, *more]


def run(file: Path) -> int:
    """Run it to its end. Returns its exit status, 0 or 3."""
    done = subprocess.run(command(file), capture_output=True, text=True, check=False)
    if done.returncode not in (0, 3):
        raise SystemExit(f"the batch failed: {done.stderr[-400:]}")
    return done.returncode


@contextlib.contextmanager
def begun(file: Path, **environment: str) -> Iterator[tuple[subprocess.Popen[str], Iterator[dict[str, Any]]]]:
    """Start it, with its events as they come."""
    process = subprocess.Popen(
        command(file, "--json"), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        env={**os.environ, **environment},
    )  # fmt: skip
    assert process.stdout is not None
    try:
        yield process, map(json.loads, process.stdout)
    finally:
        process.kill()
        process.communicate()


def films(folder: Path) -> dict[str, str]:
    """Name → SHA-256 of everything in ``out``."""
    found = sorted((folder / "out").iterdir()) if (folder / "out").exists() else []
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


def inodes(folder: Path) -> dict[str, int]:
    """Name → place on the disk of every file in a folder: another one when it was made again."""
    found = [p for p in folder.rglob("*") if p.is_file() and not p.name.startswith(".")] if folder.exists() else []
    return {str(path.relative_to(folder)): path.stat().st_ino for path in found}


def ended_once(file: Path, quarantined: Sequence[str] = ()) -> bool:
    """Whether every job ended once: those named in quarantine, the others done. Says so, with all attempts."""
    tally: dict[str, int] = {}
    said: set[str] = set()
    good = True
    with Store(store_folder(file), create=False) as store:
        for job in store.jobs():
            outcomes = [attempt.outcome for attempt in store.attempts(job)]
            said |= {attempt.message for attempt in store.attempts(job) if attempt.outcome in ("failed", "crashed")}
            ends = [what for what in outcomes if what not in STILL]
            wanted = State.QUARANTINED if job.id in quarantined else State.DONE
            good = good and job.state == wanted and len(ends) == (wanted == State.DONE)
            for what in outcomes:
                tally[what] = tally.get(what, 0) + 1
        states = {str(state): count for state, count in store.counts().items() if count}
    for sentence in sorted(said)[:5]:
        print(f"  {sentence}")
    print(f"  states: {states}; attempts: {tally}; every job ended exactly once: {yes(good)}", flush=True)
    return good


def yes(good: bool) -> str:
    """In words."""
    return "yes" if good else "NO"


@contextlib.contextmanager
def own_cache(folder: Path) -> Iterator[Path]:
    """A cache with everything that the user's has, but the pieces of films."""
    folder.mkdir(parents=True)
    for kept in config.cache_dir().iterdir():
        if kept.name != "studio":
            (folder / kept.name).symlink_to(kept)
    before = os.environ.get("MIEN_CACHE_DIR")
    os.environ["MIEN_CACHE_DIR"] = str(folder)
    try:
        yield folder
    finally:
        del os.environ["MIEN_CACHE_DIR"]
        if before is not None:
            os.environ["MIEN_CACHE_DIR"] = before


class Pieces(threading.Thread):
    """Watches the finished pieces of films. drawn: how many there were. twice: names of those that came again."""

    def __init__(self, cache: Path) -> None:
        super().__init__(daemon=True)
        self._studio, self._seen, self._over = cache / "studio", dict[str, tuple[int, int]](), threading.Event()
        self.twice: set[str] = set()

    @property
    def drawn(self) -> int:
        """How many there were."""
        return len(self._seen)

    def __enter__(self) -> Pieces:
        self.start()
        return self

    def __exit__(self, *failure: object) -> None:
        self._over.set()
        self.join()

    def run(self) -> None:
        """Look many times a second: a piece takes longer to draw."""
        while not self._over.wait(0.03):
            for path in self._studio.glob("*/piece-*"):
                with contextlib.suppress(OSError):
                    about = path.stat()
                    name, seen = str(path), (about.st_ino, about.st_mtime_ns)
                    if self._seen.setdefault(name, seen) != seen:
                        self.twice.add(name)


def _sound(path: Path) -> None:
    time = np.arange(48_000 * 5) / 48_000
    tone = (np.sin(2 * np.pi * 220 * time) * 8000).astype("<i2")
    with wave.open(str(path), "wb") as sound:
        sound.setparams((1, 2, 48_000, 0, "NONE", ""))
        sound.writeframes(tone.tobytes())


def _picture(path: Path, number: int) -> None:
    from PIL import Image

    dice = np.random.default_rng(number)
    Image.fromarray(dice.integers(0, 256, (200, 120, 3), np.uint8)).save(path, quality=90)


def _clip(path: Path, number: int) -> None:
    import av

    dice = np.random.default_rng(1000 + number)
    with av.open(str(path), "w") as out:
        stream: Any = out.add_stream("mpeg4", rate=Fraction(25))
        stream.width, stream.height, stream.pix_fmt = 96, 160, "yuv420p"
        for _ in range(50):
            frame = av.VideoFrame.from_ndarray(dice.integers(0, 256, (160, 96, 3), np.uint8), format="rgb24")
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
