"""The parent's side of the espeak-ng process: start late, ask, notice death, start again."""

from __future__ import annotations

import contextlib
import struct
import subprocess
import sys
import threading
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from mien.dialogue.speak import espeak_child as protocol
from mien.errors import BackendError, MissingError

_LIMIT_SECONDS: Final = 60.0
"""A sentence takes milliseconds; one that takes this long has hung."""


class ChildDied(Exception):
    """The process ended in the middle of a sentence."""


@dataclass(frozen=True, slots=True)
class Job:
    """One call of the synthesiser. rate: words a minute. pitch, pitch_range: 0…99. text: ≤ a sentence."""

    text: str
    voice: str
    rate: int = 165
    pitch: int = 50
    pitch_range: int = 50
    end_pause: bool = True
    phonemes: bool = False

    def encode(self) -> bytes:
        """As the child reads it."""
        flags = (protocol.END_PAUSE if self.end_pause else 0) | (protocol.PHONEMES if self.phonemes else 0)
        name, text = self.voice.encode(), self.text.encode()
        head = protocol.REQUEST.pack(flags, self.rate, self.pitch, self.pitch_range, len(name), len(text))
        return head + name + text


@dataclass(frozen=True, slots=True)
class RawEvent:
    """kind: 1 word, 7 phone. sample: in the sound of its job. position: character in the job's text, 0-based."""

    kind: int
    sample: int
    position: int
    length: int
    symbol: str


@dataclass(frozen=True, slots=True)
class Rendered:
    """What came back for a job. pcm: int16 little-endian mono at sample_rate."""

    pcm: bytes
    events: tuple[RawEvent, ...]
    sample_rate: int


class EspeakProcess:
    """One child process, started at the first job and again after it died. Safe to call from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._stop: weakref.finalize[[subprocess.Popen[bytes]], EspeakProcess] | None = None
        self.sample_rate = 0

    @property
    def pid(self) -> int | None:
        """Process id while a child lives."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def render(self, job: Job) -> Rendered:
        """Speak a job. Raises ChildDied when the child ended or hung meanwhile; the next call starts a new one."""
        with self._lock:
            process = self._ready()
            timer = threading.Timer(_LIMIT_SECONDS, process.kill)
            timer.daemon = True
            timer.start()
            try:
                return self._exchange(process, job)
            except (OSError, ChildDied) as error:
                self._end()
                raise ChildDied from error
            finally:
                timer.cancel()

    def close(self) -> None:
        """End the child. Idempotent."""
        with self._lock:
            self._end()

    def _exchange(self, process: subprocess.Popen[bytes], job: Job) -> Rendered:
        sink, source = _pipes(process)
        protocol.send(sink, job.encode())
        sound: list[bytes] = []
        events: list[RawEvent] = []
        while True:
            reply = _receive(source)
            kind, body = reply[:1], reply[1:]
            if kind == b"A":
                sound.append(body)
            elif kind == b"E":
                events += [_event(*fields) for fields in protocol.EVENT.iter_unpack(body)]
            elif kind == b"D":
                return Rendered(b"".join(sound), tuple(events), self.sample_rate)
            else:
                raise BackendError(f"espeak-ng refused the voice '{job.voice}' or its text.", code="backend.espeak")

    def _ready(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._process.poll() is None:
            return self._process
        self._end()
        process = _launch()
        self._process = process
        self._stop = weakref.finalize(self, _terminate, process)
        try:
            hello = _receive(_pipes(process)[1])
        except ChildDied:
            self._end()
            raise BackendError("espeak-ng does not start.", hint="Run: mien doctor.", code="backend.espeak") from None
        self.sample_rate = struct.unpack("<i", hello[1:5])[0]
        if self.sample_rate <= 0:
            self._end()
            raise BackendError(
                "espeak-ng does not find its voice data.", hint="Run: mien doctor.", code="backend.espeak"
            )
        return process

    def _end(self) -> None:
        if self._stop is not None:
            self._stop()
        self._process = self._stop = None


def library_and_data() -> tuple[Path, Path]:
    """Where espeakng-loader keeps the library and ``espeak-ng-data``. Raises MissingError."""
    try:
        import espeakng_loader
    except ImportError:
        raise MissingError(
            "The speech synthesiser espeak-ng is not installed.", hint="Run: pip install espeakng-loader.",
            code="missing.espeak",
        ) from None  # fmt: skip
    return Path(espeakng_loader.get_library_path()), Path(espeakng_loader.get_data_path())


def _launch() -> subprocess.Popen[bytes]:
    library, data = library_and_data()
    script = Path(protocol.__file__)
    return subprocess.Popen(  # noqa: S603 (a fixed command, no shell)
        [sys.executable, "-I", "-S", str(script), str(library), str(data)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def _terminate(process: subprocess.Popen[bytes]) -> None:
    """Closed pipes end the child; what does not listen is killed."""
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()
    try:
        process.wait(timeout=0.5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _pipes(process: subprocess.Popen[bytes]) -> tuple[BinaryIO, BinaryIO]:
    if process.stdin is None or process.stdout is None:
        raise ChildDied
    return process.stdin, process.stdout  # type: ignore[return-value]


def _receive(source: BinaryIO) -> bytes:
    payload = protocol.receive(source)
    if not payload:
        raise ChildDied
    return payload


def _event(kind: int, sample: int, position: int, length: int, symbol: bytes) -> RawEvent:
    return RawEvent(kind, sample, max(position - 1, 0), length, symbol.split(b"\0")[0].decode("utf-8", "ignore"))
