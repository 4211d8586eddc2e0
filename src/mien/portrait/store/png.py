"""Textures as PNG: fast to write and to read, and checked before any decoder sees them."""

from __future__ import annotations

import struct
import zlib
from typing import Final

import cv2
import numpy as np

from mien.errors import OutputError
from mien.portrait.store.manifest import Damaged
from mien.types import ByteArray

_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_COLOUR_TYPES: Final = {0: 1, 2: 3, 6: 4}


def encode_png(texture: ByteArray) -> bytes:
    """Level 1: a cached avatar must open fast; smaller files would cost more time than they save."""
    order = {2: None, 3: cv2.COLOR_RGB2BGR, 4: cv2.COLOR_RGBA2BGRA}[
        texture.ndim if texture.ndim == 2 else texture.shape[2]
    ]
    pixels = texture if order is None else cv2.cvtColor(texture, order)
    done, data = cv2.imencode(".png", pixels, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    if not done:
        raise OutputError("A texture of the avatar cannot be encoded as PNG.")
    return data.tobytes()


def check_png(name: str, data: bytes, expected: tuple[int, int, int]) -> None:
    """Chunks whole and with right checksums, 8 bits, of the size that the manifest says: before any decoder runs."""
    fault = Damaged(f"Texture '{name}' is not the PNG that the manifest describes.", hint="Create the avatar again.")
    if data[:8] != _SIGNATURE or data[12:16] != b"IHDR" or len(data) < 57:
        raise fault
    width, height, depth, colour, _, _, interlace = struct.unpack(">IIBBBBB", data[16:29])
    if (width, height, _COLOUR_TYPES.get(colour)) != expected or depth != 8 or interlace != 0:
        raise fault
    place, kind = 8, b""
    while kind != b"IEND":
        if place + 12 > len(data):
            raise fault
        (length,) = struct.unpack_from(">I", data, place)
        kind, end = data[place + 4 : place + 8], place + 12 + length
        if end > len(data) or zlib.crc32(data[place + 4 : end - 4]) != struct.unpack_from(">I", data, end - 4)[0]:
            raise fault
        place = end


def decode_png(name: str, data: bytes, shape: tuple[int, int, int]) -> ByteArray:
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        pixels = None
    wanted = shape[:2] if shape[2] == 1 else shape
    if pixels is None or pixels.shape != wanted or pixels.dtype != np.uint8:
        raise Damaged(f"Texture '{name}' cannot be decoded.", hint="Create the avatar again.")
    if shape[2] == 1:
        return np.asarray(pixels, np.uint8)
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB if shape[2] == 3 else cv2.COLOR_BGRA2RGBA), np.uint8)
