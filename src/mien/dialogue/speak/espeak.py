"""The embedded speaker: espeak-ng, all its languages, with exact times of phones and words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mien.dialogue import text
from mien.dialogue.speak import espeak_times as times
from mien.dialogue.speak import espeak_voices as data
from mien.dialogue.speak.base import SpeakerInfo, SpeakRequest, Voice
from mien.dialogue.speak.espeak_process import ChildDied, EspeakProcess, Job, Rendered
from mien.dialogue.speak.espeak_text import Run, prepare
from mien.dialogue.speak.sound import limited
from mien.errors import BackendError, InputError, UsageError
from mien.timeline import TICKS_PER_SECOND
from mien.types import AudioChunk, FloatArray, Phone, SpeechPart, Word

_SAMPLE_RATE = 22_050
_FADE = 0.003
_LONG = 80
_STOPS = tuple(",.;:!?…—、，。；：！？।؟،؛")
_QUOTES_AND_SPACES = " \"'“”‘’«»「『」』（(）)【】《》〈〉[]"


@dataclass(frozen=True, slots=True)
class _Take:
    """A run as it was rendered: its sound and times in samples, its words with the source's characters."""

    pcm: NDArray[np.int16]
    phones: list[times.Span]
    words: list[tuple[int, int, int, int]]


class EspeakSpeaker:
    """espeak-ng in one child process per instance, started at the first sentence.

    Speaks mixed text run by run (``language="auto"`` or a main language). Every part is one sentence.
    """

    def __init__(self) -> None:
        self._process = EspeakProcess()

    @cached_property
    def info(self) -> SpeakerInfo:
        """What this back end can do."""
        return SpeakerInfo(
            name="espeak", languages=tuple(data.languages()), sample_rate=_SAMPLE_RATE, gives_times=True,
            streaming=True, licence=data.LICENCE,
        )  # fmt: skip

    def voices(self) -> tuple[Voice, ...]:
        """female, male, and every variant."""
        return data.voices()

    def close(self) -> None:
        """End the child process. Idempotent; the next sentence would start it again."""
        self._process.close()

    def check(self, request: SpeakRequest) -> None:
        """Raise what :meth:`speak` would raise, without starting the child."""
        self._prepared(request)

    def speak(self, request: SpeakRequest) -> Iterator[SpeechPart]:
        """Yield one part per sentence; see :class:`~mien.dialogue.speak.base.Speaker`.

        What is wrong with the request is raised here at once, before the first part is asked for.
        """
        return self._parts(request, self._prepared(request))

    def _prepared(self, request: SpeakRequest) -> list[list[Run]]:
        """Each sentence as runs of one language, all checked."""
        if not 0 <= request.volume <= 2:
            raise UsageError(f"The volume {request.volume:g} is outside 0 to 2.", hint="1 is the normal loudness.")
        data.dials(request.rate, request.pitch, request.emotion)
        data.voice_for("en" if request.language == "auto" else request.language, request.voice)
        text.check_length(request.text)
        cleaned = text.clean(text.identity(request.text, request.char_offset))
        found = [s for s in text.sentences(cleaned) if text.is_speakable(s.text)]
        if not found:
            raise InputError("The text has nothing that can be spoken.", code="input.nothing_to_say")
        return [prepare(s, request.language, request.lexicon) for s in found]

    def _parts(self, request: SpeakRequest, sentences: list[list[Run]]) -> Iterator[SpeechPart]:
        start = request.start
        for i, runs in enumerate(sentences):
            request.fence.check()
            part = self._part(request, runs, start)
            start = part.audio.end
            yield replace(part, last=i + 1 == len(sentences))

    def _part(self, request: SpeakRequest, runs: list[Run], start: int) -> SpeechPart:
        takes = [self._take(request, run, final=run is runs[-1]) for run in runs]
        pcm = np.concatenate([t.pcm for t in takes])
        phones: list[Phone] = []
        words: list[Word] = []
        offset = 0
        for take in takes:
            phones += [
                Phone(_tick(start, offset + p.start), _tick(start, offset + p.end), p.symbol) for p in take.phones
            ]
            words += [Word(_tick(start, offset + a), _tick(start, offset + b), c, d) for a, b, c, d in take.words]
            offset += len(take.pcm)
        audio = AudioChunk(start, _at_48k(pcm, request.volume))
        return SpeechPart(audio, tuple(phones), tuple(words), turn=request.turn)

    def _take(self, request: SpeakRequest, run: Run, *, final: bool) -> _Take:
        said, goes_on = _closed(run.text.text, final=final)
        dials = data.dials(request.rate, request.pitch, request.emotion, run.language)
        job = Job(
            text=said,
            voice=data.voice_for(run.language, request.voice),
            rate=dials.rate, pitch=dials.pitch, pitch_range=dials.pitch_range, end_pause=not goes_on,
            phonemes=run.phonemes,
        )  # fmt: skip
        rendered = self._render(job, run.language)
        pcm = _faded(np.frombuffer(rendered.pcm, "<i2"))
        spans = times.phones(rendered.events, pcm, rendered.sample_rate)
        words: list[tuple[int, int, int, int]] = []
        for begin, end, token in times.words(rendered.events, spans, list(run.tokens)):
            first, last = run.text.source(token.start, token.stop)
            words.append((begin, end, first, last))
        return _Take(pcm, spans, words)

    def _render(self, job: Job, language: str) -> Rendered:
        """Render a job; after a crash once more with the language's plain voice."""
        try:
            return self._process.render(job)
        except ChildDied:
            pass
        plain = Job(job.text, data.language_voice(language), end_pause=job.end_pause, phonemes=job.phonemes)
        try:
            return self._process.render(plain)
        except ChildDied:
            raise BackendError(
                "The speech synthesiser espeak-ng crashed twice on the same sentence.",
                hint="Reword it, or choose another voice.",
                code="backend.espeak",
            ) from None


def _closed(said: str, *, final: bool) -> tuple[str, bool]:
    """The text with the end that makes the right melody, and whether the next run follows without a pause.

    Between two languages inside a clause the voice must neither fall nor stop: a comma without its silence. A long
    sentence without any end was cut by us: a comma.
    """
    bare = said.rstrip(_QUOTES_AND_SPACES)
    stops = bare[-1:] in _STOPS
    if not final and not stops:
        return bare + ",", True
    return (bare + "," if len(bare) > _LONG and not stops else said), False


def _tick(start: int, sample: int) -> int:
    return start + round(sample * TICKS_PER_SECOND / _SAMPLE_RATE)


def _faded(pcm: NDArray[np.int16]) -> NDArray[np.int16]:
    """Ramp 3 ms at both ends, so that runs join without a click."""
    n = min(round(_FADE * _SAMPLE_RATE), len(pcm) // 2)
    if n == 0:
        return pcm
    out = pcm.astype(np.float32)
    ramp = np.arange(n, dtype=np.float32) / n
    out[:n] *= ramp
    out[-n:] *= ramp[::-1]
    return out.astype(np.int16)


def _at_48k(pcm: NDArray[np.int16], volume: float) -> FloatArray:
    """48 kHz float32 of exactly round(n · 48000 / 22050) samples."""
    import soxr

    wanted = round(len(pcm) * TICKS_PER_SECOND / _SAMPLE_RATE)
    if wanted == 0:
        return np.zeros(0, np.float32)
    sound = soxr.resample(pcm.astype(np.float32) / 32768, _SAMPLE_RATE, TICKS_PER_SECOND, "HQ") * np.float32(volume)
    out = np.zeros(wanted, np.float32)
    n = min(wanted, len(sound))
    out[:n] = sound[:n]
    return limited(out)
