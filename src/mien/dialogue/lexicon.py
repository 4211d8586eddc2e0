"""Pronunciation lexicons: spelling → how to say it. The file formats are in ``docs/script-marks.md``.

A pronunciation is a respelling ("win"), IPA between slashes ("/wɪn/") or espeak-ng phonemes in brackets ("[[w'In]]").
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from mien.dialogue.languages import script_of
from mien.errors import InputError

MAX_BYTES: Final = 4 << 20
MAX_ENTRIES: Final = 50_000
_LONGEST_SPELLING: Final = 100
_LONGEST_PRONUNCIATION: Final = 200
_WITHOUT_SPACES: Final = ("Hani", "Kana", "Thai", "Mymr")


@dataclass(frozen=True, slots=True)
class Match:
    """Characters start…stop of a text are said as ``pronunciation``."""

    start: int
    stop: int
    pronunciation: str


def load(path: Path) -> dict[str, str]:
    """Read a lexicon: TOML (``"spelling" = "pronunciation"``, tables allowed) or TSV (spelling, tab, pronunciation).

    Raises InputError naming the file and the line or key at fault.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise _refused(path, "it is larger than 4 MB")
        text = data.decode("utf-8-sig")
    except OSError as error:
        raise _refused(path, (error.strerror or "it cannot be read").lower()) from error
    except UnicodeDecodeError:
        raise _refused(path, "it is not UTF-8 text") from None
    entries = _from_toml(path, text) if path.suffix.lower() == ".toml" else _from_tsv(path, text)
    if len(entries) > MAX_ENTRIES:
        raise _refused(path, f"it has more than {MAX_ENTRIES:,} entries")
    return entries


def find(text: str, entries: Mapping[str, str]) -> list[Match]:
    """Where the lexicon applies, longest spelling first, left to right, without overlap.

    A spelling in lower case matches any case, others match exactly. Where words have spaces between them only whole
    words match.
    """
    if not entries:
        return []
    index = _index(tuple(entries.items()))
    found: list[Match] = []
    i = 0
    while i < len(text):
        match = next((m for m in _candidates(text, i, index) if _stands_alone(text, i, i + len(m[0]))), None)
        if match:
            found.append(Match(i, i + len(match[0]), match[1]))
            i += len(match[0])
        else:
            i += 1
    return found


@lru_cache(maxsize=4)
def _index(entries: tuple[tuple[str, str], ...]) -> dict[str, list[tuple[str, str]]]:
    """First character in lower case → entries, the longest first."""
    table: dict[str, list[tuple[str, str]]] = {}
    for spelling, pronunciation in sorted(entries, key=lambda e: (-len(e[0]), e[0])):
        if spelling:
            table.setdefault(spelling[0].lower(), []).append((spelling, pronunciation))
    return table


def _candidates(text: str, i: int, index: Mapping[str, list[tuple[str, str]]]) -> list[tuple[str, str]]:
    found = []
    for spelling, pronunciation in index.get(text[i].lower(), ()):
        there = text[i : i + len(spelling)]
        if there == spelling or (spelling.islower() and there.lower() == spelling):
            found.append((spelling, pronunciation))
    return found


def _stands_alone(text: str, start: int, stop: int) -> bool:
    return not (_joined(text, start) or _joined(text, stop))


def _joined(text: str, i: int) -> bool:
    """Whether the characters before and at i belong to one word of a script that has spaces between words."""
    if not 0 < i < len(text):
        return False
    before, at = text[i - 1], text[i]
    if not (before.isalnum() and at.isalnum()):
        return False
    first, second = script_of(before), script_of(at)
    if first in _WITHOUT_SPACES or second in _WITHOUT_SPACES:
        return False
    return first == second or not first or not second


def _from_toml(path: Path, text: str) -> dict[str, str]:
    try:
        data = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise _refused(path, f"it is not valid TOML ({error})") from None
    entries: dict[str, str] = {}
    for key, value in data.items():
        rows = value.items() if isinstance(value, dict) else ((key, value),)
        for spelling, pronunciation in rows:
            entries[str(spelling)] = _checked(path, f"the entry '{spelling}'", str(spelling), pronunciation)
    return entries


def _from_tsv(path: Path, text: str) -> dict[str, str]:
    entries: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        fields = [field.strip() for field in line.split("\t") if field.strip()]
        if len(fields) != 2:
            raise _refused(path, f"line {number} is not a spelling, a tab and a pronunciation")
        entries[fields[0]] = _checked(path, f"line {number}", fields[0], fields[1])
    return entries


def _checked(path: Path, where: str, spelling: str, pronunciation: object) -> str:
    if not isinstance(pronunciation, str) or not pronunciation.strip():
        raise _refused(path, f"{where} has no pronunciation")
    if not spelling.strip() or len(spelling) > _LONGEST_SPELLING or len(pronunciation) > _LONGEST_PRONUNCIATION:
        raise _refused(path, f"{where} is empty or too long")
    return pronunciation.strip()


def _refused(path: Path, why: str) -> InputError:
    return InputError(
        f"The lexicon {path.name} cannot be used: {why}.",
        hint='Write lines such as "Nguyen" = "win" in a .toml file.',
        code="input.lexicon",
    )
