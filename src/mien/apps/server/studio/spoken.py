"""What scenes became when they were spoken, kept for the next look: in memory, and in files for other processes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from mien.apps.studio.kept import read_performed, write_performed
from mien.apps.studio.performed import Performed
from mien.errors import MienError

_HERE: Final = 48
_FILES: Final = 200
"""Scenes that are kept, of all projects."""


class Spoken:
    """folder: where the files are; many processes may share it. A file that cannot be read or written harms nothing."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._here: OrderedDict[str, Performed] = OrderedDict()

    def get(self, key: str, make: Callable[[], Performed]) -> Performed:
        """What was made for a key, or is made now. key: a file's name."""
        found = self._here.get(key) or self._read(key)
        if found is None:
            found = make()
            self._write(key, found)
        self._here[key] = found
        self._here.move_to_end(key)
        while len(self._here) > _HERE:
            self._here.popitem(last=False)
        return found

    def _read(self, key: str) -> Performed | None:
        path = self._folder / f"{key}.npz"
        try:
            found = read_performed(path)
        except (OSError, ValueError, KeyError, TypeError, EOFError):
            return None
        with suppress(OSError):
            path.touch()
        return found

    def _write(self, key: str, performed: Performed) -> None:
        with suppress(OSError, MienError):
            self._folder.mkdir(parents=True, exist_ok=True)
            write_performed(performed, self._folder / f"{key}.npz")
            files = sorted(self._folder.glob("*.npz"), key=lambda path: path.stat().st_mtime)
            for old in files[:-_FILES]:
                old.unlink(missing_ok=True)
