"""Finding the mark again, in pictures that were encoded, scaled and cropped since, without the original.

Pictures are reduced to what is left when slow changes are taken away and busy places are calmed, and averaged. For each
scale that is tried, the average is folded into one tile. Of its waves only the phases are kept, and compared with the
pilots' at every shift at once. Their agreement z is a sum of cosines. A key that did not make the mark has phases drawn
by lot, independent of any picture, so z then exceeds t with a probability of at most exp(-t² / 2), whatever the picture
(E exp(s cos U) = I₀(s) ≤ exp(s² / 4)); times the number of scales and shifts tried, that bounds the false positives.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.stage.watermark import code
from mien.stage.watermark.pattern import SIDE, Waves, waves
from mien.types import FloatArray

SURE: Final = 8.7
"""From this z on the mark is there. Scales and aspects that differ by half a pixel at a picture's far end, times all
shifts, make at most 10¹¹ places to look: fewer than one wrong key in 10⁵ reaches this, or LIKELY with a checksum."""
LIKELY: Final = 7.6
"""From this z on the mark is there if the payload's checksum fits as well; one in 4096 fits by chance."""
_WHOLE: Final = 0.8  # weight of all pictures that were encoded by themselves; that of all others is 1
_PLAIN: Final = 12.0  # from this z on no better place is looked for
_SMALLEST, _LARGEST, _RATIO = 0.4, 2.5, 1.01
_WINDOW: Final = 512  # side of what the search looks at first, pixels of the film as it was made
_FAVOURITES, _FINALISTS = 10, 3
_USUAL: Final = (1.0, 0.5, 2 / 3, 0.75, 1.5, 2.0)
_SPREAD: Final = 0.003  # beside a scale that was tried
_ASPECT: Final = 0.016
_DIRECTIONS: Final = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, -1), (-1, 1))

_PITCH: Final = 2  # pixels of the film as it was made, for one of the grid that it is folded onto
_GRID: Final = SIDE // _PITCH
_FINE: Final = 0.22  # cycles a pixel, at which half of a wave is taken to be lost
_RING, _RINGS, _LEAST = 0.012, 12, 0.03  # rings of frequencies: width, cycles a pixel; count; least trust in one

_Complex = NDArray[np.complex64]


@dataclass(frozen=True, slots=True)
class Found:
    """What was found. z: agreement, in standard deviations. scale: size now, relative to the film as it was made.

    shift: x, y of the picture's corner in the tile, pixels as made. payload: None where it cannot be read. marked:
    whether the mark of this key is there.
    """

    z: float
    scale: float
    shift: tuple[int, int]
    payload: int | None

    @property
    def marked(self) -> bool:
        """Whether this can be no chance."""
        return self.z >= SURE or (self.z >= LIKELY and self.payload is not None)


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


@dataclass(frozen=True, slots=True)
class _Try:
    z: float
    across: float
    down: float
    shift: tuple[float, float]


def _search(residual: FloatArray, keys: list[str]) -> dict[str, Found]:
    """The usual scales first; then coarsely in the middle of the picture, and what looks best there in all of it."""
    found = {key: _best([_Folded(residual, scale, scale).agreement(key) for scale in _USUAL]) for key in keys}
    hidden = [key for key in keys if found[key].z < _PLAIN]
    coarse: dict[str, list[_Try]] = {key: [] for key in hidden}
    for scale in _scales() if hidden else ():
        folded = _Folded(_middle(residual, scale), scale, scale)
        for key in hidden:
            coarse[key].append(folded.agreement(key))
    for key in hidden:
        found[key] = _close(residual, key, [found[key], *sorted(coarse[key], key=lambda t: -t.z)[:_FAVOURITES]])
    return {key: _told(residual, key, _stretch(residual, key, best)) for key, best in found.items()}


def _best(tries: Iterable[_Try]) -> _Try:
    return max(tries, key=lambda t: t.z)


def _scales() -> Iterator[float]:
    count = int(np.log(_LARGEST / _SMALLEST) / np.log(_RATIO)) + 1
    return (_SMALLEST * _RATIO**i for i in range(count + 1))


def _middle(residual: FloatArray, scale: float) -> FloatArray:
    side = round(_WINDOW * scale)
    top, left = (max(0, (n - side) // 2) for n in residual.shape)
    return residual[top : top + side, left : left + side]


def _close(residual: FloatArray, key: str, tries: list[_Try]) -> _Try:
    """The best of those scales and what is beside them, in all of the picture."""
    looked = [
        _best(
            _Folded(residual, scale, scale).agreement(key)
            for scale in (t.across * (1 - _SPREAD), t.across, t.across * (1 + _SPREAD))
        )
        for t in tries
    ]
    return _best(_climb(residual, key, t) for t in sorted(looked, key=lambda t: -t.z)[:_FINALISTS])


def _climb(residual: FloatArray, key: str, best: _Try) -> _Try:
    """The best scale near one, from wide steps to narrow."""
    step = _SPREAD / 2
    while step * max(residual.shape) / best.across > 0.5:  # half a pixel at the far end
        near = [_Folded(residual, s, s).agreement(key) for s in (best.across * (1 - step), best.across * (1 + step))]
        best = _best([best, *near])
        step /= 2
    return best


def _told(residual: FloatArray, key: str, best: _Try) -> Found:
    folded = _Folded(residual, best.across, best.down)
    z, shift = folded.exact(key, best.shift)
    corner = (round(-shift[0]) % SIDE, round(-shift[1]) % SIDE)
    return Found(z, (best.across * best.down) ** 0.5, corner, folded.read(key, shift))


def _stretch(residual: FloatArray, key: str, best: _Try) -> _Try:
    """Across and down each for itself: scalers round sizes to whole pixels, and crops are filled to old sizes."""
    step = _ASPECT if best.z < _PLAIN else _SPREAD
    while step * max(residual.shape) / best.across > 0.5:
        sizes = [(best.across * (1 + i * step), best.down * (1 + j * step)) for i, j in _DIRECTIONS]
        found = _best(_Folded(residual, across, down).agreement(key) for across, down in sizes)
        if found.z > best.z:
            best = found
        else:
            step /= 2
    return best


class _Folded:
    """A residual, brought to the size it was made at and folded into one tile: the phases of its waves."""

    def __init__(self, residual: FloatArray, across: float, down: float) -> None:
        from mien.stage.watermark.kernel import fold

        self._across, self._down = across, down
        tile = np.zeros((_GRID, _GRID), np.float32)
        fold(residual, across * _PITCH, down * _PITCH, tile)
        spectrum: _Complex = np.asarray(np.fft.rfft2(tile), np.complex64)
        self._phases: _Complex = spectrum / (np.abs(spectrum) + np.float32(1e-9))

    def agreement(self, key: str) -> _Try:
        """The best shift for the pilots of a key, and how well they agree there."""
        own = waves(key)
        product = np.zeros((_GRID, _GRID // 2 + 1), np.complex64)
        rows, columns = own.rows[own.pilots] % _GRID, own.columns[own.pilots]
        weights = self._weights(own)[own.pilots]
        product[rows, columns] = self._phases[rows, columns] * own.phases[own.pilots].conj() * weights
        once = rows[columns == 0]  # of these irfft2 wants the mirror image as well
        product[-once % _GRID, 0] = product[once, 0].conj()
        sums = np.fft.irfft2(product, s=(_GRID, _GRID)) * np.float32(_GRID * _GRID / 2)
        y, x = divmod(int(sums.argmax()), _GRID)
        z = float(sums[y, x]) / _deviation(weights)
        return _Try(z, self._across, self._down, (float(x * _PITCH), float(y * _PITCH)))

    def exact(self, key: str, shift: tuple[float, float]) -> tuple[float, tuple[float, float]]:
        """z and the shift, to a quarter of a pixel, near one of the grid's."""
        own = waves(key)
        weights = self._weights(own)
        seen = (self._turned(own, (0.0, 0.0)) * weights)[own.pilots]
        rows, columns = own.rows[own.pilots], own.columns[own.pilots]
        near = [(shift[0] + i / 4, shift[1] + j / 4) for i in range(-5, 6) for j in range(-5, 6)]
        sums = [float((seen * _turn(rows, columns, *place)).real.sum()) for place in near]
        best = int(np.argmax(sums))
        return sums[best] / _deviation(weights[own.pilots]), near[best]

    def read(self, key: str, shift: tuple[float, float]) -> int | None:
        """The payload. The pilots tell how far waves of a frequency can be trusted."""
        own = waves(key)
        agreement = self._turned(own, shift).real
        soft = np.bincount(own.bits, (agreement * _coherence(own, agreement))[own.carriers], code.CODED)
        return code.decode(soft.astype(np.float32))

    def _turned(self, own: Waves, shift: tuple[float, float]) -> _Complex:
        """Each wave's phase against the key's, 1 where they agree."""
        seen = self._phases[own.rows % _GRID, own.columns] * own.phases.conj()
        return seen * _turn(own.rows, own.columns, *shift)

    def _weights(self, own: Waves) -> FloatArray:
        """What scalers and encoders leave of a wave: less, the finer it is now."""
        finer = np.hypot(own.rows / self._down, own.columns / self._across) / (SIDE * _FINE)
        weights: FloatArray = (1 / (1 + finer**4)).astype(np.float32)
        return weights


def _deviation(weights: FloatArray) -> float:
    """Standard deviation of Σ w cos U, U drawn by lot."""
    return float(np.sqrt(float(weights @ weights) / 2))


def _turn(rows: NDArray[np.intp], columns: NDArray[np.intp], x: float, y: float) -> _Complex:
    turned: _Complex = np.exp(2j * np.pi / SIDE * (rows * y + columns * x)).astype(np.complex64)
    return turned


def _coherence(own: Waves, agreement: FloatArray) -> FloatArray:
    """How far waves of such a frequency agree, from the pilots among them, for each wave."""
    ring = np.minimum((np.hypot(own.rows, own.columns) / (SIDE * _RING)).astype(int), _RINGS - 1)
    pilots = ring[own.pilots]
    count = np.bincount(pilots, minlength=_RINGS)
    mean = np.bincount(pilots, agreement[own.pilots], _RINGS) / np.maximum(count, 1)
    trust: FloatArray = np.maximum(mean, _LEAST)[ring].astype(np.float32)
    return trust
