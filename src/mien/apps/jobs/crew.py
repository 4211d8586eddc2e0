"""Who renders: what a run of a batch asks of its workers, wherever they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from mien.apps.jobs.states import Job


@dataclass(frozen=True, slots=True)
class Task:
    """A job for a worker. folder: to work in. place: where it is sealed. digests: path → SHA-256 of what it reads."""

    job: Job
    folder: Path
    place: Path
    digests: Mapping[str, str]

    def as_json(self) -> dict[str, Any]:
        """What a worker process is told."""
        return {
            "kind": self.job.kind, "arguments": self.job.arguments, "folder": str(self.folder),
            "place": str(self.place), "digests": dict(self.digests),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Event:
    """What a worker tells. kind: "progress" (done, total), "note" (message), "done" (report), "failed" (code, message,
    hint, retryable), "died" (message; killed: by somebody else, such as a system short of memory), "lost" (message: its
    machine is out of reach, which is no fault of the job's).
    """

    job: str
    kind: str
    fields: Mapping[str, Any] = field(default_factory=dict)


class Crew(Protocol):
    """Workers. All methods are called from one thread."""

    def room(self) -> int:
        """How many more tasks can begin now."""
        ...

    def start(self, task: Task) -> None:
        """Begin a task. Its last event is "done", "failed", "died" or "lost"."""
        ...

    def events(self, timeout: float) -> list[Event]:
        """What happened; waits ``timeout`` seconds at most for something to."""
        ...

    def stop(self, job: str) -> None:
        """Give a task up: nothing more is heard of it."""
        ...

    def close(self) -> None:
        """End all workers at once. Idempotent."""
        ...
