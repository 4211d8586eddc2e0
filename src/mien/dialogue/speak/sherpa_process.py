"""The parent's side of the sherpa-onnx process: load a model once, ask for texts, notice death."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
import threading
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

import numpy as np

from mien.dialogue.speak import sherpa_child as protocol
from mien.dialogue.speak.reference import RATE, Reference
from mien.dialogue.speak.sound import Sound
from mien.errors import BackendError
from mien.types import FloatArray

_LOADING_SECONDS: Final = 180.0
_SENTENCE_SECONDS: Final = 180.0
"""A slow machine takes seconds for a sentence; one that takes this long has hung."""


@dataclass(frozen=True, slots=True)
class Job:
    """A text for the model that is loaded. speaker: its number. speed: 1 = normal."""

    text: str
    speaker: int
    speed: float
    options: dict[str, str]


class SherpaProcess:
    """One child with one model. It speaks one text after the other; whoever asks last is heard."""

    def __init__(self, settings: dict[str, Any], name: str, recording: Reference | None = None) -> None:
        self._name, self._recording = name, recording
        self._speaking = False
        self._turn = 0
        self._lock = threading.Lock()
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 (closed with the child)
        self._process = subprocess.Popen(  # noqa: S603 (a fixed command, no shell)
            [sys.executable, "-P", str(Path(protocol.__file__))],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors,
        )  # fmt: skip
        self._stop = weakref.finalize(self, _terminate, self._process, self._errors)
        if self._process.stdin is None or self._process.stdout is None:
            raise BackendError("sherpa-onnx cannot be started: it has no pipes.")
        self._sink, self._source = self._process.stdin, self._process.stdout
        self.rate = self._load(settings)

    @property
    def alive(self) -> bool:
        """Whether the child still runs."""
        return self._process.poll() is None

    def speak(self, job: Job) -> Iterator[Sound]:
        """Sound as it is made. Raises BackendError.

        Leaving early lets the child finish its sentence unheard, and the next text ends one that is not read out.
        """
        with self._lock:
            self._drain()
            self._turn += 1
            turn = self._turn
            self._send(json.dumps(self._asked(job)).encode())
            self._speaking = True
        while (sound := self._next_of(turn)) is not None:
            yield Sound(sound, self.rate)

    def close(self) -> None:
        """End the child at once. Idempotent."""
        self._stop()

    def _asked(self, job: Job) -> dict[str, Any]:
        asked: dict[str, Any] = {
            "text": job.text, "speaker": job.speaker, "speed": job.speed, "extra": job.options,
        }  # fmt: skip
        if self._recording is not None:
            asked |= {"recording_rate": RATE, "recording_text": self._recording.text}
        return asked

    def _load(self, settings: dict[str, Any]) -> int:
        with self._limited(_LOADING_SECONDS):
            self._send(json.dumps(settings | {"recording": self._recording is not None}).encode())
            if self._recording is not None:
                self._send(self._recording.samples.astype("<f4").tobytes())
            kind, body = self._receive()
        if kind != b"R":
            raise self._died("does not start")
        return int(json.loads(body)["rate"])

    def _drain(self) -> None:
        """Hear out a text that nobody wanted to its end."""
        while self._speaking and self._next() is not None:
            pass

    def _next_of(self, turn: int) -> FloatArray | None:
        """The next piece of a text, None at its end and when another one was asked for."""
        with self._lock:
            return self._next() if turn == self._turn else None

    def _next(self) -> FloatArray | None:
        """The next piece of sound, None at the end of the text."""
        with self._limited(_SENTENCE_SECONDS):
            kind, body = self._receive()
        if kind == b"A":
            return np.frombuffer(body, np.float32)
        self._speaking = False
        return None

    def _send(self, payload: bytes) -> None:
        try:
            protocol.send(self._sink, payload)  # type: ignore[arg-type]
        except (OSError, ValueError):
            raise self._died("ended") from None

    def _receive(self) -> tuple[bytes, bytes]:
        try:
            frame = protocol.receive(self._source)  # type: ignore[arg-type]
        except (OSError, ValueError):
            frame = None
        if not frame:
            raise self._died("ended")
        return frame[:1], frame[1:]

    def _died(self, how: str) -> BackendError:
        said = _last_line(self._errors)
        self._stop()
        return BackendError(
            f"sherpa-onnx {how} with the voice '{self._name}'{f': {said}' if said else '.'}",
            hint=f"Check the voice with: mien models verify {self._name}. Or reword the text.",
            code="backend.sherpa",
        )

    @contextlib.contextmanager
    def _limited(self, seconds: float) -> Iterator[None]:
        """Kill a child that hangs, so that nobody waits for ever."""
        timer = threading.Timer(seconds, self._process.kill)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()


def _last_line(errors: IO[bytes]) -> str:
    """What the child complained of last, short and printable."""
    try:
        errors.seek(max(0, errors.seek(0, 2) - 2000))
        lines = errors.read().decode("utf-8", "replace").split("\n")
    except (OSError, ValueError):
        return ""
    said = next((line for line in reversed(lines) if line.strip()), "").strip()
    return "".join(c for c in said if c.isprintable())[-200:]


def _terminate(process: subprocess.Popen[bytes], errors: IO[bytes]) -> None:
    process.kill()  # it holds nothing that could be lost
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()
    process.wait()
    errors.close()
