"""Back ends are found through entry points: a role is a group, a back end is a name in it.

Adding one is a file, an entry-point line, perhaps an optional dependency, and a line in the contract suite.
"""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from typing import Any

from mien.errors import MissingError


def available(role: str) -> tuple[str, ...]:
    """Names of the installed back ends of a role such as "speak", sorted; nothing is imported."""
    return tuple(sorted({e.name for e in _group(role)}))


def load(role: str, name: str) -> Any:
    """The back end's class. Raises MissingError naming what is installed, or what the back end lacks to import."""
    found = [e for e in _group(role) if e.name == name]
    if not found:
        have = ", ".join(available(role)) or "none"
        raise MissingError(
            f"There is no '{name}' back end for {role} here (installed: {have}).", code="missing.backend"
        )
    try:
        return found[0].load()
    except ImportError as error:
        raise MissingError(
            f"The '{name}' back end for {role} cannot start: {error}.",
            hint=f"Install it with: pip install 'mien[{name}]'.",
            code="missing.backend",
        ) from error


def _group(role: str) -> tuple[EntryPoint, ...]:
    return tuple(entry_points(group=f"mien.{role}"))
