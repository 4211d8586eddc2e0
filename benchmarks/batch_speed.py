"""``python -m benchmarks.batch_speed``: ten scripts of 20 s as one batch against ten single commands one after another.

Both make the same films, the portrait's avatar being in the cache. Memory is of the whole process tree of the batch.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import os
import sys
import tempfile
from pathlib import Path

from benchmarks.portrait import portrait
from benchmarks.process import Run, mien

SENTENCES = (
    "Welcome to film number {n}. Today I want to show you how a cup of tea is made, slowly and with care.",
    "First, warm the pot with a little water and pour it away. Then put in three grams of leaves for each cup.",
    "Pour water over them that has stood for a minute after boiling, and wait for three minutes. Now sit down.",
)
PROMISE = 0.8


def main() -> int:
    """Exit status 1 when films differ, or the promise is broken on an idle machine."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.batch_speed")
    parser.add_argument("--films", type=int, default=10)
    parser.add_argument("--size", default="512")
    parser.add_argument("--workers", type=int, nargs="*", default=[0], help="0 = as the batch decides")
    chosen = parser.parse_args()
    load = os.getloadavg()[0]
    texts = [" ".join(SENTENCES).format(n=number + 1) for number in range(chosen.films)]
    with tempfile.TemporaryDirectory(prefix="mien-batch-") as name:
        folder = Path(name)
        _single(folder / "warm.mp4", "Hello.", chosen.size)
        singles = [_single(folder / f"s{n}.mp4", text, chosen.size) for n, text in enumerate(texts)]
        alone, work = sum(run.wall for run in singles), sum(run.work for run in singles)
        seconds = sum(_seconds(folder / f"s{n}.mp4") for n in range(len(texts))) / len(texts)
        print(
            f"{chosen.films} single commands: {alone:.1f} s, {work:.1f} s of processor time; films of {seconds:.1f} s"
        )
        ratio, equal = 0.0, True
        for count in chosen.workers:
            run = _batch(folder / f"b{count}", texts, chosen.size, count)
            ratio = run.wall / alone
            print(
                f"one batch, {count or 'its own number of'} workers: {run.wall:.1f} s, {run.work:.1f} s of processor "
                f"time, peak {run.peak / 1e6:.0f} MB; ratio {ratio:.2f} (promise <= {PROMISE})"
            )
            same = all(
                _hash(folder / f"s{n}.mp4") == _hash(folder / f"b{count}" / f"{n}.mp4") for n in range(len(texts))
            )
            equal = equal and same
            print(f"the same bytes as the single commands: {'yes' if same else 'NO'}")
    print(f"load average {load:.2f} before, {os.getloadavg()[0]:.2f} after")
    return int(not equal or (load < 0.5 and ratio > PROMISE))


def _single(out: Path, text: str, size: str) -> Run:
    return mien("make", "-p", str(portrait()), "-t", text, "--size", size, "-o", str(out))


def _batch(folder: Path, texts: list[str], size: str, workers: int) -> Run:
    folder.mkdir()
    file = folder / "jobs.csv"
    with file.open("w", encoding="utf-8", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(["id", "portrait", "text", "size"])
        table.writerows([n, str(portrait()), text, size] for n, text in enumerate(texts))
    more = ["--workers", str(workers)] if workers else []
    return mien("batch", str(file), *more, watch=True)


def _seconds(path: Path) -> float:
    import av

    with av.open(str(path)) as film:
        return (film.duration or 0) / 1e6


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
