"""``python -m benchmarks.studio_speed [PROJECT …]``: ``mien studio render`` against encoding the same pictures alone.

Without a project: the short of ``mien studio new`` in Chinese, 1080 x 1920 at 25 frames a second. Both are fresh
processes, in turns; the avatar is in the cache. Encoding alone is timed twice: the plain loop of PyAV
(libswscale, then libx264 with the same settings), and Mien's own film sink, which converts faster and beside the
encoder. It encodes some of the pictures, from all over the film, and is scaled to its length. Memory is of the whole
process tree, in a run of its own, since looking slows.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from benchmarks.process import Run, mien, run

SAMPLE = 450
"""Pictures that are encoded alone."""
PROMISE = 2.5
_APART = [sys.executable, "-m", "benchmarks.encode_alone"]


def main() -> int:
    """Exit status 1 when the promise is broken on an idle machine."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.studio_speed")
    parser.add_argument("projects", nargs="*", type=Path)
    parser.add_argument("--rounds", type=int, default=2, help="the best of so many counts")
    chosen = parser.parse_args()
    load, worst = os.getloadavg()[0], 0.0
    with tempfile.TemporaryDirectory(prefix="mien-studio-") as name:
        folder = Path(name)
        for project in chosen.projects or [new(folder)]:
            worst = max(worst, compare(project.resolve(), folder, chosen.rounds))
    print(f"load average {load:.2f} before, {os.getloadavg()[0]:.2f} after")
    return int(load < 0.5 and worst > PROMISE)


def new(folder: Path) -> Path:
    """The project that everybody gets."""
    mien("studio", "new", str(folder / "tea"), "--template", "short", "--language", "zh")
    return folder / "tea" / "tea.yaml"


def compare(project: Path, folder: Path, rounds: int) -> float:
    """Print how long a project takes; returns the ratio to the plain loop."""
    from mien.apps.studio.render import Job, load_plan

    film = load_plan(Job(project))
    size, seconds = f"{film.width}x{film.height}", float(film.frames / film.fps)
    raw, out = folder / "pictures.rgb", folder / "film.mp4"
    _render(project, folder / "warm.mp4")
    count = int(run([*_APART, "studio", str(project), str(SAMPLE), str(raw)]).out)
    share = film.frames / count
    whole, alone = list[Run](), dict[str, list[float]](plain=[], sink=[])
    for _ in range(rounds):
        whole.append(_render(project, out))
        for how in alone:
            wall = run([*_APART, how, size, str(raw), str(folder / "alone.mp4")]).out.split()[0]
            alone[how].append(float(wall) * share)
    raw.unlink()
    best, peak = min(r.wall for r in whole), _render(project, out, watch=True).peak
    work = min(r.work for r in whole)
    print(
        f"{project.name}: {seconds:.1f} s of {size}, {float(film.fps):g} fps: {best:.1f} s, "
        f"{work:.1f} s of processor time"
    )
    print(
        f"  real-time factor {best / seconds:.2f}, {1000 * best / film.frames:.1f} ms a frame, peak {peak / 1e6:.0f} MB"
    )
    ratios = {how: best / min(times) for how, times in alone.items()}
    for how, times in alone.items():
        print(f"  encoding alone, {how}: {min(times):.1f} s ({count} pictures, scaled); ratio {ratios[how]:.2f}")
    print(f"  ratio {ratios['plain']:.2f} (promise <= {PROMISE})")
    return ratios["plain"]


def _render(project: Path, out: Path, *, watch: bool = False) -> Run:
    return mien("studio", "render", str(project), "-o", str(out), watch=watch)


if __name__ == "__main__":
    sys.exit(main())
