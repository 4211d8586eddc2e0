"""How well driven lips follow the real lips of the same speech: correlation with talking films.

For each film and each way of driving (:mod:`mien.lab.evaluate.lips_drive`), Pearson's correlation of aperture and of
width with what was tracked in the picture (:mod:`mien.lab.evaluate.truth`): at no lag, at one lag for all films (the
one with the best mean, for each measure of its own), and at each film's own best lag, which says most about the film's
sync. A lag is positive where the real lips come later than the driven ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError, MienError
from mien.lab.evaluate.lips_drive import Lips, Way
from mien.types import FloatArray

Rows = NDArray[np.float64]

LAGS: Final = tuple(range(-10, 11))
"""Rows of 20 ms."""
_RATE: Final = 50
_FEWEST: Final = 50
"""Rows that a film needs at least."""


@dataclass(frozen=True)
class Film:
    """A talking film. sound: float32, 48 kHz, from time 0 on. aperture, width: mm, real, (rows,), NaN where unseen."""

    name: str
    sound: FloatArray
    aperture: Rows
    width: Rows


@dataclass(frozen=True)
class Followed:
    """How well one way follows one measure of all films; correlations, (films,). lag: ms, of ``at_lag``."""

    at_zero: Rows
    at_lag: Rows
    at_best: Rows
    lag: int

    def as_dict(self) -> dict[str, Any]:
        """Means and lag."""
        return {
            "zero_lag": round(float(self.at_zero.mean()), 4),
            "one_lag": round(float(self.at_lag.mean()), 4),
            "lag_ms": self.lag,
            "best_lag": round(float(self.at_best.mean()), 4),
        }


@dataclass(frozen=True)
class Result:
    """films: names. scores: of each way that could be run, its measures. notes: what was left out, and why."""

    films: tuple[str, ...]
    scores: dict[str, dict[str, Followed]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        ways = {
            name: {
                measure: {
                    **found.as_dict(),
                    "films": {
                        film: [round(float(x), 4) for x in (found.at_zero[i], found.at_lag[i], found.at_best[i])]
                        for i, film in enumerate(self.films)
                    },
                }
                for measure, found in measures.items()
            }
            for name, measures in self.scores.items()
        }
        return {"films": list(self.films), "ways": ways, "notes": list(self.notes)}


def run(
    videos: Path,
    ways: Mapping[str, Way],
    *,
    cache: Path,
    task: Path | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> Result:
    """Score every way on the films of a folder that have sound and a face.

    ways: from name to way; one that raises MienError is left out with a note. cache: folder where tracked lips are
    kept. task: the landmark net's file. Raises InputError when no film can be used.
    """
    notes: list[str] = []

    def note(line: str) -> None:
        notes.append(line)
        tell(line)

    films = load_films(videos, cache, task, note)
    scores: dict[str, dict[str, Followed]] = {}
    for name, way in ways.items():
        try:
            made = [way(film.sound) for film in films]
        except MienError as error:
            note(f"{name} is left out: {error}")
            continue
        scores[name] = follow(made, films)
        tell(f"{name}: scored on {len(films)} films")
    return Result(tuple(f.name for f in films), scores, tuple(notes))


def load_films(videos: Path, cache: Path, task: Path | None, tell: Callable[[str], None]) -> list[Film]:
    """Films of a folder with sound and a face, their lips tracked. Raises InputError when there is none."""
    from mien.lab.evaluate.decode import sound_of
    from mien.lab.evaluate.truth_cache import films_in, track_folder

    tracked = {file.stem: file for file in track_folder(videos, cache, task, tell)}
    films = []
    for path in films_in(videos):
        if path.stem in tracked:
            sound, _ = sound_of(path)
            film = _film(path.stem, sound, tracked[path.stem])
            if np.isfinite(film.aperture).sum() >= _FEWEST:
                films.append(film)
            else:
                tell(f"{path.name} is left out: too little of it shows a face.")
    if not films:
        raise InputError(f"No film in '{videos}' has both sound and a face.", hint="Give films of people who talk.")
    return films


def _film(name: str, sound: FloatArray, tracked: Path) -> Film:
    """Rows as long as both the pictures and the sound; NaN more than a picture away from where the face was seen."""
    with np.load(tracked, allow_pickle=False) as saved:
        times, *tracks = (saved[key].astype(np.float64) for key in ("times", "aperture_mm", "width_mm"))
    rows = min(int(times[-1] * _RATE) + 1, len(sound) * _RATE // 48_000)
    at = np.arange(rows) / _RATE
    return Film(name, sound, *(np.interp(at, times, track) for track in tracks))


def follow(made: Sequence[Lips], films: Sequence[Film]) -> dict[str, Followed]:
    """Scores of one way; "width" only where it knows widths."""
    out = {"aperture": _followed([m.aperture for m in made], [f.aperture for f in films])}
    widths = [m.width for m in made if m.width is not None]
    if len(widths) == len(made):
        out["width"] = _followed(widths, [f.width for f in films])
    return out


def _followed(made: Sequence[Rows], real: Sequence[Rows]) -> Followed:
    table = np.array([by_lag(a, b) for a, b in zip(made, real, strict=True)])
    chosen = int(table.mean(0).argmax())
    return Followed(table[:, LAGS.index(0)], table[:, chosen], table.max(1), 20 * LAGS[chosen])


def by_lag(made: Rows, real: Rows) -> list[float]:
    """Pearson's correlation at each of :data:`LAGS`; rows where either is not known do not count."""
    count = min(len(made), len(real))
    out = []
    for lag in LAGS:
        a = made[max(0, -lag) : count - max(0, lag)]
        b = real[max(0, lag) : count - max(0, -lag)]
        out.append(correlation(a, b))
    return out


def correlation(a: Rows, b: Rows) -> float:
    """Pearson's, over what is known of both; 0 where one of them does not change."""
    known = np.isfinite(a) & np.isfinite(b)
    if known.sum() < 2:
        return 0.0
    x, y = a[known] - a[known].mean(), b[known] - b[known].mean()
    size = float(np.sqrt((x @ x) * (y @ y)))
    return float(x @ y) / size if size > 1e-9 else 0.0
