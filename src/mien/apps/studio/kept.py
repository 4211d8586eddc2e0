"""What a render has made already, kept under names that tell of what it was made: a killed one goes on from there."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable
from dataclasses import asdict, replace
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

import mien
from mien.apps.studio.kinds import Asset
from mien.apps.studio.performed import Movement, Performed, Spoken
from mien.apps.studio.project import Project, Scene
from mien.apps.studio.source import Node
from mien.transmit.atomic import Staging
from mien.types import Cue, Word

_PIECE = 1 << 20


def fingerprint(*what: object) -> str:
    """A name for what something is made of."""
    return hashlib.sha256("\n".join(map(repr, what)).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def project_print(project: Project, assets: Iterable[Asset], fps: Fraction) -> str:
    """Of a project and all files that it names."""
    files = sorted({(str(asset.path), file_print(asset.path)) for asset in assets})
    return fingerprint(mien.__version__, replace(project, file=Path(), root=Node()), files, fps)


def file_print(path: Path) -> str:
    """Of a file's content."""
    try:
        about = path.stat()
    except OSError:
        return ""
    return _digest(str(path), about.st_mtime_ns, about.st_size)


@lru_cache(4096)
def _digest(path: str, changed: int, size: int) -> str:
    found = hashlib.sha256()
    with Path(path).open("rb") as stream:
        while piece := stream.read(_PIECE):
            found.update(piece)
    return found.hexdigest()


class Performances:
    """Keeps what scenes became when they were spoken, in a folder."""

    def __init__(self, folder: Path, basis: str) -> None:
        """basis: fingerprint of all that a scene depends on beside itself."""
        self._folder, self._basis = folder, basis

    def __call__(self, scene: Scene, make: Callable[[], Performed]) -> Performed:
        """The scene, spoken now or before."""
        path = self._folder / f"speech-{fingerprint(self._basis, scene)}.npz"
        try:
            return read_performed(path)
        except (OSError, ValueError, KeyError, TypeError, EOFError):
            performed = make()
            write_performed(performed, path)
            return performed


def write_performed(performed: Performed, path: Path) -> None:
    """Keep it in a file, whole or not at all. No pickles."""
    arrays: dict[str, Any] = {"sound": performed.sound}
    people = list(performed.movements)
    for number, who in enumerate(people):
        arrays[f"shapes{number}"] = performed.movements[who].shapes
        arrays[f"head{number}"] = performed.movements[who].head
    about = {"frames": performed.frames, "people": people, "lines": [asdict(line) for line in performed.lines]}
    arrays["about"] = np.frombuffer(json.dumps(about).encode(), np.uint8)
    staging = Staging(path)
    try:
        with staging.path.open("wb") as file:
            np.savez(file, allow_pickle=False, **arrays)
            file.flush()
            os.fsync(file.fileno())
        staging.commit()
    except BaseException:
        staging.abort()
        raise


def read_performed(path: Path) -> Performed:
    """What was kept. Raises OSError, ValueError, KeyError, TypeError or EOFError for what is no such file."""
    import zipfile

    try:
        with np.load(path, allow_pickle=False) as kept:
            about = json.loads(bytes(kept["about"]))
            movements = {
                who: Movement(kept[f"shapes{number}"], kept[f"head{number}"])
                for number, who in enumerate(about["people"])
            }
            return Performed(about["frames"], kept["sound"], tuple(map(_line, about["lines"])), movements)
    except zipfile.BadZipFile as error:
        raise ValueError(str(path)) from error


def _line(kept: dict[str, Any]) -> Spoken:
    return Spoken(
        **{
            **kept,
            "words": tuple(Word(**word) for word in kept["words"]),
            "cues": tuple(Cue(**cue) for cue in kept["cues"]),
            "cut": tuple(map(tuple, kept["cut"])),
        }
    )
