"""What sending costs at 512 x 512, 25 fps: ``python -m benchmarks.sending TARGET …`` (see mien.transmit.send)."""

from __future__ import annotations

import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path

import numpy as np

from mien.timeline import TICKS_PER_SECOND, frame_tick
from mien.transmit.send import Pictures, open_viewer
from mien.types import ARKIT_SHAPES, AudioChunk, ByteArray, FaceClip, VideoFrame

SECONDS = 10
SIDE = 512
FPS = Fraction(25)


def scenes() -> list[ByteArray]:
    """A second of a textured picture with something that moves in the middle, about as hard as a talking portrait."""
    rng = np.random.default_rng(1)
    still = np.repeat(np.repeat(rng.integers(60, 190, (SIDE // 8, SIDE // 8, 3), np.uint8), 8, 0), 8, 1)
    pictures = []
    for k in range(25):
        picture = still.copy()
        shift = round(8 * np.sin(2 * np.pi * k / 25))
        picture[200:400, 156 + shift : 356 + shift] = still[200:400, 156:356]
        pictures.append(picture)
    return pictures


def measure(target: str) -> str:
    """A row of the table."""
    pictures, longest = scenes(), 0.0
    sound = (0.2 * np.random.default_rng(2).standard_normal(TICKS_PER_SECOND)).astype(np.float32)
    with tempfile.TemporaryDirectory() as folder:
        viewer = open_viewer(target, Pictures(SIDE, SIDE, FPS), folder=Path(folder))
        time.sleep(2.0)
        cpu, start = time.process_time(), time.monotonic()
        for k in range(int(SECONDS * FPS)):
            time.sleep(max(0.0, start + k / float(FPS) - time.monotonic()))
            tick, end = frame_tick(k, FPS), frame_tick(k + 1, FPS)
            clip = FaceClip(tick, np.full((2, len(ARKIT_SHAPES)), 0.3, np.float32), np.zeros((2, 6), np.float32))
            frame = VideoFrame(tick, pictures[k % 25])
            began = time.monotonic()
            viewer.move(clip)
            viewer.show(frame, AudioChunk(tick, sound[tick % TICKS_PER_SECOND :][: end - tick]))
            longest = max(longest, time.monotonic() - began)
        share = (time.process_time() - cpu) / SECONDS
        time.sleep(0.3)
        tally = viewer.tally
        viewer.close()
    name = target.partition(":")[0] if ":" in target else "record"
    rate = tally.sent_bytes * 8 / SECONDS / 1e6
    lost = tally.lost_frames + tally.lost_rows
    return f"{name:12} {100 * share:9.1f} % {1000 * longest:12.2f} ms {rate:9.2f} Mbit/s {lost:6d} {viewer.tally.state}"


def main() -> None:
    """The table."""
    print(f"{'':12} {'of a core':>11} {'longest show':>15} {'sent':>16} {'lost':>6}")
    for target in sys.argv[1:] or ["vmc://127.0.0.1", "livelink://127.0.0.1", "talk.mp4"]:
        print(measure(target))


if __name__ == "__main__":
    main()
