"""kill -9 at any moment: every job ends exactly once, with the bytes of a run that nobody disturbed."""

from __future__ import annotations

import hashlib
import os
import random
import sys
import time
from pathlib import Path

import pytest
from benchmarks.process import tree
from tests.jobs.batches import ended, rows, start, written

from mien.apps.jobs.batch import store_folder
from mien.apps.jobs.states import State
from mien.apps.jobs.store import Store

TEXTS = ("One.", "Two, three.", "One.", "Four and five.", "Six.", "Seven, eight, nine.")
KILLS = 4


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_killed_at_random_moments(tmp_path: Path, portrait: str) -> None:
    calm, rough = (written(tmp_path / name, _jobs(tmp_path / name, portrait)) for name in ("calm", "rough"))
    status, _, _ = ended(start(calm))
    assert status == 3, "the broken portrait is quarantined, the others are done"
    wanted = _outputs(calm.parent)
    assert len(wanted) == 2 * len(TEXTS), "a film and its captions each"

    seen: dict[str, int] = {}
    dice = random.Random(20)
    for _ in range(KILLS):
        process = start(rough, "--workers", "2")
        time.sleep(dice.uniform(0.6, 3.5))
        everybody = tree(process.pid)
        process.kill()
        process.communicate(timeout=20)
        assert _gone(everybody), "no worker outlives its batch"
        now = _inodes(rough.parent)
        assert {name: now[name] for name in seen} == seen, "what was delivered is neither rendered nor moved again"
        seen = now
    status, _, _ = ended(start(rough))
    assert status == 3
    assert _outputs(rough.parent) == wanted
    assert {name: inode for name, inode in _inodes(rough.parent).items() if name in seen} == seen
    _check_store(rough)


def _check_store(file: Path) -> None:
    with Store(store_folder(file), create=False) as store:
        states = {job.id: job.state for job in store.jobs()}
        assert states == {**{f"j{number}": State.DONE for number in range(len(TEXTS))}, "bad": State.QUARANTINED}
        for id, state in states.items():
            outcomes = [attempt.outcome for attempt in store.attempts(id)]
            ends = [outcome for outcome in outcomes if outcome not in ("lost", "interrupted")]
            assert len(ends) == 1 and outcomes[-1] == ends[0], (id, outcomes)
            assert ends[0] in (("rendered", "found", "copied") if state == State.DONE else ("failed",))
        assert list((store.folder / "made").iterdir()) == []
        assert list((store.folder / "owners").iterdir()) == []
        left = [path.name for path in (store.folder / "work").iterdir() if path.is_dir()]
        assert left == [], "what killed runs were working on is swept away"


def _jobs(folder: Path, portrait: str) -> list[dict[str, object]]:
    folder.mkdir()
    whole = Path(portrait).read_bytes()
    (folder / "bad.jpg").write_bytes(whole[: len(whole) // 50])
    return [*rows(portrait, TEXTS), {"id": "bad", "portrait": "bad.jpg", "text": "No.", "output": "out/bad.mp4"}]


def _outputs(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in (folder / "out").iterdir()}


def _inodes(folder: Path) -> dict[str, int]:
    out = folder / "out"
    return {path.name: path.stat().st_ino for path in out.iterdir()} if out.exists() else {}


def _gone(pids: list[int], within: float = 5.0) -> bool:
    deadline = time.monotonic() + within
    while any(_lives(pid) for pid in pids):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    except (ProcessLookupError, FileNotFoundError, PermissionError):
        return False
    return state != "Z"
