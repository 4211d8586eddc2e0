"""What the network hears: log-mel energies at the voice's own level, streaming, row by row of 20 ms.

Sound comes in at 48 kHz, is brought to 16 kHz by a short symmetric filter, and cut into windows of 25 ms every 10 ms;
two windows make a row. Row k is known once tick 960·(k + 1) is heard and depends on nothing later.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np

from mien.face.listen.acoustics import LIPS, Acoustics
from mien.face.listen.heads import ROW
from mien.types import FloatArray

BANDS: Final = 80
WINDOW: Final = 400
HOP: Final = 160
FFT: Final = 512
FEATURES: Final = 2 * BANDS
"""Numbers in a row: two windows of :data:`BANDS`."""

START_LEVEL: Final = -3.4
"""What a new stream takes for the voice's level: the natural logarithm of its mean band power.

Low, as of speech at about -45 dB of full scale: the level rises within a few rows of speech, but falls slowly.
"""
LEVEL_FLOOR: Final = -8.2
"""Nothing quieter than this is ever taken for a voice's level: about -66 dB of full scale."""
LEVEL_RISE: Final = 0.25
"""Share of the way up to a louder row, a row. Within 0.2 s the level follows a voice that came nearer."""
LEVEL_FALL: Final = 0.0046
"""What the level falls in a row without anything as loud: 1 dB a second."""

SCALE: Final = 0.25
OFFSET: Final = 1.0
TINY: Final = 3e-7
_RATIO: Final = 3
_TAPS: Final = 145
_KEPT: Final = WINDOW - HOP
_AT_ONCE: Final = 12


class Features:
    """Rows of features from 48 kHz sound. Chunked equals whole.

    level: natural logarithm of the voice's mean band power to start from; it follows the sound. Of the rows pushed
    last: loudness, the same relative to the level, float32 (n,); lips, what the acoustic model takes the lips for
    (:mod:`mien.face.listen.acoustics`), (n, LIPS), NaN without that model's files. acoustics: that
    model's stream, None = nobody asks for lips.
    """

    def __init__(self, level: float = START_LEVEL, acoustics: Acoustics | None = None) -> None:
        self.level = level
        self.loudness = np.zeros(0, np.float32)
        self.lips = np.zeros((0, LIPS))
        self._acoustics = acoustics
        self._sound = np.zeros(_TAPS - _RATIO, np.float32)  # 48 kHz not yet used up
        self._heard = np.zeros(_KEPT, np.float32)  # 16 kHz that the next window begins with

    def push(self, samples: FloatArray) -> FloatArray:
        """Take float32 sound of any length; returns the rows that became known, float32 (n, FEATURES)."""
        self._sound = np.concatenate([self._sound, samples])
        rows = (len(self._sound) - (_TAPS - _RATIO)) // ROW
        self.loudness, self.lips = np.zeros(0, np.float32), np.zeros((0, LIPS))
        if rows <= 0:
            return np.zeros((0, FEATURES), np.float32)
        used = self._sound[: rows * ROW + _TAPS - _RATIO]
        self._sound = self._sound[rows * ROW :]
        sound = np.concatenate([self._heard, thinned(used)])
        self._heard = sound[len(sound) - _KEPT :]
        power = band_power(sound, mel_matrix())
        levels = self._follow(power.reshape(rows, 2, BANDS).mean(axis=(1, 2)))
        if self._acoustics is not None:
            self.lips = self._acoustics.push(power, levels, self.loudness)
        return scaled(power, np.repeat(levels, 2)).reshape(rows, FEATURES)

    def _follow(self, power: FloatArray) -> FloatArray:
        """The level at each row."""
        out = np.empty(len(power), np.float32)
        level, loud = self.level, np.log(power + TINY)
        for i, loudness in enumerate(loud.tolist()):
            level = next_level(level, loudness)
            out[i] = level
        self.level, self.loudness = level, loud - out
        return out


def silence(level: float) -> FloatArray:
    """A row of nothing at all, (1, FEATURES), for a voice of this level."""
    return scaled(np.zeros((2, BANDS), np.float32), np.full(2, level, np.float32)).reshape(1, FEATURES)


def next_level(level: float, loudness: float) -> float:
    """The voice's level after a row of this loudness; both natural logarithms of mean band power."""
    if loudness > level:
        return level + (loudness - level) * LEVEL_RISE
    return max(level - LEVEL_FALL, LEVEL_FLOOR)


def thinned(sound: FloatArray) -> FloatArray:
    """48 kHz to 16 kHz. sound begins 142 samples before the first one that counts; (n,) → ((n - 142) / 3,)."""
    count, taps = (len(sound) - _TAPS + _RATIO) // _RATIO, _low_pass()
    out = np.zeros(count, np.float32)
    for phase in range(_RATIO):  # not as a matrix product, whose threads would wait for each other on a busy machine
        part = taps[phase::_RATIO]
        out += np.correlate(sound[phase::_RATIO][: count + len(part) - 1], part, "valid")
    return out


def band_power(sound: FloatArray, mel: FloatArray) -> FloatArray:
    """Mean power of each mel band. sound: 16 kHz, beginning 240 samples before the first window's hop.

    mel: (BANDS, FFT/2 + 1). Returns (windows, BANDS).
    """
    sound = np.ascontiguousarray(sound, np.float32)
    windows = np.ndarray(((len(sound) - WINDOW) // HOP + 1, WINDOW), np.float32, sound, 0, (4 * HOP, 4)) * _hann()
    spectrum = np.fft.rfft(windows, FFT)
    power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32)
    # few at once: larger products start threads, whose waiting costs more than they save
    return np.concatenate([power[at : at + _AT_ONCE] @ mel.T for at in range(0, len(power), _AT_ONCE)])


def scaled(power: FloatArray, level: FloatArray) -> FloatArray:
    """Log energies relative to the voice's level, about -1…1. power: (n, BANDS), level: (n,)."""
    return np.asarray((np.log(power + TINY) - level[:, None]) * SCALE + OFFSET, np.float32)


@cache
def mel_matrix(warp: float = 1.0) -> FloatArray:
    """Weights of the mel bands over the spectrum's lines, (BANDS, FFT/2 + 1), each band's summing to 1.

    Triangles on the mel scale of O'Shaughnessy, 2595·log10(1 + f/700), from 40 to 7700 Hz. warp stretches the
    frequency axis (a shorter vocal tract above 1), piecewise linearly so that the upper end stays.
    """
    top = 8000.0
    low, high = (2595 * np.log10(1 + f / 700) for f in (40.0, 7700.0))
    edges = 700 * (10 ** (np.linspace(low, high, BANDS + 2) / 2595) - 1)
    lines = np.linspace(0, top, FFT // 2 + 1)
    bend = 4800 * min(warp, 1) / warp
    lines = np.where(lines <= bend, lines * warp, top - (top - bend * warp) / (top - bend) * (top - lines))
    out = np.zeros((BANDS, len(lines)))
    for i, (left, centre, right) in enumerate(zip(edges, edges[1:], edges[2:], strict=False)):
        out[i] = np.clip(np.minimum((lines - left) / (centre - left), (right - lines) / (right - centre)), 0, None)
        if out[i].sum() < 0.3:  # narrower than the lines' distance: the nearest line
            out[i, np.argmin(np.abs(lines - centre))] = 1
    return np.asarray(out / out.sum(axis=1, keepdims=True), np.float32)


@cache
def _hann() -> FloatArray:
    return np.asarray(0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW), np.float32)


@cache
def _low_pass() -> FloatArray:
    """Windowed sinc, cut off at 7.6 kHz of 48; it delays by 1.5 ms."""
    t = np.arange(_TAPS) - (_TAPS - 1) / 2
    taps = np.sinc(2 * 7600 / 48_000 * t) * np.hamming(_TAPS)
    return np.asarray(taps / taps.sum(), np.float32)
