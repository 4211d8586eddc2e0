"""A recording as speech: its sound, where somebody speaks in it, and what a driver should listen to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from mien import plugins
from mien.audio.activity import SPEECH, Gate, GateSettings
from mien.audio.base import ROW, Denoiser, VoiceDetector
from mien.audio.read import read_audio
from mien.audio.source import AudioSource, name_of
from mien.audio.steady import OffsetRemover
from mien.errors import InputError, MienError
from mien.timeline import TICKS_PER_SECOND
from mien.types import Activity, AudioChunk, FloatArray, SpeechPart

SHORTEST: Final = TICKS_PER_SECOND // 10
"""Ticks of the shortest recording that is taken."""

_SILENT: Final = 4e-5  # from lowest to highest: less than two steps of 16 bits
_MUCH_CLIPPED: Final = 1e-3  # share of samples
_FLAT: Final = 0.985  # of the peak: samples from here up, three in a row, were cut off

Tell = Callable[[str], None]


def heard_parts(
    source: AudioSource,
    *,
    denoise: str = "off",
    vad: str = "auto",
    length: int = TICKS_PER_SECOND,
    tell: Tell = lambda line: None,
) -> Iterator[SpeechPart]:
    """The recording from tick 0 on, in parts of ``length`` ticks (a multiple of 960), the last one shorter.

    Each part has activity for all of its sound; phones and words are None. denoise: "on" and "film" also give
    ``heard``, the sound with less noise; "off" and "auto" leave it None. vad: "silero", "energy" or another back end of
    ``mien.vad``; "auto" is silero, or energy where its network cannot be had (told to ``tell``). tell: what is worth
    knowing, a line each. A constant offset is taken out of the sound; nothing else in it changes. Memory does not grow
    with its length.
    Raises InputError for what cannot be read, is silent or shorter than 0.1 s, MissingError for an unknown back end.
    """
    chunks = read_audio(source)
    detector = open_detector(vad, tell)
    cleaner: Denoiser | None = plugins.load("denoise", "wiener")() if denoise in ("on", "film") else None
    return _checked(_Ear(detector, cleaner, length).parts(_steady(chunks)), name_of(source), tell)


def open_detector(name: str = "auto", tell: Tell = lambda line: None) -> VoiceDetector:
    """A voice detector by name; see :func:`heard_parts`."""
    if name != "auto":
        chosen: VoiceDetector = plugins.load("vad", name)()
        return chosen
    try:
        best: VoiceDetector = plugins.load("vad", "silero")()
    except MienError as error:
        tell(f"Speech is told from silence by loudness alone. {error}")
        simple: VoiceDetector = plugins.load("vad", "energy")()
        return simple
    return best


class _Ear:
    """Runs sound past a detector and a denoiser and lines up what they say."""

    def __init__(self, detector: VoiceDetector, cleaner: Denoiser | None, length: int) -> None:
        self._detector, self._cleaner, self._length = detector, cleaner, length
        self._gate = Gate(GateSettings())
        self._at = 0
        self._sound, self._heard, self._rows = _Store(), _Store(), _Store()

    def parts(self, chunks: Iterable[AudioChunk]) -> Iterator[SpeechPart]:
        """Parts as soon as all about them is known."""
        for chunk in chunks:
            self._sound.add(chunk.samples)
            if self._cleaner:
                self._heard.add(self._cleaner.push(chunk.samples))
            self._detector.push(chunk)
            self._rows.add(self._gate.push(self._detector.read()).probability)
            while self._ready() > self._length:  # one is kept back: the last one is marked
                yield self._part(self._length, last=False)
        self._detector.close()
        self._rows.add(self._gate.push(self._detector.read()).probability)
        self._rows.add(self._gate.close().probability)
        if self._cleaner:
            self._heard.add(self._cleaner.close())
        while self._sound.count > self._length:
            yield self._part(self._length, last=False)
        if self._sound.count:
            yield self._part(self._sound.count, last=True)

    def _ready(self) -> int:
        known = min(self._sound.count, self._rows.count * ROW)
        return min(known, self._heard.count) if self._cleaner else known

    def _part(self, length: int, *, last: bool) -> SpeechPart:
        start, self._at = self._at, self._at + length
        return SpeechPart(
            AudioChunk(start, self._sound.take(length)),
            activity=Activity(start, self._rows.take(-(-length // ROW))),
            heard=self._heard.take(length) if self._cleaner else None,
            last=last,
        )


class _Store:
    """Values waiting. count: how many."""

    def __init__(self) -> None:
        self._pieces: list[FloatArray] = []
        self.count = 0

    def add(self, values: FloatArray) -> None:
        self._pieces.append(values)
        self.count += len(values)

    def take(self, count: int) -> FloatArray:
        whole = np.concatenate(self._pieces) if len(self._pieces) != 1 else self._pieces[0]
        self._pieces, self.count = [whole[count:]], len(whole) - count
        return whole[:count].copy()


@dataclass(slots=True)
class _Findings:
    """What a whole recording was like."""

    ticks: int = 0
    spoken: int = 0
    lowest: float = 1.0
    highest: float = -1.0
    flat: int = 0

    def add(self, part: SpeechPart) -> None:
        size = np.abs(part.audio.samples)
        self.ticks += len(size)
        self.lowest = min(self.lowest, float(part.audio.samples.min(initial=1.0)))
        self.highest = max(self.highest, float(part.audio.samples.max(initial=-1.0)))
        peak = max(self.highest, -self.lowest)
        if peak > 0.1:
            high = size >= _FLAT * peak
            self.flat += int((high[2:] & high[1:-1] & high[:-2]).sum())
        if part.activity is not None:
            self.spoken += int((part.activity.probability >= SPEECH).sum())


def _checked(parts: Iterator[SpeechPart], name: str, tell: Tell) -> Iterator[SpeechPart]:
    findings = _Findings()
    for part in parts:
        findings.add(part)
        if part.last:
            _judge(findings, name, tell)
        yield part


def _judge(findings: _Findings, name: str, tell: Tell) -> None:
    if findings.ticks < SHORTEST:
        raise InputError(
            f"{name} lasts {1000 * findings.ticks / TICKS_PER_SECOND:.0f} ms; a recording needs 100 ms at least.",
            hint="Record it again.",
            code="input.audio",
        )
    if findings.highest - findings.lowest < _SILENT:
        raise InputError(
            f"{name} is silent from beginning to end.",
            hint="Check the microphone, and which track was exported.",
            code="input.silent",
        )
    if not findings.spoken:
        tell(f"Nobody seems to speak in {name}: the mouth stays shut.")
    if findings.flat > _MUCH_CLIPPED * findings.ticks:
        tell(f"{name} was recorded too loud and is clipped: the lips may be less exact.")


def _steady(chunks: Iterator[AudioChunk]) -> Iterator[AudioChunk]:
    remover, at = OffsetRemover(), 0
    for chunk in chunks:
        samples = remover.push(chunk.samples)
        if len(samples):
            yield AudioChunk(at, samples)
            at += len(samples)
    rest = remover.close()
    if len(rest):
        yield AudioChunk(at, rest)
