"""The JSON Schema of projects, made of the models: for editors that complete and check while one writes."""

from __future__ import annotations

from typing import Any, Final

from mien.apps.studio.kinds import Book
from mien.apps.studio.project import PROJECT

DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"


def schema() -> dict[str, Any]:
    """JSON Schema, draft 2020-12."""
    book = Book()
    top = PROJECT.schema(book)
    return {"$schema": DRAFT, "title": "A project of Mien's studio", **top, "$defs": book.definitions}
