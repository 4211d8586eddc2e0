"""What a job does, whatever its kind: plain arguments in, files out; and the key that says what comes out.

A kind is a module with ``plan`` (a row of a batch → :class:`Work`, refusing what can be refused cheaply) and
``perform`` (arguments → files in a folder, in a worker). Files that are read stand in the arguments as
``{"file": PATH}``, so that they are hashed for the key, and can be carried to another machine.
"""

from __future__ import annotations

import hashlib
import importlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final, Protocol, cast

import mien
from mien.apps.studio.workshops import Inputs, look
from mien.errors import InputError, MienError, UsageError

_KINDS: Final = {"make": "mien.apps.jobs.films", "studio": "mien.apps.jobs.shorts"}
_PARTS: Final = (
    "ai-edge-litert", "av", "espeakng-loader", "numba", "numpy", "onnxruntime", "opencv-python-headless", "pillow",
    "sherpa-onnx", "soxr",
)  # fmt: skip
"""Packages whose other versions may make other films."""

_SETTINGS_ASIDE: Final = (
    ("trust", "moderation"), ("trust", "moderation_url"), ("trust", "moderation_model"), ("trust", "strict"),
    ("voices", "timeout"),
)  # fmt: skip
"""Settings that decide whether and how something is made, but not what comes out."""
_BLOCK: Final = 1 << 20

RUN_AGAIN: Final = "Run the same command again."

Tell = Callable[[str], None]
Observe = Callable[[int, int], None]
"""Told (frames done, frames expected)."""


@dataclass(frozen=True, slots=True)
class Work:
    """A job to be done. arguments: plain JSON, files as ``{"file": PATH}``. targets: role → where it is delivered.

    "film" is the chief role.
    """

    kind: str
    arguments: Mapping[str, Any]
    targets: Mapping[str, Path]


@dataclass(frozen=True, slots=True)
class Made:
    """What came out. files: role → file in the folder that was given. report: plain JSON, for people."""

    files: Mapping[str, Path]
    report: Mapping[str, Any] = field(default_factory=dict)


class Kind(Protocol):
    """A module in ``_KINDS``."""

    def plan(self, values: Mapping[str, Any], base: Path) -> Work:
        """values: of a row, by column. base: the folder that relative paths start from. Raises any MienError."""
        ...

    def perform(self, arguments: Mapping[str, Any], folder: Path, tell: Tell, observe: Observe) -> Made:
        """Do it, leaving its files in ``folder`` and nothing elsewhere. Raises any MienError."""
        ...


def kind(name: str) -> Kind:
    """Raises UsageError for a kind that this version does not know."""
    if name not in _KINDS:
        raise UsageError(f"This version of Mien does not know jobs of the kind '{name}'.")
    return cast(Kind, importlib.import_module(_KINDS[name]))


class Digests:
    """SHA-256 of files and folders, each read once, and once more where somebody wrote to it."""

    def __init__(self) -> None:
        self._known: dict[Path, tuple[object, str]] = {}

    def of(self, path: Path) -> str:
        """Hex digits; a folder's is that of its files with their names. Raises InputError."""
        seen = look(path)  # before it is read
        known = self._known.get(path)
        if known is None or known[0] != seen:
            try:
                known = seen, _folder_digest(path) if path.is_dir() else digest(path)
            except OSError as error:
                raise InputError(f"'{path}' cannot be read: {error.strerror or error}.") from None
            self._known[path] = known
        return known[1]


class Disturbed(InputError):
    """A file is not, or was not all the time, what a job was planned with. Somebody may just be replacing it."""

    retryable = True
    default_code = "input.changed"


def check_unchanged(expected: Mapping[str, str], inputs: Inputs | None = None) -> None:
    """What is read must be what the job was planned with. Raises Disturbed.

    expected: path → SHA-256. inputs: how the files stood when the job began.
    """
    digests = Digests()
    for path, wanted in expected.items():
        try:
            same = digests.of(Path(path)) == wanted
        except InputError:
            same = False
        if not same:
            raise Disturbed(f"'{Path(path).name}' was changed while the batch ran.", hint=RUN_AGAIN)
    if inputs is not None and (changed := inputs.changed()) is not None:
        raise Disturbed(f"'{changed.name}' was changed while it was read.", hint=RUN_AGAIN)


def digest(path: Path) -> str:
    """SHA-256 of a file's bytes, hex. Raises OSError."""
    total = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            total.update(block)
    return total.hexdigest()


def key_of(work: Work, digests: Digests) -> str:
    """The job's key: kind, arguments, the content of all files read, and the versions of what works on them."""
    deciding = with_files(_deciding(work.arguments), lambda path: {"sha256": digests.of(path)})
    words = [work.kind, deciding, sorted(work.targets)]
    text = json.dumps([*words, versions()], ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _deciding(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments without what does not change a result."""
    left = dict(arguments)
    if "settings" in left:
        aside = {section: [n for s, n in _SETTINGS_ASIDE if s == section] for section, _ in _SETTINGS_ASIDE}
        left["settings"] = {
            section: {name: value for name, value in values.items() if name not in aside.get(section, ())}
            for section, values in left["settings"].items()
        }
    return left


def files_of(arguments: Any) -> Iterator[Path]:
    """Every file that the arguments name."""
    found: list[Path] = []
    with_files(arguments, found.append)
    yield from found


def with_files(arguments: Any, make: Callable[[Path], Any]) -> Any:
    """The arguments with what ``make`` makes of every file in them."""
    if isinstance(arguments, Mapping):
        if set(arguments) == {"file"}:
            return make(Path(arguments["file"]))
        return {name: with_files(inner, make) for name, inner in arguments.items()}
    if isinstance(arguments, list | tuple):
        return [with_files(inner, make) for inner in arguments]
    return arguments


def check_target(target: Path, sources: Mapping[Path, object] | tuple[Path, ...]) -> None:
    """Raise OutputError or UsageError where a result could not be delivered; folders that lack are made later."""
    from mien.errors import OutputError
    from mien.transmit import atomic

    above = next(folder for folder in target.parents if folder.exists())
    if above == target.parent:
        atomic.check_target(target)
    elif not above.is_dir():
        raise OutputError(f"'{above}' is a file, so {target.name} cannot be put under it.")
    else:
        atomic.check_target(above / target.name)
    for source in sources:
        if target.exists() and source.exists() and target.samefile(source):
            raise UsageError(f"The result would overwrite its own source '{source}'.", hint="Give another output.")


class NoMemory(MienError):
    """There was not enough memory; later there may be."""

    retryable = True


def as_fault(error: BaseException) -> MienError:
    """Whatever went wrong in a job, as one sentence."""
    if isinstance(error, MienError):
        return error
    if isinstance(error, MemoryError):
        return NoMemory("There is not enough memory.", hint="Use a smaller size, or fewer --workers.", code="memory")
    if isinstance(error, OSError) and error.strerror:
        from mien.errors import OutputError

        code = "output.space" if error.errno in (28, 122) else "output"
        return OutputError(f"{error.filename or 'A file'}: {error.strerror}.", code=code)
    first = next(iter(str(error).splitlines()), "")
    return MienError(f"Something went wrong inside Mien ({type(error).__name__}: {first}).")


def _folder_digest(folder: Path) -> str:
    total = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            total.update(f"{path.relative_to(folder).as_posix()}\0{digest(path)}\n".encode())
    return total.hexdigest()


@lru_cache(maxsize=1)
def versions() -> tuple[tuple[str, str], ...]:
    """Mien's own, and those of the packages whose other versions may make other films."""
    found = [("mien", mien.__version__)]
    for name in _PARTS:
        try:
            found.append((name, version(name)))
        except PackageNotFoundError:
            continue
    return tuple(found)
