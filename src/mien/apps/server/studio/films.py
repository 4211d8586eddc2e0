"""The films that one visitor sees, of the queue that all share.

A film is rendered from a snapshot, so that its project may change meanwhile.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from mien.apps.jobs.artefacts import is_sealed
from mien.apps.jobs.states import OPEN, Entry, Job, Line, State, Wish
from mien.apps.server.studio.bench import Bench
from mien.apps.server.studio.projects import Projects, Source
from mien.apps.server.studio.renders import Renders
from mien.apps.studio.source import parse, to_json
from mien.errors import InputError, MienError, MissingError
from mien.transmit.atomic import output_error

_PLANNING: Final = 60.0
_COPIED: Final = 32 << 20
"""Most bytes of a file that is copied."""
_ID: Final = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9a-f]{6}")


@dataclass(frozen=True, slots=True)
class About:
    """What a film is of. preset: fast, balanced or best. owner: whose it is, as :class:`Films` has it."""

    project: str
    title: str
    preset: str
    made: str
    owner: str = ""


@dataclass(frozen=True, slots=True)
class Film:
    """A film of the queue. done, total: frames. files: role → file, those that are there. waits: for a person."""

    id: str
    about: About
    job: Job
    done: int
    total: int
    files: Mapping[str, Path]


class Films:
    """Safe from any thread. owner: whose they are; those of others are not there."""

    def __init__(self, renders: Renders, projects: Projects, bench: Bench, owner: str = "") -> None:
        self._renders, self._projects, self._bench, self._owner = renders, projects, bench, owner

    def add(self, project: str, preset: str, review: bool) -> Film:
        """Queue a film of a project as it is now. Raises ProjectError, InputError, MissingError, OutputError."""
        self._renders.check_room()
        source = self._projects.read(project)
        self._projects.check_room("", sum(min(one.size, _COPIED) for one in self._projects.assets(project)))
        id = f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{secrets.token_hex(3)}"
        folder = self._renders.folder / id
        try:
            file = self._snapshot(source.file, folder)
            planned = self._bench.ask(
                "plan", _PLANNING, file=str(file), output=str(folder / f"{project}.mp4"), preset=preset
            )
            now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            about = About(project, _title(source), preset, now, self._owner)
            (folder / "about.json").write_text(json.dumps(asdict(about)), encoding="utf-8")
            targets = {role: Path(path) for role, path in planned["targets"].items()}
            self._renders.add(Wish(id, 1, "studio", planned["arguments"], planned["key"], targets, review=review))
        except OSError as error:
            shutil.rmtree(folder, ignore_errors=True)
            raise output_error(error, folder) from error
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return self.look(id)

    def all(self, project: str = "") -> list[Film]:
        """All films, the latest first."""
        found = []
        for job in self._renders.store.jobs():
            about = self._about(job.id)
            if about is not None and (not project or about.project == project):
                found.append(self._film(job, about))
        return sorted(found, key=lambda film: film.id, reverse=True)

    def look(self, id: str) -> Film:
        """One film. Raises MissingError."""
        about = self._about(id)
        if about is None:
            raise MissingError("There is no such film (any more).", code="missing.film")
        return self._film(self._renders.store.job(id), about)

    def log(self, id: str) -> tuple[list[Line], str, list[Entry]]:
        """What happened to it, what is said in it, and what people decided. Raises MissingError."""
        from mien.apps.trust.gate import words_of_job

        job, words = self.look(id).job, ""
        with suppress(MienError):
            words = words_of_job(job)
        return self._renders.store.log_of(id), words, self._renders.store.audit(id)

    def remove(self, id: str, who: str) -> None:
        """Cancel what is not done; take what is done out of the list, with its files. Raises MissingError."""
        film = self.look(id)
        if film.job.state in (*OPEN, State.WAITING):
            self._renders.store.cancel(id, who=who or "page")
            self._renders.wake()
            return
        shutil.rmtree(self._renders.folder / id, ignore_errors=True)
        store = self._renders.store
        if not any(job.key == film.job.key for job in store.jobs(*OPEN, State.WAITING)):  # rendered, never delivered
            shutil.rmtree(store.folder / "made" / film.job.key, ignore_errors=True)

    def retry(self, id: str, who: str) -> Film:
        """Queue again what failed or was cancelled. Raises MissingError, InputError for what is queued or done."""
        film = self.look(id)
        if not self._renders.store.retry(id, who=who or "page"):
            raise InputError(
                f"This film is {film.job.state}.", hint="Only what failed is tried again.", code="input.conflict"
            )
        self._renders.wake()
        return self.look(id)

    def decide(self, id: str, who: str, approved: bool, why: str) -> Film:
        """A person's decision on a film that waits for one. Raises MissingError, InputError when it does not."""
        film = self.look(id)
        if film.job.state != State.WAITING:
            raise InputError(f"This film waits for nobody; it is {film.job.state}.", code="input.conflict")
        self._renders.store.decide(id, who, approved, why)
        self._renders.wake()
        return self.look(id)

    def file(self, id: str, role: str) -> Path:
        """A film's file; of one that waits for a person, what they look at. Raises MissingError."""
        path = self.look(id).files.get(role)
        if path is None:
            raise MissingError("This file is not there (yet).", code="missing.film")
        return path

    def _film(self, job: Job, about: About) -> Film:
        done, total = self._renders.frames(job.id) if job.state == State.RUNNING else (0, 0)
        files: dict[str, Path] = {}
        if job.state == State.DONE:
            files = {role: path for role, path in job.targets.items() if path.is_file()}
        elif job.state == State.WAITING:
            files = self._sealed(job)
        return Film(job.id, about, job, done, total, files)

    def _sealed(self, job: Job) -> dict[str, Path]:
        """What is rendered and not delivered."""
        place = self._renders.store.folder / "made" / job.key
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
            about = About(**json.loads((self._renders.folder / id / "about.json").read_text("utf-8")))
        except (OSError, ValueError, TypeError):
            return None
        return about if about.owner == self._owner else None

    def _snapshot(self, project: Path, folder: Path) -> Path:
        """A project with its files as they are now. Large ones are not copied where the disk can do without."""
        inner = folder / "project"
        inner.mkdir(parents=True)
        for held in self._projects.assets(project.parent.name):
            target = inner / held.file
            target.parent.mkdir(parents=True, exist_ok=True)
            _take(project.parent / held.file, target)
        for other in project.parent.glob("*.toml"):  # pronunciations
            if other != project and not other.is_symlink():
                _take(other, inner / other.name)
        return Path(shutil.copyfile(project, inner / project.name))


def _take(source: Path, target: Path) -> None:
    """Small files are copied: somebody may write into them in place. Uploads never do, so large ones may be linked."""
    if source.stat().st_size > _COPIED:
        with suppress(OSError):
            os.link(source, target)
            return
    shutil.copyfile(source, target)


def _title(source: Source) -> str:
    fields = to_json(parse(source.text, source.file.name))
    return str(fields.get("title") or "")[:200] if isinstance(fields, dict) else ""
