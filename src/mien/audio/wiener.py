"""Taking steady noise away: a causal Wiener filter.

Noise: minimum statistics (R. Martin, IEEE Trans. Speech and Audio Processing 9(5), 2001), the smallest smoothed power
of the last one to two seconds in each band, times 2 for its bias. Gain: the decision-directed estimate of the
signal-to-noise ratio (Y. Ephraim, D. Malah, IEEE Trans. ASSP 32(6), 1984). Frames of 32 ms every 8 ms.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.types import FloatArray

_FRAME: Final = 1536
_HOP: Final = 384
_BINS: Final = _FRAME // 2 + 1
_SMOOTHING: Final = 0.85
_EPOCH: Final = 125  # frames of 8 ms: one second
_BIAS: Final = 2.0
_PRIOR: Final = 0.96
_LEAST_GAIN: Final = 0.08  # -22 dB: what is left of the noise hides what the filter does to it
_TINY: Final = 1e-12


class WienerFilter:
    """See :class:`mien.audio.base.Denoiser`."""

    def __init__(self) -> None:
        self._window = np.sqrt(np.hanning(_FRAME + 1)[:_FRAME]).astype(np.float32)
        self._sound = np.zeros(_FRAME - _HOP, np.float32)  # so that every sample lies in four frames
        self._made = np.zeros(_FRAME, np.float32)  # what the frames so far add up to, from the next hop to give
        self._skip = _FRAME - _HOP
        self._pushed = self._given = 0
        self._gains = _Gains()

    @property
    def delay(self) -> int:
        """One frame."""
        return _FRAME

    def push(self, samples: FloatArray) -> FloatArray:
        """The next sound."""
        self._pushed += len(samples)
        return self._filter(samples)

    def close(self) -> FloatArray:
        """The rest."""
        rest = self._filter(np.zeros(_FRAME, np.float32))
        return rest[: max(0, len(rest) - max(0, self._given - self._pushed))]

    def _filter(self, samples: FloatArray) -> FloatArray:
        sound = np.concatenate([self._sound, samples])
        count = (len(sound) - _FRAME) // _HOP + 1 if len(sound) >= _FRAME else 0
        self._sound = sound[count * _HOP :]
        if not count:
            return np.zeros(0, np.float32)
        frames = np.lib.stride_tricks.sliding_window_view(sound, _FRAME)[: count * _HOP : _HOP]
        spectra = np.fft.rfft(frames * self._window)
        spectra *= self._gains.follow(np.square(np.abs(spectra)))
        cleaned = (np.fft.irfft(spectra, _FRAME) * self._window).astype(np.float32)
        return self._overlap(cleaned)

    def _overlap(self, frames: FloatArray) -> FloatArray:
        total = np.zeros((len(frames) - 1) * _HOP + _FRAME, np.float32)
        total[: _FRAME - _HOP] = self._made[: _FRAME - _HOP]
        for k, frame in enumerate(frames):
            total[k * _HOP : k * _HOP + _FRAME] += frame
        final = len(frames) * _HOP
        self._made = total[final:]
        out = total[min(self._skip, final) : final] * np.float32(2.0 * _HOP / _FRAME)
        self._skip -= min(self._skip, final)
        self._given += len(out)
        return out


class _Gains:
    """Noise and gain of each band, frame by frame."""

    def __init__(self) -> None:
        self._smooth: NDArray[np.float32] | None = None
        self._lowest = self._next_lowest = np.full(_BINS, np.inf, np.float32)
        self._number = 1 - _FRAME // _HOP  # the first frames lie partly before the sound
        self._speech = np.zeros(_BINS, np.float32)  # power of what was let through last

    def follow(self, powers: FloatArray) -> FloatArray:
        """Gains 0…1, float32 (n, bins), of frames with these powers."""
        gains = np.empty_like(powers)
        for power, gain in zip(powers, gains, strict=True):
            if self._number < 0:
                self._number += 1
                gain[:] = 1.0
                continue
            noise = self._noise(power)
            prior = _PRIOR * self._speech / noise + (1 - _PRIOR) * np.maximum(power / noise - 1, 0)
            np.maximum(prior / (1 + prior), _LEAST_GAIN, out=gain)
            self._speech = gain * gain * power
        return gains

    def _noise(self, power: FloatArray) -> FloatArray:
        if self._smooth is None:
            self._smooth = power.copy()
        self._smooth = _SMOOTHING * self._smooth + (1 - _SMOOTHING) * power
        self._lowest = np.minimum(self._lowest, self._smooth)
        self._next_lowest = np.minimum(self._next_lowest, self._smooth)
        self._number += 1
        noise: FloatArray = _BIAS * self._lowest + _TINY
        if self._number % _EPOCH == 0:
            self._lowest, self._next_lowest = self._next_lowest, np.full(_BINS, np.inf, np.float32)
        return noise
