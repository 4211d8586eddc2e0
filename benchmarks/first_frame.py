"""Prints how long after the moment in argv[1] (seconds since the epoch) the first picture of a film was there."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import mien

if __name__ == "__main__":
    frames = mien.make(Path(sys.argv[2]), sys.argv[3], language="en", size="512").frames()
    next(frames)
    print(time.time() - float(sys.argv[1]), flush=True)
    frames.close()  # type: ignore[attr-defined]
