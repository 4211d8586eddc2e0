"""``python -m benchmarks.batch_kill``: kill -9 at 20 random moments of a batch of 30 films.

The same batch is first run undisturbed. Then its twin is killed again and again and run to its end. What must hold:
every job ends done or quarantined exactly once, the films are the same bytes, nothing that was delivered is rendered or
moved again (its inode stays), nothing that was sealed is rendered again, no process outlives its batch.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.batch_films import command, films, inodes, run, written, yes
from benchmarks.portrait import portrait
from benchmarks.process import tree
from mien.apps.jobs.batch import store_folder
from mien.apps.jobs.states import State
from mien.apps.jobs.store import Store

WORDS = ("One", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


def main() -> int:
    """Exit status 1 when a promise is broken."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.batch_kill")
    parser.add_argument("--jobs", type=int, default=30)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mien-kill-") as name:
        calm, rough = (_batch(Path(name) / kind, chosen.jobs) for kind in ("calm", "rough"))
        begun = time.monotonic()
        run(calm)
        whole = time.monotonic() - begun
        print(f"undisturbed: {chosen.jobs} jobs in {whole:.1f} s", flush=True)
        good = _killed(rough, chosen.kills, random.Random(chosen.seed), whole)
        same = films(calm.parent) == films(rough.parent)
        print(f"films and captions equal those of the undisturbed run: {yes(same)}")
        once = _once(rough)
    return int(not (good and same and once))


def _killed(file: Path, kills: int, dice: random.Random, whole: float) -> bool:
    """Kill it ``kills`` times, spread over about its whole length, then let it end."""
    good, at, delivered, sealed = True, 0, {}, {}  # type: ignore[var-annotated]
    for number in range(kills):
        process = subprocess.Popen(
            [*command(file), "--json"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        words = dice.choice(((), ('"running"',), ('"rendered"', '"copied"'), ('"rendered"', '"copied"')))
        _wait_for(process, words)  # while it starts, while it renders, while it delivers
        time.sleep(dice.uniform(0.0, whole / kills))
        if process.poll() is not None:
            print(f"it was done before kill {number + 1}")
            break
        everybody = tree(process.pid)
        process.kill()
        process.communicate()
        at = number + 1
        outlived = _living(everybody)
        now = inodes(file.parent / "out")
        made = inodes(store_folder(file) / "made")
        moved = [name for name, inode in delivered.items() if now.get(name) != inode]
        gone = [name for name, inode in sealed.items() if made.get(name, inode) != inode]
        good = good and not outlived and not moved and not gone
        print(
            f"kill {at}: {len(now)} files delivered, {len(made)} sealed; rendered again {len(moved) + len(gone)}, "
            f"outlived {len(outlived)}", flush=True,
        )  # fmt: skip
        delivered, sealed = now, made
    run(file)
    now = inodes(file.parent / "out")
    again = [name for name, inode in delivered.items() if now.get(name) != inode]
    print(f"{at} kills; delivered files touched again: {len(again)}")
    return good and not again


def _wait_for(process: subprocess.Popen[str], words: tuple[str, ...]) -> None:
    """Until it prints a line with one of these words; at once if there are none."""
    assert process.stdout is not None
    while words and (line := process.stdout.readline()):
        if any(word in line for word in words):
            return


def _once(file: Path) -> bool:
    with Store(store_folder(file), create=False) as store:
        tally: dict[str, int] = {}
        good = True
        for job in store.jobs():
            ends = [a.outcome for a in store.attempts(job) if a.outcome not in ("lost", "interrupted")]
            good = good and len(ends) == 1 and job.state in (State.DONE, State.QUARANTINED)
            for outcome in (a.outcome for a in store.attempts(job)):
                tally[outcome] = tally.get(outcome, 0) + 1
        print(f"states: { {str(s): n for s, n in store.counts().items() if n} }; attempts: {tally}")
    print(f"every job ended exactly once: {yes(good)}")
    return good


def _batch(folder: Path, jobs: int) -> Path:
    """Every tenth job has a broken portrait, every seventh says what the first says."""
    folder.mkdir()
    whole = portrait().read_bytes()
    (folder / "broken.png").write_bytes(whole[: len(whole) // 50])
    rows: list[dict[str, Any]] = []
    for number in range(jobs):
        said = " ".join(WORDS[(number + k) % len(WORDS)] for k in range(3 + number % 4))
        rows.append(
            {
                "id": f"j{number}",
                "portrait": "broken.png" if number % 10 == 9 else str(portrait()),
                "text": "One." if number % 7 == 0 else f"{said}, number {number}.",
                "output": f"out/j{number}.mp4",
                "size": "96x96",
                "encoder": "software",
                "priority": number % 3,
            }
        )
    return written(folder, rows)


def _living(pids: list[int], within: float = 5.0) -> list[int]:
    deadline = time.monotonic() + within
    while (left := [pid for pid in pids if _lives(pid)]) and time.monotonic() < deadline:
        time.sleep(0.02)
    return left


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(main())
