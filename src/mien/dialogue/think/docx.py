"""Text of Word files (.docx): a zip archive with XML in it, read as a stream, without trees and without entities."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from typing import Final
from xml.parsers import expat

from mien.errors import InputError

MAX_UNPACKED: Final = 64 << 20
"""Bytes of the document's XML; a compressed file may promise anything."""
_MAX_ENTRIES: Final = 10_000
_MAX_DEPTH: Final = 200
_PART: Final = "word/document.xml"
_SPACE: Final = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_STRICT: Final = "http://purl.oclc.org/ooxml/wordprocessingml/main"
_HEADING: Final = re.compile(r"(?:heading|标题|berschrift)?\s?([1-6])\Z|(title)\Z", re.I)


def paragraphs(raw: bytes, name: str) -> list[str]:
    """Its paragraphs with an empty one between each two, headings as Markdown writes them, rows of tables with bars.

    Raises InputError for what is damaged or unpacks to more than :data:`MAX_UNPACKED`.
    """
    xml = _unpacked(raw, name)
    if b"<!DOCTYPE" in xml or b"<!ENTITY" in xml or b"<\0!\0" in xml:
        raise _damaged(name, "its XML declares entities")
    reader = _Reader(name)
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    try:
        parser.Parse(xml, True)
    except expat.ExpatError as error:
        raise _damaged(name, f"its XML is broken ({error})") from None
    return reader.lines


def _unpacked(raw: bytes, name: str) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            if len(archive.infolist()) > _MAX_ENTRIES:
                raise _damaged(name, "it holds too many parts")
            with archive.open(_PART) as part:
                xml = part.read(MAX_UNPACKED + 1)
    except KeyError:
        raise _damaged(name, "it holds no document") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, OSError) as error:
        raise _damaged(name, str(error)) from None
    if len(xml) > MAX_UNPACKED:
        raise _damaged(name, f"it unpacks to more than {MAX_UNPACKED >> 20} MB")
    return xml


class _Reader:
    """Handlers of the parser's events. lines: what was read so far."""

    def __init__(self, name: str) -> None:
        self.lines: list[str] = []
        self._name = name
        self._depth = 0
        self._words: list[str] = []
        self._level = 0
        self._taking = False
        self._row: list[str] | None = None

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise _damaged(self._name, "its XML is nested too deeply")
        kind = _local(tag)
        if kind == "p":
            self._words, self._level = [], 0
        elif kind == "pStyle":
            found = _HEADING.search(next((v for k, v in attributes.items() if k.endswith(" val")), ""))
            self._level = int(found[1] or 1) if found else 0
        elif kind == "t":
            self._taking = True
        elif kind in ("tab", "br", "cr"):
            self._words.append(" ")
        elif kind == "tr":
            self._row = []

    def end(self, tag: str) -> None:
        self._depth -= 1
        kind = _local(tag)
        if kind == "t":
            self._taking = False
        elif kind == "tr" and self._row is not None:
            self.lines += [f"| {' | '.join(self._row)} |"] if any(self._row) else []
            self._row = None
        elif kind == "tbl":
            self.lines.append("")
        elif kind == "p":
            self._paragraph(" ".join("".join(self._words).split()))

    def text(self, words: str) -> None:
        if self._taking:
            self._words.append(words)

    def _paragraph(self, words: str) -> None:
        if self._row is not None:
            self._row += [words] if words else []
        elif words:
            self.lines += [f"{'#' * self._level} {words}" if self._level else words, ""]


def _local(tag: str) -> str:
    """The tag's name where it is Word's own."""
    space, _, name = tag.rpartition(" ")
    return name if space in (_SPACE, _STRICT) else ""


def _damaged(name: str, why: str) -> InputError:
    return InputError(
        f"'{name}' cannot be read: {why[:200]}.", hint="Open it in Word and save it again.", code="input.document"
    )
