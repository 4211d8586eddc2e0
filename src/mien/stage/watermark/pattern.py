"""What a key and a payload look like: a square that tiles the plane, made of waves whose phases only the key tells.

Of the waves, some are pilots: their phases come from the key alone, and by them the mark is found, its scale and its
place. The others carry the coded payload in their signs. All are between two frequencies: coarse enough for encoders
and scalers to keep, fine enough for eyes to pass over.
"""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.stage.watermark import code
from mien.types import FloatArray

SIDE: Final = 256
"""Side of the tile, pixels of the film as it was made."""
_LOWEST, _HIGHEST = 0.06, 0.135  # cycles a pixel
_PILOTS: Final = 2 / 5


@dataclass(frozen=True)
class Waves:
    """The waves of a key, half a plane of them: the other half is their mirror image.

    rows, columns: (n,), cycles a tile; rows may be negative. phases: (n,), complex, of length 1. pilots: which are
    pilots, indices. carriers: the others. bits: which coded bit a carrier carries.
    """

    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    phases: NDArray[np.complex64]
    pilots: NDArray[np.intp]
    carriers: NDArray[np.intp]
    bits: NDArray[np.intp]


@functools.lru_cache(maxsize=64)
def waves(key: str) -> Waves:
    """The waves of a key. All that is drawn by lot is drawn from SHAKE-256, so that it never changes."""
    rows, columns = band()
    count = len(rows)
    drawn = np.frombuffer(hashlib.shake_256(b"mien watermark 1\0" + key.encode()).digest(count * 16), "<u8")
    phases = np.exp(2j * np.pi * (drawn[:count] / 2.0**64)).astype(np.complex64)
    order = np.argsort(drawn[count:], kind="stable")
    pilots = round(count * _PILOTS)
    carriers = order[pilots:]
    return Waves(rows, columns, phases, order[:pilots], carriers, np.arange(len(carriers)) % code.CODED)


@functools.lru_cache(maxsize=16)
def tile(key: str, payload: int) -> FloatArray:
    """(SIDE, SIDE) float32, mean 0, RMS 1."""
    own = waves(key)
    values = own.phases.astype(np.complex128)
    values[own.carriers] *= code.encode(payload)[own.bits]
    spectrum = np.zeros((SIDE, SIDE), np.complex128)
    spectrum[own.rows % SIDE, own.columns] = values
    spectrum[-own.rows % SIDE, -own.columns % SIDE] = values.conj()
    picture = np.fft.ifft2(spectrum).real
    made: FloatArray = (picture / picture.std()).astype(np.float32)
    made.setflags(write=False)
    return made


@functools.cache
def band() -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows and columns, cycles a tile, of the waves of every key."""
    frequencies = np.fft.fftfreq(SIDE)
    v, u = np.meshgrid(frequencies, frequencies, indexing="ij")
    radius = np.hypot(u, v)
    half = (u > 0) | ((u == 0) & (v > 0))
    rows, columns = np.nonzero((radius >= _LOWEST) & (radius <= _HIGHEST) & half)
    return np.where(rows > SIDE // 2, rows - SIDE, rows), columns
