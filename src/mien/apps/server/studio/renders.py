"""The queue of films: snapshots of projects as jobs of a job store, and a run beside the server that renders them.

A film is rendered from a snapshot, so that its project may change meanwhile. The store owns the truth: what a server
that ended had begun, the next one goes on with.
"""

from __future__ import annotations

import json
import logging
import os
import re
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from mien.apps.jobs.artefacts import is_sealed
from mien.apps.jobs.local import LocalCrew
from mien.apps.jobs.run import Run
from mien.apps.jobs.states import OPEN, Entry, Job, Line, State, Wish
from mien.apps.jobs.store import Store
from mien.apps.server.studio.bench import Bench
from mien.apps.server.studio.projects import OWN, Projects, Source
from mien.apps.studio.source import parse, to_json
from mien.errors import InputError, MienError, MissingError
from mien.transmit.atomic import output_error

MOST_OPEN: Final = 100
"""Films that may be queued."""
_PLANNING: Final = 60.0
_LOOK: Final = 10.0
"""Seconds after which the queue is looked at though nobody said so: ``mien review`` may have let something pass."""
_AGAIN: Final = 5.0
"""Seconds after which a run that broke is begun again."""
_ID: Final = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9a-f]{6}")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class About:
    """What a film is of. preset: fast, balanced or best."""

    project: str
    title: str
    preset: str
    made: str


@dataclass(frozen=True, slots=True)
class Film:
    """A film of the queue. done, total: frames. files: role → file, those that are there. waits: for a person."""

    id: str
    about: About
    job: Job
    done: int
    total: int
    files: Mapping[str, Path]


class _Over(Exception):
    """The server ends."""


class Renders:
    """Safe from any thread once it is open. screen: as :class:`mien.apps.jobs.run.Run` takes it."""

    def __init__(
        self,
        projects: Projects,
        bench: Bench,
        screen: Callable[[], Callable[[Job], str]] | None = None,
        workers: int = 1,
    ) -> None:
        self._projects, self._bench, self._workers, self._screen = projects, bench, workers, screen
        self._folder = projects.root / OWN / "films"
        self._frames: dict[str, tuple[int, int]] = {}
        self._wake = threading.Event()
        self._over = threading.Event()
        self._thread: threading.Thread | None = None
        self._store: Store | None = None

    @property
    def store(self) -> Store:
        """Raises MissingError before it is open."""
        if self._store is None:
            raise MissingError("The studio is not open.", code="missing.studio")
        return self._store

    def open(self) -> None:
        """Open the store and go on with what is in it. Raises OutputError, InputError."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise output_error(error, self._folder) from error
        self._store = Store(self._projects.root / OWN / "jobs")
        self._wake.set()
        self._thread = threading.Thread(target=self._go_on, name="mien-studio-films", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the workers; what they had is queued again. Idempotent."""
        self._over.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(20)
        if self._store is not None:
            self._store.close()
            self._store = None

    def add(self, project: str, preset: str, review: bool) -> Film:
        """Queue a film of a project as it is now. Raises ProjectError, InputError, MissingError, OutputError."""
        if len(self.store.jobs(*OPEN)) >= MOST_OPEN:
            raise InputError(f"{MOST_OPEN} films are queued.", hint="Wait, or cancel some.", code="busy.studio")
        source = self._projects.read(project)
        self._projects.check_room("", 1 << 20)
        id = f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{secrets.token_hex(3)}"
        folder = self._folder / id
        try:
            file = self._snapshot(source.file, folder)
            planned = self._bench.ask(
                "plan", _PLANNING, file=str(file), output=str(folder / f"{project}.mp4"), preset=preset
            )
            about = About(project, _title(source), preset, time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))
            (folder / "about.json").write_text(json.dumps(asdict(about)), encoding="utf-8")
            targets = {role: Path(path) for role, path in planned["targets"].items()}
            wish = Wish(id, 1, "studio", planned["arguments"], planned["key"], targets, review=review)
            self.store.plan(id, [wish])
        except OSError as error:
            shutil.rmtree(folder, ignore_errors=True)
            raise output_error(error, folder) from error
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        self._wake.set()
        return self.look(id)

    def all(self, project: str = "") -> list[Film]:
        """All films, the latest first."""
        found = []
        for job in self.store.jobs():
            about = self._about(job.id)
            if about is not None and (not project or about.project == project):
                found.append(self._film(job, about))
        return sorted(found, key=lambda film: film.id, reverse=True)

    def look(self, id: str) -> Film:
        """One film. Raises MissingError."""
        about = self._about(id)
        if about is None:
            raise MissingError("There is no such film (any more).", code="missing.film")
        return self._film(self.store.job(id), about)

    def log(self, id: str) -> tuple[list[Line], str, list[Entry]]:
        """What happened to it, what is said in it, and what people decided. Raises MissingError."""
        from mien.apps.trust.gate import words_of_job

        job, words = self.look(id).job, ""
        with suppress(MienError):
            words = words_of_job(job)
        return self.store.log_of(id), words, self.store.audit(id)

    def remove(self, id: str, who: str) -> None:
        """Cancel what is not done; take what is done out of the list, with its files. Raises MissingError."""
        film = self.look(id)
        if film.job.state in (*OPEN, State.WAITING):
            self.store.cancel(id, who=who or "page")
            self._wake.set()
            return
        shutil.rmtree(self._folder / id, ignore_errors=True)

    def retry(self, id: str, who: str) -> Film:
        """Queue again what failed or was cancelled. Raises MissingError, InputError for what is queued or done."""
        film = self.look(id)
        if not self.store.retry(id, who=who or "page"):
            raise InputError(
                f"This film is {film.job.state}.", hint="Only what failed is tried again.", code="input.conflict"
            )
        self._wake.set()
        return self.look(id)

    def decide(self, id: str, who: str, approved: bool, why: str) -> Film:
        """A person's decision on a film that waits for one. Raises MissingError, InputError when it does not."""
        film = self.look(id)
        if film.job.state != State.WAITING:
            raise InputError(f"This film waits for nobody; it is {film.job.state}.", code="input.conflict")
        self.store.decide(id, who, approved, why)
        self._wake.set()
        return self.look(id)

    def file(self, id: str, role: str) -> Path:
        """A film's file; of one that waits for a person, what they look at. Raises MissingError."""
        path = self.look(id).files.get(role)
        if path is None:
            raise MissingError("This file is not there (yet).", code="missing.film")
        return path

    def _film(self, job: Job, about: About) -> Film:
        done, total = self._frames.get(job.id, (0, 0)) if job.state == State.RUNNING else (0, 0)
        files: dict[str, Path] = {}
        if job.state == State.DONE:
            files = {role: path for role, path in job.targets.items() if path.is_file()}
        elif job.state == State.WAITING:
            files = self._sealed(job)
        return Film(job.id, about, job, done, total, files)

    def _sealed(self, job: Job) -> dict[str, Path]:
        """What is rendered and not delivered."""
        place = self.store.folder / "made" / job.key
        if not is_sealed(place):
            return {}
        with suppress(OSError, ValueError, KeyError):
            told = json.loads((place / "manifest.json").read_text("utf-8"))["files"]
            return {role: place / Path(file["name"]).name for role, file in told.items()}
        return {}

    def _about(self, id: str) -> About | None:
        if not _ID.fullmatch(id):
            return None
        try:
            return About(**json.loads((self._folder / id / "about.json").read_text("utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def _snapshot(self, project: Path, folder: Path) -> Path:
        """A project with its files as they are now; where the disk can, no byte is copied."""
        inner = folder / "project"
        inner.mkdir(parents=True)
        for held in self._projects.assets(project.parent.name):
            target = inner / held.file
            target.parent.mkdir(parents=True, exist_ok=True)
            _link(project.parent / held.file, target)
        for other in project.parent.glob("*.toml"):  # pronunciations
            if other != project and not other.is_symlink():
                _link(other, inner / other.name)
        return Path(shutil.copyfile(project, inner / project.name))

    def _go_on(self) -> None:
        """Render whatever is queued, until the server ends."""
        while not self._over.is_set():
            self._wake.wait(_LOOK)
            self._wake.clear()
            try:
                if not self._over.is_set() and self._anything():
                    self._run()
            except _Over:
                return
            except MienError as error:
                _log.warning("Films: %s", error)
                self._later()
            except Exception:
                _log.exception("The queue of films broke.")
                self._later()

    def _anything(self) -> bool:
        counts = self.store.counts()
        return any(counts[state] for state in OPEN)

    def _run(self) -> None:
        with LocalCrew(self._workers) as crew:
            more: dict[str, Any] = {} if self._screen is None else {"screen": self._screen()}
            Run(self.store, crew, "", watch=self._watch, **more).go()

    def _watch(self, run: Run) -> None:
        self._frames = {id: (one.done, one.total) for id, one in run.running.items()}
        if self._over.is_set():
            raise _Over

    def _later(self) -> None:
        if not self._over.wait(_AGAIN):
            self._wake.set()


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _title(source: Source) -> str:
    fields = to_json(parse(source.text, source.file.name))
    return str(fields.get("title") or "")[:200] if isinstance(fields, dict) else ""
