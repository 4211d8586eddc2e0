"""Server-sent events as chat servers stream them (WHATWG HTML, 9.2.6), strict and bounded."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from mien.errors import BackendError

LONGEST_EVENT: Final = 1 << 20
"""Bytes of one event; a model's piece takes a few hundred."""

_LINE_END: Final = re.compile(rb"\r\n|\n|\r")
_FIELDS: Final = frozenset((b"data", b"event", b"id", b"retry"))


class EventReader:
    """Bytes in, the data of whole events out. How the bytes are cut changes nothing.

    what: names the server in sentences. Raises BackendError for what is no event stream or has an endless event.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._rest = b""
        self._data: list[bytes] = []
        self._size = 0
        self._begun = False

    def push(self, block: bytes) -> Iterator[str]:
        """The next bytes. Yields the data of each event that they complete, as text."""
        seen = max(0, len(self._rest) - 1)  # no line ends before: what has no end is not searched again and again
        self._rest += block
        while found := _LINE_END.search(self._rest, seen):
            if found.end() == len(self._rest) and found[0] == b"\r":
                break  # perhaps half of a line end
            line, self._rest = self._rest[: found.start()], self._rest[found.end() :]
            seen = 0
            yield from self._line(line)
        if len(self._rest) + self._size > LONGEST_EVENT:
            raise self._garbage("an endless event")

    def close(self) -> Iterator[str]:
        """Nothing more comes: an event whose last empty line is missing counts all the same."""
        line, self._rest = self._rest.rstrip(b"\r"), b""
        yield from self._line(line)
        yield from self._line(b"")

    def _line(self, line: bytes) -> Iterator[str]:
        if not self._begun:
            line, self._begun = line.removeprefix(b"\xef\xbb\xbf"), True
        if not line:
            if self._data:
                yield self._whole()
            return
        name, _, value = line.partition(b":")
        if name == b"data":
            self._data.append(value.removeprefix(b" "))
            self._size += len(value) + 1
        elif name and name not in _FIELDS:
            raise self._garbage("what is no event stream")

    def _whole(self) -> str:
        joined, self._data, self._size = b"\n".join(self._data), [], 0
        try:
            return joined.decode("utf-8")
        except UnicodeDecodeError:
            raise self._garbage("what is not UTF-8") from None

    def _garbage(self, found: str) -> BackendError:
        return BackendError(
            f"{self._what} streams {found}.",
            hint="Check that its address is the base of an OpenAI-compatible API, such as http://127.0.0.1:11434/v1.",
            code="backend.garbage",
        )
