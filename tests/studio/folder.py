"""A folder with everything that projects of the tests name, and files that are not what they seem."""

from __future__ import annotations

import struct
import wave
import zipfile
import zlib
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image

HEAD = "avatar: anna.png\n"
GOOD = f"{HEAD}scenes:\n  - script: Hello, good tea.\n"


def fill(folder: Path) -> Path:
    """Pictures, a sound, a video, slides. All sound: a tenth of a second of silence and more."""
    for name in ("anna.png", "bo.png", "leaf.png"):
        Image.new("RGB", (64, 64), "teal").save(folder / name)
    with wave.open(str(folder / "ding.wav"), "wb") as sound:
        sound.setparams((1, 2, 16000, 0, "NONE", ""))
        sound.writeframes(b"\0\0" * 32000)
    video(folder / "clip.mp4")
    (folder / "talk.pdf").write_bytes(pdf(2))
    (folder / "leaf.ttf").write_bytes(b"\0\1\0\0 no font")
    (folder / "words.txt").write_text("hello", encoding="utf-8")
    return folder


def video(path: Path) -> None:
    """A second of grey."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream("mpeg4", rate=Fraction(10))
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for _ in range(10):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(np.full((64, 64, 3), 128, np.uint8))))
        out.mux(stream.encode())


def pdf(pages: int, stream: bytes = b"", filters: str = "") -> bytes:
    """Empty pages, or with a packed stream."""
    kids = " ".join(f"{3 + i} 0 R" for i in range(pages))
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", f"<< /Type /Pages /Kids [{kids}] /Count {pages} >>".encode()]
    contents = f"/Contents {3 + pages} 0 R" if stream else ""
    objects += [f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 96 54] {contents} >>".encode()] * pages
    if stream:
        head = f"<< /Length {len(stream)} {filters} >>\nstream\n".encode()
        objects.append(head + stream + b"\nendstream")
    out, offsets = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    end = b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, len(out))
    return out + b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1) + table + end


def png(width: int, height: int, rows: bytes) -> bytes:
    """A PNG that says it is so large, with packed rows."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def packed_zeros(size: int) -> bytes:
    """So many zeros, packed, made without holding them."""
    machine = zlib.compressobj(9)
    piece = bytes(1 << 20)
    return b"".join(machine.compress(piece) for _ in range(size >> 20)) + machine.flush()


def pptx(path: Path, *, zeros: int = 0, slides: int = 1) -> None:
    """Slides as LibreOffice would open them, or an archive that unpacks to so many zeros more."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(1, slides + 1):
            archive.writestr(f"ppt/slides/slide{number}.xml", "<p:sld/>")
        if zeros:
            with archive.open("ppt/media/image1.bin", "w") as part:
                for _ in range(zeros >> 20):
                    part.write(bytes(1 << 20))
