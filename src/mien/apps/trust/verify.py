"""All that a file says of itself: the invisible mark, Content Credentials, and a visible label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mien.apps.trust import seen, statements
from mien.apps.trust.reading import gather
from mien.apps.trust.statements import Statement
from mien.errors import InputError
from mien.stage.marks import read_key
from mien.stage.watermark.detect import Found
from mien.stage.watermark.embed import PUBLIC_KEY

PUBLIC: Final = "the key that every Mien knows"
_MOST_BYTES: Final = 16 << 20


@dataclass(frozen=True, slots=True)
class Findings:
    """watermarks: the mark of each key that was tried, by the key's name. statement: Content Credentials, None = none.

    unread: why Content Credentials cannot be read here, "" = they can. label: words of a visible label that seem to
    stand in a corner, "" = none of those that Mien writes.
    """

    path: Path
    pictures: int
    watermarks: tuple[tuple[str, Found], ...]
    statement: Statement | None
    unread: str
    label: str

    @property
    def marked(self) -> bool:
        """Whether the invisible mark of any of the keys is there."""
        return any(found.marked for _, found in self.watermarks)

    @property
    def made(self) -> bool:
        """Whether anything that was found says that a machine made it."""
        return self.marked or bool(self.label) or (self.statement is not None and self.statement.by_machine)


def verify(path: Path, key_files: Sequence[str] = (), trust_list: Path | None = None) -> Findings:
    """Look at a picture or film. key_files: of secret keys, tried besides the public one. trust_list: a PEM file of
    authorities whose signatures are trusted. Raises InputError.
    """
    anchors = "" if trust_list is None else _read(trust_list)
    keys = {PUBLIC: PUBLIC_KEY, **{file: read_key(file) for file in key_files if file}}
    evidence = gather(path)
    found = evidence.look(keys.values())
    unread = statements.lacking()
    return Findings(
        path=path,
        pictures=evidence.pictures,
        watermarks=tuple((name, found[key]) for name, key in keys.items()),
        statement=None if unread else statements.read(path, anchors),
        unread=unread,
        label=seen.label(evidence.mean),
    )


def _read(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            text = stream.read(_MOST_BYTES).decode("ascii", "replace")
    except OSError as error:
        raise InputError(f"'{file}' cannot be read: {error.strerror or error}.") from None
    if "BEGIN CERTIFICATE" not in text:
        raise InputError(f"'{file}' holds no certificates.", hint="Give the authorities as PEM.")
    return text
