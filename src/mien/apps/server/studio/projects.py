"""Projects in one folder, each in a folder of its own. Names are looked up; none ever becomes a path unchecked."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import shutil
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from mien.apps.studio.person import PICTURES, VIDEOS
from mien.apps.studio.source import ENDINGS, ProjectError, parse, read_text, to_json
from mien.errors import InputError, MissingError, OutputError
from mien.transmit.atomic import write_text

NAME: Final = r"^\w([\w .-]{0,62}[\w-])?$"
"""Of a project: letters and digits of any writing."""
FILE: Final = r"^\w([\w ().+-]{0,110}[\w)])?\.[A-Za-z0-9]{2,5}$"
"""Of an uploaded file."""
OWN: Final = ".mien"
"""The server's own folder among the projects."""
FRESH: Final = "fresh"
"""In it: what lives only as long as the server."""
MOST_PROJECTS: Final = 1000
_MOST_FILES: Final = 2000
_KINDS: Final = {
    "picture": PICTURES,
    "video": VIDEOS,
    "sound": frozenset({".wav", ".mp3", ".flac", ".m4a", ".aac", ".ogg", ".opus"}),
    "document": frozenset({".pdf", ".pptx"}),
    "font": frozenset({".ttf", ".otf", ".ttc"}),
    "text": frozenset({".txt", ".srt", ".vtt", ".md"}),
}


@dataclass(frozen=True, slots=True)
class Source:
    """A project's file as it is. version: changes with every change of the text."""

    name: str
    file: Path
    text: str
    version: str


@dataclass(frozen=True, slots=True)
class Summary:
    """A project in a list. changed: clock time for people. canvas: as written. problem: why it cannot be read. look:
    says which picture of it there is, "" = none.
    """

    name: str
    title: str
    changed: str
    scenes: int
    canvas: str
    problem: str
    look: str = ""


@dataclass(frozen=True, slots=True)
class Held:
    """A file of a project. kind: what it may be used as. size: bytes."""

    file: str
    kind: str
    size: int
    changed: str


class Projects:
    """Safe from any thread. root: their folder. whole, each: bytes that all, and one, may take. counted: the folder
    that whole is of, None = root.
    """

    def __init__(self, root: Path, whole: int, each: int, counted: Path | None = None) -> None:
        self.root, self.whole, self.each = root.absolute(), whole, each
        self._counted = (counted or root).absolute()
        self._lock = threading.RLock()
        self._known: dict[tuple[str, int, int], Summary] = {}
        self._versions: dict[str, tuple[tuple[int, int], str]] = {}

    def open(self) -> None:
        """Make the folder where there is none. Raises OutputError."""
        try:
            (self.root / OWN / "looks").mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"The studio's folder '{self.root}' cannot be made: {error.strerror or error}.") from None
        for left in (self.root / OWN).glob("gone-*"):
            shutil.rmtree(left, ignore_errors=True)

    def all(self) -> list[Summary]:
        """All projects, the latest changed first."""
        found = []
        for folder in self._folders():
            file = _project_file(folder)
            if file is not None:
                with suppress(OSError):
                    about = file.stat()
                    key = (str(file), about.st_mtime_ns, about.st_size)
                    if key not in self._known:
                        self._known[key] = _summary(folder.name, file, about.st_mtime)
                    found.append(replace(self._known[key], look=self._look_of(folder.name)))
        return sorted(found, key=lambda one: one.changed, reverse=True)

    def create(self, name: str, template: str, language: str, copy_of: str = "") -> Source:
        """A new one, from a template or as a copy. Raises InputError ("input.conflict", "quota.…"), MissingError."""
        from mien.apps.studio.new import new

        with self._lock:
            folder = self._place(name)
            if folder.exists():
                raise InputError(
                    f"There is a project '{name}' already.", hint="Choose another name.", code="input.conflict"
                )
            if sum(1 for _ in self._folders()) >= MOST_PROJECTS:
                raise InputError(
                    f"There are {MOST_PROJECTS} projects already.", hint="Delete some.", code="quota.whole"
                )
            if copy_of:
                self._copy(self.folder(copy_of), folder)
            else:
                self.check_room("", 1 << 20)
                new(folder, template, language)
        return self.read(name)

    def read(self, name: str) -> Source:
        """Raises MissingError, InputError, ProjectError for what is no text."""
        folder = self.folder(name)
        file = _project_file(folder)
        if file is None:
            raise _missing(name)
        text = read_text(file)
        return Source(name, file, text, version_of(text))

    def stamp(self, name: str) -> tuple[str, str]:
        """The version of its text, and what changes with its files; cheap while nothing does. Raises MissingError."""
        folder = self.folder(name)
        file = _project_file(folder)
        if file is None:
            raise _missing(name)
        try:
            about = file.stat()
        except OSError:
            raise _missing(name) from None
        key = (about.st_mtime_ns, about.st_size)
        if self._versions.get(name, ((0, 0), ""))[0] != key:
            self._versions[name] = (key, self.read(name).version)
        held = "\n".join(f"{one.file} {one.size} {one.changed}" for one in self.assets(name))
        return self._versions[name][1], version_of(held)

    def write(self, name: str, text: str, version: str) -> Source:
        """Another text, which may be wrong. version: of the text that it replaces. Raises InputError
        ("project.changed").
        """
        with self._lock:
            before = self.read(name)
            if before.version != version:
                raise InputError(
                    "Somebody else has changed the project meanwhile.", hint="Read it again.", code="project.changed"
                )
            if len(text) > len(before.text):
                self.check_room(
                    name, len(text.encode("utf-8", "replace")) - len(before.text.encode("utf-8", "replace"))
                )
            _check_text(text)
            write_text(before.file, text)
        return self.read(name)

    def delete(self, name: str) -> None:
        """With all its files. Raises MissingError, OutputError."""
        with self._lock:
            folder = self.folder(name)
            gone = self.root / OWN / f"gone-{secrets.token_hex(6)}"
            try:
                folder.rename(gone)
            except OSError as error:
                raise OutputError(f"The project '{name}' cannot be deleted: {error.strerror or error}.") from None
        shutil.rmtree(gone, ignore_errors=True)
        with suppress(OSError):
            self.look(name).unlink()

    def look(self, name: str) -> Path:
        """Where the last picture of a project is kept, a JPEG. Raises MissingError for what is no name."""
        return self.root / OWN / "looks" / f"{self._place(name).name}.jpg"

    def keep_look(self, name: str, picture: bytes) -> None:
        """Keep a picture of a project. Raises OSError."""
        place = self.look(name)
        part = place.with_name(f"{secrets.token_hex(6)}.part")
        part.write_bytes(picture)
        part.replace(place)

    def folder(self, name: str) -> Path:
        """A project's folder. Raises MissingError."""
        folder = self._place(name)
        if folder.is_symlink() or not folder.is_dir():
            raise _missing(name)
        return folder

    def assets(self, name: str) -> list[Held]:
        """Its files that a project may name."""
        folder = self.folder(name)
        project = _project_file(folder)
        held = []
        for path in _files(folder):
            kind = kind_of(path.name)
            if path != project and kind:
                about = path.stat()
                relative = path.relative_to(folder).as_posix()
                held.append(Held(relative, kind, about.st_size, _when(about.st_mtime)))
        return sorted(held, key=lambda one: one.file.lower())

    def asset(self, name: str, file: str) -> Path:
        """Where a file of a project is. Raises MissingError."""
        folder = self.folder(name)
        found = next((held for held in self.assets(name) if held.file == file), None)
        if found is None:
            raise MissingError(f"The project has no file '{file[:80]}'.", code="missing.asset")
        return folder / found.file

    def remove_asset(self, name: str, file: str) -> None:
        """Raises MissingError, OutputError."""
        path = self.asset(name, file)
        try:
            path.unlink()
        except OSError as error:
            raise OutputError(f"'{file}' cannot be deleted: {error.strerror or error}.") from None

    def used(self, name: str = "") -> int:
        """Bytes that a project takes, or all with their films; what has two names counts once."""
        return sum(
            {
                (about.st_dev, about.st_ino): about.st_size
                for about in _stats(self._place(name) if name else self._counted)
            }.values()
        )

    def check_room(self, name: str, size: int) -> None:
        """Whether so many bytes more are allowed. Raises InputError ("quota.project", "quota.whole")."""
        if name and self.used(name) + size > self.each:
            raise InputError(
                f"The project may take {_shown(self.each)} in all.", hint="Delete files that it does not need.",
                code="quota.project",
            )  # fmt: skip
        if self.used() + size > self.whole:
            raise InputError(
                f"The studio may take {_shown(self.whole)} in all.",
                hint="Delete projects or films.",
                code="quota.whole",
            )
        with suppress(OSError):
            if shutil.disk_usage(self.root).free < size + (64 << 20):
                raise OutputError("The server's disk is full.", code="output.space")

    def _place(self, name: str) -> Path:
        if not re.fullmatch(NAME, name):
            raise _missing(name)
        return self.root / name

    def _look_of(self, name: str) -> str:
        try:
            return str(self.look(name).stat().st_mtime_ns)
        except OSError:
            return ""

    def _folders(self) -> Iterator[Path]:
        with suppress(OSError):
            for entry in os.scandir(self.root):
                if entry.is_dir(follow_symlinks=False) and re.fullmatch(NAME, entry.name):
                    yield Path(entry.path)

    def _copy(self, source: Path, folder: Path) -> None:
        self.check_room("", self.used(source.name))
        made = self.root / OWN / f"gone-{secrets.token_hex(6)}"
        try:
            shutil.copytree(source, made, symlinks=True)
            file = _project_file(made, source.name)
            if file is not None and file.stem == source.name:
                file.rename(file.with_stem(folder.name))
            made.rename(folder)
        except OSError as error:
            shutil.rmtree(made, ignore_errors=True)
            raise OutputError(f"The project cannot be copied: {error.strerror or error}.") from None


def kind_of(file: str) -> str:
    """What a file may be used as, by its ending; "" = nothing."""
    ending = Path(file).suffix.lower()
    return next((kind for kind, endings in _KINDS.items() if ending in endings), "")


def version_of(text: str) -> str:
    """Of a text."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]


def _check_text(text: str) -> None:
    from mien.apps.studio.source import LARGEST_FILE

    if len(text.encode("utf-8", "replace")) > LARGEST_FILE:
        raise InputError("The project's file is over 1 MB.", hint="Split it.", code="input.too_large")
    if any(0xD800 <= ord(char) < 0xE000 for char in text):
        raise InputError("The text is no Unicode.", hint="Send UTF-8.")


def _project_file(folder: Path, name: str = "") -> Path | None:
    """The file of a project: of its folder's name, else the first that could be one."""
    usual = folder / f"{name or folder.name}.yaml"
    if usual.is_file() and not usual.is_symlink():
        return usual
    with suppress(OSError):
        others = sorted(path for path in folder.iterdir() if path.suffix.lower() in ENDINGS and path.is_file())
        return next((path for path in others if not path.is_symlink()), None)
    return None


def _summary(name: str, file: Path, changed: float) -> Summary:
    try:
        tree = to_json(parse(read_text(file), file.name))
        fields = tree if isinstance(tree, dict) else {}
        scenes = fields.get("scenes")
        canvas = fields.get("canvas") or ""
        if isinstance(canvas, dict):
            canvas = " ".join(str(canvas[key]) for key in ("size", "aspect") if key in canvas)
        return Summary(
            name, str(fields.get("title") or "")[:200], _when(changed), len(scenes) if isinstance(scenes, list) else 0,
            str(canvas)[:40], "",
        )  # fmt: skip
    except (ProjectError, InputError) as error:
        return Summary(name, "", _when(changed), 0, "", error.message)


def _files(folder: Path) -> Iterator[Path]:
    """Its files, links left out, so many at most."""
    left = _MOST_FILES
    for inside, folders, names in os.walk(folder):
        folders[:] = [one for one in folders if not one.startswith(".")]
        for name in names:
            path = Path(inside) / name
            left -= 1
            if left < 0:
                return
            if not name.startswith(".") and not path.is_symlink():
                yield path


def _stats(folder: Path) -> Iterator[os.stat_result]:
    for inside, folders, names in os.walk(folder):
        if Path(inside).name == OWN:
            folders[:] = [one for one in folders if one != FRESH]
        for name in names:
            with suppress(OSError):
                yield os.lstat(Path(inside) / name)


def _missing(name: str) -> MissingError:
    return MissingError(
        f"There is no project '{name[:80]}'.", hint="GET /api/studio/projects lists them.", code="missing.project"
    )


def _when(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _shown(size: int) -> str:
    return f"{size / 1e9:g} GB" if size >= 10**9 else f"{size / 1e6:g} MB"
