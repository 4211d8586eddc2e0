"""Folders in which renders keep their pieces: one render at a time, found again, swept when old."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from mien.apps.studio.workshops import Inputs, sweep, workshop
from mien.errors import InputError

DAY = 86_400.0


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MIEN_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache" / "studio"


def test_the_next_render_finds_what_a_killed_one_left(home: Path) -> None:
    with workshop("a") as folder:
        (folder / "piece").write_text("x")
    with workshop("a") as again:
        assert again == home / "a" and (again / "piece").exists()


def test_two_renders_of_one_film_do_not_meet(home: Path) -> None:
    with workshop("a") as first, workshop("a", patience=0.1) as second:
        assert first != second
        second.rmdir()
        assert first.is_dir()


def test_who_waits_gets_a_folder_that_is_there(home: Path) -> None:
    import threading

    with workshop("a") as first:
        seen: list[Path] = []

        def wait() -> None:
            with workshop("a") as folder:
                seen.append(folder)
                assert folder.is_dir()

        other = threading.Thread(target=wait)
        other.start()
        time.sleep(0.1)
        assert not seen
        first.rmdir()  # its film is done
    other.join(10)
    assert seen == [home / "a"]


def test_old_folders_go_unless_they_are_in_use_or_the_latest(home: Path) -> None:
    with workshop("busy"):
        for number in range(5):
            (home / f"{number}").mkdir()
            then = time.time() - 20 * DAY - number
            os.utime(home / f"{number}", (then, then))
        os.utime(home / "busy", (0, 0))
        (home / "young").mkdir()
        sweep(home, latest=3)
        assert {path.name for path in home.iterdir()} == {"busy", "young", "0", "1"}
        for name in ("young", "0", "1"):  # the clock jumped: all seem old
            os.utime(home / name, (1, 1))
        sweep(home, latest=4)
        assert {path.name for path in home.iterdir()} == {"busy", "young", "0", "1"}


def test_what_nobody_will_find_again_goes_at_once(home: Path) -> None:
    (home / "a-apart-1234").mkdir(parents=True)
    sweep(home)
    assert list(home.iterdir()) == []


def test_a_file_that_was_put_back_was_changed_all_the_same(tmp_path: Path) -> None:
    file = tmp_path / "leaf.png"
    file.write_bytes(b"whole")
    about = file.stat()
    inputs = Inputs.of([file, tmp_path / "missing"])
    inputs.check()
    time.sleep(0.02)  # clocks of file systems tick slowly
    file.write_bytes(b"wh")
    file.write_bytes(b"whole")
    os.utime(file, ns=(about.st_atime_ns, about.st_mtime_ns))
    with pytest.raises(InputError, match=r"'leaf.png' was changed") as caught:
        inputs.check()
    assert caught.value.code == "input.changed"
