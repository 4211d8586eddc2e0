"""Films as phones and shops make them."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterable
from pathlib import Path

import av
import numpy as np
from PIL import Image

from mien.types import ByteArray


def grey(level: int) -> ByteArray:
    """A small picture."""
    return np.full((48, 64, 3), level, np.uint8)


def written(path: Path, pictures: Iterable[ByteArray]) -> Path:
    """An mp4 of small pictures, 25 a second, its index behind them."""
    with av.open(str(path), "w") as file:
        stream = file.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for pixels in pictures:
            file.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        file.mux(stream.encode(None))
    return path


def with_cover_first(path: Path, cover: ByteArray) -> Path:
    """The same mp4 with a cover (iTunes' ``covr``) that stands in the index before the film."""
    png = io.BytesIO()
    Image.fromarray(cover).save(png, "png")
    data = _box("data", struct.pack(">II", 14, 0), png.getvalue())  # 14: PNG
    names = _box("hdlr", bytes(8), b"mdirappl", bytes(9))
    tags = _box("udta", _box("meta", bytes(4), names, _box("ilst", _box("covr", data))))
    content = path.read_bytes()
    index = content.index(b"moov") - 4
    assert content.index(b"mdat") < index, "nothing that the index points at moves"
    size, head = struct.unpack_from(">I", content, index)[0], struct.unpack_from(">I", content, index + 8)[0]
    first = index + 8 + head
    path.write_bytes(
        content[:index] + struct.pack(">I", size + len(tags)) + b"moov" + content[index + 8 : first] + tags
        + content[first:]
    )  # fmt: skip
    return path


def upside_down(path: Path) -> Path:
    """The same mp4 as a phone on its head films it: a matrix turns its pictures by 180°."""
    content = bytearray(path.read_bytes())
    at = content.index(b"tkhd") + 44
    struct.pack_into(">9i", content, at, -0x10000, 0, 0, 0, -0x10000, 0, 0, 0, 0x40000000)
    path.write_bytes(content)
    return path


def _box(kind: str, *content: bytes) -> bytes:
    inside = b"".join(content)
    return struct.pack(">I", 8 + len(inside)) + kind.encode() + inside
