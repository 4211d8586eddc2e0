"""Files that are not what they say: made in a folder of their own for every test."""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image


def picture(width: int = 320, height: int = 320, seed: int = 0) -> Image.Image:
    """A smooth pattern without a face."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    waves = np.stack([np.sin(x / 31 + seed), np.sin(y / 47), np.sin((x + y) / 71)], 2)
    return Image.fromarray((127 + 90 * waves).astype(np.uint8))


def encoded(format: str) -> bytes:
    """A sound picture file without a face."""
    out = io.BytesIO()
    picture().save(out, format=format)
    return out.getvalue()


def truncated(format: str) -> bytes:
    """The first 40 % of a picture file."""
    whole = encoded(format)
    return whole[: len(whole) * 2 // 5]


def lying(format: str) -> bytes:
    """A picture file whose header claims sizes that its content has not, or another format's signature."""
    data = bytearray(encoded(format))
    if format == "JPEG":
        at = data.index(b"\xff\xc0")  # start of frame: precision, height, width
        data[at + 5 : at + 9] = struct.pack(">HH", 60000, 60000)
    elif format == "PNG":
        header = b"IHDR" + struct.pack(">II", 4000, 4000) + bytes(data[24:29])
        data[12:33] = header + struct.pack(">I", zlib.crc32(header))
    elif format == "WEBP":
        at = data.index(b"VP8 ")
        data[at + 14 : at + 18] = struct.pack("<HH", 16383, 16383)
    else:
        at = data.index(b"ispe")
        data[at + 8 : at + 16] = struct.pack(">II", 50000, 50000)
    return bytes(data)


def bomb(side: int = 20_000) -> bytes:
    """A small PNG that unpacks to 400 million black pixels."""
    packer = zlib.compressobj(9)
    row = bytes(side + 1)
    packed = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in (
            (b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)),
            (b"IDAT", packed),
            (b"IEND", b""),
        )
    )


def tiny_face(portrait: Path) -> Image.Image:
    """The demo portrait so small on a large canvas that its face has 35 pixels."""
    with Image.open(portrait) as image:
        small = image.convert("RGB").resize((128, 128))
    canvas = picture(1280, 960)
    canvas.paste(small, (500, 400))
    return canvas


def changed_avatar(exported: Path, target: Path, **changes: Any) -> None:
    """A copy of a .mien file with other words in its manifest."""
    with zipfile.ZipFile(exported) as source, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as out:
        for name in source.namelist():
            data = source.read(name)
            if name.endswith("manifest.json"):
                data = json.dumps({**json.loads(data), **changes}).encode()
            out.writestr(name, data)


def escaping_avatar(exported: Path, target: Path) -> None:
    """A copy of a .mien file with one more member that wants to be written outside."""
    with zipfile.ZipFile(exported) as source, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as out:
        for name in source.namelist():
            out.writestr(name, source.read(name))
        out.writestr("../escaped.txt", "outside")
