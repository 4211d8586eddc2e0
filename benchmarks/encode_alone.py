"""Encoding alone: pictures that lie ready in a raw file become a film. Prints seconds and seconds of processor time.

python -m benchmarks.encode_alone render PORTRAIT SIZE TEXT_FILE RAW   draws those of a talking portrait (not timed)
python -m benchmarks.encode_alone studio PROJECT FRAMES RAW   draws some of a studio project (not timed)
python -m benchmarks.encode_alone plain SIZE RAW OUT   one loop over PyAV: libswscale, then libx264 as mien make sets it
python -m benchmarks.encode_alone sink SIZE RAW OUT    Mien's film sink, which converts faster and beside the encoder

SIZE is a side of a square, or WIDTHxHEIGHT.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Pictures = NDArray[np.uint8]


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


def studio(project: Path, frames: int, raw: Path) -> int:
    """Write so many pictures of a project's film, in three stretches spread over it. Returns how many."""
    from mien.apps.studio.artist import frames as drawn
    from mien.apps.studio.render import Job, load_plan

    film = load_plan(Job(project))
    part = min(frames, film.frames) // 3
    with raw.open("wb") as file:
        for third in range(3):
            first = third * film.frames // 3 + max(0, film.frames // 3 - part) // 2
            for pixels in drawn(film, (first, first + part)):
                file.write(pixels.tobytes())
    return 3 * part


def plain(pictures: Pictures, out: Path) -> None:
    """The loop that PyAV's own documentation shows, with mien make's settings of libx264."""
    import av

    from mien.transmit.encoders import h264

    encoder = h264("software", "balanced")
    height, width = pictures.shape[1:3]
    with av.open(str(out), "w") as file:
        stream: Any = file.add_stream(encoder.name, rate=25, options=dict(encoder.options))
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for pixels in pictures:
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            file.mux(stream.encode(frame.reformat(format="yuv420p", dst_colorspace=1)))
        file.mux(stream.encode())


def sink(pictures: Pictures, out: Path) -> None:
    """Mien's film sink, set as mien make sets it, without sound."""
    from mien.timeline import frame_tick
    from mien.transmit.film import FilmSink, FilmSpec
    from mien.types import VideoFrame

    fps, (height, width) = Fraction(25), pictures.shape[1:3]
    film = FilmSink(FilmSpec(out, width, height, fps, "balanced", "software", sound=False))
    for k, pixels in enumerate(pictures):
        film.video(VideoFrame(frame_tick(k, fps), pixels))
    film.close()


def timed(how: Callable[[Pictures, Path], None], size: str, raw: Path, out: Path) -> tuple[float, float]:
    """Seconds, and seconds of processor time, from open to close. The pictures are in the page cache before."""
    width, height = (int(side) for side in (size.split("x") * 2)[:2])
    pictures = np.memmap(raw, np.uint8, "r").reshape(-1, height, width, 3)
    for first in range(0, len(pictures), 64):  # the disk is not what is measured
        pictures[first : first + 64].max()
    begin, before = time.perf_counter(), time.process_time()
    how(pictures, out)
    return time.perf_counter() - begin, time.process_time() - before


if __name__ == "__main__":
    if sys.argv[1] == "render":
        print(render(Path(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]), Path(sys.argv[5])))
    elif sys.argv[1] == "studio":
        print(studio(Path(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4])))
    else:
        way = {"plain": plain, "sink": sink}[sys.argv[1]]
        print(*timed(way, sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4])))
