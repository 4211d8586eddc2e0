"""``python -m benchmarks.batch_faults``: what a batch of shorts from a template does when the world goes wrong.

Each film is of several pieces. A twin of each batch runs undisturbed, and in the end every film and caption must be the
same bytes as there, every job done (or quarantined, where its files stay broken) exactly once, what was delivered
untouched, no finished piece drawn twice.

- pieces: kill -9 of the batch at random moments.
- worker: kill -9 of its worker processes at random moments.
- asset: while the batch runs a JPEG is cut off, a video cut in half, a picture emptied; some are put back.
- clock: the time of day jumps by days and months, forth and back, for all its programs and files (Linux, a C compiler).
- space: the disk of store and films is full for a while (root: a disk of its own is mounted).
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from benchmarks.batch_films import (
    Pieces,
    begun,
    command,
    ended_once,
    films,
    inodes,
    own_cache,
    run,
    shorts,
    yes,
)
from benchmarks.process import tree
from mien.apps.jobs.batch import store_folder
from mien.apps.jobs.store import Store

_WALL_CLOCK = Path(__file__).with_name("wall_clock.c")
_JUMPS = (9, -40, 400, 0, -3, 30)  # days
_DISK = 60_000_000  # bytes
_APART = "MIEN_BENCH_APART"


def main() -> int:
    """Exit status 1 when a promise is broken."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.batch_faults")
    parser.add_argument("--only", nargs="+", choices=FAULTS, default=list(FAULTS))
    parser.add_argument("--films", type=int, default=6)
    parser.add_argument("--seconds", type=int, default=30, help="of each of a film's two long scenes")
    parser.add_argument("--kills", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    if "space" in chosen.only and os.geteuid() == 0 and not os.environ.get(_APART):
        os.environ[_APART] = "1"  # the small disk is seen by this program alone, and gone with it
        os.execvp("unshare", ["unshare", "--mount", sys.executable, "-m", "benchmarks.batch_faults", *sys.argv[1:]])
    good = True
    with tempfile.TemporaryDirectory(prefix="mien-faults-") as name, own_cache(Path(name) / "cache") as cache:
        calm = shorts(Path(name) / "calm", chosen.films, chosen.seconds)
        before = time.monotonic()
        run(calm)
        chosen.whole = time.monotonic() - before
        print(f"undisturbed: {chosen.films} films of about {2 * chosen.seconds + 4} s in {chosen.whole:.1f} s")
        for fault in chosen.only:
            print(f"{fault}:", flush=True)
            rough = shorts(Path(name) / fault, chosen.films, chosen.seconds)
            with Pieces(cache) as pieces:
                good = FAULTS[fault](rough, chosen) and good
            wanted, made = films(calm.parent), films(rough.parent)
            other = sorted(name for name in {*wanted, *made} if wanted.get(name) != made.get(name))
            told = f"NO: {', '.join(other)}" if other else "yes"
            print(f"  the bytes of the undisturbed batch: {told}; pieces {pieces.drawn}, twice {len(pieces.twice)}")
            good = good and not other and not pieces.twice
    return int(not good)


def _pieces(file: Path, chosen: argparse.Namespace) -> bool:
    dice, good, delivered = random.Random(chosen.seed), True, dict[str, int]()
    for number in range(chosen.kills):
        with begun(file) as (process, events):
            for event in events:
                if event["event"] == "job" and event["what"] == "running":
                    break
            time.sleep(dice.uniform(0.0, 1.5 * chosen.whole / chosen.kills))
            if process.poll() is not None:
                print(f"  it was done before kill {number + 1}")
                break
        now = inodes(file.parent / "out")
        good = good and all(now.get(name) == inode for name, inode in delivered.items())
        delivered = now
        print(f"  kill {number + 1}: {len(now)} files delivered", flush=True)
    return _ends(file, delivered) and good


def _worker(file: Path, chosen: argparse.Namespace) -> bool:
    """One over each job at most: after three a job is taken for what kills them."""
    dice, hurt, killed = random.Random(chosen.seed), set[str](), 0
    with begun(file) as (process, events):
        rested = time.monotonic()
        for event in events:
            busy = {film["id"] for film in event.get("films", []) if film["done"] > 0}
            workers = [pid for pid in tree(process.pid) if pid != process.pid]
            if busy and workers and not busy & hurt and time.monotonic() > rested:
                with suppress(OSError):
                    os.kill(dice.choice(workers), 9)
                    hurt |= busy
                    killed, rested = killed + 1, time.monotonic() + dice.uniform(2.0, 8.0)
    print(f"  {killed} workers killed")
    return _ends(file, {})


def _asset(file: Path, chosen: argparse.Namespace) -> bool:
    """While a film is drawn. Every second one stays broken until the batch is over."""
    names = ["picture{}.jpg", "clip{}.mp4", "picture{}.jpg", "picture{}.jpg", "clip{}.mp4"][: chosen.films - 1]
    plots = {f"s{n}": file.with_name(name.format(n)) for n, name in enumerate(names)}
    whole = {path: path.read_bytes() for path in plots.values()}
    harmed, stay = list[str](), [id for id in plots if int(id[1:]) % 2]
    with begun(file) as (_, events):
        for event in events:
            for film in event.get("films", []):
                if film["done"] and film["id"] in plots and film["id"] not in harmed:
                    harmed.append(film["id"])
                    _break(plots[film["id"]], harmed.index(film["id"]), back=film["id"] not in stay)
    hurt = [id for id in stay if id in harmed]
    print(f"  harmed while they were drawn: {', '.join(harmed)}; left broken: {', '.join(hurt)}")
    good = len(harmed) == len(plots) and ended_once(file, hurt)
    refused = subprocess.run(command(file), capture_output=True, text=True, check=False)
    print(f"  the same command with broken files: exit status {refused.returncode}, {refused.stderr.splitlines()[-2:]}")
    delivered = inodes(file.parent / "out")
    for path, data in whole.items():
        path.write_bytes(data)
    return _ends(file, delivered) and good


def _break(path: Path, number: int, *, back: bool) -> None:
    whole = path.read_bytes()
    path.write_bytes((whole[: len(whole) // 2], whole[:100], b"")[number % 3])
    if back:
        time.sleep(0.5)
        path.write_bytes(whole)


def _clock(file: Path, chosen: argparse.Namespace) -> bool:
    library, compiler = file.with_name("wall_clock.so"), shutil.which("cc")
    if compiler is None:
        print("  left out: there is no C compiler")
        return run(file) == 0
    subprocess.run([compiler, "-O2", "-shared", "-fPIC", "-o", str(library), str(_WALL_CLOCK)], check=True)
    clock, over = file.with_name("clock"), threading.Event()
    clock.write_text("0\n")
    hands = threading.Thread(target=_turn, args=(file, clock, over))
    hands.start()
    fake = {"LD_PRELOAD": str(library), "WALL_CLOCK": str(clock)}
    try:
        with begun(file, **fake) as (_, events):
            killed = next((1 for event in events if event["event"] == "job" and event["what"] == "rendered"), 0)
        with begun(file, **fake) as (process, events):
            for _ in events:
                pass
            status = process.wait()
    finally:
        over.set()
        hands.join()
    with Store(store_folder(file), create=False) as store:
        days = sorted({line.began[:10] for job in store.jobs() for line in store.attempts(job)})
    print(f"  killed once on the way: {yes(bool(killed))}; attempts began on {', '.join(days)}; exit status {status}")
    return _ends(file, inodes(file.parent / "out")) and len(days) > 1


def _turn(file: Path, clock: Path, over: threading.Event) -> None:
    """Set the time of day to something else every two seconds, and that of every file of the store along with it."""
    turns = 0
    while not over.wait(2.0):
        off = _JUMPS[turns % len(_JUMPS)] * 86_400
        turns += 1
        clock.write_text(f"{off}\n")
        then = time.time() + off
        studio = Path(os.environ["MIEN_CACHE_DIR"]) / "studio"
        for path in [*store_folder(file).rglob("*"), *studio.glob("*")]:
            with suppress(OSError):
                os.utime(path, (then, then))


def _space(file: Path, chosen: argparse.Namespace) -> bool:
    """The store and the films lie on a small disk, which somebody fills when the first film is done."""
    small = file.with_name("small")
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={_DISK}", "tmpfs", small], check=False).returncode:
        print("  left out: only root can mount a disk of its own")
        return run(file) == 0
    try:
        (small / "out").mkdir()
        file.with_name("out").symlink_to(small / "out")
        (small / "store").mkdir()
        store_folder(file).symlink_to(small / "store")
        return _filled(file, small)
    finally:
        kept = {path.name: path.read_bytes() for path in (small / "out").iterdir()}
        subprocess.run(["umount", "-l", str(small)], check=True)
        (small / "out").mkdir()
        for name, data in kept.items():
            (small / "out" / name).write_bytes(data)


def _filled(file: Path, small: Path) -> bool:
    filler, sentences = small / "filler", set[str]()
    with begun(file) as (process, events):
        for event in events:
            if event.get("what") == "rendered" and not filler.exists():
                _fill(filler)
            if event.get("what") == "failed":
                sentences.add(event["message"])
        status = process.wait()
    print(f"  while it was full: exit status {status}; {' '.join(sorted(sentences)[:2])}")
    with Store(store_folder(file), create=False) as store:
        bad = [job.id for job in store.jobs() if job.state == "quarantined"]
    good = ended_once(file, bad) and bool(bad)
    filler.unlink()
    return _ends(file, inodes(small / "out")) and good


def _fill(filler: Path) -> None:
    with filler.open("wb", buffering=0) as stream, suppress(OSError):
        while True:
            stream.write(bytes(65_536))


def _ends(file: Path, delivered: dict[str, int]) -> bool:
    """Run it to its end: nothing that was delivered is touched again."""
    run(file)
    now = inodes(file.parent / "out")
    touched = [name for name, inode in delivered.items() if now.get(name) != inode]
    print(f"  delivered files touched again: {len(touched)}")
    return ended_once(file) and not touched


Fault = Callable[[Path, Any], bool]
FAULTS: dict[str, Fault] = {"pieces": _pieces, "worker": _worker, "asset": _asset, "clock": _clock, "space": _space}


if __name__ == "__main__":
    sys.exit(main())
