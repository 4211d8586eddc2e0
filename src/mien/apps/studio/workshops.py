"""Where a render keeps its finished pieces: a folder for each film, in use by one render at a time, swept when old.

A render that was killed leaves its folder, and the next render of the same film goes on there. Nobody may ever come
back for it, so every render looks for old ones.
"""

from __future__ import annotations

import os
import secrets
import shutil
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from mien import config
from mien.apps.studio.kept import file_print, fingerprint
from mien.apps.studio.project import Project
from mien.errors import InputError

DAYS: Final = 14
"""Age at which what a killed render left is removed."""
LATEST: Final = 8
"""Folders that stay however old they seem: a clock that jumps must not cost the work of a batch that was stopped."""
PATIENCE: Final = 10.0
"""Seconds that a render waits for another of the same film, or for one that is dying, before it works apart."""
_DAY: Final = 86_400.0
_APART: Final = "-apart-"
_SECTIONS: Final = ("speak", "voices", "hear", "audio", "face", "portrait")

Look = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Inputs:
    """Files and folders as they stood at one moment: whether anybody wrote to them since."""

    looks: tuple[tuple[Path, tuple[Look, ...]], ...]

    @staticmethod
    def of(files: Iterable[Path]) -> Inputs:
        """As they stand now; one that is not there has no look."""
        return Inputs(tuple((path, look(path)) for path in sorted(set(files))))

    def changed(self) -> Path | None:
        """The first one that was written, replaced or removed, even if it holds the same again."""
        return next((path for path, seen in self.looks if look(path) != seen), None)

    def check(self) -> None:
        """Raise InputError where one changed: what was made meanwhile is of nobody knows what."""
        if (path := self.changed()) is not None:
            raise InputError(
                f"'{path.name}' was changed while the film was made.", hint="Render it again.", code="input.changed"
            )


def look(path: Path) -> tuple[Look, ...]:
    """What tells that a file, or one in a folder, was written: its place on the disk, size and times."""
    try:
        found = sorted(path.rglob("*")) if path.is_dir() else [path]
        return tuple((s.st_ino, s.st_size, s.st_mtime_ns, s.st_ctime_ns) for s in map(os.stat, found))
    except OSError:
        return ()


def basis(project: Project, settings: config.Settings) -> str:
    """Fingerprint of what a film depends on beside its project, the files named in it, and its marks: settings of
    voices and faces with the files they name, and kept avatars.
    """
    from mien.portrait.store import library

    told = [(section, sorted(map(_told, asdict(getattr(settings, section)).items()))) for section in _SECTIONS]
    return fingerprint(told, [(name, _content(library.folder() / name)) for name in kept_avatars(project)])


def kept_avatars(project: Project) -> list[str]:
    """Names of the kept avatars that speak or are seen in it."""
    return sorted({who.name for scene in project.scenes for who in scene.people.values() if who.name})


@contextmanager
def workshop(name: str, patience: float = PATIENCE) -> Iterator[Path]:
    """The folder of a film, to this render alone. name: tells all that the film is made of.

    Where another render has it for longer than ``patience`` seconds, a folder apart.
    """
    home = config.cache_dir() / "studio"
    home.mkdir(parents=True, exist_ok=True)
    sweep(home)
    folder, lock = _taken(home / name, patience)
    try:
        yield folder
    finally:
        if lock >= 0:
            os.close(lock)


def sweep(home: Path, days: float = DAYS, latest: int = LATEST) -> None:
    """Remove folders that no render has, were not touched for ``days``, and are not among the ``latest``."""
    now, found = time.time(), []
    with suppress(OSError):
        found = [(path.stat().st_mtime, path) for path in home.iterdir() if path.is_dir() and not path.is_symlink()]
    for place, (touched, path) in enumerate(sorted(found, reverse=True)):
        old = now - touched > days * _DAY and place >= latest
        if old or _APART in path.name:
            lock = _lock(path)
            if lock is not None:
                shutil.rmtree(path, ignore_errors=True)
                _unlock(lock)


def _taken(folder: Path, patience: float) -> tuple[Path, int]:
    """The folder, locked; -1 where there are no locks."""
    until = time.monotonic() + patience
    while True:
        folder.mkdir(exist_ok=True)
        lock = _lock(folder)
        if lock is not None and (lock < 0 or _is_at(lock, folder)):
            with suppress(OSError):
                os.utime(folder)  # it is in use
            return folder, lock
        _unlock(lock)  # it was removed just now
        if lock is None and time.monotonic() > until:
            folder = folder.with_name(f"{folder.name}{_APART}{secrets.token_hex(4)}")
        elif lock is None:
            time.sleep(0.05)


def _lock(folder: Path) -> int | None:
    """A descriptor that holds the lock of a folder until it is closed; -1 = no locks here, None = another has it."""
    if sys.platform == "win32":
        return -1
    import fcntl

    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except OSError:
        os.close(descriptor)
        return -1
    return descriptor


def _unlock(lock: int | None) -> None:
    if lock is not None and lock >= 0:
        os.close(lock)


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except OSError:
        return False


def _told(setting: tuple[str, Any]) -> tuple[str, Any]:
    """A setting; one that names a file counts by what that holds."""
    name, value = setting
    return (name, file_print(Path(value))) if isinstance(value, str) and value and _is_file(value) else setting


def _content(folder: Path) -> list[tuple[str, str]]:
    return [(path.name, file_print(path)) for path in sorted(folder.glob("*")) if path.is_file()]


def _is_file(name: str) -> bool:
    try:
        return Path(name).is_file()
    except (OSError, ValueError):
        return False
