"""Workers on the machines of a Ray cluster. The store owns the truth; Ray only starts processes and carries bytes.

Ray by itself waits for ever when a link is cut without a word. So every question to another machine has a time limit
here; a machine that does not answer in time is given up for a while, and its job is rendered elsewhere. Needs the extra
``cluster``.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from queue import Empty, Queue
from typing import Any, Final

from mien.apps.jobs import artefacts
from mien.apps.jobs.capacity import WORKER_BYTES
from mien.apps.jobs.cluster_host import PIECE, Host
from mien.apps.jobs.crew import Event, Task
from mien.apps.jobs.states import Fault
from mien.apps.jobs.work import check_unchanged, versions
from mien.errors import BackendError, InputError, MienError, MissingError, NetworkError
from mien.transmit.atomic import output_error

PATIENCE: Final = 30.0
"""Seconds that a machine may take to answer."""
START: Final = 120.0
"""Seconds that a worker may take to start."""
NOBODY: Final = 300.0
"""Seconds that a run waits for a machine when there is none."""
_POLL: Final = 0.5  # seconds between two questions to a machine that works
_LOOK: Final = 5.0  # seconds between two looks for machines that came
_REST: Final = 120.0  # seconds that a machine is left alone after it did not answer

_log = logging.getLogger(__name__)


class _Lost(Exception):
    """A machine did not answer in time, or said that its worker is no more."""


class ClusterCrew:
    """A seat for every core (and share of a GPU) of the cluster. A context: leaving it ends all workers.

    address: "auto" or HOST:PORT. gpus: that each worker gets, also a fraction; 0 = none. note: told in a line what
    happens to machines. patience: seconds that an answer may take. Raises MissingError, NetworkError.
    """

    def __init__(
        self, address: str, *, gpus: float = 0.0, patience: float = PATIENCE,
        note: Callable[[str], None] = lambda line: None,
    ) -> None:  # fmt: skip
        self._ray, self._gpus, self._patience, self._note = _connected(address), gpus, patience, note
        self._events: Queue[Event] = Queue()
        self._seats: list[_Seat] = []
        self._resting: dict[str, float] = {}
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._begun = time.monotonic()
        threading.Thread(target=self._look_for_machines, name="mien-ray-machines", daemon=True).start()

    def __enter__(self) -> ClusterCrew:
        return self

    def __exit__(self, *failure: object) -> None:
        self.close()

    def room(self) -> int:
        """See :class:`~mien.apps.jobs.crew.Crew`. Raises BackendError when no machine came in five minutes."""
        with self._lock:
            ready = [seat for seat in self._seats if seat.ready]
            waits = not self._seats
        if not waits:
            self._begun = time.monotonic()
        elif time.monotonic() - self._begun > NOBODY:
            raise BackendError(
                "No machine of the Ray cluster can start a worker.",
                hint="Each machine needs this version of Mien; see: ray status.",
            )
        return sum(seat.task is None for seat in ready)

    def start(self, task: Task) -> None:
        """See :class:`~mien.apps.jobs.crew.Crew`."""
        with self._lock:
            seat = next((seat for seat in self._seats if seat.ready and seat.task is None), None)
            if seat is not None:
                seat.task = task
                seat.wake.set()
                return
        self._events.put(Event(task.job.id, "lost", {"message": "Its machine is gone."}))

    def events(self, timeout: float) -> list[Event]:
        """See :class:`~mien.apps.jobs.crew.Crew`."""
        found: list[Event] = []
        with suppress(Empty):
            found.append(self._events.get(timeout=timeout) if timeout else self._events.get_nowait())
            while True:
                found.append(self._events.get_nowait())
        return found

    def stop(self, job: str) -> None:
        """See :class:`~mien.apps.jobs.crew.Crew`. Its worker is ended, another one takes the seat."""
        with self._lock:
            for seat in self._seats:
                if seat.task is not None and seat.task.job.id == job:
                    seat.given_up.set()

    def close(self) -> None:
        """See :class:`~mien.apps.jobs.crew.Crew`."""
        if self._over.is_set():
            return
        self._over.set()
        with self._lock:
            seats = list(self._seats)
        for seat in seats:
            seat.given_up.set()
            seat.wake.set()
            self._end(seat)
        threading.Thread(target=self._ray.shutdown, daemon=True).start()

    @property
    def machines(self) -> dict[str, int]:
        """Address → workers that are ready there."""
        with self._lock:
            names = [seat.name for seat in self._seats if seat.ready]
        return {name: names.count(name) for name in sorted(set(names))}

    def _look_for_machines(self) -> None:
        while not self._over.is_set():
            try:
                for node in self._ray.nodes():
                    if node["Alive"]:
                        self._fill(node["NodeID"], node["NodeManagerAddress"], node["Resources"])
            except Exception as error:  # whatever Ray says, the next look may go better
                _log.debug("looking for machines: %s", error)
            self._over.wait(_LOOK)

    def _fill(self, node: str, name: str, has: dict[str, float]) -> None:
        """Give every free core of a machine a seat."""
        with self._lock:
            if self._resting.get(node, 0.0) > time.monotonic() or self._over.is_set():
                return
            here = sum(seat.node == node for seat in self._seats)
            for _ in range(_fitting(has, self._gpus) - here):
                seat = _Seat(node, name)
                self._seats.append(seat)
                threading.Thread(target=self._sit, args=(seat,), name=f"mien-ray-{name}", daemon=True).start()

    def _sit(self, seat: _Seat) -> None:
        """The life of a seat: start a worker, give it tasks, until it does not answer any more."""
        try:
            self._take_seat(seat)
            while not self._over.is_set():
                seat.wake.wait()
                seat.wake.clear()
                if seat.task is not None:
                    self._work(seat, seat.task)
                    seat.task = None
        except Exception as error:
            self._give_up(seat, error)

    def _take_seat(self, seat: _Seat) -> None:
        there = self._ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(node_id=seat.node, soft=False)
        actor: Any = self._ray.remote(Host)
        seat.actor = actor.options(
            num_cpus=1, num_gpus=self._gpus, max_restarts=0, scheduling_strategy=there
        ).remote()  # fmt: skip
        theirs = [tuple(pair) for pair in self._ask(seat, "versions", limit=START)]
        if theirs != list(versions()):
            other = ", ".join(f"{name} {number}" for name, number in theirs if (name, number) not in versions())
            raise BackendError(f"It has other versions ({other or 'fewer packages'}), so its films would differ.")
        seat.ready = True

    def _work(self, seat: _Seat, task: Task) -> None:
        job = task.job
        try:
            self._send_files(seat, task)
        except Exception as error:
            if (changed := _changed(task)) is None:
                raise
            _log.debug("sending files: %s", error)
            self._events.put(_failed(task, changed))
            return
        self._ask(seat, "begin", job.kind, job.arguments, job.key, dict(task.digests))
        while True:
            if seat.given_up.wait(_POLL):
                raise _Lost("given up")
            for kind, fields in self._ask(seat, "poll"):
                self._events.put(self._fetched(seat, task) if kind == "done" else Event(job.id, kind, fields))
                if kind in ("done", "failed", "died"):
                    return

    def _fetched(self, seat: _Seat, task: Task) -> Event:
        """The last event of a task that a machine has done."""
        try:
            self._fetch(seat, task)
        except OSError as error:  # of this machine's disk
            return _failed(task, output_error(error, task.place))
        return Event(task.job.id, "done", {"report": {}})

    def _send_files(self, seat: _Seat, task: Task) -> None:
        lacking = set(self._ask(seat, "lacks", sorted(set(task.digests.values()))))
        for path, digest in task.digests.items():
            if digest not in lacking:
                continue
            lacking.discard(digest)
            for name, offset, data in _pieces(Path(path)):
                self._ask(seat, "put", digest, name, offset, data)
            self._ask(seat, "complete", digest, Path(path).name)

    def _fetch(self, seat: _Seat, task: Task) -> None:
        """What was made, into the store, as if it had been made here: ``artefacts.deliver`` checks every byte."""
        task.folder.mkdir(parents=True, exist_ok=True)
        for name, size in self._ask(seat, "sealed", task.job.key).items():
            with (task.folder / Path(name).name).open("wb") as stream:
                while stream.tell() < size:
                    data = self._ask(seat, "piece", task.job.key, name, stream.tell())
                    if not data:
                        raise _Lost("what it made is not whole")
                    stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
        artefacts.settle(task.folder, task.place)
        self._ask(seat, "forget", task.job.key)

    def _ask(self, seat: _Seat, question: str, *words: Any, limit: float = 0.0) -> Any:
        """An answer within the time limit. Raises _Lost."""
        wrong = self._ray.exceptions
        if self._over.is_set():
            raise _Lost("the run is over")
        try:
            return self._ray.get(getattr(seat.actor, question).remote(*words), timeout=limit or self._patience)
        except wrong.GetTimeoutError:
            raise _Lost(f"it did not answer for {limit or self._patience:.0f} s") from None
        except wrong.RayTaskError:
            raise
        except OSError as error:
            raise _Lost(f"it cannot be reached ({error})") from None
        except wrong.RayError as error:
            first = next(iter(str(error).strip().splitlines()), type(error).__name__)
            raise _Lost(f"its worker is gone ({first[:120]})") from None

    def _give_up(self, seat: _Seat, error: Exception) -> None:
        """The machine rests; its job goes elsewhere. A seat that was only told to stop is filled again at once."""
        asked_to = seat.given_up.is_set()
        with self._lock:
            seat.ready = False
            if seat in self._seats:
                self._seats.remove(seat)
            if not asked_to:
                self._resting[seat.node] = time.monotonic() + _REST
        self._end(seat)
        if asked_to or self._over.is_set():
            return
        reason = str(error).rstrip(".")
        self._note(f"{seat.name} is given up for {_REST:.0f} s: {reason}.")
        if seat.task is not None:
            message = f"The machine {seat.name} is out of reach: {reason}."
            self._events.put(Event(seat.task.job.id, "lost", {"message": message}))

    def _end(self, seat: _Seat) -> None:
        actor, seat.actor = seat.actor, None
        if actor is not None:
            with suppress(Exception):
                self._ray.kill(actor, no_restart=True)


@dataclass(eq=False)
class _Seat:
    """A worker on a machine. ready: it may be given a task. given_up: nobody waits for its task any more."""

    node: str
    name: str
    actor: Any = None
    ready: bool = False
    task: Task | None = None
    wake: threading.Event = field(default_factory=threading.Event)
    given_up: threading.Event = field(default_factory=threading.Event)


def _changed(task: Task) -> InputError | None:
    """Whether what a task reads is no longer here as it was: then that is why it did not arrive."""
    try:
        check_unchanged(task.digests)
    except InputError as error:
        return error
    return None


def _failed(task: Task, error: MienError) -> Event:
    return Event(task.job.id, "failed", asdict(Fault.of(error)))


def _connected(address: str) -> Any:
    try:
        import ray
        import ray.exceptions
        import ray.util.scheduling_strategies
    except ImportError:
        raise MissingError(
            "Ray is not installed.", hint="Install it with: pip install 'mien[cluster]'", code="missing.ray"
        ) from None
    failure = _within(
        START, lambda: ray.init(address=address, namespace="mien", log_to_driver=False, logging_level=logging.ERROR)
    )
    if failure is not None:
        first = next(iter(str(failure).strip().splitlines()), type(failure).__name__)
        raise NetworkError(
            f"No Ray cluster answers at '{address}' ({first[:160]}).", hint="Start one with: ray start --head"
        )
    return ray


def _within(seconds: float, work: Callable[[], object]) -> Exception | None:
    """Do something that may hang for ever. Returns what it raised, TimeoutError where it took too long."""
    failed: list[Exception] = []

    def run() -> None:
        try:
            work()
        except Exception as error:
            failed.append(error)

    thread = threading.Thread(target=run, name="mien-ray-start", daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        return TimeoutError(f"no answer for {seconds:.0f} s")
    return failed[0] if failed else None


def _fitting(has: dict[str, float], gpus: float) -> int:
    """Workers that a machine has room for: by cores, memory and GPUs."""
    fits = [int(has.get("CPU", 0.0)), int(has.get("memory", 0.0) // WORKER_BYTES)]
    if gpus > 0:
        fits.append(int(has.get("GPU", 0.0) / gpus + 1e-6))
    return max(0, min(fits))


def _pieces(path: Path) -> Iterator[tuple[str, int, bytes]]:
    """A file, or all files of a folder, as (name, offset, bytes)."""
    files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    for file in files:
        name = file.relative_to(path.parent).as_posix()
        with file.open("rb") as stream:
            offset = 0
            while (data := stream.read(PIECE)) or offset == 0:
                yield name, offset, data
                offset += max(1, len(data))
