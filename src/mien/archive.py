"""Unpacking a ``.tar.bz2`` that came from elsewhere: nothing leaves its folder, nothing grows without bound."""

from __future__ import annotations

import shutil
import tarfile
import tempfile
from pathlib import Path, PurePosixPath
from typing import IO, Final

from mien.errors import InputError, OutputError

MAX_FILES: Final = 10_000
MAX_BYTES: Final = 4 << 30
"""Bounds of what is unpacked, all files together."""

_BLOCK: Final = 1 << 20


def unpack(archive: Path, folder: Path, *, max_bytes: int = MAX_BYTES, max_files: int = MAX_FILES) -> list[str]:
    """Unpack plain files into ``folder`` (made new), without the one folder that such archives have on top.

    Returns the paths inside, with "/". Raises InputError for links, devices, paths that leave the folder, two files of
    one name (also by case), more than the bounds, and damage; OutputError when the disk refuses.
    """
    folder.mkdir(parents=True)
    seen: dict[str, str] = {}
    size = 0
    try:
        with tarfile.open(archive, "r|*") as tar:
            for member in tar:
                if member.isdir():
                    continue
                name = _inside(member, archive)
                if name.lower() in seen:
                    raise _refused(archive, f"it holds '{name}' twice")
                seen[name.lower()] = name
                size += max(member.size, 0)
                if size > max_bytes or len(seen) > max_files:
                    raise _refused(archive, f"it holds more than {max_bytes >> 20} MB or {max_files:,} files")
                stream = tar.extractfile(member)
                assert stream is not None  # only plain files come this far
                _write(stream, folder / name)
    except (tarfile.TarError, EOFError) as error:
        raise _refused(archive, f"it is damaged ({error})") from None
    except OSError as error:
        if error.errno is None:  # what bz2 and zlib raise for damage
            raise _refused(archive, f"it is damaged ({error})") from None
        raise OutputError(f"{folder} cannot be written: {error.strerror}.") from None
    if not seen:
        raise _refused(archive, "it is empty")
    return _without_top(folder, list(seen.values()), archive)


def _inside(member: tarfile.TarInfo, archive: Path) -> str:
    """The member's path, checked."""
    path = PurePosixPath(member.name)
    parts = [part for part in path.parts if part != "."]
    odd = path.is_absolute() or ".." in parts or not member.name.isprintable() or not parts
    if odd or "\\" in member.name or ":" in member.name or len(member.name) > 400:
        raise _refused(archive, f"a path in it leads elsewhere: {ascii(member.name)[:80]}")
    if not member.isreg():
        raise _refused(archive, f"'{member.name[:80]}' in it is a link or a device, not a plain file")
    return "/".join(parts)


def _write(stream: IO[bytes], target: Path) -> None:
    """A new file; nothing that is there is followed or replaced."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("xb") as out:
        while block := stream.read(_BLOCK):
            out.write(block)


def _without_top(folder: Path, names: list[str], archive: Path) -> list[str]:
    tops = {name.partition("/")[0] for name in names}
    if len(tops) != 1 or any("/" not in name for name in names):
        return sorted(names)
    top = folder / tops.pop()
    away = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))  # a name that nothing inside has
    top.rename(away / "top")
    for child in list((away / "top").iterdir()):
        child.rename(folder / child.name)
    shutil.rmtree(away)
    return sorted(name.partition("/")[2] for name in names)


def _refused(archive: Path, why: str) -> InputError:
    return InputError(f"{archive.name} is not unpacked: {why}.", hint="Fetch it again.", code="input.archive")
