"""Open Sound Control 1.0: messages of ints, floats and strings, and bundles of them, as bytes.

Source: opensoundcontrol.org, "The Open Sound Control 1.0 Specification" (Wright 2002): everything is big-endian and a
multiple of four bytes; a string ends with a zero byte and is filled up with zeros; a message is its address, a string
of type tags that begins with a comma, and the arguments; a bundle is "#bundle", a time tag of 64 bits (1 = at once),
and elements, each with its size before it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import Final

_AT_ONCE: Final = struct.pack(">8sQ", b"#bundle", 1)


def message(address: str, *arguments: int | float | str) -> bytes:
    """One message. An int travels as 32 bits, signed, a float as 32 bits, a string as UTF-8."""
    tags, data = ",", b""
    for value in arguments:
        if isinstance(value, str):
            tags, data = tags + "s", data + _text(value)
        elif isinstance(value, int):
            tags, data = tags + "i", data + struct.pack(">i", value)
        else:
            tags, data = tags + "f", data + struct.pack(">f", value)
    return _text(address) + _text(tags) + data


def bundles(messages: Iterable[bytes], size: int) -> Iterator[bytes]:
    """Messages in as few bundles of at most ``size`` bytes as their order allows; a longer message goes alone."""
    bundle = _AT_ONCE
    for one in messages:
        element = struct.pack(">i", len(one)) + one
        if len(bundle) + len(element) > size and bundle != _AT_ONCE:
            yield bundle
            bundle = _AT_ONCE
        bundle += element
    if bundle != _AT_ONCE:
        yield bundle


def _text(text: str) -> bytes:
    data = text.encode().replace(b"\0", b"")
    return data + bytes(4 - len(data) % 4)
