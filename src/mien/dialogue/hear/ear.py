"""What the back ends on this machine share: one utterance after another, at 16 kHz, to a process."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from mien.dialogue.hear.base import LONGEST, Heard
from mien.dialogue.hear.child import RATE
from mien.dialogue.hear.process import HearProcess
from mien.dialogue.languages import primary_subtag
from mien.errors import BackendError, MissingError, UsageError
from mien.timeline import TICKS_PER_SECOND, to_seconds
from mien.types import EMOTION_NAMES, AudioChunk, FloatArray

_TAG: Final = re.compile(r"<\|([^|<>]*)\|>")
_HANZI: Final = re.compile(r"(?<=[\u4e00-\u9fff\u3040-\u30ff])\s+(?=[\u4e00-\u9fff\u3040-\u30ff])")


class Utterance:
    """Where the sound of one utterance is, and its way to 16 kHz."""

    def __init__(self, number: int, start: int) -> None:
        import soxr

        self.number, self.start, self.end = number, start, start
        self._resampler = soxr.ResampleStream(TICKS_PER_SECOND, RATE, 1, dtype="float32", quality="HQ")

    def take(self, chunk: AudioChunk) -> FloatArray:
        """The next sound at 16 kHz. Raises UsageError for a gap, BackendError for an utterance without end."""
        if chunk.start != self.end:
            raise UsageError(
                f"Sound goes on at tick {chunk.start}, but it ended at {self.end}.", hint="Finish the utterance first."
            )
        if chunk.end - self.start > LONGEST:
            raise BackendError(
                f"Nobody speaks for {LONGEST // TICKS_PER_SECOND} seconds on end.", hint="Finish the utterance earlier."
            )
        self.end = chunk.end
        return self._resample(chunk.samples, last=False)

    def rest(self) -> FloatArray:
        """What the filter still holds."""
        return self._resample(np.zeros(0, np.float32), last=True)

    def _resample(self, samples: FloatArray, *, last: bool) -> FloatArray:
        clean = np.nan_to_num(samples, nan=0.0, posinf=1.0, neginf=-1.0)
        made: FloatArray = self._resampler.resample_chunk(np.ascontiguousarray(clean, np.float32), last=last)
        return made


class Ear:
    """A process, and the utterances it is told. settings: of the child. name: for sentences. language: asked for."""

    def __init__(self, settings: dict[str, Any], name: str, language: str) -> None:
        self._settings, self._name = settings, name
        self._language = "" if language == "auto" else primary_subtag(language)
        self._process: HearProcess | None = None
        self._lock = threading.Lock()
        self._now: Utterance | None = None
        self._number = 0

    def warm(self) -> None:
        """Start loading, so that the first utterance need not wait for it."""
        with self._lock:
            self._ready()

    def push(self, chunk: AudioChunk) -> Heard | None:
        """As :meth:`mien.dialogue.hear.base.Recogniser.push`."""
        with self._lock:
            process = self._ready()
            now = self._now
            if now is None:
                now = self._now = Utterance(self._number, chunk.start)
                self._number += 1
            sound = now.take(chunk)
            if len(sound):
                process.push(now.number, sound)
        told = process.so_far(now.number)
        return None if told is None else self._heard(told, now, final=False)

    def end(self) -> Callable[[], Heard]:
        """As :meth:`mien.dialogue.hear.base.Recogniser.end`."""
        with self._lock:
            now, self._now = self._now, None
            process = self._process
            if now is None or process is None:
                return lambda: Heard("", 0, 0, self._language, final=True)
            rest = now.rest()
            if len(rest):
                process.push(now.number, rest)
            process.end(now.number)
        return lambda: self._heard(process.wait(now.number, to_seconds(now.end - now.start)), now, final=True)

    def drop(self) -> None:
        """As :meth:`mien.dialogue.hear.base.Recogniser.drop`."""
        with self._lock:
            self._now = None
            if self._process is not None and self._number:
                self._process.drop(self._number - 1)

    def close(self) -> None:
        """As :meth:`mien.dialogue.hear.base.Recogniser.close`."""
        self.drop()
        with self._lock:
            process, self._process = self._process, None
        if process is not None:
            process.close()

    def _ready(self) -> HearProcess:
        """The child; a new one where the last has died, for which an utterance that is under way is lost."""
        if self._process is None or not self._process.alive:
            if self._process is not None:
                self._process.close()
            lost, self._now = self._now is not None, None
            self._process = HearProcess(self._settings, self._name)
            if lost:
                raise BackendError(f"{self._name} ended while it listened.", hint="Say it again.", code="backend.hear")
        return self._process

    def _heard(self, told: dict[str, Any], now: Utterance, *, final: bool) -> Heard:
        text, found, emotion = untagged(str(told.get("text", "")), (told.get("language"), told.get("emotion")))
        return Heard(text, now.start, now.end, found or self._language, final=final, emotion=emotion)


def untagged(text: str, tags: tuple[str | None, ...] = ()) -> tuple[str, str, str]:
    """Text without the ``<|…|>`` that some networks write, and the language and emotion in them or in ``tags``.

    Capitals without a lower-case letter, and hanzi set apart by spaces, are the networks' habits too: both are undone.
    """
    words = [(word or "").strip("<|> ").lower() for word in (*tags, *_TAG.findall(text))]
    language = next((w for w in words if re.fullmatch(r"[a-z]{2,3}(-.*)?", w)), "")
    emotion = next((w for w in words if w in EMOTION_NAMES), "")
    said = _HANZI.sub("", " ".join(_TAG.sub("", text).split()))
    if said.isupper() and len(said) > 1:
        said = said.lower()
    return said, language, emotion


def require_language(asked: str, known: tuple[str, ...], what: str, mend: str) -> None:
    """Raise MissingError where ``what`` does not understand the language that is asked for; "auto" it may try."""
    if asked != "auto" and known and primary_subtag(asked) not in known:
        raise MissingError(
            f"{what} does not understand '{asked}' (it knows {', '.join(known)}).", hint=mend, code="missing.language"
        )
