"""Who agreed: records of consent for faces and cloned voices, kept with the avatars.

A record is about a file: the picture that an avatar was made of, or the recording that a voice is cloned from, known by
its SHA-256. A folder ``.consent`` beside the avatars has a file for each, ``<sha256>.jsonl``, to which records are only
ever appended: what counts is the last.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Final

from mien.avatar import Manifest
from mien.errors import InputError, MienError, OutputError, UsageError
from mien.portrait.store import library

KINDS: Final = ("avatar", "voice")
_MOST_BYTES: Final = 256 << 20
_MOST_KEPT: Final = 1 << 20
_LONGEST: Final = 2000  # characters of a field


class ConsentMissing(MienError):
    """Nobody is known to have agreed to this face or voice. Exit status 3."""

    exit_status = 3
    default_code = "consent.missing"


@dataclass(frozen=True, slots=True)
class Record:
    """kind: "avatar" or "voice". sha256: hex, of the picture or recording. name: of the avatar or file, for people.

    by: who agreed. date: the day, ISO 8601. scope: to what, in words. until: the last day it holds, "" = without end.
    document_sha256: of the signed document, "" = none. withdrawn: whether this record takes the consent back.
    recorded: when it was written down, ISO 8601 UTC.
    """

    kind: str
    sha256: str
    name: str
    by: str
    date: str
    scope: str
    until: str = ""
    document_sha256: str = ""
    withdrawn: bool = False
    recorded: str = ""


def folder() -> Path:
    """Where records are kept."""
    return library.folder() / ".consent"


def fingerprint(file: Path) -> str:
    """SHA-256 of a file, hex. Raises InputError."""
    digest = hashlib.sha256()
    try:
        if file.stat().st_size > _MOST_BYTES:
            raise InputError(f"{file.name} is over 256 MB.", hint="Give the picture or recording itself.")
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    except OSError as error:
        raise InputError(f"'{file}' cannot be read: {error.strerror or error}.", hint="Check the path.") from None
    return digest.hexdigest()


def add(record: Record) -> Record:
    """Write a record down. Returns it as it was kept. Raises UsageError for what is missing or no date, OutputError."""
    _check(record)
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    kept = replace(record, recorded=now)
    file = _file(record.sha256)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("ab") as stream:
            stream.write(json.dumps(asdict(kept), ensure_ascii=False).encode() + b"\n")
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        raise OutputError(f"The record cannot be kept: {error.strerror or error}.") from None
    return kept


def history(sha256: str) -> list[Record]:
    """All that was recorded about a picture or recording, oldest first. Raises InputError for a damaged file."""
    return _read(_file(sha256))


def records() -> list[Record]:
    """The last record about each, sorted by kind and name."""
    found = [_read(file) for file in sorted(folder().glob("*.jsonl"))]
    return sorted((listed[-1] for listed in found if listed), key=lambda r: (r.kind, r.name, r.sha256))


def require(kind: str, sha256: str, name: str, manifest: Manifest | None = None) -> Record:
    """The consent that holds today. Raises ConsentMissing with why there is none.

    name: for the sentence. manifest: of the avatar; the consent that is written in it counts where no record says more.
    """
    known = history(sha256)
    if not known and manifest is not None:
        known = list(_from(manifest))
    what = f"the {'face of' if kind == 'avatar' else 'voice'} '{name}'"
    hint = f"Record who did: mien consent add {'AVATAR' if kind == 'avatar' else 'RECORDING'} --by NAME --scope WORDS"
    if not known:
        raise ConsentMissing(f"Nobody is known to have agreed to the use of {what}.", hint=hint)
    last = known[-1]
    if last.withdrawn:
        raise ConsentMissing(f"{last.by} took back the consent to {what} on {last.date}.", hint="Use another.")
    if last.until and last.until < datetime.date.today().isoformat():
        raise ConsentMissing(f"The consent of {last.by} to {what} ended on {last.until}.", hint=hint)
    return last


def _from(manifest: Manifest) -> Iterable[Record]:
    """What ``mien avatar create --consent-by`` wrote."""
    given = manifest.consent
    if given.by:
        yield Record(
            "avatar",
            manifest.source.sha256,
            manifest.name,
            given.by,
            given.date,
            given.scope,
            "",
            given.document_sha256,
        )


def _check(record: Record) -> None:
    if record.kind not in KINDS:
        raise UsageError(f"'{record.kind}' is neither avatar nor voice.")
    if not record.by.strip():
        raise UsageError("Who agreed?", hint="Give the name with --by.")
    if not record.scope.strip() and not record.withdrawn:
        raise UsageError("To what did they agree?", hint='Say it with --scope, such as --scope "product videos 2026".')
    for day in (record.date, record.until):
        try:
            if day:
                datetime.date.fromisoformat(day)
        except ValueError:
            raise UsageError(f"'{day}' is not a day.", hint="Write it as 2026-11-21.") from None
    if any(len(str(value)) > _LONGEST for value in asdict(record).values()):
        raise UsageError("A field of the record is over 2000 characters long.", hint="Keep the document beside it.")


def _file(sha256: str) -> Path:
    if len(sha256) != 64 or not set(sha256) <= set("0123456789abcdef"):
        raise UsageError(f"'{sha256[:80]}' is not a SHA-256.")
    return folder() / f"{sha256}.jsonl"


def _read(file: Path) -> list[Record]:
    known = {f.name for f in fields(Record)}
    try:
        if file.stat().st_size > _MOST_KEPT:
            raise ValueError("too large")
        listed = [json.loads(line) for line in file.read_text("utf-8").splitlines() if line.strip()]
        return [Record(**{k: v for k, v in one.items() if k in known}) for one in listed]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror or error}.") from None
    except (ValueError, TypeError, AttributeError):
        raise InputError(f"The record of consent {file} is damaged.", hint="Restore it from a copy.") from None
