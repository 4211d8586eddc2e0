"""Which files may teach: only those whose licence, stated in the folder's manifest, lets weights be shipped."""

from __future__ import annotations

import csv
import fnmatch
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mien.errors import InputError

MANIFEST: Final = "SOURCES.tsv"
_ALLOWED: Final = ("cc by 4.0", "cc by 3.0", "cc0", "public domain", "pdm")
_FORBIDDEN: Final = ("nc", "sa", "nd", "unstated", "non-commercial", "research")
_MAX_BYTES: Final = 8 << 20


@dataclass(frozen=True, slots=True)
class Source:
    """A file that may teach. folder: the part of the data it belongs to. licence: as the manifest states it."""

    path: Path
    folder: str
    licence: str


def sources(root: Path) -> list[Source]:
    """Files under ``root/training`` that the manifest names with a licence that allows weights to be shipped.

    The manifest is a table with tab between columns, whose first line names them; columns used: file (may hold ``*``),
    licence. Others are left out; raises InputError when there is no manifest.
    """
    manifest = root / MANIFEST
    try:
        if manifest.stat().st_size > _MAX_BYTES:
            raise OSError("too large")
        lines = manifest.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise InputError(
            f"{root} has no readable {MANIFEST}.", hint="Name each file and its licence there, tab between the columns."
        ) from error
    found = [s for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE) for s in _row(root, row)]
    return sorted(set(found), key=lambda s: str(s.path))


def free(licence: str) -> bool:
    """Whether weights made from it may be used and sold: CC BY, CC0 and the public domain."""
    words = licence.lower()
    parts = words.replace("-", " ").replace("(", " ").replace(")", " ").replace(",", " ").split()
    return any(words.startswith(ok) or f" {ok}" in words for ok in _ALLOWED) and not any(
        bad in parts for bad in _FORBIDDEN
    )


def _row(root: Path, row: dict[str, str | None]) -> Iterator[Source]:
    pattern = row.get("file") or row.get("name") or ""
    licence = row.get("licence") or ""
    if not pattern.startswith("training/") or ".." in Path(pattern).parts or not free(licence):
        return
    folder = root / Path(pattern).parent
    names = fnmatch.filter((p.name for p in folder.iterdir()), Path(pattern).name) if folder.is_dir() else []
    for name in names:
        yield Source(folder / name, folder.name, licence)
