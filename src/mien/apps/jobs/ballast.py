"""A reserve of disk space, so that a full disk never keeps the store from writing down what happened."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

_BYTES: Final = 2_000_000


class Ballast:
    """A file of two megabytes of noise in a folder, thrown out when the disk is nearly full and laid in again later."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "ballast"
        self._lay_in()

    @contextmanager
    def giving_way(self) -> Iterator[None]:
        """A write into the folder; where less room is left than the ballast takes, that goes first."""
        if _free(self._file.parent) < _BYTES:
            with suppress(OSError):
                self._file.unlink(missing_ok=True)
        elif not self._file.exists():
            self._lay_in()
        yield

    def _lay_in(self) -> None:
        if self._file.exists() or _free(self._file.parent) < 4 * _BYTES:
            return
        try:
            self._file.write_bytes(os.urandom(_BYTES))
        except OSError as error:
            with suppress(OSError):
                self._file.unlink(missing_ok=True)
            if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES):
                raise


def _free(folder: Path) -> int:
    try:
        import shutil

        return shutil.disk_usage(folder).free
    except OSError:
        return 1 << 60
