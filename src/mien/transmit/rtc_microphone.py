"""The visitor's microphone: packets that come late, twice or never, of a clock of their own, to sound without gaps.

Sound that is lost becomes silence. What is given never lags behind nor runs ahead of the time that has passed by more
than a bound, whatever the sender's clock and the network do: stalls become silence, bursts that come too late to matter
are left out, and a clock that is a little wrong is met by one sample more or less in 20 ms.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from mien.timeline import TICKS_PER_SECOND, to_ticks
from mien.types import AudioChunk, FloatArray

OnSound = Callable[[AudioChunk], None]

_AHEAD: Final = to_ticks(0.12)
_BEHIND: Final = to_ticks(0.2)
_LEAD: Final = to_ticks(0.02)
_LAG: Final = to_ticks(0.04)
_SMOOTH: Final = 0.02  # of the latest packet, in the mean of the lead: about a second
_HELD: Final = 3  # packets that wait for one before them
_LONGEST_GAP: Final = to_ticks(1.0)


class SteadySound:
    """Samples with positions on the sender's clock, to chunks with continuous ticks on ours. Not thread-safe.

    give: called with each chunk, mono float32. start: tick of the first.
    """

    def __init__(self, give: OnSound, start: int = 0) -> None:
        self._give, self._tick = give, start
        self._position: int | None = None  # where the sender's next sample is expected
        self._origin = 0.0
        self._given = 0
        self._lead = 0.0
        self.lost = 0

    def push(self, position: int, samples: FloatArray, now: float) -> None:
        """position: of the first sample, at 48 kHz, rising. now: seconds, monotonic, when it came."""
        if self._position is None:
            self._position, self._origin = position, now - len(samples) / TICKS_PER_SECOND
        gap = position - self._position
        if gap < 0:  # heard already, or silence was given for it
            samples = samples[-gap:]
        elif 0 < gap <= _LONGEST_GAP:
            self.lost += gap
            self._send(np.zeros(min(gap, max(0, self._room(now) - len(samples))), np.float32))
        self._position = max(self._position, position + len(samples)) if gap < 0 else position + len(samples)
        self._send(self._fitted(samples, now))

    def idle(self, now: float) -> None:
        """Called now and then: silence for what does not come."""
        if self._position is not None:
            late = self._passed(now) - self._given
            if late > _BEHIND:
                self._send(np.zeros(late - _BEHIND // 2, np.float32))

    def _fitted(self, samples: FloatArray, now: float) -> FloatArray:
        """As many samples as time allows; one more or less when the clocks drift apart."""
        samples = samples[: max(0, self._room(now))]
        lead = self._given + len(samples) - self._passed(now)
        self._lead += (lead - self._lead) * _SMOOTH
        if len(samples) < 2 or -_LAG < self._lead < _LEAD:
            return samples
        count = len(samples) + (1 if self._lead < 0 else -1)
        return _stretched(samples, count)

    def _room(self, now: float) -> int:
        return self._passed(now) + _AHEAD - self._given

    def _passed(self, now: float) -> int:
        return int((now - self._origin) * TICKS_PER_SECOND)

    def _send(self, samples: FloatArray) -> None:
        if len(samples):
            self._give(AudioChunk(self._tick, samples))
            self._tick += len(samples)
            self._given += len(samples)


class OpusPackets:
    """Opus in RTP: put in order, decoded, given to a :class:`SteadySound` at its position."""

    def __init__(self, sound: SteadySound) -> None:
        self._sound = sound
        self._decoder: Any = None
        self._next: int | None = None  # sequence number, unwrapped
        self._stamp = 0  # RTP time stamp, unwrapped
        self._held: dict[int, tuple[int, bytes]] = {}

    def take(self, sequence: int, stamp: int, payload: bytes, now: float) -> None:
        """A packet as it came. sequence: 16 bits. stamp: 32 bits, at 48 kHz."""
        if self._next is None:
            self._next, self._stamp = sequence, stamp
        number = self._next + _signed(sequence - self._next, 16)
        if number < self._next:
            return
        if number - self._next > 1000:  # another stream, or a sender that began anew
            self._next, self._held = number, {}
        self._held[number] = (self._stamp + _signed(stamp - self._stamp, 32), payload)
        while self._held:
            if self._next in self._held:
                self._decode(*self._held.pop(self._next), now)
                self._next += 1
            elif len(self._held) >= _HELD:
                self._next = min(self._held)
            else:
                return

    def _decode(self, position: int, payload: bytes, now: float) -> None:
        self._stamp = position
        if payload:
            samples = self._samples(payload)
            if samples is not None:
                self._sound.push(position, samples, now)

    def _samples(self, payload: bytes) -> FloatArray | None:
        """None: damaged; the gap becomes silence when the next packet comes."""
        import av
        import av.error

        if self._decoder is None:
            self._decoder = av.CodecContext.create("libopus", "r")
            self._decoder.sample_rate, self._decoder.layout, self._decoder.format = TICKS_PER_SECOND, "mono", "s16"
        try:
            frames = self._decoder.decode(av.Packet(payload))
        except (av.error.FFmpegError, ValueError):
            return None
        if not frames:
            return None
        sound = np.concatenate([_mono(frame.to_ndarray(), len(frame.layout.channels)) for frame in frames])
        return sound.astype(np.float32)


def _mono(samples: Any, channels: int) -> FloatArray:
    """int16 or float, packed (1, n·channels) → float32 (n,)."""
    scale = 32768.0 if samples.dtype == np.int16 else 1.0
    mono = samples.reshape(-1, channels).mean(axis=1) / scale
    return np.asarray(mono, np.float32)


def _signed(difference: int, bits: int) -> int:
    """The difference of two counters that wrap, nearest to zero."""
    half = 1 << (bits - 1)
    return (difference + half) % (1 << bits) - half


def _stretched(samples: FloatArray, count: int) -> FloatArray:
    """Resampled to ``count`` samples by straight lines: for one in a thousand nobody hears it."""
    at = np.linspace(0, len(samples) - 1, count)
    return np.interp(at, np.arange(len(samples)), samples).astype(np.float32)
