"""Speech, music and effects made one sound, at the loudness that platforms ask for."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from mien.audio.loudness import CEILING_DBTP, REACH, TARGET_LUFS, Meter, dip, peaks_of
from mien.audio.stereo import loudness, read_stereo
from mien.timeline import TICKS_PER_SECOND, to_ticks
from mien.types import AudioChunk, FloatArray

BLOCK: Final = 4 * TICKS_PER_SECOND
"""Ticks that are mixed at once."""
DOWN: Final = to_ticks(0.3)
"""Ticks before speech in which music goes down."""
UP: Final = to_ticks(0.8)
"""Ticks after speech in which it comes up again."""
HELD: Final = to_ticks(1.5)
"""Pauses shorter than this are talked over: music stays down."""
LONGEST_EFFECT: Final = 600 * TICKS_PER_SECOND
_SOFT_EDGE: Final = to_ticks(0.01)
"""Effects that are cut off die away that fast."""

Span = tuple[int, int]
Part = tuple[int, int | None]


@dataclass(frozen=True)
class Music:
    """A file that plays from start to end (ticks), again and again where it is shorter.

    volume: dB relative to the speech's loudness, where nobody speaks. duck: dB lower than that where somebody does.
    fade_in, fade_out: ticks of coming and of going. part: ticks of the file that are played, None = its end.
    """

    path: Path
    start: int
    end: int
    volume: float = -10.0
    duck: float = -12.0
    fade_in: int = TICKS_PER_SECOND
    fade_out: int = TICKS_PER_SECOND
    loop: bool = True
    part: Part = (0, None)


@dataclass(frozen=True)
class Effect:
    """A sound that is played once from a tick on. volume: dB relative to how it was recorded. part: as of music."""

    path: Path
    start: int
    volume: float = 0.0
    part: Part = (0, None)


class Mix:
    """A film's sound, block by block, as often as it is asked for.

    length: ticks. voices: speech at :data:`TARGET_LUFS`, anywhere; what overlaps is added. spoken: where somebody
    speaks. target: LUFS of the whole. Memory does not grow with the music's length. Raises InputError for files that
    are no sound.
    """

    def __init__(
        self,
        length: int,
        voices: Sequence[AudioChunk],
        spoken: Sequence[Span] = (),
        *,
        music: Sequence[Music] = (),
        effects: Sequence[Effect] = (),
        target: float = TARGET_LUFS,
    ) -> None:
        self.length = length
        self._voices, self._music = tuple(voices), tuple(music)
        self._spoken = joined(spoken)
        self._gains = [_linear(TARGET_LUFS + m.volume - _known(loudness(m.path))) for m in music]
        self._effects = tuple(effects)
        self.gain = self._needed(target)

    def blocks(self) -> Iterator[FloatArray]:
        """The sound, float32 (n, 2), :data:`BLOCK` ticks each but the last; no true peak above -1 dB."""
        ceiling = _linear(CEILING_DBTP) * 0.999
        before, waiting = np.zeros((2 * REACH, 2), np.float32), None
        for block in self._raw():
            loud = block * np.float32(self.gain)
            if waiting is not None:
                yield _limited(before, waiting, loud[: 2 * REACH], ceiling)
                before = np.concatenate([before, waiting])[-2 * REACH :]
            waiting = loud
        if waiting is not None:
            yield _limited(before, waiting, np.zeros((0, 2), np.float32), ceiling)

    def ducking(self, music: Music, start: int, end: int) -> FloatArray:
        """Gain of a piece of music by who speaks, of each tick, linear, (end - start,)."""
        ticks, levels = [start - 1.0], [0.0]
        for a, b in self._spoken:
            ticks += [a - DOWN, a, b, b + UP]
            levels += [0.0, 1.0, 1.0, 0.0]
        shape = np.interp(np.arange(start, end), ticks, levels).astype(np.float32) if self._spoken else np.zeros(1)
        return np.asarray(np.power(10.0, shape * music.duck / 20), np.float32) * np.ones(end - start, np.float32)

    def _raw(self) -> Iterator[FloatArray]:
        """Before the common gain."""
        players, sounds = [_Player(m) for m in self._music], [_Sound(e) for e in self._effects]
        for start in range(0, self.length, BLOCK):
            end = min(start + BLOCK, self.length)
            out = np.zeros((end - start, 2), np.float32)
            for voice in self._voices:
                _add(out, start, voice.start, voice.samples[:, None])
            for sound in sounds:
                sound.add(out, start)
            for player, gain in zip(players, self._gains, strict=True):
                self._play(out, start, player, gain)
            yield out

    def _play(self, out: FloatArray, start: int, player: _Player, gain: float) -> None:
        music, end = player.music, start + len(out)
        first, last = max(start, music.start), min(end, music.end, self.length)
        if first >= last:
            return
        sound = player.take(last - first)
        ticks = np.arange(first, last)
        whole = min(music.end, self.length)
        half = max(1, (whole - music.start) // 2)
        coming, going = (max(1, min(fade, half)) for fade in (music.fade_in, music.fade_out))
        shape = np.clip(np.minimum((ticks - music.start) / coming, (whole - ticks) / going), 0, 1).astype(np.float32)
        level = shape * self.ducking(music, first, last) * np.float32(gain)
        out[first - start : last - start] += sound * level[:, None]

    def _needed(self, target: float) -> float:
        """The gain, linear, that brings the whole to its loudness."""
        left, right = Meter(), Meter()
        for block in self._raw():
            left.push(np.ascontiguousarray(block[:, 0]))
            right.push(np.ascontiguousarray(block[:, 1]))
        measured = left.lufs(other=right)
        return _linear(min(target - measured, 40.0)) if math.isfinite(measured) else 1.0


class _Player:
    """Plays a file from its beginning, over and over."""

    def __init__(self, music: Music) -> None:
        self.music = music
        self._pieces = _part(music.path, music.part)
        self._rest = np.zeros((0, 2), np.float32)

    def take(self, count: int) -> FloatArray:
        """The next ticks, (count, 2); silence after the end of what does not play again."""
        taken, missing, heard = [self._rest[:count]], count - len(self._rest[:count]), True
        self._rest = self._rest[count:]
        while missing > 0:
            piece = next(self._pieces, None)
            if piece is None:
                if not (self.music.loop and heard):
                    taken.append(np.zeros((missing, 2), np.float32))
                    break
                self._pieces, heard = _part(self.music.path, self.music.part), False
                continue
            heard = heard or len(piece) > 0
            taken.append(piece[:missing])
            self._rest = piece[missing:]
            missing -= len(taken[-1])
        return np.concatenate(taken)


class _Sound:
    """Plays an effect once. It is read as it is needed, so that many long ones cost no memory."""

    def __init__(self, effect: Effect) -> None:
        begin, end = effect.part
        self._length = LONGEST_EFFECT if end is None else min(end - begin, LONGEST_EFFECT)
        self._cut = end is not None
        self._start, self._gain = effect.start, np.float32(_linear(effect.volume))
        self._pieces = _part(effect.path, (begin, begin + self._length))
        self._rest = np.zeros((0, 2), np.float32)
        self._played = 0

    def add(self, out: FloatArray, start: int) -> None:
        """Add what is heard of it to a block that begins at a tick. Blocks come in order, without gaps."""
        first = max(start, self._start)
        count = min(start + len(out) - first, self._length - self._played)
        if count <= 0:
            return
        samples = self._take(count) * self._gain
        if self._cut:
            left = self._length - self._played - np.arange(len(samples))
            samples *= np.clip(left / _SOFT_EDGE, 0, 1).astype(np.float32)[:, None]
        self._played += count
        out[first - start : first - start + len(samples)] += samples

    def _take(self, count: int) -> FloatArray:
        while len(self._rest) < count and (piece := next(self._pieces, None)) is not None:
            self._rest = np.concatenate([self._rest, piece])
        taken, self._rest = self._rest[:count], self._rest[count:]
        return taken


def joined(spans: Sequence[Span]) -> tuple[Span, ...]:
    """Spans in order, with the pauses between them closed over which music stays down."""
    out: list[Span] = []
    for start, end in sorted(spans):
        if out and start - out[-1][1] < HELD:
            out[-1] = (out[-1][0], max(out[-1][1], end))
        else:
            out.append((start, end))
    return tuple(out)


def _add(out: FloatArray, start: int, at: int, samples: FloatArray) -> None:
    first, last = max(start, at), min(start + len(out), at + len(samples))
    if first < last:
        out[first - start : last - start] += samples[first - at : last - at]


def _part(path: Path, part: Part) -> Iterator[FloatArray]:
    """A part of a file, piece by piece."""
    begin, end = part
    at = 0
    for piece in read_stereo(path):
        first, last = max(begin - at, 0), len(piece) if end is None else min(end - at, len(piece))
        at += len(piece)
        if first < last:
            yield piece[first:last]
        if end is not None and at >= end:
            return


def _limited(before: FloatArray, block: FloatArray, after: FloatArray, ceiling: float) -> FloatArray:
    """The block with its peaks held down, both channels by the same gain."""
    around = np.concatenate([before, block, after])
    low, high = len(before), len(before) + len(block)
    if np.abs(around).max(initial=0.0) < 0.5 * ceiling:
        return block
    peaks = np.maximum(*(peaks_of(np.ascontiguousarray(around[:, c]), ceiling) for c in range(2)))
    return np.asarray((around * dip(peaks, ceiling)[:, None])[low:high], np.float32)


def _linear(decibels: float) -> float:
    return float(10.0 ** (decibels / 20))


def _known(lufs: float) -> float:
    """A file of silence plays as it is."""
    return lufs if math.isfinite(lufs) else TARGET_LUFS
