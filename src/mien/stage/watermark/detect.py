"""Finding the mark again, in pictures that were encoded, scaled and cropped since, without the original.

Pictures are reduced to what is left when slow changes are taken away and busy places are calmed, and averaged. For each
scale that is tried, the average is folded into one tile. The phases of its waves are compared with the pilots' at every
shift at once. Their agreement z is a sum of cosines, weighted by what the picture shows, never by what the key says. A
key that did not make the mark has phases drawn by lot, independent of any picture, so z then exceeds t with a
probability of at most exp(-t² / 2), whatever the picture and the weights (E exp(s cos U) = I₀(s) ≤ exp(s² / 4)); times
the number of scales and shifts tried, and of payloads where all waves are compared, that bounds the false positives.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.stage.watermark.folded import Folded, Try
from mien.stage.watermark.pattern import SIDE
from mien.types import FloatArray

SURE: Final = 8.7
"""From this z on the mark is there. Scales and aspects that differ by half a pixel at a picture's far end, times all
shifts, make at most 10¹¹ places to look, so one wrong key in 250 000 reaches this."""
READ: Final = 11.0
"""From this agreement of all waves on, pilots and carriers together, the payload is right, and so the mark is there:
among 2³² payloads at each of those places, one wrong key in 400 000 has one that reaches this."""
_WORTH: Final = 5.4  # below this z nothing is read
_WHOLE: Final = 0.8  # weight of all pictures that were encoded by themselves; that of all others is 1
_PLAIN: Final = 12.0  # from this z on no better place is looked for
_SMALLEST, _LARGEST, _RATIO = 0.4, 2.5, 1.01
_WINDOW: Final = 512  # side of what the search looks at first, pixels of the film as it was made
_FAVOURITES, _FINALISTS = 10, 3
_USUAL: Final = (1.0, 0.5, 2 / 3, 0.75, 1.5, 2.0)
_SPREAD: Final = 0.003  # beside a scale that was tried
_ASPECT: Final = 0.016
_DIRECTIONS: Final = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, -1), (-1, 1))


@dataclass(frozen=True, slots=True)
class Found:
    """What was found. z: agreement of the pilots, in standard deviations. scale: size now, relative to the film as it
    was made. shift: x, y of the picture's corner in the tile, pixels as made. payload: None where it cannot be read.
    read: agreement of all waves with the payload, 0 where none fits. marked: whether the mark of this key is there.
    """

    z: float
    scale: float
    shift: tuple[int, int]
    payload: int | None
    read: float = 0.0

    @property
    def marked(self) -> bool:
        """Whether this can be no chance."""
        return self.z >= SURE or self.payload is not None


class Evidence:
    """Pictures, gathered. All of one size; each adds to what is known."""

    def __init__(self) -> None:
        self._whole, self._rest = _Sum(), _Sum()
        self._seen = _Sum()

    @property
    def pictures(self) -> int:
        """How many were gathered."""
        return self._seen.count

    def add(self, luma: NDArray[np.generic], *, whole: bool = True) -> None:
        """luma: (h, w), any real dtype, 0…255. A picture of another size than the first is passed over.

        whole: whether it was encoded by itself. What is predicted from others drags along what moved in them, mark and
        all, and counts less.
        """
        seen = luma.astype(np.float32)
        if self._seen.mean is None or self._seen.mean.shape == seen.shape:
            self._seen.add(seen)
            (self._whole if whole else self._rest).add(_residual(seen))

    @property
    def mean(self) -> FloatArray | None:
        """The average picture, (h, w), 0…255; None when there is none."""
        return self._seen.mean

    def look(self, keys: Iterable[str]) -> dict[str, Found]:
        """What is there of each key. Where nothing was gathered, or too small, z is 0."""
        wanted = list(dict.fromkeys(keys))
        known = [_WHOLE * mean for mean in (self._whole.mean,) if mean is not None]
        known += [mean for mean in (self._rest.mean,) if mean is not None]
        if not known or min(known[0].shape) < 32:
            return {key: Found(0.0, 1.0, (0, 0), None) for key in wanted}
        return _search(np.asarray(sum(known), np.float32), wanted)


class _Sum:
    """A running mean."""

    def __init__(self) -> None:
        self._total: FloatArray | None = None
        self.count = 0

    def add(self, picture: FloatArray) -> None:
        self._total = picture if self._total is None else self._total + picture
        self.count += 1

    @property
    def mean(self) -> FloatArray | None:
        return None if self._total is None else self._total / np.float32(self.count)


def _residual(luma: FloatArray) -> FloatArray:
    import cv2

    rest = luma - cv2.GaussianBlur(luma, (0, 0), 2.5)
    busy = np.sqrt(cv2.boxFilter(rest * rest, -1, (9, 9)) + np.float32(0.3))
    residual: FloatArray = np.clip(rest / busy, -1.5, 1.5)
    return residual


def _search(residual: FloatArray, keys: list[str]) -> dict[str, Found]:
    """The usual scales first; then coarsely in the middle of the picture, and what looks best there in all of it."""
    found = {key: _best([Folded(residual, scale, scale).agreement(key) for scale in _USUAL]) for key in keys}
    hidden = [key for key in keys if found[key].z < _PLAIN]
    coarse: dict[str, list[Try]] = {key: [] for key in hidden}
    for scale in _scales() if hidden else ():
        folded = Folded(_middle(residual, scale), scale, scale)
        for key in hidden:
            coarse[key].append(folded.agreement(key))
    for key in hidden:
        found[key] = _close(residual, key, [found[key], *sorted(coarse[key], key=lambda t: -t.z)[:_FAVOURITES]])
    return {key: _told(residual, key, _stretch(residual, key, best)) for key, best in found.items()}


def _best(tries: Iterable[Try]) -> Try:
    return max(tries, key=lambda t: t.z)


def _scales() -> Iterator[float]:
    count = int(np.log(_LARGEST / _SMALLEST) / np.log(_RATIO)) + 1
    return (_SMALLEST * _RATIO**i for i in range(count + 1))


def _middle(residual: FloatArray, scale: float) -> FloatArray:
    side = round(_WINDOW * scale)
    top, left = (max(0, (n - side) // 2) for n in residual.shape)
    return residual[top : top + side, left : left + side]


def _close(residual: FloatArray, key: str, tries: list[Try]) -> Try:
    """The best of those scales and what is beside them, in all of the picture."""
    looked = [
        _best(
            Folded(residual, scale, scale).agreement(key)
            for scale in (t.across * (1 - _SPREAD), t.across, t.across * (1 + _SPREAD))
        )
        for t in tries
    ]
    return _best(_climb(residual, key, t) for t in sorted(looked, key=lambda t: -t.z)[:_FINALISTS])


def _climb(residual: FloatArray, key: str, best: Try) -> Try:
    """The best scale near one, from wide steps to narrow."""
    step = _SPREAD / 2
    while step * max(residual.shape) / best.across > 0.5:  # half a pixel at the far end
        near = [Folded(residual, s, s).agreement(key) for s in (best.across * (1 - step), best.across * (1 + step))]
        best = _best([best, *near])
        step /= 2
    return best


def _told(residual: FloatArray, key: str, best: Try) -> Found:
    folded = Folded(residual, best.across, best.down)
    z, shift = folded.exact(key, best.shift)
    corner = (round(-shift[0]) % SIDE, round(-shift[1]) % SIDE)
    payload, read = folded.read(key, shift) if z >= _WORTH else (None, 0.0)
    return Found(z, (best.across * best.down) ** 0.5, corner, payload if read >= READ else None, read)


def _stretch(residual: FloatArray, key: str, best: Try) -> Try:
    """Across and down each for itself: scalers round sizes to whole pixels, and crops are filled to old sizes."""
    step = _ASPECT if best.z < _PLAIN else _SPREAD
    while step * max(residual.shape) / best.across > 0.5:
        sizes = [(best.across * (1 + i * step), best.down * (1 + j * step)) for i, j in _DIRECTIONS]
        found = _best(Folded(residual, across, down).agreement(key) for across, down in sizes)
        if found.z > best.z:
            best = found
        else:
            step /= 2
    return best
