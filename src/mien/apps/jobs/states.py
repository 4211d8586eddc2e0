"""What the store keeps, as values: jobs, attempts, artefacts, the words of the audit log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from mien.errors import MienError


class State(StrEnum):
    """Where a job stands. DONE, QUARANTINED and CANCELLED are ends: nothing happens to such a job by itself."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    RETRYING = "failed-retrying"
    QUARANTINED = "quarantined"
    CANCELLED = "cancelled"
    WAITING = "waiting-for-review"


OPEN: Final = (State.QUEUED, State.RUNNING, State.RETRYING)
"""States of jobs that a run still has work with."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a job is not done, as :class:`MienError` has it. retryable: whether trying again may help."""

    code: str
    message: str
    hint: str = ""
    retryable: bool = False

    @staticmethod
    def of(error: MienError) -> Fault:
        """What an error says."""
        return Fault(error.code, error.message, error.hint, error.retryable)

    @property
    def mends_outside(self) -> bool:
        """Whether the mending may have happened elsewhere, so that the same command tries such a job again."""
        return self.retryable or self.code.startswith(("missing", "avatar.missing", "output"))


@dataclass(frozen=True, slots=True)
class Artefact:
    """A file that a job made. role: "film", "srt", "vtt", "motion", "trace". sha256: hex, of its bytes."""

    role: str
    path: Path
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Wish:
    """A row of a batch as the store takes it.

    key: 64 hex digits over everything that decides what comes out; equal keys are rendered once. targets: role → file.
    line: of the batch file, from 1. priority: higher is sooner. review: a person looks before it is delivered.
    """

    id: str
    line: int
    kind: str
    arguments: Mapping[str, Any]
    key: str
    targets: Mapping[str, Path]
    priority: int = 0
    review: bool = False


@dataclass(frozen=True, slots=True)
class Job:
    """A job as it stands. attempt: times it was begun. failures: attempts that failed, crashes: whose worker died.

    owner: of the run that has it, "" = none. approved: a person has let it be rendered; released: and, having seen what
    was made, delivered. fault: why it is not done. seconds: it took. report: what was made, in the words of its kind.
    """

    id: str
    batch: str
    position: int
    line: int
    kind: str
    arguments: Mapping[str, Any]
    key: str
    targets: Mapping[str, Path]
    priority: int
    review: bool
    state: State
    attempt: int = 0
    failures: int = 0
    crashes: int = 0
    approved: bool = False
    released: bool = False
    owner: str = ""
    fault: Fault | None = None
    seconds: float = 0.0
    report: Mapping[str, Any] = field(default_factory=dict)

    @property
    def output(self) -> Path:
        """Its chief result."""
        return self.targets["film"]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try. number: from 1. began: clock time for people, ISO 8601 UTC. outcome: "rendered", "found" (made before
    and only delivered), "copied" (of an equal job), "failed", "crashed", "interrupted", "lost", "cancelled", "waiting",
    "" while it runs. seconds: by the run's monotonic clock.
    """

    job: str
    number: int
    owner: str
    began: str
    outcome: str = ""
    seconds: float = 0.0
    message: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a job's log. at: clock time for people."""

    at: str
    attempt: int
    text: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the audit log: who did what to which job, when and why. The log only grows.

    key: what the job would have made then. mark: SHA-256 over this row and the mark before: a changed row shows.
    """

    number: int
    at: str
    who: str
    action: str
    job: str
    key: str
    why: str
    mark: str


@dataclass(frozen=True, slots=True)
class Planned:
    """What reading a batch into the store did: how many jobs are new, changed, as before, tried again, and gone."""

    new: int = 0
    changed: int = 0
    same: int = 0
    again: int = 0
    gone: int = 0
