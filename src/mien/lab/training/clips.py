"""Real talking people with their lips tracked: what the network is checked on, and what a personal one learns from."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.float64]


@dataclass(frozen=True)
class Clip:
    """A tracked film. sound: float32, 16 kHz. aperture: cm, width: 5 mm against the median; rows of 20 ms.

    speech: first and last row in which somebody speaks. phones: (start, end, ARPAbet) in seconds, where known.
    """

    name: str
    sound: NDArray[np.float32]
    aperture: Rows
    width: Rows
    speech: tuple[int, int]
    phones: tuple[tuple[float, float, str], ...] = ()


def load_clip(file: Path) -> Clip:
    """A clip from its .npz (times, aperture_mm, width_mm, audio) and, beside it, the .json of its phones."""
    with np.load(file, allow_pickle=False) as saved:
        times, sound = saved["times"], saved["audio"].astype(np.float32)
        tracks = [saved[key].astype(np.float64) for key in ("aperture_mm", "width_mm")]
    rows = len(sound) // 320
    at = np.arange(rows) / 50
    known = ~np.isnan(tracks[0])
    aperture, width = (np.interp(at, times[known], t[known]) for t in tracks)
    told = file.with_suffix(".json")
    phones = tuple((float(a), float(b), str(p)) for a, b, p in json.loads(told.read_text())) if told.exists() else ()
    spoken = [(a, b) for a, b, p in phones if p] or [(0.0, rows / 50)]
    speech = (max(0, int(spoken[0][0] * 50) - 3), min(rows, int(spoken[-1][1] * 50) + 3))
    median = np.median(width[speech[0] : speech[1]])
    return Clip(file.stem, sound, aperture / 10, (width - median) / 5, speech, phones)
