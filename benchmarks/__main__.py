"""``python -m benchmarks [--long] [--only PART …]``: the speed table, every ratio from one run of this program.

Times are of fresh processes with warm disk caches; the avatar is in the cache. The promises that are checked hold on a
machine with two cores that does nothing else: the load before and after is printed, judge by the ratios under load.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.portrait import portrait
from benchmarks.process import Run, mien, run
from benchmarks.stages import stages

TEXT = Path(__file__).parent / "english.txt"
MB = 1e6


@dataclass(frozen=True)
class Row:
    """One line of the table. promise: upper bound, None for a number that is only told."""

    what: str
    value: float
    unit: str
    promise: float | None = None

    @property
    def verdict(self) -> str:
        """Whether the promise is kept."""
        return "" if self.promise is None else "yes" if self.value <= self.promise else "NO"


class Table:
    """Prints rows as they come and keeps them."""

    def __init__(self) -> None:
        self.rows: list[Row] = []

    def add(self, what: str, value: float, unit: str, promise: float | None = None) -> None:
        """One more line."""
        row = Row(what, value, unit, promise)
        self.rows.append(row)
        wanted = "" if promise is None else f"<= {promise:g}"
        print(f"{what:<58} {value:>9.3f} {unit:<4} {wanted:>8} {row.verdict}", flush=True)


def main() -> int:
    """Run the benchmarks; exit status 1 when a promise is broken on an idle machine."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("--long", action="store_true", help="also a film of ten minutes and three hours of a voice")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="some parts of the table")
    parser.add_argument("--json", type=Path, help="write the rows to a file")
    chosen = parser.parse_args()
    table = Table()
    begin, load = time.monotonic(), os.getloadavg()[0]
    print(_machine())
    with tempfile.TemporaryDirectory(prefix="mien-bench-") as name:
        folder = Path(name)
        mien("make", "-p", str(portrait()), "-t", "Hello.", "--size", "512", "-o", str(folder / "warm.mp4"))
        for part in chosen.only:
            PARTS[part](table, folder)
        if chosen.long:
            _ten_minutes(table, folder, _memory(table, folder))
            _three_hours(table, folder, _voice(table, folder))
    print(f"{time.monotonic() - begin:.0f} s; load average {load:.2f} before, {os.getloadavg()[0]:.2f} after")
    if chosen.json:
        rows = [{**asdict(row), "kept": row.verdict} for row in table.rows]
        chosen.json.write_text(json.dumps({"machine": _machine(), "load": load, "rows": rows}, indent=1))
    return int(load < 0.5 and any(row.verdict == "NO" for row in table.rows))


def _machine() -> str:
    model = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        model = next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{model}, {cores} cores, {platform.system()}, Python {platform.python_version()}"


def _start_up(table: Table, _folder: Path) -> None:
    nothing = min(run([sys.executable, "-c", "pass"]).wall for _ in range(7))
    package = min(run([sys.executable, "-c", "import mien"]).wall for _ in range(7))
    table.add("import mien, beyond python itself", package - nothing, "s", 0.25)
    table.add("mien --version", min(mien("--version").wall for _ in range(3)), "s")
    for label, text in (("one sentence", "Hello, how are you?"), ("60 s of text", TEXT.read_text(encoding="utf-8"))):
        taken = min(_first_frame(text) for _ in range(3))
        table.add(f"process start to first frame, 512x512, {label}", taken, "s", 2.5)


def _first_frame(text: str) -> float:
    command = [sys.executable, "-m", "benchmarks.first_frame", repr(time.time()), str(portrait()), text]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def _avatar(table: Table, folder: Path) -> None:
    """A photo of 12 megapixels whose face is as large as in the demo portrait, scaled up."""
    from PIL import Image

    with Image.open(portrait()) as image:
        person = image.convert("RGB")
    scale = 3000 / person.height
    person = person.resize((round(person.width * scale), 3000), Image.Resampling.BICUBIC)
    photo = Image.new("RGB", (4000, 3000), (120, 130, 140))
    photo.paste(person, ((4000 - person.width) // 2, 0))
    file = folder / "photo.jpg"
    photo.save(file, quality=92)
    runs = [mien("avatar", "create", str(file), "--name", f"bench-{os.getpid()}-{k}") for k in range(2)]
    mien("avatar", "remove", *(f"bench-{os.getpid()}-{k}" for k in range(2)))
    table.add("mien avatar create, photo of 12 megapixels", min(r.wall for r in runs), "s", 4.0)
    table.add("mien avatar create, processor time", min(r.work for r in runs), "s")


def _speed(table: Table, folder: Path) -> None:
    """The whole command against encoding the same pictures alone, turn by turn, the best of two each."""
    raw = folder / "pictures.rgb"
    apart = [sys.executable, "-m", "benchmarks.encode_alone"]
    count = int(run([*apart, "render", str(portrait()), "512", str(TEXT), str(raw)]).out)
    times: dict[str, list[tuple[float, float]]] = {"plain": [], "sink": [], "make": []}
    for _ in range(2):
        for how in ("plain", "sink"):
            wall, work = run([*apart, how, "512", str(raw), str(folder / "alone.mp4")]).out.split()
            times[how].append((float(wall), float(work)))
        film = _film(folder / "film.mp4", "512")
        times["make"].append((film.wall, film.work))
    raw.unlink()
    seconds = count / 25
    best = {how: tuple(min(column) for column in zip(*rows, strict=True)) for how, rows in times.items()}
    (alone, alone_work), (own, _), (whole, whole_work) = best["plain"], best["sink"], best["make"]
    table.add("length of the film, 512x512, 25 fps", seconds, "s")
    table.add("encoding its pictures alone, plain PyAV (same settings, threads)", alone, "s")
    table.add("encoding its pictures alone, Mien's own film sink", own, "s")
    table.add("mien make, whole command", whole, "s")
    table.add("mien make / encoding alone, plain PyAV", whole / alone, "x", 2.2)
    table.add("mien make / encoding alone, Mien's own film sink", whole / own, "x")
    table.add("the same in processor time (any load)", whole_work / alone_work, "x")
    table.add("mien make, real-time factor", whole / seconds, "x", 0.25)
    table.add("mien make, processor time for a second of film", whole_work / seconds, "s")


def _film(out: Path, size: str, text: Path = TEXT, *more: str, watch: bool = False) -> Run:
    return mien(
        "make", "-p", str(portrait()), "--text-file", str(text), "-l", "en", "--size", size, "--fps", "25",
        "--encoder", "software", "--json", *more, "-o", str(out), watch=watch,
    )  # fmt: skip


def _stages(table: Table, _folder: Path) -> None:
    for name, milliseconds in stages(portrait(), 512, 512):
        table.add(f"512x512 {name}", milliseconds, "ms")
    for name, milliseconds in stages(portrait(), 1920, 1080, 75):
        table.add(f"1920x1080 {name}", milliseconds, "ms")


def _large(table: Table, folder: Path) -> None:
    made = _film(folder / "large.mp4", "1080p", watch=True)
    table.add("mien make 1920x1080, real-time factor", made.wall / _report(made)["duration"], "x", 1.0)
    table.add("mien make 1920x1080, peak memory of the process tree", made.peak / MB, "MB", 1100)


def _memory(table: Table, folder: Path) -> int:
    made = _film(folder / "film.mp4", "512", watch=True)
    table.add("mien make 512x512, 1 minute, peak memory", made.peak / MB, "MB", 650)
    return made.peak


def _voice(table: Table, folder: Path, minutes: float = 20.0) -> int:
    """What an hour of a recorded voice costs, from a shorter one. The most memory that making the motion took."""
    file = str(folder / "voice.mp3")
    listening = [sys.executable, "-m", "benchmarks.listening"]
    run([*listening, "record", file, str(minutes)])
    nothing = run([sys.executable, "-c", "import mien.audio.hear, mien.face.listen.driver"]).work
    promises = {"read": None, "hear": 15.0, "move": 60.0}
    names = {"read": "decoded and resampled", "hear": "and who speaks when", "move": "to motion"}
    for what, promise in promises.items():
        done = run([*listening, what, file], watch=True)
        hour = (done.work - nothing) * 60 / minutes
        table.add(f"an hour of a recorded voice {names[what]}, processor time", hour, "s", promise)
    for rows, hops in ((0, 1), (3, 1), (0, 2), (3, 2)):
        work = [*listening, "hop", file, str(rows), str(hops)]
        told = subprocess.run(work, capture_output=True, text=True, check=True).stdout
        of = "a hop of 20 ms" if hops == 1 else "a hop, two at once"
        table.add(f"features and network, {rows * 20} ms ahead, of {of}", float(told), "ms", 0.25)
    table.add(f"{minutes:g} minutes of it to motion, peak memory", done.peak / MB, "MB", 400)
    return done.peak


def _three_hours(table: Table, folder: Path, before: int) -> None:
    file = str(folder / "long.mp3")
    listening = [sys.executable, "-m", "benchmarks.listening"]
    run([*listening, "record", file, "180"])
    done = run([*listening, "move", file], watch=True)
    table.add("three hours of it to motion, peak memory", done.peak / MB, "MB", 400)
    table.add("three hours / 20 minutes, peak memory", done.peak / before, "x", 1.1)


def _ten_minutes(table: Table, folder: Path, minute: int) -> None:
    from mien.lab.evaluate.film import Evidence, judge
    from mien.portrait.build import cached_avatar
    from mien.transmit.motion_reader import read_motion
    from mien.transmit.trace import read_trace

    text, film = folder / "long.txt", folder / "long.mp4"
    motion, trace = folder / "motion.json", folder / "trace.json"
    text.write_text("\n\n".join([TEXT.read_text(encoding="utf-8")] * 11), encoding="utf-8")
    made = _film(film, "512", text, "--motion", str(motion), "--trace", str(trace), watch=True)
    seconds = _report(made)["duration"]
    table.add("length of the long film", seconds, "s")
    table.add("long film, real-time factor", made.wall / seconds, "x", 0.25)
    table.add("long film, peak memory", made.peak / MB, "MB", 650)
    table.add("long film / film of 1 minute, peak memory", made.peak / minute, "x", 1.05)
    avatar = cached_avatar(portrait())
    for measure in judge(Evidence(film, read_motion(motion), read_trace(trace), avatar)):
        if measure.name.startswith(("sync", "length", "lips")):
            table.add(f"long film, {measure.name}", measure.value, measure.unit[:4])


def _report(made: Run) -> dict[str, Any]:
    """The ``film`` event of a make command."""
    events = [json.loads(line) for line in made.out.splitlines()]
    return next(event for event in events if event["event"] == "film")


PARTS: dict[str, Callable[[Table, Path], object]] = {
    "start": _start_up,
    "avatar": _avatar,
    "speed": _speed,
    "stages": _stages,
    "large": _large,
    "memory": _memory,
    "voice": _voice,
}

if __name__ == "__main__":
    sys.exit(main())
