"""Where the members of an avatar come from and go to: folders and zip archives, both read with distrust."""

from __future__ import annotations

import shutil
import stat
import tempfile
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from mien.errors import InputError
from mien.portrait.store.manifest import Damaged

MAX_MEMBERS: Final = 256

Reader = Callable[[str, int], bytes]
"""Gives the content of a member by its path in the bundle, at most so many bytes. Raises InputError."""

_TAKEN: Final = frozenset({17, 39, 66})  # EEXIST, ENOTEMPTY on Linux and on macOS


def folder_reader(folder: Path) -> Reader:
    def reader(name: str, limit: int) -> bytes:
        path = folder / name
        try:
            about = path.lstat()
            if not stat.S_ISREG(about.st_mode) or path.parent.is_symlink():
                raise Damaged(f"{name} in the avatar is not a regular file.", hint="Create the avatar again.")
            if about.st_size > limit:
                raise Damaged(f"{name} in the avatar is larger than it should be.", hint="Create the avatar again.")
            return path.read_bytes()
        except FileNotFoundError:
            raise Damaged(f"The avatar lacks the file {name}.", hint="Create the avatar again.") from None
        except OSError as error:
            raise InputError(f"{path} cannot be read: {error.strerror or error}.") from None

    return reader


def archive_reader(archive: zipfile.ZipFile) -> Reader:
    entries = archive.infolist()
    if len(entries) > MAX_MEMBERS or len({e.filename for e in entries}) != len(entries):
        raise Damaged("The avatar file has too many or repeated members.")
    for entry in entries:
        parts = entry.filename.split("/")
        kind = stat.S_IFMT(entry.external_attr >> 16)
        if "\\" in entry.filename or ".." in parts or parts[0] == "" or kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise Damaged("The avatar file holds a link or a path that leads out of it.", code="avatar.hostile")

    def reader(name: str, limit: int) -> bytes:
        try:
            about = archive.getinfo(name)
        except KeyError:
            raise Damaged(f"The avatar file lacks {name}.", hint="Export the avatar again.") from None
        if about.file_size > limit:
            raise Damaged(f"{name} in the avatar file is larger than it should be.")
        with archive.open(about) as member:
            data = member.read(limit + 1)
        if len(data) > limit:
            raise Damaged(f"{name} in the avatar file is larger than it says.")
        return data

    return reader


def replace_folder(part: Path, folder: Path) -> None:
    """Move a finished folder into place; the one that was there, if any, goes. Safe against another doing the same."""
    for _ in range(20):
        old = Path(tempfile.mkdtemp(prefix=".old-", dir=folder.parent))
        try:
            with suppress(FileNotFoundError):
                folder.rename(old / "was")
            try:
                part.rename(folder)
            except OSError as error:
                if error.errno not in _TAKEN:
                    raise
            else:
                return
        finally:
            shutil.rmtree(old, ignore_errors=True)
    raise OSError(0, "another process keeps writing it")
