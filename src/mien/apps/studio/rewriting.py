"""Texts exchanged where they stand in a file; all else stays as it was written."""

from __future__ import annotations

import re
from typing import Final

from mien.apps.studio.write import quoted

_RESERVED: Final = frozenset({"true", "false", "null", "none", "yes", "no", "on", "off", "y", "n"})


def exchanged(source: str, ending: str, edits: dict[tuple[int, int], str]) -> str:
    """The source with other texts; blocks stay blocks."""
    text = source
    for start, stop in sorted(edits, reverse=True):
        old, new = text[start:stop], edits[start, stop]
        if ending.lower() != ".toml" and old[:1] in "|>":
            text = text[:start] + _block(text, start, old, new) + text[stop:]
        else:
            text = text[:start] + _as_before(old, new) + text[stop:]
    return text


def _as_before(old: str, new: str) -> str:
    """A word that stood without quotes stays so where it can."""
    if re.fullmatch(r"\d+", new) and re.fullmatch(r"\d+", old):
        return new
    plain = re.fullmatch(r"[^\W\d_][\w \-]*", new) and old[:1] not in "\"'" and new.lower() not in _RESERVED
    return new if plain else quoted(new, variables=True)


def _block(text: str, start: int, old: str, new: str) -> str:
    """A literal block, indented as the old one was."""
    line = text[text.rfind("\n", 0, start) + 1 : start]
    inner = re.search(r"\n([ ]*)\S", old)
    indent = len(inner[1]) if inner else len(line) - len(line.lstrip()) + 2
    end = "\n" if old.endswith("\n") else ""
    lines = [f"{' ' * indent}{one.strip()}" if one.strip() else "" for one in new.split("\n")]
    return "|\n" + "\n".join(lines) + end
