"""Encoding alone: pictures that lie ready in a raw file become a film. Prints seconds and seconds of processor time.

python -m benchmarks.encode_alone render PORTRAIT SIZE TEXT_FILE RAW   draws them (not timed)
python -m benchmarks.encode_alone plain SIZE RAW OUT   one loop over PyAV: libswscale, then libx264 as mien make sets it
python -m benchmarks.encode_alone sink SIZE RAW OUT    Mien's film sink, which converts faster and beside the encoder
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


def plain(pictures: Pictures, out: Path) -> None:
    """The loop that PyAV's own documentation shows, with mien make's settings of libx264."""
    import av

    from mien.transmit.encoders import h264

    encoder = h264("software", "balanced")
    size = pictures.shape[1]
    with av.open(str(out), "w") as file:
        stream: Any = file.add_stream(encoder.name, rate=25, options=dict(encoder.options))
        stream.width, stream.height, stream.pix_fmt = size, size, "yuv420p"
        for pixels in pictures:
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            file.mux(stream.encode(frame.reformat(format="yuv420p", dst_colorspace=1)))
        file.mux(stream.encode())


def sink(pictures: Pictures, out: Path) -> None:
    """Mien's film sink, set as mien make sets it, without sound."""
    from mien.timeline import frame_tick
    from mien.transmit.film import FilmSink, FilmSpec
    from mien.types import VideoFrame

    fps, size = Fraction(25), pictures.shape[1]
    film = FilmSink(FilmSpec(out, size, size, fps, "balanced", "software", sound=False))
    for k, pixels in enumerate(pictures):
        film.video(VideoFrame(frame_tick(k, fps), pixels))
    film.close()


def timed(how: Callable[[Pictures, Path], None], size: int, raw: Path, out: Path) -> tuple[float, float]:
    """Seconds, and seconds of processor time, from open to close. The pictures are in the page cache before."""
    pictures = np.memmap(raw, np.uint8, "r").reshape(-1, size, size, 3)
    for first in range(0, len(pictures), 64):  # the disk is not what is measured
        pictures[first : first + 64].max()
    begin, before = time.perf_counter(), time.process_time()
    how(pictures, out)
    return time.perf_counter() - begin, time.process_time() - before


if __name__ == "__main__":
    if sys.argv[1] == "render":
        print(render(Path(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]), Path(sys.argv[5])))
    else:
        way = {"plain": plain, "sink": sink}[sys.argv[1]]
        print(*timed(way, int(sys.argv[2]), Path(sys.argv[3]), Path(sys.argv[4])))
