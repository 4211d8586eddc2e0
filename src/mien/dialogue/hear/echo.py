"""Our own voice in the visitor's microphone: found, followed, and taken out before anybody asks who speaks.

What was sent is compared with what the microphone hears in bands of energy (M. Berouti, R. Schwartz, J. Makhoul,
ICASSP 1979, for the subtraction; delay by normalised cross-correlation, as C. Knapp and G. Carter, IEEE Trans. ASSP
24(4), 1976, of band energies instead of waves, so that sound cards that drift and browsers that bend it do no harm). A
band is the visitor's where it is louder than the echo can be: the delayed reference with a room's decay, times the gain
that this band's echo was seen to have.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.timeline import TICKS_PER_SECOND
from mien.types import AudioChunk, FloatArray

Bands = NDArray[np.float64]

HOP: Final = 480
"""Ticks between two frames: 10 ms."""
FRAME: Final = 960
"""Ticks of a frame, and of sound that is held back at most."""
AHEAD: Final = 10 * TICKS_PER_SECOND
"""Ticks that a reference may be known before it is played."""

_LAGS: Final = 56  # hops of delay that are searched: 0 to 550 ms
_WINDOW: Final = 100  # hops that are compared: one second
_EVERY: Final = 5  # hops between two comparisons
_EDGES: Final = (
    4,
    6,
    8,
    10,
    12,
    14,
    17,
    20,
    23,
    27,
    31,
    36,
    42,
    49,
    57,
    66,
    77,
    90,
    106,
    126,
    160,
)  # of bands, in bins of 50 Hz: a third of an octave and wider, 200 to 8000 Hz
_COUNT: Final = len(_EDGES) - 1
_DECAY: Final = 10 ** (-0.12)  # of a room, per hop: 60 dB in half a second
_NOTHING: Final = np.zeros(_COUNT)
_SILENT: Final = 1e-6  # power of a band in which nothing is played: about -75 dBFS
_MARGIN: Final = 10**0.55  # by how much an echo may exceed what it was seen to be
_QUANTILE: Final = 0.8
_FIRST_GAIN: Final = 3.0  # dB: before anything was learned, all that is quieter than our own voice may be an echo
_PACE: Final = 0.15  # dB that a gain moves in a hop at most, when it is known
_NEW: Final = 60  # hops in which something was played, until it is known
_UNSURE: Final = 5.0  # dB by which it may be stronger before that
_LOCKED: Final = 0.32  # correlation from which the delay is believed
_BEHIND: Final = TICKS_PER_SECOND  # a reference that comes later than this after its time is of no use
_CAPACITY: Final = AHEAD + 3 * TICKS_PER_SECOND


class Echo:
    """Streams the microphone's sound and gives the same with our own voice taken out, sample for sample in its place.

    Chunked equals whole, as long as the reference of a moment is known before the microphone's sound of that moment.
    Where nothing is played the sound passes as it is. Memory is bounded.
    """

    def __init__(self, start: int = 0) -> None:
        """start: tick of the microphone's first sample."""
        self._window = np.sqrt(np.hanning(FRAME + 1)[:FRAME])
        self._hann = (self._window**2).astype(np.float32)
        self._at = start - HOP  # of the next frame: the first lies half before the sound
        self._sound = np.zeros(HOP, np.float32)
        self._tail = np.zeros(HOP, np.float32)
        self._first = True
        self._reference = _Reference(self._at)
        self._path = _Path()
        self._floor: Bands = np.full(_COUNT, 1e-3)
        self._smooth: Bands = np.full(_COUNT, 1e-3)

    def playing(self, chunk: AudioChunk) -> None:
        """Our own sound, at the tick at which it is sent; more than :data:`AHEAD` before its time it is ignored.

        It may come a little late, when clocks are apart: it counts where its echo comes later still.
        """
        self._reference.put(chunk, self._at)
        if chunk.start < self._at - HOP + FRAME:
            for ago in range(min(_LAGS, (self._at - chunk.start + FRAME) // HOP), 0, -1):
                played = self._reference.frame(self._at - ago * HOP, self._window)
                if played is not None:
                    self._path.remember(ago, played)

    def silenced(self, tick: int) -> None:
        """What was to be played from ``tick`` on is not."""
        self._reference.cut(tick, self._at)

    def push(self, samples: FloatArray) -> tuple[FloatArray, list[float]]:
        """The next sound. Returns what is final of it, and for each of its hops how much of it is the visitor's.

        The latter: share of bands 0…1 that stand out of echo and noise where something is played, 1 where nothing is.
        """
        sound = np.concatenate([self._sound, samples])
        count = max(0, (len(sound) - FRAME) // HOP + 1) if len(sound) >= FRAME else 0
        out, own = [], []
        for k in range(count):
            made, share = self._frame(sound[k * HOP : k * HOP + FRAME])
            if self._first:
                self._first = False  # the half before the sound
                continue
            out.append(made)
            own.append(share)
        self._sound = sound[count * HOP :]
        return (np.concatenate(out) if out else np.zeros(0, np.float32)), own

    @property
    def delay(self) -> float | None:
        """Seconds of delay that the echo is seen to have, None while there is none to see."""
        return None if self._path.lag is None else self._path.lag * HOP / TICKS_PER_SECOND

    def _frame(self, frame: FloatArray) -> tuple[FloatArray, float]:
        spectrum = np.fft.rfft(frame * self._window)
        power = _bands(spectrum)
        self._smooth = 0.7 * self._smooth + 0.3 * power
        self._floor = np.minimum(self._floor * 1.01, self._smooth) + 1e-12
        played = self._reference.frame(self._at, self._window)
        self._reference.forget(self._at)
        self._at += HOP
        expected = self._path.follow(power, played, self._floor)
        if expected is None:
            whole, share = frame * self._hann, 1.0
        else:
            gain = np.sqrt(np.clip(1.0 - expected * _MARGIN / np.maximum(power, 1e-20), 0.0, 1.0))
            stands_out = (gain > 0.6) & (power > 5.0 * self._floor)
            share = min(float(stands_out.mean()), 0.99)
            whole = (np.fft.irfft(spectrum * gain[_BAND_OF], FRAME) * self._window).astype(np.float32)
        made = self._tail + whole[:HOP]
        self._tail = whole[HOP:]
        return made.astype(np.float32), share


class _Reference:
    """What we play, by tick, in a ring that is emptied some time behind the reader."""

    def __init__(self, start: int) -> None:
        self._ring = np.zeros(_CAPACITY, np.float32)
        self._until = start  # tick after the last sound in it

    def put(self, chunk: AudioChunk, now: int) -> None:
        """Sound to be read; what is long past ``now`` is too late, what the ring does not hold too early."""
        start, stop = max(chunk.start, now - _BEHIND), min(chunk.end, now + AHEAD)
        if stop <= start:
            return
        samples = chunk.samples[start - chunk.start : stop - chunk.start]
        self._ring[np.arange(start, stop) % _CAPACITY] = np.nan_to_num(samples)
        self._until = max(self._until, stop)

    def cut(self, tick: int, now: int) -> None:
        """Forget what is at ``tick`` and later."""
        start = max(tick, now)
        if self._until > start:
            self._ring[np.arange(start, self._until) % _CAPACITY] = 0
            self._until = start

    def frame(self, at: int, window: Bands) -> Bands | None:
        """Band powers of the frame at ``at``, None for silence."""
        if at >= self._until:
            return None
        sound = self._ring[np.arange(at, at + FRAME) % _CAPACITY]
        return _bands(np.fft.rfft(sound * window)) if sound.any() else None

    def forget(self, at: int) -> None:
        """The reader has come to ``at``."""
        past = at - _BEHIND - HOP
        if past < self._until:
            self._ring[np.arange(past, past + HOP) % _CAPACITY] = 0


class _History:
    """The band powers of the last hops, oldest first, in one piece."""

    def __init__(self, length: int) -> None:
        self._length, self._end = length, length
        self._rows: Bands = np.zeros((8 * length, _COUNT))

    def append(self, powers: Bands) -> None:
        """One more hop; the oldest is forgotten."""
        if self._end == len(self._rows):
            self._rows[: self._length] = self._rows[-self._length :]
            self._end = self._length
        self._rows[self._end] = powers
        self._end += 1

    def last(self, count: int) -> Bands:
        """The last hops, (count, bands), to be written to as well."""
        return self._rows[self._end - count : self._end]


class _Path:
    """The way from our voice to the microphone: delay and the gain of each band, as far as they were seen."""

    def __init__(self) -> None:
        self.lag: int | None = None
        self._played, self._heard = _History(_LAGS + _WINDOW), _History(_WINDOW)
        self._quiet = 10_000  # hops since something was played
        self._match = np.zeros(_LAGS)
        self._near, self._any = _Gain(), _Gain()
        self._hops = self._begun = 0

    def remember(self, ago: int, played: Bands) -> None:
        """What was played some hops ago, known only now."""
        if self._quiet > _LAGS:
            self._begun = self._hops - ago
        self._quiet = min(self._quiet, ago - 1)
        self._played.last(ago)[0] = played

    def follow(self, power: Bands, played: Bands | None, floor: Bands) -> Bands | None:
        """The largest echo that is to be expected in this frame, by band; None where nothing can be heard of us."""
        if played is not None and self._quiet > _LAGS:
            self._begun = self._hops  # its echo may come half a second later: what is heard until then tells nothing
        self._quiet = 0 if played is not None else self._quiet + 1
        if self._quiet > _LAGS + _WINDOW + 40:
            return None
        self._played.append(_NOTHING if played is None else played)
        self._heard.append(np.maximum(power, 2.0 * floor))
        self._hops += 1
        if self._hops % _EVERY == 0:
            self._search()
        recent = self._played.last(_LAGS)[::-1]  # by delay
        anywhere = recent.max(axis=0)
        expected = self._any.expect(power, anywhere, learn=self._hops - self._begun > _LAGS)
        if self.lag is not None:
            there = recent[max(0, self.lag - 2) : self.lag + 4].max(axis=0)
            settled = self._hops - self._begun > self.lag + 2
            expected = self._near.expect(power, there, learn=settled, sure=float(self._match[self.lag]))
        return expected if self._quiet <= _LAGS + 40 else None

    def _search(self) -> None:
        """Normalised cross-correlation of the last second's band levels, over all delays."""
        played = np.log10(np.maximum(self._played.last(_LAGS + _WINDOW), _SILENT))
        if (played[-_WINDOW:].max(axis=1) > np.log10(_SILENT)).sum() < _WINDOW // 3:
            return
        heard = np.log10(self._heard.last(_WINDOW) + 1e-12)
        heard = heard - heard.mean(axis=0)
        slices = np.lib.stride_tricks.sliding_window_view(played, _WINDOW, axis=0)[1:][
            ::-1
        ]  # by delay: (lags, bands, t)
        slices = slices - slices.mean(axis=2, keepdims=True)
        dot = np.einsum("lbt,tb->l", slices, heard)
        size = np.sqrt(np.einsum("lbt,lbt->l", slices, slices) * float(np.sum(heard**2))) + 1e-9
        self._match = 0.75 * self._match + 0.25 * dot / size
        best = int(np.argmax(self._match))
        if self._match[best] > _LOCKED:
            if self.lag is None or abs(best - self.lag) > 3:
                self._near = _Gain(self._any.level + 3.0, seen=_NEW / 2)
            self.lag = best
        elif self._match[best] < 0.5 * _LOCKED:
            self.lag = None


class _Gain:
    """How loud the echo is in each band: a high quantile of what is heard over what is played, in dB."""

    def __init__(self, level: Bands | None = None, seen: float = 0.0) -> None:
        self.level: Bands = np.full(_COUNT, _FIRST_GAIN) if level is None else level
        self._seen = np.full(_COUNT, seen)
        self._ringing: Bands = np.zeros(_COUNT)

    def expect(self, power: Bands, played: Bands, *, learn: bool, sure: float = 0.0) -> Bands:
        """The echo to be expected; learn from what is there. sure: 0…1, how like the reference it sounds.

        Quickly at first; later that an echo is stronger only slowly, for it may be a visitor, unless it sounds like us.
        """
        self._ringing = np.maximum(self._ringing * _DECAY, played)
        unsure = _UNSURE * np.maximum(0.0, 1.0 - self._seen / _NEW)
        loudest = self._ringing * 10 ** (0.1 * (self.level + unsure))
        expected: Bands = np.where(self._ringing > _SILENT, loudest, 0.0)
        active = played > 10 * _SILENT
        if learn and active.any():
            ratio = 10 * np.log10(np.maximum(power, 1e-12) / np.maximum(self._ringing, _SILENT))
            pace = np.maximum(_PACE, 6.0 / (1.0 + self._seen / 10.0))
            down = (1.0 - _QUANTILE) * pace
            bold = _PACE + 2.0 * max(0.0, sure - 0.6)
            up = np.where(self._seen < _NEW, np.minimum(_QUANTILE * pace, 1.5), bold)
            step = np.where(ratio > self.level, up, -np.minimum(down, self.level - ratio))
            self.level = np.clip(self.level + np.where(active, step, 0.0), -60.0, 20.0)
            self._seen += active
        return expected


def _bands(spectrum: NDArray[np.complex128]) -> Bands:
    """Power in each band, of a frame's spectrum; 1 is about a full-scale sine."""
    power = np.square(spectrum.real) + np.square(spectrum.imag)
    summed: Bands = np.add.reduceat(power[: _EDGES[-1]], _EDGES[:-1]) / (FRAME * FRAME / 8)
    return summed


_BAND_OF: Final = np.clip(np.searchsorted(_EDGES, np.arange(FRAME // 2 + 1), side="right") - 1, 0, _COUNT - 1)
"""Band of each bin; what is below and above goes with the nearest."""
