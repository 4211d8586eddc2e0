"""The phone driver's blending as matrices over many films at once, so that its table can be solved for.

Row by row the driver's mouth is a weighted mean of postures (:mod:`mien.face.lips`). The weights depend on times and
dominance, the millimetres on the targets, and those enter linearly: given the dominance, the targets that come nearest
to real lips are a least-squares problem.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.face import lips
from mien.face.visemes import gestures
from mien.timeline import TICKS_PER_SECOND
from mien.types import Phone

Array = NDArray[np.float64]

SMOOTHING: Final = 0.35
"""The driver's usual smoothing."""
TEETH_KEEP, TEETH_GAP = 0.2, 2.5
"""What is left of the opening where the lip is at the teeth, and the gap that it shows there, mm."""


@dataclass(frozen=True)
class Film:
    """A talking film with known phones. Rows of 40 ms. aperture, width: mm (width against rest), (n,). phones: ticks.

    spoken: rows in which somebody speaks, bool (n,).
    """

    name: str
    aperture: Array
    width: Array
    spoken: NDArray[np.bool_]
    phones: tuple[Phone, ...]


@dataclass(frozen=True)
class Dominance:
    """Of each viseme: alpha, ahead, carry as in ``visemes.toml``, (v,)."""

    alpha: Array
    ahead: Array
    carry: Array


class Films:
    """Many films as padded arrays. names: the visemes in order; what they stand for is their index.

    aperture, width, counts: truth and where it counts, (films, rows). closed, teeth, speaking: the driver's, the same.
    """

    STEP: Final = 0.04

    def __init__(self, films: Sequence[Film], names: Sequence[str]) -> None:
        index = {name: i for i, name in enumerate(names)}
        said = [[(*part, index[name]) for *part, name in _placed(film.phones)] for film in films]
        rows, most = max(len(f.aperture) for f in films), max(len(s) for s in said)
        self.names = tuple(names)
        self.begin, self.end = np.zeros((2, len(films), most))
        self.viseme = np.full((len(films), most), -1)
        self.aperture, self.width, self.closed, self.teeth, self.speaking = np.zeros((5, len(films), rows))
        self.counts = np.zeros((len(films), rows), bool)
        self.times = np.arange(rows) * self.STEP
        for i, (film, parts) in enumerate(zip(films, said, strict=True)):
            n = len(film.aperture)
            self.aperture[i, :n], self.width[i, :n], self.counts[i, :n] = film.aperture, film.width, film.spoken
            for j, (begin, end, viseme) in enumerate(parts):
                self.begin[i, j], self.end[i, j], self.viseme[i, j] = begin, end, viseme
            held = _contacts(film.phones, n)
            self.closed[i, :n], self.teeth[i, :n], self.speaking[i, :n] = held

    def heard(self) -> NDArray[np.intp]:
        """How often each viseme occurs, (v,)."""
        return np.bincount(self.viseme[self.viseme >= 0], minlength=len(self.names))

    def shares(self, dominance: Dominance, follow: float) -> Array:
        """Each viseme's share of the mouth, (v, films, rows). follow: seconds by which it comes after the driver's
        opening."""
        known = (self.viseme >= 0)[:, :, None]
        v = np.maximum(self.viseme, 0)
        quarter = (self.end - self.begin) * (1 - lips.PLATEAU) / 2
        begin, finish = (x[:, :, None] - lips.LEAD + follow for x in (self.begin + quarter, self.end - quarter))
        before, after = np.maximum(begin - self.times, 0), np.maximum(self.times - finish, 0)
        tempo = lips.tempo(SMOOTHING)
        ahead, carry, alpha = (x[v][:, :, None] for x in (dominance.ahead, dominance.carry, dominance.alpha))
        falloff = (before * ahead * tempo) ** lips.EXPONENT + (after * carry * tempo) ** lips.EXPONENT
        taper = np.maximum(1 - ((before + after) / lips.REACH) ** 2, 0)
        pull = np.where(known, alpha * np.exp(-falloff) * taper, 0)
        total = pull.sum(1) + lips.REST
        each = [np.where((self.viseme == k)[:, :, None], pull, 0).sum(1) for k in range(len(self.names))]
        return np.array(each) / total

    def openness(self, shares: Array) -> tuple[Array, Array]:
        """(matrix (v, films, rows), constant (films, rows)) of the aperture as a function of the visemes' apertures."""
        free = 1 - self.closed
        return shares * (self.speaking * free * (1 - (1 - TEETH_KEEP) * self.teeth)), free * TEETH_GAP * self.teeth

    def spread(self, shares: Array) -> tuple[Array, Array]:
        """The same of the width."""
        return shares * self.speaking, np.zeros_like(self.closed)


def correlation(films: Films, made: Array, truth: Array) -> float:
    """Mean over the films of Pearson's correlation while somebody speaks."""
    found = []
    for a, b, counts in zip(made, truth, films.counts, strict=True):
        x, y = a[counts] - a[counts].mean(), b[counts] - b[counts].mean()
        found.append(float(x @ y / max(1e-9, np.sqrt((x @ x) * (y @ y)))))
    return float(np.mean(found))


def _placed(phones: Sequence[Phone]) -> list[tuple[float, float, str]]:
    """Begin and end of every gesture in seconds, and its viseme."""
    out = []
    for phone in phones:
        at, length = phone.start / TICKS_PER_SECOND, (phone.end - phone.start) / TICKS_PER_SECOND
        for g in gestures(phone.symbol):
            out.append((at, at + length * g.share, g.name))
            at += length * g.share
    return out


def _contacts(phones: Sequence[Phone], rows: int) -> list[Array]:
    """The driver's closed, teeth and speaking on rows of 40 ms."""
    articulation = lips.Articulation(0, SMOOTHING)
    for phone in phones:
        articulation.add(phone)
    return [track[::2] for track in articulation.take(2 * rows)[1:]]
