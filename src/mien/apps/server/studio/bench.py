"""A process of its own that looks at files and draws: what is damaged or takes too long harms nobody else.

It is started with the first wish, answers one at a time, and is ended when it is too slow or has been idle.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from queue import Empty, Queue
from typing import Any, Final

from mien.apps.studio.source import Problem, ProjectError
from mien.errors import BackendError, InputError, MienError, MissingError, OutputError, UsageError

WAITING: Final = 4
"""Wishes that may wait; more are refused."""
IDLE: Final = 300.0
"""Seconds after which a process that has nothing to do is ended."""
PROGRESS: Final = b"progress "
"""Begins a line that tells how far the work is: [done, of]."""
_GLANCE: Final = 0.5
"""Seconds after which it is seen that nobody waits any more."""
_ERRORS: Final = {"usage": UsageError, "input": InputError, "missing": MissingError, "output": OutputError}


class Bench:
    """Safe from any thread. A context: leaving it ends the process. spoken: a folder where it keeps what was spoken."""

    def __init__(self, spoken: Path, *, idle: float = IDLE) -> None:
        self._spoken, self._idle = spoken, idle
        self._turn = threading.Lock()
        self._count = threading.Lock()
        self._waiting = 0
        self._used = time.monotonic()
        self._process: subprocess.Popen[bytes] | None = None
        self._answers: Queue[bytes] = Queue()

    def __enter__(self) -> Bench:
        return self

    def __exit__(self, *failure: object) -> None:
        self.close()

    def ask(
        self, do: str, seconds: float, *, wanted: Callable[[], bool] = lambda: True, ends: bool = False,
        tell: Callable[[int, int], None] = lambda done, of: None, **wish: Any,
    ) -> Mapping[str, Any]:  # fmt: skip
        """What comes of a wish. seconds: it may take. wanted: whether somebody still waits when its turn comes. ends:
        what nobody waits for any more is ended, even when it has begun. tell: told how far it is.

        Raises BackendError when it takes too long or too many wait, and what the work raises.
        """
        with self._count:
            if self._waiting > WAITING:
                raise BackendError(
                    "The studio has too much to look at.", hint="Try again in a moment.", code="busy.studio"
                )
            self._waiting += 1
        try:
            while not self._turn.acquire(timeout=_GLANCE):
                if not wanted():  # its place is for somebody who waits
                    raise _unwanted()
            try:
                if not wanted():
                    raise _unwanted()
                return self._answer({"do": do, **wish}, seconds, wanted if ends else lambda: True, tell)
            finally:
                self._turn.release()
        finally:
            with self._count:
                self._waiting -= 1

    def rest(self) -> None:
        """End a process that has been idle. Asked now and then."""
        if time.monotonic() - self._used > self._idle and self._turn.acquire(blocking=False):
            try:
                self._end()
            finally:
                self._turn.release()

    def close(self) -> None:
        """End the process. Idempotent."""
        self._end()

    def _answer(
        self, wish: Mapping[str, Any], seconds: float, wanted: Callable[[], bool], tell: Callable[[int, int], None]
    ) -> Mapping[str, Any]:  # fmt: skip
        process = self._process
        if process is None or process.poll() is not None:
            process = self._start()
        try:
            assert process.stdin is not None
            process.stdin.write(json.dumps(wish).encode() + b"\n")
            process.stdin.flush()
            line = self._line(time.monotonic() + seconds, wanted, tell)
        except Empty:
            self._end()
            raise BackendError(
                f"This took longer than {seconds:.0f} s and was given up.", hint="Make the scene or the film shorter.",
                code="studio.slow",
            ) from None  # fmt: skip
        except OSError:
            line = b""
        finally:
            self._used = time.monotonic()
        if not line:
            self._end()
            raise BackendError(
                "What looks at projects broke down.", hint="Try again; a file may be damaged.", code="studio.broken"
            )
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise _error(answer["error"])
        return answer

    def _line(self, end: float, wanted: Callable[[], bool], tell: Callable[[int, int], None]) -> bytes:
        """The answer, b"" where the process has ended. Raises Empty at the end of its time."""
        while True:
            try:
                line = self._answers.get(timeout=min(_GLANCE, max(0.0, end - time.monotonic())))
            except Empty:
                if time.monotonic() >= end:
                    raise
                line = b"{}"
            if not wanted():
                self._end()
                raise _unwanted()
            if line == b"{}":
                continue
            if not line.startswith(PROGRESS):
                return line
            done, of = json.loads(line.removeprefix(PROGRESS))
            tell(done, of)

    def _start(self) -> subprocess.Popen[bytes]:
        self._end()
        self._answers = Queue()
        try:
            process = subprocess.Popen(  # noqa: S603 - this package's own module and a folder of the server
                [sys.executable, "-m", "mien.apps.server.studio.painter", str(self._spoken)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=_environment(),
                start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            raise BackendError(f"Nothing can look at projects: {error.strerror or error}.") from None
        threading.Thread(target=_listen, args=(process, self._answers), daemon=True).start()
        self._process = process
        return process

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(OSError):  # with voices and whatever else it has started
            if os.name == "posix":
                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()
        with suppress(subprocess.TimeoutExpired):
            process.wait(5.0)
        with suppress(OSError):
            if process.stdin is not None:
                process.stdin.close()


def _listen(process: subprocess.Popen[bytes], answers: Queue[bytes]) -> None:
    assert process.stdout is not None
    with process.stdout as lines:
        for line in lines:
            answers.put(line)
    answers.put(b"")


def _unwanted() -> BackendError:
    return BackendError("Nobody waits for this any more.", code="busy.studio")


def _error(told: Mapping[str, Any]) -> MienError:
    if "problems" in told:
        return ProjectError(told["file"], [Problem(*one) for one in told["problems"]])
    kind = _ERRORS.get(told["kind"], BackendError)
    return kind(told["message"], hint=told["hint"], code=told["code"])


def _environment() -> Mapping[str, str]:
    """The process finds this very package, wherever it is started."""
    import mien

    root = str(Path(mien.__file__).parents[1])
    known = os.environ.get("PYTHONPATH", "")
    return {**os.environ, "PYTHONPATH": os.pathsep.join(part for part in (root, known) if part)}
