"""The parent's side of the process that listens: sound goes in without waiting, text comes out when it is there."""

from __future__ import annotations

import contextlib
import json
import queue
import struct
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from pathlib import Path
from typing import IO, Any, Final

from mien.dialogue.hear import child as protocol
from mien.errors import BackendError
from mien.turn import Cut
from mien.types import FloatArray

LOADING_SECONDS: Final = 120.0
SLOWEST: Final = 20.0
"""Seconds that a whole utterance may take when the network is loaded, plus as many as it lasts."""

_MOST_WAITING: Final = 20_000  # orders that wait for a child that does not keep up: over three minutes of 10 ms each


class _Shared:
    """What the threads of one child know of it. They hold this and not the process, so that it can be forgotten."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.orders: queue.Queue[bytes | None] = queue.Queue(_MOST_WAITING)
        self.loaded = self.dead = False
        self.so_far: dict[int, dict[str, Any]] = {}
        self.final: dict[int, dict[str, Any]] = {}
        self.forgotten = -1


class HearProcess:
    """One child with one engine. It is started at once and loads while sound already comes."""

    def __init__(self, settings: dict[str, Any], name: str) -> None:
        """settings: for the child. name: of the engine or model, for sentences about it."""
        self._name = name
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 (closed with the child)
        self._process = subprocess.Popen(  # noqa: S603 (a fixed command, no shell)
            [sys.executable, "-P", str(Path(protocol.__file__))],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors,
        )  # fmt: skip
        self._shared = shared = _Shared()
        self._begun = time.monotonic()
        shared.orders.put(json.dumps(settings).encode())
        for work, pipe in ((_write, self._process.stdin), (_read, self._process.stdout)):
            threading.Thread(target=work, args=(shared, pipe), name="mien-hear", daemon=True).start()
        self._stop = weakref.finalize(self, _terminate, shared, self._process, self._errors)

    @property
    def alive(self) -> bool:
        """Whether the child still runs."""
        return not self._shared.dead and self._process.poll() is None

    def push(self, utterance: int, sound: FloatArray) -> None:
        """More sound of an utterance, 16 kHz. Raises BackendError when the child has died or fallen far behind."""
        self._order(b"A", utterance, sound.astype("<f4").tobytes())

    def so_far(self, utterance: int) -> dict[str, Any] | None:
        """What is understood since it was last asked, None for nothing new."""
        with self._shared.changed:
            return self._shared.so_far.pop(utterance, None)

    def end(self, utterance: int) -> None:
        """No more sound of an utterance comes. Raises as :meth:`push` does."""
        self._order(b"F", utterance)

    def wait(self, utterance: int, seconds: float) -> dict[str, Any]:
        """Wait for all of one that was ended. seconds: how long it is. Raises Cut when it is dropped meanwhile,
        BackendError.
        """
        shared = self._shared
        with shared.changed:
            self._wait(lambda: shared.loaded, utterance, self._begun + LOADING_SECONDS)
            self._wait(lambda: utterance in shared.final, utterance, time.monotonic() + SLOWEST + seconds)
            shared.so_far.pop(utterance, None)
            return shared.final.pop(utterance)

    def drop(self, utterance: int) -> None:
        """Forget an utterance and all before it; whoever waits for them gets Cut."""
        shared = self._shared
        with shared.changed:
            shared.forgotten = max(shared.forgotten, utterance)
            for known in (shared.so_far, shared.final):
                for number in [n for n in known if n <= utterance]:
                    del known[number]
            shared.changed.notify_all()
        with contextlib.suppress(BackendError):
            self._order(b"D", utterance)

    def close(self) -> None:
        """End the child at once. Idempotent."""
        self._stop()

    def _order(self, kind: bytes, utterance: int, body: bytes = b"") -> None:
        if not self.alive:
            raise self._died("ended")
        try:
            self._shared.orders.put_nowait(kind + struct.pack("<I", utterance) + body)
        except queue.Full:
            raise BackendError(
                f"{self._name} does not keep up with the sound.", hint="Use a smaller model.", code="backend.slow"
            ) from None

    def _wait(self, ready: Any, utterance: int, until: float) -> None:
        """Wait under the lock. A child that hangs is ended: the next utterance starts another."""
        shared = self._shared
        while not ready():
            if utterance <= shared.forgotten:
                raise Cut
            left = until - time.monotonic()
            if shared.dead or self._process.poll() is not None:
                raise self._died("ended" if shared.loaded else "does not start")
            if left <= 0:
                self._process.kill()
                raise self._died("took far too long")
            shared.changed.wait(min(left, 0.5))

    def _died(self, how: str) -> BackendError:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(0.5)
        said = _last_line(self._errors)
        return BackendError(
            f"{self._name} {how}{f': {said}' if said else '.'}",
            hint="Try again; check its model with: mien models verify",
            code="backend.hear",
        )


def _write(shared: _Shared, pipe: Any) -> None:
    with contextlib.suppress(OSError, ValueError), pipe:
        while (order := shared.orders.get()) is not None:
            protocol.send(pipe, order)
    _mark_dead(shared)


def _read(shared: _Shared, pipe: Any) -> None:
    with contextlib.suppress(OSError, ValueError), pipe:
        while (frame := protocol.receive(pipe)) is not None:
            kind, told = frame[:1], json.loads(frame[1:] or b"{}")
            with shared.changed:
                if kind == b"R":
                    shared.loaded = True
                elif told["utterance"] > shared.forgotten:
                    (shared.final if kind == b"T" else shared.so_far)[told["utterance"]] = told
                shared.changed.notify_all()
    _mark_dead(shared)


def _mark_dead(shared: _Shared) -> None:
    with shared.changed:
        shared.dead = True
        shared.changed.notify_all()


def _last_line(errors: IO[bytes]) -> str:
    """What the child complained of last, short and printable."""
    try:
        errors.seek(max(0, errors.seek(0, 2) - 2000))
        lines = errors.read().decode("utf-8", "replace").split("\n")
    except (OSError, ValueError):
        return ""
    said = next((line for line in reversed(lines) if line.strip()), "").strip()
    return "".join(c for c in said if c.isprintable())[-200:]


def _terminate(shared: _Shared, process: subprocess.Popen[bytes], errors: IO[bytes]) -> None:
    _mark_dead(shared)
    process.kill()  # it holds nothing that could be lost
    process.wait()
    with contextlib.suppress(queue.Full):
        shared.orders.put_nowait(None)  # wakes the writer; one that writes gets a broken pipe
    errors.close()
