"""Pictures folded into one tile: what a key's waves say there."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.stage.watermark import code
from mien.stage.watermark.pattern import SIDE, Waves, band, waves
from mien.types import FloatArray

_PITCH: Final = 2  # pixels of the film as it was made, for one of the grid that it is folded onto
_GRID: Final = SIDE // _PITCH
_FINE: Final = 0.22  # cycles a pixel, at which half of a wave is taken to be lost
_NARROW: Final = 1.5  # cycles a tile, of rings that the picture's own spectrum is measured in
_RING, _RINGS, _LEAST = 0.012, 12, 0.03  # rings of frequencies: width, cycles a pixel; count; least trust in one

_Complex = NDArray[np.complex64]


@dataclass(frozen=True, slots=True)
class Try:
    """How well a key's pilots agree at a scale, across and down, and at the best shift there, pixels as made."""

    z: float
    across: float
    down: float
    shift: tuple[float, float]


class Folded:
    """A residual, brought to the size it was made at and folded into one tile: the phases of its waves.

    Waves that stand out among those of their frequency count more, as the square root of their size: tall ones are
    told better from noise, but may be the picture's own.
    """

    def __init__(self, residual: FloatArray, across: float, down: float) -> None:
        import cv2

        from mien.stage.watermark.kernel import fold

        self._across, self._down = across, down
        tile = np.zeros((_GRID, _GRID), np.float32)
        fold(residual, across * _PITCH, down * _PITCH, tile)
        real, imaginary = _packed()
        packed = cv2.dft(tile).ravel()  # several times as fast as numpy's, and most of a search
        spectrum: _Complex = packed[real] + np.complex64(1j) * packed[imaginary]
        height = np.abs(spectrum) + np.float32(1e-9)
        self._phases: _Complex = spectrum / height
        self._outstanding = np.sqrt(height / _around(height)).astype(np.float32)
        self._weights = self._outstanding * _left(across, down)

    def agreement(self, key: str) -> Try:
        """The best shift for the pilots of a key, and how well they agree there."""
        import cv2

        own, (real, imaginary) = waves(key), _packed()
        weights = self._weights[own.pilots]
        seen = self._phases[own.pilots] * own.phases[own.pilots].conj() * weights
        product = np.zeros(_GRID * _GRID, np.float32)
        product[real[own.pilots]], product[imaginary[own.pilots]] = seen.real, seen.imag
        sums = cv2.dft(product.reshape(_GRID, _GRID), flags=cv2.DFT_INVERSE)
        y, x = divmod(int(sums.argmax()), _GRID)
        z = float(sums[y, x]) / 2 / _deviation(weights)  # each wave and its mirror image
        return Try(z, self._across, self._down, (float(x * _PITCH), float(y * _PITCH)))

    def exact(self, key: str, shift: tuple[float, float]) -> tuple[float, tuple[float, float]]:
        """z and the shift, to a quarter of a pixel, near one of the grid's."""
        own = waves(key)
        weights = self._weights[own.pilots]
        seen = self._phases[own.pilots] * own.phases[own.pilots].conj() * weights
        steps = np.arange(-5, 6) / 4
        down = _turn(own.rows[own.pilots], shift[1] + steps[:, None])
        across = _turn(own.columns[own.pilots], shift[0] + steps[:, None])
        sums = ((down * seen) @ across.T).real
        y, x = divmod(int(sums.argmax()), len(steps))
        return float(sums[y, x]) / _deviation(weights), (shift[0] + float(steps[x]), shift[1] + float(steps[y]))

    def read(self, key: str, shift: tuple[float, float]) -> tuple[int | None, float]:
        """The payload, None where no checksum fits, and how well all waves agree with it, in standard deviations.

        The pilots tell how far waves of a frequency can be trusted.
        """
        own = waves(key)
        turn = _turn(own.rows, shift[1]) * _turn(own.columns, shift[0])
        agreement = (self._phases * own.phases.conj() * turn).real
        trusted = agreement * _coherence(own, agreement) * self._outstanding
        soft = np.bincount(own.bits, trusted[own.carriers], code.CODED)
        payload = code.decode(soft.astype(np.float32))
        if payload is None:
            return None, 0.0
        agreement[own.carriers] *= code.encode(payload)[own.bits]
        return payload, float(agreement @ self._weights) / _deviation(self._weights)


@functools.cache
def _packed() -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Where OpenCV's spectrum of a real picture holds each wave: its real part, and its imaginary part.

    Columns over 0 lie in pairs, side by side; what column 0 holds lies below each other.
    """
    rows, columns = band()
    beside = columns > 0
    real = np.where(beside, rows % _GRID * _GRID + 2 * columns - 1, (2 * rows - 1) * _GRID)
    return real, real + np.where(beside, 1, _GRID)


def _left(across: float, down: float) -> FloatArray:
    """What scalers and encoders leave of each wave: less, the finer it is now."""
    rows, columns = band()
    finer = ((rows / down) ** 2 + (columns / across) ** 2) / (SIDE * _FINE) ** 2
    left: FloatArray = (1 / (1 + finer * finer)).astype(np.float32)
    return left


def _around(height: FloatArray) -> FloatArray:
    """The mean height of the waves of about the same frequency, for each wave."""
    rings, count = _rings()
    mean = np.bincount(rings, height) / count
    around: FloatArray = mean[rings].astype(np.float32)
    return around


@functools.cache
def _rings() -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """For each wave, in which ring it is; for each ring, how many are in it, at least 1."""
    radius = np.hypot(*band())
    rings: NDArray[np.intp] = ((radius - radius.min()) / _NARROW).astype(np.intp)
    rings = np.minimum(rings, rings.max() - 1)  # the last may be a sliver
    return rings, np.maximum(np.bincount(rings), 1)


def _deviation(weights: FloatArray) -> float:
    """Standard deviation of Σ w cos U, U drawn by lot."""
    return float(np.sqrt(float(weights @ weights) / 2))


def _turn(cycles: NDArray[np.intp], by: float | NDArray[np.float64]) -> _Complex:
    """What a shift by so many pixels does to waves of so many cycles a tile."""
    turned: _Complex = np.exp(2j * np.pi / SIDE * (cycles * by)).astype(np.complex64)
    return turned


def _coherence(own: Waves, agreement: FloatArray) -> FloatArray:
    """How far waves of such a frequency agree, from the pilots among them, for each wave."""
    ring = np.minimum((np.hypot(own.rows, own.columns) / (SIDE * _RING)).astype(int), _RINGS - 1)
    pilots = ring[own.pilots]
    count = np.bincount(pilots, minlength=_RINGS)
    mean = np.bincount(pilots, agreement[own.pilots], _RINGS) / np.maximum(count, 1)
    trust: FloatArray = np.maximum(mean, _LEAST)[ring].astype(np.float32)
    return trust
