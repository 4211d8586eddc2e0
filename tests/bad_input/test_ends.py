"""Films that end before their time: stopped, killed, out of disk, off line."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.bad_input.conftest import check_refusal

TEXT = "This is a long sentence that goes on, so that there is time to stop it in the middle of the work. " * 12


def command(portrait: Path, out: Path, *more: str) -> list[str]:
    return [
        sys.executable, "-m", "mien", "make", "-p", str(portrait), "-t", TEXT, "--size", "512",
        "--motion", str(out / "motion.json"), "-o", str(out / "film.mp4"), *more,
    ]  # fmt: skip


@contextmanager
def rendering(portrait: Path, out: Path) -> Iterator[subprocess.Popen[str]]:
    """A film whose pictures are being written right now."""
    process = subprocess.Popen(command(portrait, out), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        deadline = time.monotonic() + 60
        while process.poll() is None and not any(p.stat().st_size > 40_000 for p in out.glob(".film*")):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert process.poll() is None, process.communicate()[1]
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "terminated"])
def test_stopped(sent: signal.Signals, portrait: Path, out: Path) -> None:
    with rendering(portrait, out) as process:
        process.send_signal(sent)
        printed, said = process.communicate(timeout=20)
    assert process.returncode == 130
    assert check_refusal(printed, said) == "Stopped."
    assert list(out.iterdir()) == []


def test_killed_then_made_again(portrait: Path, out: Path) -> None:
    """Nobody can clean up after SIGKILL: no result under its name, and the next run removes what is left."""
    with rendering(portrait, out) as process:
        process.kill()
        process.communicate(timeout=20)
    assert not (out / "film.mp4").exists()
    assert not (out / "motion.json").exists()
    assert children_of(process.pid) == []
    short = [*command(portrait, out)]
    short[short.index("-t") + 1] = "Hello."
    subprocess.run([*short, "--captions", "none"], check=True, capture_output=True)
    assert sorted(p.name for p in out.iterdir()) == ["film.mp4", "motion.json"]


def children_of(pid: int) -> list[int]:
    """Processes that still name a dead one as their parent; an orphan would show as a speaker that lives on."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text(encoding="ascii", errors="replace").rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found.append(int(stat.parent.name))
    return found


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 700 kB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=700k", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("needs the right to mount a small file system")
    yield folder
    subprocess.run(["umount", str(folder)], check=False)


def test_full_disk(portrait: Path, small_disk: Path) -> None:
    """Whether it is seen before the work (a longer film) or in the middle of it."""
    for film_text in (TEXT, TEXT[:700]):
        arguments = command(portrait, small_disk, "--size", "720p", "--preset", "best")
        arguments[arguments.index("-t") + 1] = film_text
        done = subprocess.run(arguments, capture_output=True, text=True, check=False)
        assert done.returncode == 5, done.stderr
        check_refusal(done.stdout, done.stderr.split("\n", 1)[1] if done.stderr.startswith("Film:") else done.stderr)
        assert list(small_disk.iterdir()) == []


def test_off_line_without_model_files(portrait: Path, out: Path, tmp_path: Path) -> None:
    env = {**os.environ, "MIEN_CACHE_DIR": str(tmp_path / "empty")}
    arguments = [*command(portrait, out), "--offline"]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False, env=env)
    assert done.returncode == 4, done.stderr
    assert "mien models pull" in done.stderr
    check_refusal(done.stdout, done.stderr)
    assert list(out.iterdir()) == []
