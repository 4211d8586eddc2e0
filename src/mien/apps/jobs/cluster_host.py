"""What runs on a machine of a Ray cluster: one worker process, files by content, answers that never wait.

Everything crosses the network in pieces of a megabyte and is checked by SHA-256 where it arrives.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any, Final

from mien.apps.jobs import artefacts
from mien.apps.jobs.crew import Task
from mien.apps.jobs.leases import Owner, is_free
from mien.apps.jobs.local import LocalCrew
from mien.apps.jobs.states import Job, State
from mien.apps.jobs.work import Digests, versions, with_files
from mien.errors import InputError

_PREFIX: Final = "mien-ray-"
PIECE: Final = 1 << 20
"""Bytes that cross the network at once."""


class Host:
    """An actor. Its methods return at once; whoever asks puts a time limit on every answer."""

    def __init__(self) -> None:
        _sweep()
        self._folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
        self._owner = Owner(self._folder)
        for name in ("work", "made", "files"):
            (self._folder / name).mkdir()
        self._crew = LocalCrew(1)

    def versions(self) -> list[list[str]]:
        """What works here: only equal machines make equal films."""
        return [list(pair) for pair in versions()]

    def lacks(self, digests: list[str]) -> list[str]:
        """Which of these files are not here yet."""
        return [digest for digest in digests if not self._whole(digest).exists()]

    def put(self, digest: str, name: str, offset: int, data: bytes) -> None:
        """A piece of a file; name: its own, or its path in the folder that it belongs to."""
        parts = PurePosixPath(name).parts
        if not parts or ".." in parts or PurePosixPath(name).is_absolute():
            raise InputError(f"'{name}' is no name of a file here.")
        target = self._coming(digest).joinpath(*parts)
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("r+b" if offset else "wb") as stream:
            stream.seek(offset)
            stream.write(data)

    def complete(self, digest: str, name: str) -> None:
        """All pieces are here: they are what they should be, or InputError."""
        if Digests().of(self._coming(digest) / name) != digest:
            shutil.rmtree(self._coming(digest), ignore_errors=True)
            raise InputError(f"'{name}' did not arrive whole.")
        self._coming(digest).rename(self._whole(digest))

    def begin(self, kind: str, arguments: dict[str, Any], key: str, digests: dict[str, str]) -> None:
        """Start a task; its files are those that were put. digests: path there → SHA-256."""
        here = {path: next(self._whole(digest).iterdir()) for path, digest in digests.items()}
        local = with_files(arguments, lambda path: {"file": str(here[str(path)])})
        job = Job(
            id=key, batch="", position=0, line=0, kind=kind, arguments=local, key=key, targets={}, priority=0,
            review=False, state=State.RUNNING,
        )  # fmt: skip
        artefacts.discard(self._place(key))
        self._crew.start(
            Task(job, self._folder / "work" / key[:16], self._place(key), {str(here[p]): d for p, d in digests.items()})
        )

    def poll(self) -> list[tuple[str, dict[str, Any]]]:
        """What happened since it was asked last."""
        return [(event.kind, dict(event.fields)) for event in self._crew.events(0.0)]

    def sealed(self, key: str) -> dict[str, int]:
        """Files of what was made, with their sizes."""
        return {path.name: path.stat().st_size for path in self._place(key).iterdir() if path.is_file()}

    def piece(self, key: str, name: str, offset: int) -> bytes:
        """A piece of a file that was made."""
        with (self._place(key) / Path(name).name).open("rb") as stream:
            stream.seek(offset)
            return stream.read(PIECE)

    def forget(self, key: str) -> None:
        """What was made has arrived."""
        artefacts.discard(self._place(key))

    def close(self) -> None:
        """End the worker; its folder goes."""
        self._crew.close()
        self._owner.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _place(self, key: str) -> Path:
        return self._folder / "made" / hashlib.sha256(key.encode()).hexdigest()

    def _whole(self, digest: str) -> Path:
        return self._folder / "files" / hashlib.sha256(digest.encode()).hexdigest()

    def _coming(self, digest: str) -> Path:
        return self._whole(digest).with_suffix(".part")


def _sweep() -> None:
    """Remove the folders of hosts that are no more: a cluster ends its processes without a word."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with suppress(OSError):
            owners = list((folder / "owners").iterdir())
            if owners and not folder.is_symlink() and all(is_free(owner) for owner in owners):
                shutil.rmtree(folder, ignore_errors=True)
