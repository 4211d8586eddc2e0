"""Encoding alone: pictures that lie ready in a raw file go through Mien's own film sink. Prints seconds and seconds of
processor time.

python -m benchmarks.encode_alone render PORTRAIT SIZE TEXT_FILE RAW   draws them (not timed)
python -m benchmarks.encode_alone encode SIZE RAW OUT                  times the sink from open to close
"""

from __future__ import annotations

import sys
import time
from fractions import Fraction
from pathlib import Path

import numpy as np


def render(portrait: Path, size: int, text: Path, raw: Path) -> int:
    """Write the pictures of a film, RGB, one after the other. Returns how many."""
    import mien

    count = 0
    film = mien.make(portrait, text.read_text(encoding="utf-8"), language="en", size=str(size), fps=25)
    with raw.open("wb") as file:
        for frame, _ in film.frames():
            file.write(frame.pixels.tobytes())
            count += 1
    return count


def encode(size: int, raw: Path, out: Path) -> tuple[float, float]:
    """Seconds, and seconds of processor time, of the film sink for the pictures alone, set as mien make sets it."""
    from mien.timeline import frame_tick
    from mien.transmit.film import FilmSink, FilmSpec
    from mien.types import VideoFrame

    pictures = np.memmap(raw, np.uint8, "r").reshape(-1, size, size, 3)
    for first in range(0, len(pictures), 64):  # into the page cache: the disk is not what is measured
        pictures[first : first + 64].max()
    fps = Fraction(25)
    begin, before = time.perf_counter(), time.process_time()
    sink = FilmSink(FilmSpec(out, size, size, fps, "balanced", "software", sound=False))
    for k, pixels in enumerate(pictures):
        sink.video(VideoFrame(frame_tick(k, fps), pixels))
    sink.close()
    return time.perf_counter() - begin, time.process_time() - before


if __name__ == "__main__":
    if sys.argv[1] == "render":
        print(render(Path(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]), Path(sys.argv[5])))
    else:
        print(*encode(int(sys.argv[2]), Path(sys.argv[3]), Path(sys.argv[4])))
