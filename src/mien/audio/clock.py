"""Where decoded frames are on the time line of their file, and as which sound."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from mien.audio.mono import as_float, to_mono
from mien.audio.source import HIGHEST_RATE, LOWEST_RATE
from mien.errors import InputError
from mien.types import FloatArray

FORMATS_HINT: Final = "Use an mp3, m4a, ogg, flac or wav file, or a video with sound."

_SLACK: Final = 0.05  # seconds by which time stamps may be off before sound is moved for them
_LONGEST_GAP: Final = 600  # seconds; a longer jump is a clock that was set, not a pause in which nothing was sent
_MEMORY: Final = 0.99  # of what is remembered, a frame later
_MIRRORED: Final = -0.9  # correlation of two channels


@dataclass(frozen=True, slots=True)
class Block:
    """Mono sound, float32 (n,), at ``rate`` Hz. Blocks follow each other without a gap."""

    samples: FloatArray
    rate: int


class _Mixer:
    """Channels as one. Of a pair of which one is the other upside down (a balanced line taken for stereo) the first."""

    def __init__(self) -> None:
        self._power = self._common = 0.0  # of the two, as remembered

    def mix(self, planes: list[FloatArray], layout: tuple[str, ...], name: str) -> FloatArray:
        """One channel, float32 (n,). layout: names of the channels."""
        if len(planes) == 1:
            return planes[0]
        if len(planes) > 2:
            return to_mono(np.stack(planes, 1), layout, name)
        left, right = planes
        self._power = _MEMORY * self._power + float(left @ left + right @ right)
        self._common = _MEMORY * self._common + 2.0 * float(left @ right)
        return left if self._common < _MIRRORED * self._power else (left + right) * np.float32(0.5)


@dataclass(slots=True)
class Clock:
    """Puts decoded frames on the time line. samples: of the file, silence not counted. seconds: so far."""

    name: str
    origin: float | None
    samples: int = 0
    seconds: float = 0.0
    _rate: int = 0
    _anchor: float = 0.0  # where the samples of this rate start
    _since: int = 0  # samples since then
    _mixer: _Mixer = field(default_factory=_Mixer)

    def place(self, frame: Any) -> Iterator[Block]:
        """The frame's sound, silence before it where the file has a gap, its head cut off where it overlaps."""
        rate = frame.sample_rate
        if rate != self._rate:
            if not LOWEST_RATE <= rate <= HIGHEST_RATE:
                raise undecodable(self.name)
            self._anchor, self._rate, self._since = self.seconds, rate, 0
        layout = tuple(channel.name for channel in frame.layout.channels) if frame.layout.nb_channels > 2 else ()
        sound = self._mixer.mix(_planes(frame, self.name), layout, self.name)
        gap = self._gap(frame)
        if gap > 0:
            yield Block(np.zeros(gap, np.float32), rate)
            self._advance(gap)
        elif gap < 0:
            sound = sound[-gap:]
        self.samples += frame.samples
        self._advance(len(sound))
        if len(sound):
            yield Block(sound, rate)

    def _gap(self, frame: Any) -> int:
        """Samples of silence that are missing before the frame, negative when it repeats what was there."""
        base = frame.time_base
        if frame.pts is None or base is None:
            return 0
        stamp = frame.pts * base.numerator / base.denominator
        if self.origin is None:
            self.origin = stamp
        off = stamp - self.origin - self.seconds
        if abs(off) < (_SLACK if self.samples else 1.5 / self._rate):
            return 0
        if off > _LONGEST_GAP or off < -1:
            self.origin += off
            return 0
        samples: int = round(off * self._rate)
        return samples

    def _advance(self, count: int) -> None:
        self._since += count
        self.seconds = self._anchor + self._since / self._rate


def _planes(frame: Any, name: str) -> list[FloatArray]:
    """Each channel, float32 (n,)."""
    channels = frame.layout.nb_channels
    if frame.format.name == "fltp":  # what most decoders give
        return [np.frombuffer(plane, np.float32, frame.samples).copy() for plane in frame.planes]
    samples = as_float(frame.to_ndarray(), name)
    return list(samples if frame.format.is_planar else samples.reshape(-1, channels).T)


def undecodable(name: str) -> InputError:
    """The sound cannot be made out."""
    return InputError(
        f"The sound of {name} cannot be decoded: it is damaged or encrypted.", hint=FORMATS_HINT, code="input.audio"
    )
