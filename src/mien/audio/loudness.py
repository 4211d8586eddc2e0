"""Loudness and true peak by ITU-R BS.1770-5 / EBU R 128, and speech brought to one loudness as it streams."""

from __future__ import annotations

import dataclasses
import math
from collections import deque
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.timeline import TICKS_PER_SECOND
from mien.types import AudioChunk, FloatArray, SpeechPart

TARGET_LUFS: Final = -16.0
"""What podcasts and social platforms ask for speech, as a stereo file with both sides equal."""
CEILING_DBTP: Final = -1.0
"""Highest true peak that is let through: lossy codecs add a little."""

REACH: Final = TICKS_PER_SECOND // 200
"""Ticks on either side of a peak over which a limiter goes down and up again: 5 ms."""

_MEMORY: Final = 60 * TICKS_PER_SECOND

_HOP: Final = TICKS_PER_SECOND // 10  # 400 ms blocks overlap by 75 %
_BLOCK_HOPS: Final = 4
_ABSOLUTE_GATE: Final = -70.0
_RELATIVE_GATE: Final = -10.0
_OFFSET: Final = -0.691  # BS.1770: makes 0 dBFS, 997 Hz on one channel read -3.01

_EITHER: Final = 24
"""Samples on either side of a stretch that tell what lies between its own."""
_BLOCK: Final = 240

_TAPS: Final = 4096  # the 38 Hz high pass has died away to -170 dB by then
_FFT: Final = 32768
_STEP: Final = (_FFT - _TAPS) // _HOP * _HOP  # whole hops, so that the grid never depends on how sound arrives

# BS.1770, annex 1, tables 1 and 2: b0 b1 b2 a1 a2 of both filters at 48 kHz
_SHELF: Final = (1.53512485958697, -2.69169618940638, 1.19839281085285, -1.69065929318241, 0.73248077421585)
_HIGH_PASS: Final = (1.0, -2.0, 1.0, -1.99004745483398, 0.99007225036621)


class Meter:
    """Integrated loudness of a stream. Push sound in pieces of any length; the result does not depend on them.

    gain_db: added to the reading: 3.01 for one channel that will be played on two. Memory grows by 80 bytes a second.
    """

    def __init__(self, gain_db: float = 0.0) -> None:
        self._offset = _OFFSET + gain_db
        self._history = np.zeros(_TAPS, np.float32)
        self._waiting: list[FloatArray] = []
        self._count = 0
        self._energies: list[float] = []

    def push(self, samples: FloatArray) -> None:
        """The next samples, float32 (n,), 48 kHz."""
        self._waiting.append(samples)
        self._count += len(samples)
        if self._count < _STEP:
            return
        sound = np.concatenate(self._waiting)
        whole = len(sound) // _STEP * _STEP
        for start in range(0, whole, _STEP):
            self._measure(sound[start : start + _STEP])
        self._waiting, self._count = [sound[whole:]], len(sound) - whole

    def lufs(self, last: int | None = None, *, other: Meter | None = None) -> float:
        """Integrated loudness of all that was pushed so far, or of its ``last`` samples (about).

        other: the meter of the second channel, which was pushed as much. LUFS; -inf for silence or less than 400 ms.
        """
        hops = 0 if last is None else max(_BLOCK_HOPS, last // _HOP)
        energies = np.array(self._energies[-hops:] + self._rest())[-hops:]
        if other is not None:
            energies = energies + np.array(other._energies[-hops:] + other._rest())[-hops:]
        if len(energies) < _BLOCK_HOPS:
            return -math.inf
        blocks = np.convolve(energies, np.full(_BLOCK_HOPS, 1 / _BLOCK_HOPS), "valid")
        loud = blocks[self._level(blocks) > _ABSOLUTE_GATE]
        if not len(loud):
            return -math.inf
        gate = float(self._level(loud.mean())) + _RELATIVE_GATE
        return float(self._level(loud[self._level(loud) > gate].mean()))

    def _level(self, energy: NDArray[np.float64] | np.float64) -> NDArray[np.float64]:
        return self._offset + 10.0 * np.log10(np.maximum(energy, 1e-20))

    def _measure(self, step: FloatArray) -> None:
        self._energies.extend(_hop_energies(self._history, step))
        self._history = np.concatenate([self._history, step])[-_TAPS:]

    def _rest(self) -> list[float]:
        """Energies of the whole hops that still wait for a full step."""
        sound = np.concatenate(self._waiting) if self._waiting else np.empty(0, np.float32)
        return _hop_energies(self._history, sound) if len(sound) >= _HOP else []


def integrated(samples: FloatArray, channels: int = 1) -> float:
    """Integrated loudness of mono sound, LUFS, as it measures in a file with ``channels`` equal channels."""
    meter = Meter(10.0 * math.log10(channels))
    meter.push(samples)
    return meter.lufs()


def true_peak(samples: FloatArray) -> float:
    """Highest value of the sound between and at the samples (4× oversampled), linear: 1.0 is 0 dBTP."""
    return float(peaks_of(samples).max(initial=0.0))


def level(
    parts: Iterable[SpeechPart],
    target: float = TARGET_LUFS,
    ceiling: float = CEILING_DBTP,
    *,
    channels: int = 2,
    look_ahead: float = 60.0,
) -> Iterator[SpeechPart]:
    """The same speech at ``target`` LUFS (as a file with ``channels`` equal channels), no true peak above ``ceiling``.

    One pass: it reads ``look_ahead`` seconds of speech before it gives the first, so speech up to that length gets
    exactly the gain it needs, and memory is bounded for hours. After that the gain follows the loudness of the
    ``look_ahead`` seconds to come, by at most 0.3 dB a second: unheard, and a film that changes voices stays level.
    """
    waiting: deque[SpeechPart] = deque()
    meter, limiter = Meter(10.0 * math.log10(channels)), _Limiter(10 ** (ceiling / 20))
    ahead = int(look_ahead * TICKS_PER_SECOND)
    held, gain = 0, None
    for part in parts:
        waiting.append(part)
        meter.push(part.audio.samples)
        held += len(part.audio.samples)
        while held - len(waiting[0].audio.samples) >= ahead:
            gain = _next_gain(gain, target - meter.lufs(held), waiting[0])
            held -= len(waiting[0].audio.samples)
            yield limiter.apply(waiting.popleft(), gain, waiting)
    wanted = target - meter.lufs(held)
    while waiting:
        gain = _next_gain(gain, wanted, waiting[0])
        yield limiter.apply(waiting.popleft(), gain, waiting)


class RunningLevel:
    """Brings one voice to ``target`` LUFS utterance after utterance, with no more waiting than its very first needs.

    The gain is remembered from one utterance to the next and follows as slowly as :func:`level` lets it.
    """

    def __init__(self, target: float = TARGET_LUFS, ceiling: float = CEILING_DBTP, *, channels: int = 2) -> None:
        self._target, self._ceiling = target, 10 ** (ceiling / 20)
        self._meter = Meter(10.0 * math.log10(channels))
        self._gain: float | None = None

    def parts(self, parts: Iterable[SpeechPart]) -> Iterator[SpeechPart]:
        """The same speech, levelled. Until 0.4 s of the voice were ever heard, parts are held back."""
        limiter = _Limiter(self._ceiling)
        held: deque[SpeechPart] = deque()
        for part in parts:
            held.append(part)
            self._meter.push(part.audio.samples)
            if self._gain is not None or math.isfinite(self._meter.lufs(_MEMORY)):
                yield from self._let_go(held, limiter)
        yield from self._let_go(held, limiter)

    def _let_go(self, held: deque[SpeechPart], limiter: _Limiter) -> Iterator[SpeechPart]:
        wanted = self._target - self._meter.lufs(_MEMORY)
        while held:
            if math.isfinite(wanted):
                self._gain = _next_gain(self._gain, wanted, held[0])
            yield limiter.apply(held.popleft(), self._gain or 0.0, held)


def _next_gain(gain: float | None, wanted: float, part: SpeechPart) -> float:
    """The gain for a part, dB: at first the wanted one at once, later moving slowly; silence changes nothing."""
    if not math.isfinite(wanted):
        return gain or 0.0
    wanted = min(max(wanted, -40.0), 40.0)
    if gain is None:
        return wanted
    reach = 0.3 * len(part.audio.samples) / TICKS_PER_SECOND
    return gain + min(max(wanted - gain, -reach), reach)


class _Limiter:
    """Applies gain and holds peaks down, with eyes on the parts that follow: the dip begins before the peak."""

    def __init__(self, ceiling: float) -> None:
        self._ceiling = ceiling * 0.999
        self._before: FloatArray = np.zeros(0, np.float32)
        self._gain: float | None = None

    def apply(self, part: SpeechPart, gain_db: float, following: deque[SpeechPart]) -> SpeechPart:
        gain = 10.0 ** (gain_db / 20)
        samples = part.audio.samples
        start = self._gain if self._gain is not None else gain
        ramp = np.float32(gain) if start == gain else np.linspace(start, gain, len(samples), dtype=np.float32)
        self._gain = gain
        after = _head(following, 2 * REACH) * np.float32(gain)
        loud = samples * ramp
        around = np.concatenate([self._before, loud, after])
        low, high = len(self._before), len(self._before) + len(loud)
        self._before = np.concatenate([self._before, loud])[-2 * REACH :]
        out = (
            loud
            if np.abs(around).max(initial=0.0) < 0.5 * self._ceiling
            else (around * dip(peaks_of(around, self._ceiling), self._ceiling))[low:high]
        )
        return dataclasses.replace(part, audio=AudioChunk(part.audio.start, out.astype(np.float32, copy=False)))


def dip(peaks: FloatArray, ceiling: float) -> FloatArray:
    """A gain curve, 1 at most, under which no peak exceeds the ceiling: a minimum filter, then a smooth one.

    peaks: :func:`peaks_of`, (n,). What lies beyond either end is not seen: give :data:`REACH` samples more.
    """
    need = np.minimum(1.0, ceiling / np.maximum(peaks, 1e-9))
    if need.min(initial=1.0) >= 1.0:
        return np.ones(len(peaks), np.float32)
    padded = np.pad(need, REACH, constant_values=1.0)
    lowest = np.lib.stride_tricks.sliding_window_view(padded, REACH + 1).min(axis=1)
    window = np.hanning(REACH + 2)[1:-1]
    smooth = np.convolve(lowest, window / window.sum(), "valid")
    return smooth[: len(peaks)].astype(np.float32)


def _head(parts: Iterable[SpeechPart], count: int) -> FloatArray:
    pieces: list[FloatArray] = [np.zeros(0, np.float32)]
    for part in parts:
        if count <= 0:
            break
        pieces.append(part.audio.samples[:count])
        count -= len(pieces[-1])
    return np.concatenate(pieces)


def _hop_energies(history: FloatArray, sound: FloatArray) -> list[float]:
    """Mean squares of K-weighted sound over each whole 100 ms; history: the ``_TAPS`` samples before it."""
    energies: list[float] = []
    hops = len(sound) // _HOP
    joined = np.concatenate([history, sound[: hops * _HOP]])
    for start in range(0, hops * _HOP, _STEP):
        stop = min(start + _STEP, hops * _HOP)
        segment = joined[start : stop + _TAPS]
        filtered = np.fft.irfft(np.fft.rfft(segment, _FFT) * _k_response(), _FFT)[_TAPS : len(segment)]
        squares = np.square(filtered).reshape(-1, _HOP)
        energies.extend(float(e) for e in squares.mean(axis=1, dtype=np.float64))
    return energies


@cache
def _k_response() -> NDArray[np.complex64]:
    """Spectrum of the K-weighting filter's impulse response."""
    impulse = np.zeros(_TAPS)
    impulse[0] = 1.0
    return np.fft.rfft(_biquad(_biquad(impulse, _SHELF), _HIGH_PASS), _FFT).astype(np.complex64)


def _biquad(x: NDArray[np.float64], coefficients: tuple[float, ...]) -> NDArray[np.float64]:
    b0, b1, b2, a1, a2 = coefficients
    y, s1, s2 = np.empty_like(x), 0.0, 0.0
    for i, value in enumerate(x.tolist()):
        out = b0 * value + s1
        s1, s2 = b1 * value - a1 * out + s2, b2 * value - a2 * out
        y[i] = out
    return y


@cache
def _interpolators() -> NDArray[np.float32]:
    """(3, 24): windowed-sinc filters that read the sound a quarter, a half and three quarters of a sample later."""
    taps = 24
    positions = np.arange(taps) - (taps // 2 - 1)
    rows = []
    for fraction in (0.25, 0.5, 0.75):
        t = positions - fraction
        rows.append(np.sinc(t) * np.cos(np.pi * t / (taps + 1)) ** 2)
    return np.stack([row / row.sum() for row in rows]).astype(np.float32)


def peaks_of(samples: FloatArray, above: float = 0.0) -> FloatArray:
    """For each sample, the largest magnitude at it and within a sample on either side.

    above: where nothing can be that large, the samples' own magnitudes will do, which takes less time.
    """
    here = np.abs(samples)
    for start, end in _to_look_at(here, above):
        low, high = max(0, start - _EITHER), min(len(samples), end + _EITHER)
        part = samples[low:high]
        if len(part) < 2:
            continue
        between = np.zeros(len(part), np.float32)
        for row in _interpolators():
            whole = np.convolve(part, row[::-1], "full")
            np.maximum(between, np.abs(whole[len(row) // 2 : len(part) + len(row) // 2]), out=between)
        found = np.abs(part)
        found[1:] = np.maximum(found[1:], between[:-1])
        found = np.maximum(found, between)
        here[start:end] = found[start - low : end - low]
    return here


def _to_look_at(magnitudes: FloatArray, above: float) -> list[tuple[int, int]]:
    """Stretches in which something between the samples may exceed a level: interpolation adds no more than its
    weights' magnitudes do.
    """
    if above <= 0:
        return [(0, len(magnitudes))]
    most = above / float(np.abs(_interpolators()).sum(axis=1).max())
    blocks = -(-len(magnitudes) // _BLOCK)
    padded = np.zeros(blocks * _BLOCK, np.float32)
    padded[: len(magnitudes)] = magnitudes
    loud = padded.reshape(blocks, _BLOCK).max(axis=1, initial=0.0) > most
    loud = loud | np.append(loud[1:], False) | np.append(False, loud[:-1])
    edges = np.flatnonzero(np.diff(loud.astype(np.int8), prepend=0, append=0))
    return [
        (int(a) * _BLOCK, min(int(b) * _BLOCK, len(magnitudes))) for a, b in zip(edges[::2], edges[1::2], strict=True)
    ]
