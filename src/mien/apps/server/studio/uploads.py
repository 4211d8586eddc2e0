"""Files on their way into a project. What has arrived stays, also when the server ends; the rest is sent later.

An upload is made with its name and size, which keeps room for it; then pieces are put in, each where the last ended.
The last piece has the file looked at; what is not what its name says never comes into the project.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from mien.apps.server.studio.projects import FILE, OWN, Projects, kind_of
from mien.apps.studio.assets import LARGEST, About
from mien.apps.studio.source import ENDINGS
from mien.errors import BackendError, InputError, MissingError, OutputError
from mien.transmit.atomic import output_error

MOST: Final = 64
"""Uploads under way at once."""
KEPT: Final = 24 * 3600.0
"""Seconds after which one is given up to which nothing was added."""


_LONGEST: Final = 200
"""Bytes of a file's name."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file on its way. offset: bytes that are here. size: all. mark: what the sender knows it by again."""

    id: str
    project: str
    file: str
    size: int
    mark: str
    offset: int = 0

    @property
    def whole(self) -> bool:
        """Nothing more is to come."""
        return self.offset == self.size


class Uploads:
    """Safe from any thread. examine: looks at a file (its path, its kind)."""

    def __init__(self, projects: Projects, examine: Callable[[Path, str], About]) -> None:
        self._projects, self._examine = projects, examine
        self._folder = projects.root / OWN / "uploads"
        self._lock = threading.RLock()
        self._busy: set[str] = set()

    def open(self) -> None:
        """Forget what was given up. Raises OutputError."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise output_error(error, self._folder) from error
        self.sweep()

    def sweep(self) -> None:
        """Forget what was given up."""
        for folder in self._folders():
            with suppress(OSError):
                if time.time() - (folder / "part").stat().st_mtime > KEPT and folder.name not in self._busy:
                    shutil.rmtree(folder, ignore_errors=True)

    def begin(self, project: str, file: str, size: int, mark: str = "") -> Upload:
        """A new one; with a mark, the one that was begun with it. Raises InputError, MissingError."""
        kind = _check_name(file)
        if size > LARGEST[kind] * 1_000_000:
            raise InputError(
                f"A {kind} may have {LARGEST[kind]:,} MB.", hint="Use a smaller file.", code="input.too_large"
            )
        with self._lock:
            self._projects.folder(project)
            self.sweep()
            going = self.all()
            for one in going:
                if mark and (one.mark, one.project, one.file, one.size) == (mark, project, file, size):
                    return one
            if len(going) >= MOST:
                raise InputError(
                    "Too many files are on their way.", hint="Wait until some are here.", code="busy.studio"
                )
            kept = sum(one.size - one.offset for one in going)
            self._projects.check_room("", size + kept)
            self._projects.check_room(project, size + sum(one.size for one in going if one.project == project))
            made = Upload(secrets.token_hex(10), project, file, size, mark)
            self._write(made)
        return made

    def all(self, project: str = "") -> list[Upload]:
        """Those under way."""
        found = []
        for folder in self._folders():
            with suppress(MissingError):
                one = self.look(folder.name)
                if not project or one.project == project:
                    found.append(one)
        return found

    def look(self, id: str) -> Upload:
        """How far one is. Raises MissingError."""
        folder = self._place(id)
        try:
            about = json.loads((folder / "about.json").read_text("utf-8"))
            return Upload(**about, offset=(folder / "part").stat().st_size)
        except (OSError, ValueError, TypeError):
            raise _missing() from None

    def enter(self, id: str, offset: int) -> Upload:
        """Begin to put in a piece: nobody else may meanwhile. Raises MissingError, InputError ("upload.offset")."""
        with self._lock:
            found = self.look(id)
            if id in self._busy:
                raise InputError("A piece of it is just coming in.", hint="Wait for it.", code="input.conflict")
            if offset != found.offset:
                raise InputError(
                    f"{found.offset} bytes are here, so the next piece begins there.", hint="Ask how far it is.",
                    code="upload.offset",
                )  # fmt: skip
            self._busy.add(id)
        return found

    def put(self, upload: Upload, at: int, data: bytes) -> int:
        """Some bytes of the piece. Returns where it stands. Raises InputError for more than was announced."""
        if at + len(data) > upload.size:
            raise InputError("This is more than was announced.", hint="Begin again.", code="input.too_large")
        try:
            with (self._place(upload.id) / "part").open("ab") as part:
                part.write(data)
        except OSError as error:
            raise output_error(error, self._folder) from error
        return at + len(data)

    def leave(self, upload: Upload) -> Upload:
        """The piece has ended, wherever. Where the file is whole, it is looked at and moved into its project.

        Raises InputError ("input.asset") for what is not what its name says; it is gone then.
        """
        try:
            found = self.look(upload.id)
            if found.whole:
                self._finish(found)
            return found
        finally:
            with self._lock:
                self._busy.discard(upload.id)

    def drop(self, id: str) -> None:
        """Give one up. Raises MissingError."""
        self.look(id)
        with self._lock:
            if id in self._busy:
                raise InputError("A piece of it is just coming in.", hint="End that first.", code="input.conflict")
            shutil.rmtree(self._place(id), ignore_errors=True)

    def _finish(self, upload: Upload) -> None:
        place = self._place(upload.id)
        looked = place / f"whole{Path(upload.file).suffix.lower()}"
        try:
            (place / "part").rename(looked)
            about = self._looked_at(upload, looked)
            if about.wrong:
                raise InputError(
                    f"'{upload.file}' was not taken: {about.wrong}", hint="Choose another file.", code="input.asset"
                )
            target = self._projects.folder(upload.project) / upload.file
            if target.is_symlink() or target.is_dir():
                raise InputError(f"'{upload.file}' cannot be replaced.", hint="Give it another name.")
            with looked.open("rb+") as file:
                os.fsync(file.fileno())
            looked.replace(target)
        except OSError as error:
            raise OutputError(f"'{upload.file}' cannot be kept: {error.strerror or error}.") from None
        finally:
            if not (place / "part").exists():
                shutil.rmtree(place, ignore_errors=True)

    def _looked_at(self, upload: Upload, file: Path) -> About:
        """What it holds. Where nobody has time to look, it stays, and the sender asks again."""
        try:
            return self._examine(file, kind_of(upload.file))
        except BackendError as error:
            if error.code == "busy.studio":
                file.rename(file.with_name("part"))
            raise

    def _write(self, upload: Upload) -> None:
        folder = self._folder / upload.id
        try:
            folder.mkdir()
            (folder / "part").touch()
            about = {key: value for key, value in asdict(upload).items() if key != "offset"}
            (folder / "about.json").write_text(json.dumps(about), encoding="utf-8")
        except OSError as error:
            raise output_error(error, folder) from error

    def _place(self, id: str) -> Path:
        if not re.fullmatch(r"[0-9a-f]{20}", id):
            raise _missing()
        return self._folder / id

    def _folders(self) -> list[Path]:
        try:
            return [path for path in self._folder.iterdir() if re.fullmatch(r"[0-9a-f]{20}", path.name)]
        except OSError:
            return []


def _check_name(file: str) -> str:
    """The kind of a file. Raises InputError for names that no project could use."""
    kind = kind_of(file)
    known = kind and Path(file).suffix.lower() not in ENDINGS
    if not known or not re.fullmatch(FILE, file) or len(file.encode()) > _LONGEST:
        raise InputError(
            f"'{file[:80]}' is no name of a file for a project.",
            hint="Pictures, sounds, videos, PDF and PPTX, fonts and texts, under their usual endings.",
        )
    return kind


def _missing() -> MissingError:
    return MissingError("There is no such upload (any more).", hint="Begin again.", code="missing.upload")
