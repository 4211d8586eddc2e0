"""A run of a batch: claims jobs, has them rendered, delivers them, and writes down in the store how each ended.

All clocks here are monotonic; what is decided from them (back-off, heartbeats) is decided anew by every run.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from mien.apps.jobs import artefacts
from mien.apps.jobs.crew import Crew, Event, Task
from mien.apps.jobs.leases import BEAT, Owner
from mien.apps.jobs.states import Fault, Job, State
from mien.apps.jobs.store import Store
from mien.apps.jobs.work import RUN_AGAIN, Digests, Disturbed, Work, as_fault, files_of, key_of
from mien.errors import BackendError, InputError, MienError

PAUSES: Final = (2.0, 8.0, 30.0)
"""Seconds before the second, third and fourth try of what may help to try again; then it is quarantined."""
MOST_CRASHES: Final = 3
"""Workers that may die over one job before it is quarantined."""
_TICK: Final = 0.2  # seconds between two looks around
_LOOK: Final = 1.0  # seconds between two looks for jobs that people cancelled

Screen = Callable[[Job], str]
"""Why a person must look at a job before it is rendered, "" = they need not. May raise MienError."""


@dataclass
class Running:
    """A job in the hands of a worker. begun: by the monotonic clock. done, total: frames."""

    job: Job
    folder: Path
    begun: float = field(default_factory=time.monotonic)
    done: int = 0
    total: int = 0


@dataclass(frozen=True, slots=True)
class Change:
    """What is told of a job. what: "running", "rendered", "found", "copied", "failed", "crashed", "lost", "cancelled",
    "waiting" or "note". message: for people. seconds: it took.
    """

    job: Job
    what: str
    message: str = ""
    seconds: float = 0.0


class Run:
    """One run. told: of every change. watch: called several times a second. screen: asked before a job is rendered.

    running: by job. peak: most bytes that one worker on this machine has had.
    """

    def __init__(
        self, store: Store, crew: Crew, batch: str, *, told: Callable[[Change], None] = lambda change: None,
        watch: Callable[[Run], None] = lambda run: None, screen: Screen = lambda job: "",
        pauses: tuple[float, ...] = PAUSES, digests: Digests | None = None,
    ) -> None:  # fmt: skip
        self.store, self.crew, self.batch = store, crew, batch
        self.running: dict[str, Running] = {}
        self._told, self._watch, self._screen, self._pauses = told, watch, screen, pauses
        self._due: dict[str, float] = {}
        self._lost: Counter[str] = Counter()
        self._digests = digests or Digests()
        self._beaten = self._looked = 0.0
        self.peak = 0

    def go(self) -> None:
        """Work until nothing is left that can be done. Raises OutputError when the store cannot be written.

        Ctrl-C ends the workers; what they had is free for the next run.
        """
        with Owner(self.store.folder) as owner:
            self._owner = owner
            self.store.enter(owner)
            try:
                self._sweep(self.store.recover(owner))
                self._sweep_made()
                while self._step():
                    self._watch(self)
            finally:
                self.crew.close()
                for running in self.running.values():
                    artefacts.discard(running.folder)
                with suppress(MienError):
                    self.store.leave(owner)

    def _step(self) -> bool:
        """One look around. False when there is nothing left to do."""
        now = time.monotonic()
        if now - self._beaten >= BEAT:
            self._beaten = now
            self.store.beat(self._owner)
            self._sweep(self.store.recover(self._owner))
        if now - self._looked >= _LOOK:
            self._looked = now
            self._notice_cancelled()
        begun, exhausted = self._begin_what_can_begin(now)
        heard = self.crew.events(0.0 if begun else _TICK)
        for event in heard:
            self._hear(event)
        return bool(self.running or self._due or begun or heard) or not exhausted

    def _begin_what_can_begin(self, now: float) -> tuple[bool, bool]:
        """Whether anything began, and whether nothing more can: workers elsewhere may still be coming."""
        self._due = {id: due for id, due in self._due.items() if due > now}
        began = False
        while self.crew.room() > 0:
            job = self.store.claim(self._owner, not_now=self._due, batch=self.batch)
            if job is None:
                return began, True
            began = True
            try:
                self._begin(job)
            except Exception as error:  # whatever is wrong with one job, the others go on
                self._fail(job, Fault.of(as_fault(error)))
        return began, False

    def _begin(self, job: Job) -> None:
        if not job.approved and (why := self._screen(job)):
            if self.store.await_review(job, why, by="screen"):
                self._told(Change(job, "waiting", why))
            return
        if artefacts.is_sealed(self._place(job)):
            if self._wants_review(job):
                return
            if self._deliver(job, "found"):
                return
            artefacts.discard(self._place(job))
        for equal in self.store.equals(job):
            if (not job.review or job.released) and (copied := artefacts.copy(equal, job.targets)):
                if self.store.finish(job, copied, how="copied"):
                    self._told(Change(job, "copied"))
                return
        folder = self.store.folder / "work" / f"{self._owner.id}-{job.attempt}-{job.key[:12]}"
        digests = self._planned(job)
        self.crew.start(Task(job, folder, self._place(job), digests))
        self.running[job.id] = Running(job, folder)
        self._told(Change(job, "running"))

    def _planned(self, job: Job) -> dict[str, str]:
        """Path → SHA-256 of what a job reads. Raises Disturbed where that is not what it was planned with."""
        try:
            digests = {str(path): self._digests.of(path) for path in files_of(job.arguments)}
            same = key_of(Work(job.kind, job.arguments, job.targets), self._digests) == job.key
        except InputError as error:
            raise Disturbed(error.message, hint=RUN_AGAIN) from None
        if not same:
            raise Disturbed("A file that it reads was changed while the batch ran.", hint=RUN_AGAIN)
        return digests

    def _hear(self, event: Event) -> None:
        running = self.running.get(event.job)
        if running is None:
            return
        fields = event.fields
        if event.kind == "progress":
            running.done, running.total = fields["done"], fields["total"]
        elif event.kind == "note":
            self.store.log(running.job, fields["message"])
            self._told(Change(running.job, "note", fields["message"]))
        else:
            del self.running[event.job]
            seconds = time.monotonic() - running.begun
            try:
                self._ended(running, event.kind, fields, seconds)
            except Exception as error:
                self._fail(running.job, Fault.of(as_fault(error)), seconds)

    def _ended(self, running: Running, kind: str, fields: Mapping[str, Any], seconds: float) -> None:
        job = running.job
        if kind == "done":
            self.peak = max(self.peak, fields["report"].get("peak", 0))
            if not self.store.holds(job):  # it was cancelled just now: nothing of it appears
                self._told(Change(self.store.job(job.id), "cancelled"))
                return
            if not self._wants_review(job) and not self._deliver(job, "rendered", seconds):
                raise BackendError("What the worker made did not arrive whole.")
            return
        artefacts.discard(running.folder)
        if kind == "failed":
            fault = Fault(fields["code"], self._said(running, fields["message"]), fields["hint"], fields["retryable"])
            self._fail(job, fault, seconds)
        elif kind == "died":
            self._crash(job, fields["message"], seconds)
        else:
            self._lost[job.id] += 1
            if self._lost[job.id] >= MOST_CRASHES:  # it may be what brings its machines down
                self._crash(job, fields["message"], seconds)
            elif self.store.release(job, "lost"):
                self.store.log(job, fields["message"])
                self._told(Change(job, "lost", fields["message"], seconds))

    def _said(self, running: Running, message: str) -> str:
        """A worker's sentence in the words of the batch: it knows its folder only, and its film as "film"."""
        output = running.job.output
        return message.replace(str(running.folder), str(self.store.folder)).replace(f"film{output.suffix}", output.name)

    def _deliver(self, job: Job, how: str, seconds: float = 0.0) -> bool:
        """Whether it was whole. Raises OutputError where it cannot be delivered."""
        found = artefacts.deliver(self._place(job), job.targets)
        if found is None:
            return False
        made, report = found
        if self.store.finish(job, made, how=how, seconds=seconds, report=report):
            artefacts.discard(self._place(job))
            self._told(Change(job, how, seconds=seconds))
        return True

    def _wants_review(self, job: Job) -> bool:
        """Whether it is rendered and now waits until a person lets it pass."""
        if not job.review or job.released:
            return False
        why = "It is rendered and waits to be looked at."
        if self.store.await_review(job, why, by="batch", made=True):
            self._told(Change(job, "waiting", why))
        return True

    def _fail(self, job: Job, fault: Fault, seconds: float = 0.0) -> None:
        if fault.code == "output.space":  # a full disk is no fault of the job's
            fault = replace(fault, retryable=True)
        final = not fault.retryable or job.failures >= len(self._pauses)
        self.store.log(job, f"{fault.message} {fault.hint}".strip())
        if self.store.fail(job, fault, final=final, seconds=seconds):
            if not final:
                self._due[job.id] = time.monotonic() + self._pauses[job.failures]
            self._told(Change(self.store.job(job.id), "failed", fault.message, seconds))

    def _crash(self, job: Job, message: str, seconds: float) -> None:
        final = job.crashes + 1 >= MOST_CRASHES
        hint = "Give it a smaller size or the batch fewer --workers, then: mien batch retry." if final else ""
        self.store.log(job, message)
        if self.store.fail(job, Fault("crash", message, hint), final=final, crashed=True, seconds=seconds):
            self._told(Change(self.store.job(job.id), "crashed", message, seconds))

    def _notice_cancelled(self) -> None:
        for id, running in list(self.running.items()):
            job = self.store.job(id)
            if (job.state, job.owner, job.attempt) != (State.RUNNING, self._owner.id, running.job.attempt):
                del self.running[id]
                self.crew.stop(id)
                artefacts.discard(running.folder)
                self._told(Change(job, "cancelled"))

    def _sweep(self, dead: list[str]) -> None:
        """Remove what dead runs were working on; sealed work stays."""
        for owner in dead:
            for folder in (self.store.folder / "work").glob(f"{owner}-*"):
                artefacts.discard(folder)

    def _sweep_made(self) -> None:
        """Remove finished work that nobody will ask for any more, as of cancelled jobs."""
        found = list((self.store.folder / "made").iterdir())
        wanted = {job.key for job in self.store.jobs() if job.state not in (State.DONE, State.CANCELLED)}
        for place in found:
            if place.name not in wanted:
                artefacts.discard(place)

    def _place(self, job: Job) -> Path:
        return self.store.folder / "made" / job.key
