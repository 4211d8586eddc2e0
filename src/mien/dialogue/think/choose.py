"""Which back end thinks: "auto" is the language model whose address is set, else the documents. It never sends words
to an address that nobody configured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from mien import config, plugins
from mien.dialogue.think.base import Thinker
from mien.dialogue.think.library import Library

AUTO: Final = "auto"


def open_thinker(
    settings: config.ThinkConfig | None = None, told: Callable[[str], None] = lambda _sentence: None
) -> Thinker:
    """The thinker that ``[think]`` asks for, with its documents read. The caller closes it; it may serve many sessions.

    told: hears what leaves this machine, and which documents cannot be read. Raises MissingError for a back end or
    documents that are not here.
    """
    settings = settings or config.load().think
    name = settings.backend
    if name == AUTO:
        name = "openai" if settings.url.strip() else "documents"
    library = Library(settings.documents) if settings.documents else None
    if library is not None:
        library.refresh(told)
    kind: Any = plugins.load("think", name)
    thinker: Thinker = _made(kind, replace(settings, backend=name), library)
    if thinker.info.leaves and not thinker.info.lacks:
        told(thinker.info.leaves)
    return thinker


def _made(kind: Any, settings: config.ThinkConfig, library: Library | None) -> Any:
    """Back ends of others may take no library, or no settings."""
    for arguments in ({"settings": settings, "library": library}, {"settings": settings}):
        try:
            return kind(**arguments)
        except TypeError:
            continue
    return kind()
