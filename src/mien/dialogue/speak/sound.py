"""Sound of any rate, as it comes, as gapless parts at 48 kHz. Chunked equals whole: how it comes changes no sample."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from mien.dialogue.speak.base import SpeakRequest
from mien.errors import BackendError
from mien.timeline import TICKS_PER_SECOND
from mien.types import AudioChunk, FloatArray, SpeechPart

MAX_SECONDS: Final = 600
"""A request that answers with more sound than this is broken: a sentence lasts seconds."""

_HELD: Final = TICKS_PER_SECOND // 50  # kept back, so that the last part is never empty
_LOUDEST: Final = 0.98
_KNEE: Final = 0.7


@dataclass(frozen=True, slots=True)
class Sound:
    """samples: float32 (n,), mono, -1…1. rate: Hz."""

    samples: FloatArray
    rate: int


class Upsampler:
    """Mono sound of one rate to 48 kHz, streaming; n samples in give round(n · 48000 / rate) out in all."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._resampler: Any = None
        self._taken = self._given = 0

    def push(self, samples: FloatArray) -> FloatArray:
        """What is final after the next samples."""
        self._taken += len(samples)
        if self._rate == TICKS_PER_SECOND:
            self._given += len(samples)
            return samples
        out = self._resample(samples, last=False)
        out = out[: max(0, self._wanted - self._given)]
        self._given += len(out)
        return out

    def close(self) -> FloatArray:
        """The rest."""
        if self._rate == TICKS_PER_SECOND or not self._taken:
            return np.zeros(0, np.float32)
        rest = self._resample(np.zeros(0, np.float32), last=True)
        out = np.zeros(self._wanted - self._given, np.float32)
        n = min(len(out), len(rest))
        out[:n] = rest[:n]
        return out

    @property
    def _wanted(self) -> int:
        return round(self._taken * TICKS_PER_SECOND / self._rate)

    def _resample(self, samples: FloatArray, *, last: bool) -> FloatArray:
        if self._resampler is None:
            import soxr

            self._resampler = soxr.ResampleStream(self._rate, TICKS_PER_SECOND, 1, dtype="float32", quality="HQ")
        made: FloatArray = self._resampler.resample_chunk(np.ascontiguousarray(samples, np.float32), last=last)
        return made


def as_parts(
    request: SpeakRequest, sounds: Iterable[Sound], what: str, close: Callable[[], None] | None = None
) -> Generator[SpeechPart, None, None]:
    """Parts as the sound comes, without times; the last has ``last=True``. close: called however it ends.

    what: names the voice in errors. Raises BackendError when nothing came, or far too much.
    """
    start = request.start
    held = np.zeros(0, np.float32)
    came = False
    try:
        for block in at_48k(sounds, what):
            came = came or len(block) > 0
            ready = np.concatenate([held, block])
            size = max(0, len(ready) - _HELD)
            held = ready[size:]
            if size:
                yield SpeechPart(AudioChunk(start, levelled(ready[:size], request.volume)), turn=request.turn)
                start += size
        if not came:
            raise no_sound(what)
        yield SpeechPart(AudioChunk(start, levelled(held, request.volume)), turn=request.turn, last=True)
    finally:
        if close is not None:
            close()


def at_48k(sounds: Iterable[Sound], what: str) -> Iterator[FloatArray]:
    """Blocks at 48 kHz; a change of rate between two sounds is followed. Raises BackendError beyond MAX_SECONDS."""
    rate, upsampler, seconds = 0, Upsampler(TICKS_PER_SECOND), 0.0
    for sound in sounds:
        if sound.rate != rate:
            yield upsampler.close()
            rate, upsampler = sound.rate, Upsampler(sound.rate)
        seconds += len(sound.samples) / rate
        if seconds > MAX_SECONDS:
            raise BackendError(f"{what} does not stop: over {MAX_SECONDS // 60} minutes of sound for one text.")
        yield upsampler.push(np.nan_to_num(sound.samples, nan=0.0, posinf=1.0, neginf=-1.0))
    yield upsampler.close()


def levelled(samples: FloatArray, volume: float) -> FloatArray:
    """Sound times volume, bent smoothly below 0.98 where it is louder than 0.7."""
    return limited(samples * np.float32(volume))


def limited(sound: FloatArray) -> FloatArray:
    """Bend what is louder than 0.7 smoothly below 0.98; quieter sound is left as it is. Changes ``sound``."""
    over = np.abs(sound) > _KNEE
    if over.any():
        span = _LOUDEST - _KNEE
        bent = _KNEE + span * np.tanh((np.abs(sound[over]) - _KNEE) / span)
        sound[over] = np.sign(sound[over]) * bent
    return sound


def inside(what: str) -> str:
    """A name as it stands inside a sentence: "the server"."""
    return what[0].lower() + what[1:] if what.startswith("The ") else what


def no_sound(what: str) -> BackendError:
    """Nothing came."""
    return BackendError(f"{what} returned no sound for this text.", hint="Reword it, or choose another voice.")


def stretched(sounds: Iterable[Sound], rate: float) -> Iterator[Sound]:
    """The same voice faster (rate 2) or slower (0.5) at the same pitch, for back ends without a dial (WSOLA)."""
    if rate == 1:
        yield from sounds
        return
    graph: _Tempo | None = None
    for sound in sounds:
        if graph is None or graph.rate != sound.rate:
            if graph is not None:
                yield from graph.close()
            graph = _Tempo(sound.rate, rate)
        yield from graph.push(sound.samples)
    if graph is not None:
        yield from graph.close()


class _Tempo:
    """FFmpeg's ``atempo`` filter."""

    def __init__(self, rate: int, tempo: float) -> None:
        from av.filter import Graph

        self.rate = rate
        self._graph = Graph()
        source = self._graph.add_abuffer(sample_rate=rate, format="flt", layout="mono")
        tempo_filter = self._graph.add("atempo", f"{tempo:.6f}")
        sink = self._graph.add("abuffersink")
        source.link_to(tempo_filter)
        tempo_filter.link_to(sink)
        self._graph.configure()
        self._at = 0

    def push(self, samples: FloatArray) -> Iterator[Sound]:
        from av import AudioFrame

        if not len(samples):
            return
        frame = AudioFrame.from_ndarray(np.ascontiguousarray(samples, np.float32)[None], format="flt", layout="mono")
        frame.sample_rate, frame.pts = self.rate, self._at
        self._at += len(samples)
        self._graph.push(frame)
        yield from self._pull()

    def close(self) -> Iterator[Sound]:
        self._graph.push(None)
        yield from self._pull()

    def _pull(self) -> Iterator[Sound]:
        from av.error import BlockingIOError as NothingYet
        from av.error import EOFError as Ended

        while True:
            try:
                frame = self._graph.pull()
            except (NothingYet, Ended):
                return
            yield Sound(np.asarray(frame.to_ndarray(), np.float32).reshape(-1), self.rate)
