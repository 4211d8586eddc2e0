"""A result appears under its final name whole, or not at all.

Everything is written to a hidden name beside the target (same file system), flushed to the disk and renamed. A lock
marks the hidden name as alive; what a killed run left behind has no lock and is removed by the next run.
"""

from __future__ import annotations

import atexit
import contextlib
import errno
import os
import re
import secrets
import shutil
import sys
from pathlib import Path
from typing import Final

from mien.errors import OutputError

_MARK: Final = ".mien-part"
_LONGEST_NAME: Final = 255  # bytes, on every file system in common use
_NAME: Final = re.compile(r"^\..+\.[0-9a-f]{8}\.mien-part$")


_unfinished: Final[set[Path]] = set()


class Staging:
    """A hidden file (or folder) that becomes ``target``.

    path: where to write meanwhile. Raises OutputError when the target cannot be written at all.
    """

    def __init__(self, target: Path, *, folder: bool = False) -> None:
        check_target(target, folder=folder)
        sweep(target.parent)
        self.target = target
        self._done = False
        try:
            self.path, self._lock = _claim(target, folder=folder)
        except OSError as error:
            raise output_error(error, target) from error

    def commit(self) -> None:
        """Flush to the disk and rename. Raises OutputError; the hidden file is removed then."""
        try:
            _flush(self.path)
            if self.path.is_dir():
                _replace_folder(self.path, self.target)
            else:
                self.path.replace(self.target)
            self._done = True
            _unfinished.discard(self.path)
            self._unlock()
        except OSError as error:
            self.abort()
            raise output_error(error, self.target) from error

    def abort(self) -> None:
        """Remove the hidden file. Idempotent, never raises, does nothing after commit."""
        self._unlock()
        if not self._done:
            self._done = True
            _remove(self.path)
            _unfinished.discard(self.path)

    def _unlock(self) -> None:
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


@atexit.register
def remove_unfinished() -> None:
    """At the end of the process: remove what a Ctrl-C left that came before anybody could call abort."""
    while _unfinished:
        _remove(_unfinished.pop())


def write_text(target: Path, text: str) -> None:
    """Write a text file in UTF-8, whole or not at all. Raises OutputError."""
    staging = Staging(target)
    try:
        staging.path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise output_error(error, target) from error
    else:
        staging.commit()
    finally:
        staging.abort()


def check_target(target: Path, *, folder: bool = False) -> None:
    """Raise OutputError when nothing could be written at ``target``: cheap, before any slow work."""
    parent = target.parent
    if len(os.fsencode(target.name)) > _LONGEST_NAME:
        raise OutputError(f"The file name '{target.name[:40]}…' is too long.", hint="Choose a shorter name with -o.")
    if not parent.is_dir():
        raise OutputError(
            f"There is no folder '{parent}' to write {target.name} into.", hint=f"Make it: mkdir -p {parent}"
        )
    if not os.access(parent, os.W_OK | os.X_OK):
        raise OutputError(f"The folder '{parent}' cannot be written to.", hint="Choose another place with -o.")
    if folder:
        if target.exists() and not target.is_dir():
            raise OutputError(f"'{target}' is a file, but pictures need a folder.", hint="Choose another name with -o.")
    elif target.is_dir():
        raise OutputError(f"'{target}' is a folder, but a file is to be written.", hint="Choose another name with -o.")
    elif target.exists() and not os.access(target, os.W_OK):
        raise OutputError(f"'{target}' is write-protected.", hint="Choose another name with -o.")


def check_space(target: Path, wanted: int) -> None:
    """Raise OutputError when the disk of ``target`` has fewer than ``wanted`` bytes free."""
    free = shutil.disk_usage(target.parent).free
    if free < wanted:
        raise OutputError(
            f"The disk of '{target.parent}' has {_megabytes(free)} free, but {target.name} needs about "
            f"{_megabytes(wanted)}.",
            hint="Free some space, or choose another place with -o.",
            code="output.space",
        )


def output_error(error: BaseException, target: Path) -> OutputError:
    """What went wrong while writing, in one sentence that names the reason a person can act on."""
    number = getattr(error, "errno", None)
    if number == 28:  # ENOSPC; libav reports the same number
        return OutputError(
            f"The disk was full before {target.name} was finished; nothing was left behind.",
            hint="Free some space, or choose another place with -o.",
            code="output.space",
        )
    reason = os.strerror(number) if isinstance(number, int) and 0 < number < 200 else str(error) or type(error).__name__
    return OutputError(f"{target.name} could not be written: {reason}.", hint="Choose another place with -o.")


def sweep(folder: Path) -> None:
    """Remove what killed runs left in a folder. What another run is writing now is locked and stays."""
    with contextlib.suppress(OSError):
        for path in folder.iterdir():
            if _NAME.match(path.name) and not path.is_symlink():
                _remove_abandoned(path)


def _remove_abandoned(path: Path) -> None:
    if sys.platform == "win32":
        if not path.is_dir():  # Windows refuses to delete what is open, so trying is safe; folders are left alone
            _remove(path)
        return
    with contextlib.suppress(OSError):
        lock = _lock(path)
        if lock >= 0:
            try:
                _remove(path)  # under the lock, so that a run that was about to take it notices
            finally:
                os.close(lock)


def _claim(target: Path, *, folder: bool) -> tuple[Path, int]:
    """A new hidden file or folder, and its lock. Between the two another run may sweep it: then another one."""
    for _ in range(20):
        path = _hidden(target)
        _unfinished.add(path)
        if folder:
            path.mkdir()
        else:
            path.touch(exist_ok=False)
        with contextlib.suppress(BlockingIOError, FileNotFoundError):
            lock = _lock(path)
            if lock < 0 or _is_at(lock, path):
                return path, lock
            os.close(lock)
        _unfinished.discard(path)
    raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))


def _hidden(target: Path) -> Path:
    return target.parent / f".{target.name[:80]}.{secrets.token_hex(4)}{_MARK}"


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _lock(path: Path) -> int:
    """A descriptor that holds an exclusive lock until it is closed (or the process dies); -1 where there are none.

    Raises BlockingIOError when another holds it.
    """
    if sys.platform == "win32":
        return -1
    import fcntl

    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0))
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise
    except OSError:  # a file system without locks, as some network disks are
        os.close(descriptor)
        return -1
    return descriptor


def _flush(path: Path) -> None:
    for file in path.iterdir() if path.is_dir() else (path,):
        with file.open("rb+") as stream:
            os.fsync(stream.fileno())


def _replace_folder(new: Path, target: Path) -> None:
    """Put a folder where an older one may stand; the older one goes only when the new one is in place."""
    if not target.exists():
        new.rename(target)
        return
    old = _hidden(target)
    target.rename(old)
    try:
        new.rename(target)
    except OSError:
        old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _megabytes(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count < 1e8 else f"{count / 1e9:.1f} GB"
