"""Workers on this machine: spawned processes, each with its models loaded once, killed with the batch."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from queue import Empty, Queue
from typing import Any, Final

from mien.apps.jobs.crew import Event, Task
from mien.errors import BackendError

SILENCE: Final = 60.0
"""Seconds without a sign of life after which a worker is killed: it is stopped, or stuck in compiled code."""
STALL: Final = 900.0
"""Seconds without progress after which it is killed, too: longer than any service may keep it waiting."""

_LAST_WORDS: Final = 400  # characters of what a dead worker printed


class LocalCrew:
    """Up to ``count`` processes. A context: leaving it ends them.

    silence, stall: seconds without a sign of life, and without progress, after which one is killed.
    """

    def __init__(self, count: int, *, silence: float = SILENCE, stall: float = STALL) -> None:
        self.count = count
        self._silence, self._stall = silence, stall
        self._children: list[_Child] = []
        self._heard: Queue[tuple[_Child, dict[str, Any] | None]] = Queue()

    def __enter__(self) -> LocalCrew:
        return self

    def __exit__(self, *failure: object) -> None:
        self.close()

    def room(self) -> int:
        """See :class:`~mien.apps.jobs.crew.Crew`."""
        return self.count - sum(child.task is not None for child in self._children)

    def start(self, task: Task) -> None:
        """See :class:`~mien.apps.jobs.crew.Crew`. An idle worker takes it, else a new one. Raises BackendError."""
        idle = next((child for child in self._children if child.task is None), None)
        child = idle or self._spawn()
        child.begin(task)

    def events(self, timeout: float) -> list[Event]:
        """See :class:`~mien.apps.jobs.crew.Crew`."""
        found = self._stalled()
        with suppress(Empty):
            child, message = self._heard.get(timeout=0 if found else timeout)
            while True:
                found += self._told(child, message)
                child, message = self._heard.get_nowait()
        return found

    def stop(self, job: str) -> None:
        """See :class:`~mien.apps.jobs.crew.Crew`."""
        for child in self._children:
            if child.task is not None and child.task.job.id == job:
                child.task = None
                self._dismiss(child)
                return

    def close(self) -> None:
        """See :class:`~mien.apps.jobs.crew.Crew`."""
        for child in list(self._children):
            self._dismiss(child)

    @property
    def pids(self) -> list[int]:
        """Of the processes that live."""
        return [child.process.pid for child in self._children]

    def _spawn(self) -> _Child:
        child = _Child(self._heard)
        self._children.append(child)
        return child

    def _dismiss(self, child: _Child) -> None:
        if child in self._children:
            self._children.remove(child)
        child.kill()

    def _told(self, child: _Child, message: dict[str, Any] | None) -> list[Event]:
        task = child.task
        if message is None:
            with suppress(subprocess.TimeoutExpired):
                child.process.wait(2.0)  # so that its own end is known, not ours of it
            self._dismiss(child)
            if child.was_killed():  # where memory is short, fewer at once
                self.count = max(1, self.count - 1)
            if task is None:
                return []
            child.task = None
            return [Event(task.job.id, "died", {"message": child.last_words(), "killed": child.was_killed()})]
        child.heard = time.monotonic()
        event = message.pop("event")
        if task is None or event == "alive":
            return []
        child.moved = child.heard
        if event in ("done", "failed"):
            child.task = None
        return [Event(task.job.id, event, message)]

    def _stalled(self) -> list[Event]:
        found, now = [], time.monotonic()
        for child in list(self._children):
            if child.task is None:
                continue
            if now - child.heard > self._silence:
                sentence = f"Its worker gave no sign of life for {self._silence:.0f} s and was killed."
            elif now - child.moved > self._stall:
                sentence = f"Its worker made no progress for {self._stall:.0f} s and was killed."
            else:
                continue
            job, child.task = child.task.job.id, None
            self._dismiss(child)
            found.append(Event(job, "died", {"message": sentence, "killed": False}))
        return found


class _Child:
    """A worker process. heard, moved: when it last gave a sign of life, and got on with its task, monotonic."""

    def __init__(self, to: Queue[tuple[_Child, dict[str, Any] | None]]) -> None:
        self.task: Task | None = None
        self.heard = self.moved = time.monotonic()
        self._tail: list[str] = []
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 (it lives as long as the process)
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "mien.apps.jobs.worker"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._said, env=_environment(),
                start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            raise BackendError(f"No worker could be started: {error.strerror or error}.") from None
        threading.Thread(target=self._listen, args=(to,), daemon=True).start()

    def begin(self, task: Task) -> None:
        self.task, self.heard = task, time.monotonic()
        self.moved = self.heard
        assert self.process.stdin is not None
        with suppress(OSError):  # it has died: its end is heard of
            self.process.stdin.write(json.dumps(task.as_json()).encode() + b"\n")
            self.process.stdin.flush()

    def kill(self) -> None:
        """End it and everything it started."""
        with suppress(OSError):
            if os.name == "posix":
                os.killpg(self.process.pid, signal.SIGKILL)
            else:
                self.process.kill()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(5.0)
        with suppress(OSError, ValueError):
            if self.process.stdin is not None:
                self.process.stdin.close()
        if not self._said.closed:
            self._said.seek(max(0, self._said.seek(0, os.SEEK_END) - _LAST_WORDS))
            self._tail = self._said.read().decode("utf-8", "replace").strip().splitlines()
            self._said.close()

    def was_killed(self) -> bool:
        """Whether somebody else ended it, as the system does when memory is short."""
        return self.process.returncode == -9

    def last_words(self) -> str:
        if self.was_killed():
            return "Its worker was killed, probably because memory ran out."
        return f"Its worker ended unexpectedly{': ' + self._tail[-1] if self._tail else ''}."

    def _listen(self, to: Queue[tuple[_Child, dict[str, Any] | None]]) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                with suppress(ValueError):
                    to.put((self, json.loads(line)))
        to.put((self, None))


def _environment() -> Mapping[str, str]:
    """A worker finds this very package, wherever it is started."""
    import mien

    root = str(Path(mien.__file__).parents[1])
    known = os.environ.get("PYTHONPATH", "")
    return {**os.environ, "PYTHONPATH": os.pathsep.join(part for part in (root, known) if part)}
