"""Whole under the final name, or nothing."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mien.errors import OutputError
from mien.transmit.atomic import Staging, check_space, check_target, sweep, write_text


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def test_the_result_appears_at_commit_only(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    staging = Staging(target)
    staging.path.write_text("new")
    assert not target.exists() and staging.path.name.startswith(".")
    staging.commit()
    assert target.read_text() == "new" and names(tmp_path) == ["a.txt"]
    staging.abort()
    assert target.exists()


def test_an_older_result_stays_until_the_new_one_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")
    staging = Staging(target)
    staging.path.write_text("half")
    assert target.read_text() == "old"
    staging.abort()
    staging.abort()
    assert target.read_text() == "old" and names(tmp_path) == ["a.txt"]


def test_a_folder_replaces_a_folder(tmp_path: Path) -> None:
    target = tmp_path / "pictures"
    for content in ("one", "two"):
        staging = Staging(target, folder=True)
        (staging.path / "x").write_text(content)
        staging.commit()
        assert (target / "x").read_text() == content
    assert names(tmp_path) == ["pictures"]


def test_what_cannot_be_written_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="no folder"):
        check_target(tmp_path / "missing" / "a.mp4")
    with pytest.raises(OutputError, match="is a folder"):
        check_target(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="is a file"):
        check_target(tmp_path / "file", folder=True)
    with pytest.raises(OutputError, match="no folder"):
        check_target(tmp_path / "file" / "a.mp4")


def test_permissions_are_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "a.mp4"
    target.touch()
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != tmp_path)
    with pytest.raises(OutputError, match="cannot be written to"):
        check_target(target)
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) == tmp_path)
    with pytest.raises(OutputError, match="write-protected"):
        check_target(target)


def test_too_little_room_is_refused(tmp_path: Path) -> None:
    check_space(tmp_path / "a", 1000)
    with pytest.raises(OutputError, match="GB free, but a needs about 1000000000"):
        check_space(tmp_path / "a", 10**18)


def test_failures_while_committing_leave_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    staging = Staging(tmp_path / "a")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match="disk was full"):
        staging.commit()
    assert not names(tmp_path)


def test_sweeping_spares_what_is_being_written_and_what_is_not_ours(tmp_path: Path) -> None:
    alive = Staging(tmp_path / "a.mp4")
    others = [tmp_path / ".b.mp4.part", tmp_path / ".hidden", tmp_path / "c.mien-part"]
    dead = [tmp_path / ".d.mp4.0123abcd.mien-part", tmp_path / ".e.89abcdef.mien-part"]
    for path in [*others, dead[0]]:
        path.touch()
    dead[1].mkdir()
    (dead[1] / "frame").touch()
    sweep(tmp_path)
    assert alive.path.exists() and all(path.exists() for path in others)
    assert not any(path.exists() for path in dead)
    alive.abort()


def test_runs_that_start_in_one_folder_do_not_sweep_each_other_away(tmp_path: Path) -> None:
    def work(name: str) -> None:
        for _ in range(40):
            staging = Staging(tmp_path / name)
            assert staging.path.exists()
            staging.commit()

    with ThreadPoolExecutor(6) as pool:
        for done in [pool.submit(work, f"{number}.mp4") for number in range(6)]:
            done.result()
    assert sorted(names(tmp_path)) == [f"{number}.mp4" for number in range(6)]


def test_a_disk_without_locks_is_written_and_nothing_on_it_swept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unsupported(_descriptor: int, _operation: int) -> None:
        raise OSError(errno.ENOLCK, "no locks")

    monkeypatch.setattr("fcntl.flock", unsupported)
    first = Staging(tmp_path / "a.mp4")
    Staging(tmp_path / "b.mp4").commit()
    first.commit()
    assert sorted(names(tmp_path)) == ["a.mp4", "b.mp4"]


def test_text_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(UnicodeEncodeError):
        write_text(tmp_path / "a.srt", "\ud83d")
    assert names(tmp_path) == []


def test_what_nobody_could_abort_goes_with_the_process(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from mien.transmit.atomic import Staging;"
        "Staging(Path(sys.argv[1])).commit(); Staging(Path(sys.argv[2])); raise KeyboardInterrupt"
    )
    arguments = [sys.executable, "-c", script, str(tmp_path / "whole.mp4"), str(tmp_path / "half.mp4")]
    assert subprocess.run(arguments, capture_output=True, check=False).returncode != 0
    assert names(tmp_path) == ["whole.mp4"]


def test_a_killed_run_is_cleaned_up_by_the_next(tmp_path: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; from mien.transmit.atomic import Staging;"
        "s = Staging(Path(sys.argv[1])); print('ready', flush=True); time.sleep(60)"
    )
    target = tmp_path / "a.mp4"
    with subprocess.Popen([sys.executable, "-c", script, str(target)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        sweep(tmp_path)
        assert len(names(tmp_path)) == 1, "alive: not to be touched"
        process.send_signal(signal.SIGKILL)
        process.wait(10)
    assert not target.exists()
    Staging(target).commit()
    assert names(tmp_path) == ["a.mp4"]
