"""Pictures folded into one tile: what a key's waves say there."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.stage.watermark import code
from mien.stage.watermark.pattern import SIDE, Waves, waves
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
        from mien.stage.watermark.kernel import fold

        self._across, self._down = across, down
        tile = np.zeros((_GRID, _GRID), np.float32)
        fold(residual, across * _PITCH, down * _PITCH, tile)
        spectrum: _Complex = np.asarray(np.fft.rfft2(tile), np.complex64)
        height = np.abs(spectrum) + np.float32(1e-9)
        self._phases: _Complex = spectrum / height
        self._outstanding = np.sqrt(height / _around(height)).astype(np.float32)

    def agreement(self, key: str) -> Try:
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
        return Try(z, self._across, self._down, (float(x * _PITCH), float(y * _PITCH)))

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

    def read(self, key: str, shift: tuple[float, float]) -> tuple[int | None, float]:
        """The payload, None where no checksum fits, and how well all waves agree with it, in standard deviations.

        The pilots tell how far waves of a frequency can be trusted.
        """
        own = waves(key)
        agreement, weights = self._turned(own, shift).real, self._weights(own)
        trusted = agreement * _coherence(own, agreement) * self._outstanding[own.rows % _GRID, own.columns]
        soft = np.bincount(own.bits, trusted[own.carriers], code.CODED)
        payload = code.decode(soft.astype(np.float32))
        if payload is None:
            return None, 0.0
        agreement[own.carriers] *= code.encode(payload)[own.bits]
        return payload, float(agreement @ weights) / _deviation(weights)

    def _turned(self, own: Waves, shift: tuple[float, float]) -> _Complex:
        """Each wave's phase against the key's, 1 where they agree."""
        seen = self._phases[own.rows % _GRID, own.columns] * own.phases.conj()
        return seen * _turn(own.rows, own.columns, *shift)

    def _weights(self, own: Waves) -> FloatArray:
        """What scalers and encoders leave of a wave: less, the finer it is now; and how far it stands out.

        Nothing here depends on what the key draws by lot.
        """
        finer = np.hypot(own.rows / self._down, own.columns / self._across) / (SIDE * _FINE)
        weights: FloatArray = (1 / (1 + finer**4)).astype(np.float32)
        weights *= self._outstanding[own.rows % _GRID, own.columns]
        return weights


def _around(height: FloatArray) -> FloatArray:
    """The mean height of the waves of the same frequency, for each wave."""
    rings = _rings()
    mean = np.bincount(rings, height.ravel()) / np.bincount(rings)
    around: FloatArray = mean[rings].reshape(height.shape).astype(np.float32)
    return around


@functools.cache
def _rings() -> NDArray[np.intp]:
    rows = np.fft.fftfreq(_GRID, 1 / _GRID)
    radius = np.hypot(rows[:, None], np.arange(_GRID // 2 + 1))
    rings: NDArray[np.intp] = (radius / _NARROW).astype(np.intp).ravel()
    return rings


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
