"""Models of several files, voices and ears: what they are, under which licence, where they come from and lie here.

Known by name (``bundles.toml``), kept in the cache as folders, fetched only by ``mien models pull NAME``. A part whose
hash is known must have it. One whose hash is not known is taken only when the user says so (``--accept-unpinned``);
its hash then goes into the user's own record (``trusted.json`` in the data folder) and must be the same for ever after.
Folders of sherpa-onnx models that the user keeps in ``voices/`` or ``hearing/`` of the data folder count too.
"""

from __future__ import annotations

import json
import shutil
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from mien import archive, config, fetch, models
from mien.errors import InputError, MissingError, UsageError

MAX_PART: Final = 2 << 30
"""Most bytes that are fetched for a part whose size is not known."""

OWN: Final = {"speak": "voices", "hear": "hearing"}
"""Where in the data folder the user's own models of a use lie."""

Observe = Callable[[int, int], None]
"""Told how many bytes of how many have come (0 = not known)."""


@dataclass(frozen=True, slots=True)
class Part:
    """A file of a bundle. archive: it is unpacked. size: bytes, 0 = not known. sha256: hex, "" = not known."""

    source: str
    archive: bool = False
    size: int = 0
    sha256: str = ""

    @property
    def file(self) -> str:
        """Its name at the place that it comes from."""
        return Path(urlsplit(self.source).path).name


@dataclass(frozen=True, slots=True)
class Bundle:
    """A model of several files. use: "speak" or "hear". commercial: "yes", "no", "unknown".

    rank: the higher, the better it sounds or understands. languages: primary subtags, () = very many.
    """

    name: str
    about: str
    family: str
    languages: tuple[str, ...]
    rank: int
    licence: str
    commercial: str
    note: str
    parts: tuple[Part, ...]
    use: str = "speak"

    @property
    def size(self) -> int:
        """Bytes to fetch, 0 when that is not known."""
        return sum(part.size for part in self.parts) if all(part.size for part in self.parts) else 0

    @property
    def noun(self) -> str:
        """What it is called in sentences."""
        return "voice" if self.use == "speak" else "model"

    @property
    def pinned(self) -> bool:
        """Whether every part has a known hash."""
        return all(part.sha256 for part in self.parts)

    @property
    def folder(self) -> Path:
        """Where it lies once it is here."""
        return _home() / self.name


@dataclass(frozen=True, slots=True)
class Pulled:
    """What :func:`pull` did. accepted: file and SHA-256 of each part that was taken unpinned, now in the record."""

    fetched: bool
    accepted: tuple[tuple[str, str], ...] = ()


@lru_cache(maxsize=4)
def catalogue(file: Path | None = None) -> dict[str, Bundle]:
    """All known bundles by name. file: another catalogue (default: the one of this package)."""
    file = file or Path(__file__).with_name("bundles.toml")
    return {name: _bundle(name, entry) for name, entry in tomllib.loads(file.read_text("utf-8")).items()}


def of(use: str) -> dict[str, Bundle]:
    """The known bundles of a use."""
    return {name: bundle for name, bundle in catalogue().items() if bundle.use == use}


def cached(name: str) -> Path | None:
    """The bundle's folder if it is here and unchanged since it was checked, else None; fetches nothing."""
    bundle = known(name)
    record = _record(bundle)
    if record is None:
        return None
    for inside, (size, mtime, _) in record.items():
        try:
            about = (bundle.folder / inside).stat()
        except OSError:
            return None
        if (about.st_size, about.st_mtime_ns) != (size, mtime):
            return None
    return bundle.folder


def path(name: str) -> Path:
    """The bundle's folder. Raises MissingError naming the command that fetches it."""
    found = cached(name)
    if found is None:
        noun = known(name).noun
        raise MissingError(f"The {noun} '{name}' is not here.", hint=f"mien models pull {name}", code="missing.model")
    return found


def installed(use: str = "speak") -> dict[str, Path]:
    """Name → folder of every bundle of a use that is here, and of the user's own in a folder of the data folder."""
    found = {name: folder for name in of(use) if (folder := cached(name))}
    own = config.data_dir() / OWN[use]
    if own.is_dir():
        found |= {f.name: f for f in sorted(own.iterdir()) if f.is_dir() and f.name not in catalogue()}
    return found


def pull(
    name: str, *, origin: Path | None = None, accept_unpinned: bool = False, observe: Observe | None = None
) -> Pulled:
    """Bring a bundle here.

    origin: its archive (with its other parts beside it) or its unpacked folder on this machine. accept_unpinned: take
    parts whose hash nobody pinned. Raises NetworkError, MissingError (offline, unpinned), InputError (not what was
    expected), OutputError, UsageError.
    """
    bundle = known(name)
    with models.locked():
        if origin is None and cached(name):
            return Pulled(fetched=False)
        with models.workplace() as work:
            target = work / "bundle"
            accepted: dict[str, dict[str, Any]] = {}
            if origin is not None and origin.is_dir():
                _copy(origin, target)
            else:
                accepted = _assemble(bundle, origin, target, work, accept_unpinned, observe)
            _place(bundle, target)
    return Pulled(True, tuple((Path(source).name, about["sha256"]) for source, about in accepted.items()))


def verify(name: str) -> str:
    """Hash every file in full: "ok", "damaged" or "missing"."""
    bundle = known(name)
    record = _record(bundle)
    if record is None:
        return "missing"
    for inside, (_, _, sha256) in record.items():
        try:
            if fetch.sha256_of(bundle.folder / inside) != sha256:
                return "damaged"
        except OSError:
            return "damaged"
    return "ok"


def known(name: str) -> Bundle:
    """The bundle of that name. Raises UsageError."""
    bundle = catalogue().get(name)
    if bundle is None:
        raise UsageError(f"There is no voice or model called '{name}'.", hint=f"Known: {', '.join(catalogue())}.")
    return bundle


def trusted_file() -> Path:
    """The user's own record of hashes that were accepted unpinned."""
    return config.data_dir() / "trusted.json"


def _bundle(name: str, entry: Mapping[str, Any]) -> Bundle:
    fields = {key: value for key, value in entry.items() if key not in ("parts", "languages")}
    return Bundle(
        name=name, languages=tuple(entry["languages"]), parts=tuple(Part(**part) for part in entry["parts"]), **fields
    )


def _home() -> Path:
    return config.cache_dir() / "models" / "bundles"


def _assemble(
    bundle: Bundle, origin: Path | None, target: Path, work: Path, accept: bool, observe: Observe | None
) -> dict[str, dict[str, Any]]:
    """Fetch or copy every part, check it, put the bundle together in ``target``; what was accepted unpinned."""
    accepted: dict[str, dict[str, Any]] = {}
    got: list[tuple[Part, Path]] = []
    before = 0
    for number, part in enumerate(bundle.parts):
        wanted = _wanted(bundle, part, accept, local=origin is not None)
        file = work / f"{number}-{part.file}"
        local = origin if number == 0 else _beside(origin, part)
        size, sha256 = _get(bundle, part, local, file, wanted, _going_on(observe, before, bundle.size))
        before += size
        if not part.sha256:
            accepted[part.source] = {"size": size, "sha256": sha256}
        got.append((part, file))
    for part, file in got:
        if part.archive:
            archive.unpack(file, target)
            file.unlink()
    target.mkdir(exist_ok=True)
    for part, file in got:
        if not part.archive:
            file.rename(target / part.file)
    if accepted:
        trusted_file().parent.mkdir(parents=True, exist_ok=True)
        _write_json(trusted_file(), _trusted() | accepted)
    return accepted


def _wanted(bundle: Bundle, part: Part, accept: bool, *, local: bool) -> fetch.Expected:
    """What a part must be; empty where nobody knows. Raises MissingError for an unpinned one that was not accepted."""
    if part.sha256:
        return fetch.Expected(bundle.name, part.size, part.sha256)
    before = _trusted().get(part.source)
    if isinstance(before, dict) and isinstance(before.get("sha256"), str):
        return fetch.Expected(bundle.name, int(before["size"]), before["sha256"])
    if not accept and not local:
        raise MissingError(
            f"Nobody has pinned the hash of {part.file}: what comes cannot be checked against anything.",
            hint=f"If you trust {urlsplit(part.source).hostname}: mien models pull {bundle.name} --accept-unpinned",
            code="missing.unpinned",
        )
    return fetch.Expected(bundle.name, 0, "")


def _get(
    bundle: Bundle, part: Part, local: Path | None, file: Path, wanted: fetch.Expected, observe: Observe | None
) -> tuple[int, str]:
    """Bring a part to ``file``; its size and hash."""
    if local is None and config.offline():
        raise MissingError(
            f"The {bundle.noun} '{bundle.name}' is not here, and --offline forbids fetching it.",
            hint=f"With a network, run once: mien models pull {bundle.name}",
            code="missing.offline",
        )
    models.announce(bundle.name, wanted.size or part.size, bundle.licence, str(local or part.source))
    return fetch.to_file(str(local) if local else part.source, file, wanted, limit=MAX_PART, observe=observe)


def _going_on(observe: Observe | None, before: int, total: int) -> Observe | None:
    """The bundle's progress while one part comes; its total only where it is known."""
    return None if observe is None else lambda done, of: observe(before + done, total or before + of)


def _beside(origin: Path | None, part: Part) -> Path | None:
    """The other parts lie beside the archive that was given, under their own names. Raises InputError."""
    if origin is None:
        return None
    file = origin.with_name(part.file)
    if not file.is_file():
        raise InputError(
            f"{part.file} does not lie beside {origin.name}.", hint=f"Fetch it from {part.source}, or omit --from."
        )
    return file


def _copy(origin: Path, target: Path) -> None:
    """The plain files of a folder, within the bounds of an archive; links are refused."""
    size = count = 0
    for path in sorted(origin.rglob("*")):
        if path.is_symlink():
            raise InputError(f"{path} is a link.", hint="Give a folder of plain files.")
        if not path.is_file():
            continue
        size, count = size + path.stat().st_size, count + 1
        if size > archive.MAX_BYTES or count > archive.MAX_FILES:
            raise InputError(f"{origin} holds more than a model does.", hint="Give the folder of one model.")
        place = target / path.relative_to(origin)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, place)
    if not count:
        raise InputError(f"{origin} holds no files.", hint="Give the folder of one model.")


def _place(bundle: Bundle, target: Path) -> None:
    """The folder appears under its name whole, with the record of its files, or not at all."""
    files = {p.relative_to(target).as_posix(): p for p in sorted(target.rglob("*")) if p.is_file()}
    record = {
        name: [path.stat().st_size, path.stat().st_mtime_ns, fetch.sha256_of(path)] for name, path in files.items()
    }
    bundle.folder.parent.mkdir(parents=True, exist_ok=True)
    if bundle.folder.exists():
        shutil.rmtree(bundle.folder)
    _record_file(bundle).unlink(missing_ok=True)
    target.rename(bundle.folder)
    _write_json(_record_file(bundle), record)


def _record_file(bundle: Bundle) -> Path:
    return _home() / f"{bundle.name}.json"


def _record(bundle: Bundle) -> dict[str, tuple[int, int, str]] | None:
    """Path inside → size, time and hash of when it came; None when it is not here."""
    try:
        read = json.loads(_record_file(bundle).read_bytes())
        return {str(name): (int(size), int(mtime), str(sha256)) for name, (size, mtime, sha256) in read.items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return None


def _trusted() -> dict[str, Any]:
    try:
        read = json.loads(trusted_file().read_bytes())
    except OSError:
        return {}
    except ValueError:
        raise InputError(
            f"{trusted_file()} is damaged: it holds the hashes that you accepted.", hint="Mend it, or remove it."
        ) from None
    return read if isinstance(read, dict) else {}


def _write_json(file: Path, content: Mapping[str, Any]) -> None:
    part = file.with_name(f"{file.name}.part")
    part.write_text(json.dumps(content, indent=1), "utf-8")
    part.replace(file)


def rows() -> Iterator[tuple[Bundle, bool]]:
    """Every known bundle, and whether it is here."""
    for name, bundle in catalogue().items():
        yield bundle, cached(name) is not None
