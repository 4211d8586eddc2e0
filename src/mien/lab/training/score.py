"""How well the network's lips follow real ones on clips that it never learned from: what a model is chosen by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from mien.face.listen.features import mel_matrix
from mien.face.listen.heads import APERTURE, WIDTH
from mien.face.listen.network import LOOK_AHEADS
from mien.lab.training.augment import leveled, power
from mien.lab.training.clips import Clip
from mien.lab.training.network import Listener
from mien.lab.training.synthesis import SAMPLES

LAGS: Final = tuple(range(-10, 11))
"""Rows of 20 ms by which the network's lips are shifted against the real ones; positive = they come later."""
_LEVEL: Final = 0.05
Rows = NDArray[np.float64]


@dataclass(frozen=True)
class Score:
    """Correlation with real lips, mean over clips at the one lag that suits all of them best; lag in ms."""

    aperture: float
    width: float
    aperture_lag: int
    width_lag: int

    @property
    def total(self) -> float:
        """What models are chosen by."""
        return self.aperture + self.width

    def __str__(self) -> str:
        return f"aperture {self.aperture:.3f} ({self.aperture_lag:+d} ms), width {self.width:.3f} ({self.width_lag:+d})"


def predict(net: Listener, sound: NDArray[np.float32], look_ahead: int = 3) -> Rows:
    """The network's rows for a whole recording (16 kHz), row k at tick 960 k: (rows, HEADS)."""
    level = np.sqrt(np.mean(np.square(sound))) + 1e-9
    rows = len(sound) // SAMPLES
    padded = np.pad(sound[: rows * SAMPLES] * (_LEVEL / level), (0, look_ahead * SAMPLES)).astype(np.float32)
    with torch.no_grad():
        mel = power(torch.from_numpy(padded)[None]) @ torch.from_numpy(mel_matrix()).T
        answers = net(leveled(mel))[0, :, LOOK_AHEADS.index(look_ahead)]
    shift = look_ahead - 1  # step k speaks of row k + 1 - look_ahead
    out = answers.numpy().astype(np.float64)
    return out[shift : shift + rows] if shift >= 0 else np.concatenate([out[:1], out[: rows - 1]])


def score(net: Listener, clips: Sequence[Clip], look_ahead: int = 3) -> Score:
    """Correlations while somebody speaks."""
    return score_tracks(
        [(p[:, APERTURE], p[:, WIDTH]) for p in (predict(net, c.sound, look_ahead) for c in clips)], clips
    )


def score_tracks(tracks: Sequence[tuple[Rows, Rows]], clips: Sequence[Clip]) -> Score:
    """The same for any pair of tracks (aperture, width) at 50 Hz."""
    best = []
    for i, real in enumerate(([c.aperture for c in clips], [c.width for c in clips])):
        table = np.array([_by_lag(t[i], r, c.speech) for t, r, c in zip(tracks, real, clips, strict=True)])
        mean = np.nanmean(table, axis=0)
        best.append((float(mean.max()), LAGS[int(mean.argmax())] * 20))
    (aperture, lag), (width, width_lag) = best
    return Score(aperture, width, lag, width_lag)


def _by_lag(made: Rows, real: Rows, where: tuple[int, int]) -> list[float]:
    count = min(len(made), len(real))
    first, last = max(where[0], -LAGS[0]), min(where[1], count - LAGS[-1])
    return [_correlation(made[first - lag : last - lag], real[first:last]) for lag in LAGS]


def _correlation(a: Rows, b: Rows) -> float:
    a, b = a - a.mean(), b - b.mean()
    size = np.sqrt((a @ a) * (b @ b))
    return float(a @ b / size) if size > 1e-9 else 0.0
