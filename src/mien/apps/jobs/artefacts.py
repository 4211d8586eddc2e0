"""From a folder in which a job was made to files under their names: sealed, delivered, copied, checked.

A worker *seals* what it made: every file is flushed and hashed, the folder gets a manifest and, as its last step, the
name of the job's key. From then on the job counts as rendered, whatever is killed. *Delivering* moves the files to
where they belong, each by an atomic rename, and may be interrupted and repeated at any point.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from mien.apps.jobs.states import Artefact
from mien.apps.jobs.work import Made, digest
from mien.transmit.atomic import Staging, output_error

_MANIFEST: Final = "manifest.json"


def seal(made: Made, folder: Path, place: Path) -> None:
    """Make ``folder`` the finished work in ``place``; where there is one already, that stays. Raises OutputError."""
    try:
        files = {}
        for role, path in made.files.items():
            _flush(path)
            files[role] = {"name": path.name, "sha256": digest(path), "size": path.stat().st_size}
        manifest = folder / _MANIFEST
        manifest.write_text(json.dumps({"files": files, "report": dict(made.report)}), encoding="utf-8")
        _flush(manifest)
        settle(folder, place)
    except OSError as error:
        raise output_error(error, place) from error


def settle(folder: Path, place: Path) -> None:
    """Give a folder with a manifest its final name. Raises OSError."""
    _flush_folder(folder)
    try:
        folder.rename(place)
    except OSError:
        if not is_sealed(place):
            raise
        shutil.rmtree(folder, ignore_errors=True)  # another run has made the same
    _flush_folder(place.parent)


def deliver(place: Path, targets: Mapping[str, Path]) -> tuple[list[Artefact], dict[str, Any]] | None:
    """Move what was sealed in ``place`` to its targets. Returns what is there now, and the report.

    None when nothing is sealed there, or it is not whole. Raises OutputError.
    """
    try:
        told = json.loads((place / _MANIFEST).read_text(encoding="utf-8"))
        sealed = {
            role: Artefact(role, place / Path(file["name"]).name, file["sha256"], file["size"])
            for role, file in told["files"].items()
        }
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if set(sealed) != set(targets) or not all(
        _holds(made.path, made) or _holds(targets[role], made) for role, made in sealed.items()
    ):
        return None
    done = []
    for role, made in sealed.items():
        if made.path.exists():
            _move(made.path, targets[role])
        done.append(Artefact(role, targets[role], made.sha256, made.size))
    return done, told["report"]


def is_sealed(place: Path) -> bool:
    """Whether finished work lies there."""
    return (place / _MANIFEST).is_file()


def copy(equal: Sequence[Artefact], targets: Mapping[str, Path]) -> list[Artefact] | None:
    """Deliver what an equal job delivered. None when that is no longer there, or was changed. Raises OutputError."""
    sources = {made.role: made for made in equal}
    if set(sources) != set(targets) or not intact(equal):
        return None
    for role, made in sources.items():
        if made.path != targets[role]:
            _copy(made.path, targets[role])
    done = [Artefact(role, targets[role], made.sha256, made.size) for role, made in sources.items()]
    return done if intact(done) else None


def intact(artefacts: Sequence[Artefact]) -> bool:
    """Whether files are there and hold what was delivered."""
    return bool(artefacts) and all(_holds(made.path, made) for made in artefacts)


def discard(place: Path) -> None:
    """Remove a folder of the store."""
    shutil.rmtree(place, ignore_errors=True)


def _holds(path: Path, made: Artefact) -> bool:
    try:
        return path.stat().st_size == made.size and digest(path) == made.sha256
    except OSError:
        return False


def _move(source: Path, target: Path) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        source.replace(target)
        _flush_folder(target.parent)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise output_error(error, target) from error
        _copy(source, target)


def _copy(source: Path, target: Path) -> None:
    """Across disks: whole or not at all."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise output_error(error, target) from error
    staging = Staging(target)
    try:
        shutil.copyfile(source, staging.path)
    except OSError as error:
        raise output_error(error, target) from error
    else:
        staging.commit()
    finally:
        staging.abort()
    with suppress(OSError):
        _flush_folder(target.parent)


def _flush(path: Path) -> None:
    with path.open("rb+") as stream:
        os.fsync(stream.fileno())


def _flush_folder(folder: Path) -> None:
    """Names outlive power loss only when their folder is flushed, too; Windows neither needs nor allows it."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
