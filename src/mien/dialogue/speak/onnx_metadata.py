"""The notes in an ONNX file's head (``metadata_props``), read without loading the network or any package.

An ONNX file is a protobuf message; its large fields are stepped over.
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO, Final

from mien.errors import InputError

_METADATA_PROPS: Final = 14  # field of ModelProto: repeated StringStringEntryProto {1: key, 2: value}
_LENGTH, _VARINT, _FIXED64, _FIXED32 = 2, 0, 1, 5
_LONGEST: Final = 1 << 20
_MOST: Final = 1000


def read(path: Path) -> dict[str, str]:
    """Key → value. Raises InputError for what is no ONNX file."""
    found: dict[str, str] = {}
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            while file.tell() < size and len(found) < _MOST:
                number, kind = _tag(file)
                length = _skip(file, kind, size)
                if number == _METADATA_PROPS and kind == _LENGTH and length <= _LONGEST:
                    key, value = _entry(_exactly(file, length))
                    found[key] = value
                else:
                    file.seek(length, 1)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from None
    except (ValueError, EOFError):
        raise InputError(f"{path.name} is not an ONNX file.", hint="Fetch the voice again.") from None
    return found


def _tag(file: BinaryIO) -> tuple[int, int]:
    value = _varint(file)
    if value >> 3 == 0:
        raise ValueError("field number 0")
    return value >> 3, value & 7


def _skip(file: BinaryIO, kind: int, size: int) -> int:
    """Bytes that the field's content takes from here on."""
    if kind == _VARINT:
        _varint(file)
        return 0
    if kind not in (_LENGTH, _FIXED64, _FIXED32):
        raise ValueError("unknown wire type")
    length = _varint(file) if kind == _LENGTH else 8 if kind == _FIXED64 else 4
    if file.tell() + length > size:
        raise EOFError
    return length


def _varint(file: BinaryIO) -> int:
    value = 0
    for shift in range(0, 70, 7):
        byte = _exactly(file, 1)[0]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value
    raise ValueError("endless number")


def _exactly(file: BinaryIO, size: int) -> bytes:
    data = file.read(size)
    if len(data) < size:
        raise EOFError
    return data


def _entry(data: bytes) -> tuple[str, str]:
    import io

    texts = {1: "", 2: ""}
    stream = io.BytesIO(data)
    while stream.tell() < len(data):
        number, kind = _tag(stream)
        length = _skip(stream, kind, len(data))
        texts[number] = _exactly(stream, length).decode("utf-8", "replace")
    return texts[1], texts[2]
