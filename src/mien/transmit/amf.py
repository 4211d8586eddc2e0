"""Action Message Format 0, as far as RTMP's commands use it. Source: Adobe, "AMF 0 Specification" (2007)."""

from __future__ import annotations

import contextlib
import struct
from typing import Any


def encode(*values: Any) -> bytes:
    """AMF 0 of texts, numbers, booleans, None and flat dictionaries of them."""
    return b"".join(map(_encoded, values))


def _encoded(value: Any) -> bytes:
    if value is None:
        return b"\x05"
    if isinstance(value, bool):
        return b"\x01" + bytes([value])
    if isinstance(value, (int, float)):
        return b"\x00" + struct.pack(">d", value)
    if isinstance(value, dict):
        return b"\x03" + b"".join(_name(k) + _encoded(v) for k, v in value.items()) + b"\x00\x00\x09"
    return b"\x02" + _name(str(value))


def _name(text: str) -> bytes:
    data = text.encode()[:65_535]
    return struct.pack(">H", len(data)) + data


def decode(data: bytes) -> list[Any]:
    """The values of AMF 0; what cannot be read ends the list."""
    values, at = [], 0
    with contextlib.suppress(struct.error, IndexError, UnicodeDecodeError, _Unknown, RecursionError):
        while at < len(data):
            value, at = _decoded(data, at)
            values.append(value)
    return values


class _Unknown(Exception):
    """A type of AMF that no server's answer has."""


def _decoded(data: bytes, at: int) -> tuple[Any, int]:
    kind, at = data[at], at + 1
    if kind == 0:
        return struct.unpack_from(">d", data, at)[0], at + 8
    if kind == 1:
        return bool(data[at]), at + 1
    if kind == 2:
        return _text(data, at)
    if kind in (5, 6):
        return None, at
    if kind in (3, 8):
        return _dictionary(data, at + (4 if kind == 8 else 0))
    raise _Unknown


def _dictionary(data: bytes, at: int) -> tuple[dict[str, Any], int]:
    values: dict[str, Any] = {}
    while data[at : at + 3] != b"\x00\x00\x09":
        name, at = _text(data, at)
        values[name], at = _decoded(data, at)
    return values, at + 3


def _text(data: bytes, at: int) -> tuple[str, int]:
    (size,) = struct.unpack_from(">H", data, at)
    if len(data) < at + 2 + size:
        raise IndexError
    return data[at + 2 : at + 2 + size].decode(), at + 2 + size
