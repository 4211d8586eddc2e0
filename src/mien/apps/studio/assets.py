"""Whether the files of a project are what they should be. Nothing is trusted: sizes are looked at before anything is
decoded, archives and streams are unpacked only as far as their bounds.
"""

from __future__ import annotations

import base64
import re
import shutil
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

LARGEST: Final = {"picture": 200, "sound": 4_000, "video": 16_000, "document": 300, "font": 100, "text": 4}
"""Megabytes of a file of each kind."""
MOST_PIXELS: Final = 120_000_000
LARGEST_SIDE: Final = 8_192
"""Pixels of a video."""
LONGEST: Final = {"sound": 4 * 3600.0, "video": 6 * 3600.0}
"""Seconds."""
MOST_PAGES: Final = 2_000
MOST_UNPACKED: Final = 512 << 20
"""Bytes of all that a document holds, unpacked."""
_ENTRIES: Final = 5_000
_FORMATS: Final = ("PNG", "JPEG", "WEBP", "AVIF", "BMP", "TIFF", "GIF")
_STREAMS: Final = 200_000
_LAYERS: Final = 3
_OFTEN: Final = "the PDF packs a part of itself more than three times; save the slides as PDF again."
_FLATE: Final = re.compile(rb"/(?:FlateDecode|Fl)\b")
_TEXT: Final = re.compile(rb"[!-z\s]{64}")
"""How bytes that are written as text begin, ASCII85 or hexadecimal."""
_LONGEST_TEXT: Final = 16 << 20
_STREAM: Final = re.compile(rb"(?<!end)stream\r?\n")
_SIDES: Final = re.compile(rb"/(Width|W|Height|H)\s+(\d{1,12})")
_PIECE: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class About:
    """What a file holds. wrong: what is wrong with it and what would be right, one sentence, "" = nothing.

    seconds: of sound or video, None = it does not say. pages: of a document. moves: a video has pictures; sounds: it
    has sound.
    """

    wrong: str = ""
    seconds: float | None = None
    pages: int = 0


class _Wrong(Exception):
    """What is wrong with a file: the sentence."""


def examine(path: Path, kind: str) -> About:
    """What a file holds; never raises for a bad one."""
    try:
        size = path.stat().st_size
        if size == 0:
            return About("the file is empty; put another in its place.")
        if size > LARGEST[kind] * 1_000_000:
            return About(f"the file is over {LARGEST[kind]:,} MB; use a smaller one.")
        return _EXAMINE[kind](path)
    except _Wrong as wrong:
        return About(str(wrong))
    except OSError as error:
        return About(f"the file cannot be read ({error.strerror or error}); check its rights.")


def _picture(path: Path) -> About:
    import warnings

    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path, formats=_FORMATS) as opened:
                if opened.width * opened.height > MOST_PIXELS:
                    size = f"{opened.width}x{opened.height}"
                    return About(f"the picture has {size} pixels; use one under {MOST_PIXELS // 10**6} million.")
                opened.draft("RGB", (512, 512))
                opened.load()
    except MemoryError:
        return About("the picture does not fit into memory; use a smaller one.")
    except Exception as error:  # Pillow's decoders raise many kinds for damaged files
        if isinstance(error, Image.DecompressionBombError):
            return About(f"the picture has too many pixels; use one under {MOST_PIXELS // 10**6} million.")
        return About("the file is no picture that can be read; use a PNG, JPEG, WebP or AVIF file.")
    return About()


def _sound(path: Path) -> About:
    return _media(path, "sound", "use a WAV, MP3, FLAC or M4A file")


def _video(path: Path) -> About:
    return _media(path, "video", "use an MP4, MOV or WebM file")


def _media(path: Path, kind: str, right: str) -> About:
    import av.error

    from mien.footage import open_file

    try:
        with open_file(path) as file:
            streams = _streams(file, kind)
            if not streams:
                return About(f"the file holds no {kind}; {right}.")
            if kind == "video":
                _check_side(streams[0].width, streams[0].height)
            if next(iter(file.decode(streams[0])), None) is None:
                return About(f"the {kind} is damaged: nothing of it can be decoded; {right}.")
            seconds = None if file.duration is None else file.duration / 1_000_000
    except (OSError, av.error.FFmpegError, ValueError, StopIteration):
        return About(f"the file is no {kind} that can be read; {right}.")
    if seconds is not None and seconds > LONGEST[kind]:
        return About(f"the {kind} is longer than {LONGEST[kind] / 3600:g} hours; cut it first.", seconds)
    return About(seconds=seconds)


def _streams(file: Any, kind: str) -> list[Any]:
    from mien.footage import moving

    return moving(file) if kind == "video" else list(file.streams.audio)


def _check_side(width: int, height: int) -> None:
    if max(width, height) > LARGEST_SIDE:
        raise _Wrong(f"the video has {width}x{height} pixels; use one of at most {LARGEST_SIDE} a side.")


def _document(path: Path) -> About:
    with path.open("rb") as stream:
        start = stream.read(1024)
    if b"%PDF-" in start:
        return _pdf(path)
    if start.startswith(b"PK") and path.suffix.lower() == ".pptx":
        return _pptx(path)
    return About("the file is neither PDF nor PPTX; save the slides as PDF.")


def _pdf(path: Path) -> About:
    import pypdfium2

    from mien.pdfium import LOCK

    raw = path.read_bytes()
    _refuse_bombs(raw)
    with LOCK:
        try:
            document = pypdfium2.PdfDocument(raw)
        except pypdfium2.PdfiumError as error:
            locked = "password" in str(error).lower()
            return About(
                "the PDF is locked by a password; save it without one."
                if locked
                else "the PDF is damaged; save the slides as PDF again."
            )
        try:
            pages = len(document)
        finally:
            document.close()
    if not 1 <= pages <= MOST_PAGES:
        return About(f"the PDF has {pages:,} pages; it may have 1 to {MOST_PAGES:,}.")
    return About(pages=pages)


def _refuse_bombs(raw: bytes) -> None:
    """Streams of a PDF that unpack to more than a document may hold, also those packed several times.

    How a stream is packed is seen by what it holds: what the file says of it may stand elsewhere, or be disguised.
    """
    left = MOST_UNPACKED
    for number, found in enumerate(_STREAM.finditer(raw)):
        if number >= _STREAMS:
            raise _Wrong(f"the PDF has over {_STREAMS:,} parts; save the slides as PDF again.")
        head = raw[max(0, found.start() - 2000) : found.start()]
        head = head[head.rfind(b"obj") + 1 :]
        sides = {name[:1]: int(number) for name, number in _SIDES.findall(head)}
        if sides.get(b"W", 0) * sides.get(b"H", 0) > MOST_PIXELS:
            raise _Wrong(f"a picture in the PDF has over {MOST_PIXELS // 10**6} million pixels; save it smaller.")
        if len(_FLATE.findall(head)) > _LAYERS:
            raise _Wrong(_OFTEN)
        for piece in _unpacked(raw, found.end()):
            left -= len(piece)
            if left < 0:
                raise _Wrong(f"the PDF unpacks to over {MOST_UNPACKED >> 20} MB; save it smaller.")


def _pieces(raw: bytes, begin: int) -> Iterator[bytes]:
    """A stream's bytes, the first piece small: most streams are, and many are none."""
    if _TEXT.match(raw, begin):
        yield from _from_text(raw, begin)
        return
    size = 1 << 12
    while begin < len(raw):
        yield raw[begin : begin + size]
        begin, size = begin + size, _PIECE


def _from_text(raw: bytes, begin: int) -> Iterator[bytes]:
    """Bytes that are written as text, ASCII85 or hexadecimal; nothing of what is text itself."""
    end = raw.find(b"endstream", begin, begin + _LONGEST_TEXT)
    if end < 0:
        raise _Wrong("the PDF holds large parts as text; save the slides as PDF again.")
    written, ended, _ = raw[begin:end].partition(b"~>")
    try:
        yield base64.a85decode(written) if ended else bytes.fromhex(written.partition(b">")[0].decode("ascii"))
    except ValueError:
        return


def _unpacked(raw: bytes, begin: int) -> Iterator[bytes]:
    """What zlib makes of a stream, and of what comes out of it, in pieces; nothing where it is not packed so."""
    for depth in range(1, _LAYERS + 2):
        pieces = _pieces(raw, begin)
        for _ in range(depth):
            pieces = _inflated(pieces)
        first = next(pieces, b"")
        if first and depth > _LAYERS:
            raise _Wrong(_OFTEN)
        yield first
        yield from pieces
        if not _is_packed(first):
            return


def _is_packed(start: bytes) -> bool:
    """Whether bytes begin as zlib's do (RFC 1950, 2.2)."""
    return len(start) > 1 and start[0] & 15 == 8 and (start[0] << 8 | start[1]) % 31 == 0


def _inflated(pieces: Iterator[bytes]) -> Iterator[bytes]:
    machine = zlib.decompressobj()
    try:
        for piece in pieces:
            rest = piece
            while rest and not machine.eof:
                yield machine.decompress(rest, _PIECE)
                rest = machine.unconsumed_tail
            if machine.eof:
                return
    except zlib.error:
        return  # encrypted or damaged: PDFium will say


def _pptx(path: Path) -> About:
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
            if len(parts) > _ENTRIES:
                return About(f"the PPTX holds over {_ENTRIES:,} parts; save the slides as PDF.")
            if sum(part.file_size for part in parts) > MOST_UNPACKED:
                return About(f"the PPTX unpacks to over {MOST_UNPACKED >> 20} MB; save the slides as PDF.")
            _read_through(archive, parts)
            pages = sum(bool(re.fullmatch(r"ppt/slides/slide\d+\.xml", part.filename)) for part in parts)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError):
        return About("the PPTX is damaged; save the slides as PDF.")
    if not pages:
        return About("the PPTX holds no slides; save the slides as PDF.")
    if office() is None:
        return About("a PPTX needs LibreOffice, which is not here; install it, or save the slides as PDF.", pages=pages)
    return About(pages=pages)


def _read_through(archive: zipfile.ZipFile, parts: list[zipfile.ZipInfo]) -> None:
    """Unpack everything into nothing: what an archive says of its sizes need not be true."""
    left = MOST_UNPACKED
    for part in parts:
        with archive.open(part) as stream:
            while piece := stream.read(_PIECE):
                left -= len(piece)
                if left < 0:
                    raise _Wrong(f"the PPTX unpacks to over {MOST_UNPACKED >> 20} MB; save the slides as PDF.")


def office() -> str | None:
    """LibreOffice's program, None where it is not here."""
    return shutil.which("soffice") or shutil.which("libreoffice")


def _font(path: Path) -> About:
    from mien.stage.type.faces import read_faces

    found = read_faces(path)
    return About() if found else About("the file is no font that can be read; use a TTF or OTF file.")


def _plain_text(path: Path) -> About:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        return About("the file is not UTF-8 text; save it as UTF-8.")
    return About() if text.strip() else About("the file holds no words; write some, or leave the field out.")


_EXAMINE: Final = {
    "picture": _picture, "sound": _sound, "video": _video, "document": _document, "font": _font,
    "text": _plain_text,
}  # fmt: skip
