"""The pitch of a voice, hop by hop, from what was heard so far.

Autocorrelation of a Hann window, divided by the window's own, after Boersma, "Accurate short-term analysis of the
fundamental frequency", 1993; at 8 kHz, for a face needs the melody of speech and not its cents. A causal median of
three takes out single octave errors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.types import FloatArray

LOWEST, HIGHEST = 65.0, 500.0
"""Hz."""
CLEAR: Final = 0.5
"""Autocorrelation from which a sound is voiced, 0…1."""

_HOP: Final = 960  # samples at 48 kHz
_TAKE: Final = 6  # one sample of 8 kHz is the mean of so many
_RATE: Final = 8000.0
_WINDOW: Final = 320
_FFT: Final = 512
_SHORTEST, _LONGEST = int(_RATE / HIGHEST), int(_RATE / LOWEST) + 1
_HANN: Final = np.hanning(_WINDOW + 2)[1:-1].astype(np.float32)
_OWN: Final = np.correlate(_HANN, _HANN, "full")[_WINDOW - 1 :][: _LONGEST + 2].astype(np.float32)
_NORMAL: Final = (_OWN[0] / _OWN).astype(np.float32)
_OCTAVE_COST: Final = 0.08
"""How much clearer a pitch must be than the one an octave above it."""
_BIAS: Final = (_OCTAVE_COST * np.log2(np.arange(_SHORTEST, _LONGEST + 1) / _SHORTEST)).astype(np.float32)
_SPLIT, _FIRST = round(1000 / _RATE * _FFT), round(90 / _RATE * _FFT)
_FAINT: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Voicing:
    """What was heard, by hop, (n,) each. pitch: Hz, 0 = not voiced. tilt: dB that 1 to 4 kHz lie above 0.1 to 1."""

    pitch: NDArray[np.float64]
    tilt: NDArray[np.float64]


class PitchTracker:
    """Streams hops of 960 samples of 48 kHz; hop k is heard in a window of 40 ms that ends with it."""

    def __init__(self) -> None:
        self._past = np.zeros(_WINDOW - _HOP // _TAKE, np.float32)
        self._last = 0.0  # the sample before, for the low-pass filter
        self._two: list[float] = [0.0, 0.0]

    def push(self, samples: FloatArray) -> Voicing:
        """Hear whole hops: float32, (n · 960,)."""
        low = samples.reshape(-1, _TAKE).mean(axis=1)
        smooth = low.copy()  # a mean over twelve samples: nothing from 4 kHz on folds over the voice
        smooth[1:] += low[:-1]
        smooth[0] += self._last
        self._last = float(low[-1])
        joined = np.concatenate([self._past, smooth])
        self._past = joined[len(joined) - len(self._past) :]
        windows = np.lib.stride_tricks.sliding_window_view(joined, _WINDOW)[:: _HOP // _TAKE]
        power = _power(windows - windows.mean(axis=1, keepdims=True))
        low_band, high_band = (power[:, a:b].sum(axis=1) for a, b in ((_FIRST, _SPLIT), (_SPLIT, power.shape[1])))
        tilt = 10 * np.log10((high_band.astype(np.float64) + _FAINT) / (low_band + _FAINT))
        return Voicing(self._median(_pitch(power)), tilt)

    def _median(self, pitch: NDArray[np.float64]) -> NDArray[np.float64]:
        """Of each hop and the two before it."""
        three = np.array([*self._two, *pitch.tolist()])
        self._two = three[-2:].tolist()
        out: NDArray[np.float64] = np.sort(np.stack([three[:-2], three[1:-1], three[2:]]), axis=0)[1]
        return out


def _power(frames: FloatArray) -> FloatArray:
    spectrum = np.fft.rfft(frames * _HANN, _FFT, axis=1)
    out: FloatArray = (spectrum.real**2 + spectrum.imag**2).astype(np.float32)
    return out


def _pitch(power: FloatArray) -> NDArray[np.float64]:
    """Hz of each row of power spectra, 0 where it is not voiced."""
    similar = np.fft.irfft(power, _FFT, axis=1)[:, : _LONGEST + 2]
    similar = similar / (similar[:, :1] + _FAINT) * _NORMAL
    best = np.argmax(similar[:, _SHORTEST : _LONGEST + 1] - _BIAS, axis=1) + _SHORTEST
    rows = np.arange(len(similar))
    before, here, after = (similar[rows, best + k].astype(np.float64) for k in (-1, 0, 1))
    bend = before - 2 * here + after
    shift = np.where(bend < -1e-9, (before - after) / np.where(bend < -1e-9, 2 * bend, 1.0), 0.0)
    peak = (here >= before) & (here >= after) & (here > CLEAR)
    return np.where(peak, _RATE / (best + np.clip(shift, -0.5, 0.5)), 0.0)
