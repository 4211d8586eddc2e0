"""Lists of phrases: ``words.toml`` beside this file, and the user's own ``moderation.toml``."""

from __future__ import annotations

import functools
import re
import tomllib
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from mien import config
from mien.apps.trust.moderate.base import Outcome, Reason, Verdict
from mien.errors import InputError

OWN: Final = "moderation.toml"
"""The user's lists, in the data folder."""
_MOST_BYTES: Final = 1 << 20
_OUTCOMES: Final = {"hold": Outcome.HOLD, "refuse": Outcome.REFUSE}
_WIDE: Final = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")


@dataclass(frozen=True, slots=True)
class Category:
    """name: as in the file. tight: phrases in Chinese and Japanese. spaced: in languages with spaces."""

    name: str
    outcome: Outcome
    tight: re.Pattern[str] | None
    spaced: re.Pattern[str] | None


class WordModerator:
    """See :class:`mien.apps.trust.moderate.base.Moderator`. Knows English and Chinese, and what the user adds."""

    leaves = ""

    def __init__(self, settings: config.TrustConfig | None = None) -> None:
        """settings: of no account. Raises InputError for lists of the user's own that are wrong."""
        lists = dict(_embedded())
        own = config.data_dir() / OWN
        if own.is_file():
            lists.update(read_lists(own))
        self._lists = tuple(lists.values())

    def check(self, text: str) -> Verdict:
        """Every phrase that is found, the gravest first, then in the order of the text."""
        found = [reason for category in self._lists for reason in _found(category, *_forms(text))]
        return Verdict(tuple(sorted(found, key=lambda r: (-r.outcome, r.start))))


def read_lists(file: Path) -> dict[str, Category]:
    """Categories by name. Raises InputError that names the file and what is wrong in it."""
    try:
        if file.stat().st_size > _MOST_BYTES:
            raise InputError(f"The word list {file} is over 1 MB.", hint="Keep it small.")
        table = tomllib.loads(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"The word list {file} cannot be read: {error}.", hint="See docs/trust.md.") from None
    return {name: _category(name, content, file) for name, content in table.items()}


@functools.cache
def _embedded() -> dict[str, Category]:
    return read_lists(Path(__file__).with_name("words.toml"))


def _category(name: str, content: Any, file: Path) -> Category:
    if not isinstance(content, dict) or content.get("outcome") not in _OUTCOMES:
        raise InputError(f'{file}: [{name}] needs outcome = "hold" or "refuse".', hint="See docs/trust.md.")
    phrases: list[str] = []
    for language, listed in content.items():
        if language == "outcome":
            continue
        if not isinstance(listed, list) or not all(isinstance(p, str) and p.strip() for p in listed):
            raise InputError(f"{file}: {name}.{language} must be a list of phrases.", hint="See docs/trust.md.")
        phrases.extend(listed)
    tight = [re.escape(_tight(p)[0]) for p in phrases if _WIDE.search(p)]
    spaced = [re.escape(_spaced(p)[0].strip()) for p in phrases if not _WIDE.search(p)]
    return Category(
        name, _OUTCOMES[content["outcome"]], re.compile("|".join(tight)) if tight else None,
        re.compile(rf"(?<= )(?:{'|'.join(spaced)})(?= )") if spaced else None,
    )  # fmt: skip


_Form = tuple[str, list[int]]
"""A text made even, and for each of its characters the index of the one that it came from."""


def _forms(text: str) -> tuple[_Form, _Form]:
    return _tight(text), _spaced(text)


def _found(category: Category, tight: _Form, spaced: _Form) -> Iterator[Reason]:
    for pattern, (even, origin) in ((category.tight, tight), (category.spaced, spaced)):
        for hit in pattern.finditer(even) if pattern is not None else ():
            yield Reason(category.name, category.outcome, origin[hit.start()], origin[hit.end() - 1] + 1)


def _letters(text: str) -> Iterator[tuple[str, int]]:
    """Letters and digits in one width and case, anything else as a space; accents and invisible signs are left out."""
    for i, char in enumerate(text):
        for plain in unicodedata.normalize("NFKD", char).casefold():
            kind = unicodedata.category(plain)[0]
            if kind in "LN":
                yield plain, i
            elif kind != "M" and unicodedata.category(plain) != "Cf" and plain not in "'’":
                yield " ", i


def _tight(text: str) -> _Form:
    kept = [(char, i) for char, i in _letters(text) if char != " "]
    return "".join(char for char, _ in kept), [i for _, i in kept]


def _spaced(text: str) -> _Form:
    kept: list[tuple[str, int]] = [(" ", 0)]
    for char, i in _letters(text):
        if char != " " or kept[-1][0] != " ":
            kept.append((char, i))
    kept.append((" ", len(text)))
    return "".join(char for char, _ in kept), [i for _, i in kept]
