"""Reading font files: what a font is called, how heavy it is, which characters it has.

Only what choosing a font needs is read (OpenType 1.9: ``name``, ``OS/2``, ``head``, ``fvar``, ``cmap``); drawing is
FreeType's. A file that is damaged has no faces.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import BinaryIO, Final

_MAX_TABLE: Final = 1 << 23
_MAX_FACES: Final = 64
_COLLECTION: Final = b"ttcf"
_OUTLINES: Final = (b"\x00\x01\x00\x00", b"OTTO", b"true")
_UNICODE: Final = {(3, 10): 4, (0, 6): 4, (0, 4): 4, (3, 1): 3, (0, 3): 3, (0, 2): 2, (0, 1): 2, (0, 0): 1}

_Tables = dict[bytes, tuple[int, int]]
_Run = tuple[int, int]  # from a character code on, and where it ends


@dataclass(frozen=True)
class Face:
    """A face in a font file.

    index: its place in a collection. weight: 1…1000, 400 regular, 700 bold. weights: lightest and heaviest of a
    variable font. colour: its glyphs are coloured pictures (CBDT, sbix, COLR version 0). plain: upright, of usual
    width, proportional.
    """

    path: Path
    index: int
    family: str
    weight: int = 400
    weights: tuple[int, int] | None = None
    colour: bool = False
    plain: bool = True
    tables: _Tables = field(default_factory=dict, repr=False, compare=False)

    def has(self, char: str) -> bool:
        """Whether it has a glyph for a character."""
        starts, ends = self._coverage
        at = bisect_right(starts, ord(char)) - 1
        return at >= 0 and ord(char) < ends[at]

    def __hash__(self) -> int:
        return hash((self.path, self.index))

    @cached_property
    def _coverage(self) -> tuple[list[int], list[int]]:
        """Where runs of characters that it has begin, and where they end."""
        try:
            with self.path.open("rb") as file:
                runs = _characters(_table(file, self.tables, b"cmap"))
        except (OSError, struct.error, ValueError, IndexError):
            runs = []
        runs = sorted(run for run in runs if run[0] < run[1])
        return [start for start, _ in runs], [end for _, end in runs]


def read_faces(path: Path) -> list[Face]:
    """The faces in a font file, none where it is no font that can be read."""
    try:
        with path.open("rb") as file:
            faces = [_face(path, file, number, offset) for number, offset in enumerate(_offsets(file))]
    except (OSError, struct.error, ValueError, IndexError):
        return []
    return [face for face in faces if face is not None]


def _offsets(file: BinaryIO) -> list[int]:
    if file.read(4) != _COLLECTION:
        return [0]
    (count,) = struct.unpack(">4xI", file.read(8))
    count = min(count, _MAX_FACES)
    return list(struct.unpack(f">{count}I", file.read(4 * count)))


def _face(path: Path, file: BinaryIO, number: int, offset: int) -> Face | None:
    file.seek(offset)
    kind, count = struct.unpack(">4sH6x", file.read(12))
    if kind not in _OUTLINES:
        return None
    tables: _Tables = {}
    for _ in range(min(count, 256)):
        tag, begin, size = struct.unpack(">4s4xII", file.read(16))
        tables[tag] = (begin, size)
    if b"cmap" not in tables or _only_gradients(file, tables):
        return None
    weight, plain = _manner(_table(file, tables, b"OS/2"), _table(file, tables, b"post"))
    return Face(
        path, number, _family(_table(file, tables, b"name")), weight, _weights(_table(file, tables, b"fvar")),
        colour=_coloured(file, tables), plain=plain, tables=tables,
    )  # fmt: skip


def _table(file: BinaryIO, tables: _Tables, tag: bytes) -> bytes:
    begin, size = tables.get(tag, (0, 0))
    if size > _MAX_TABLE:
        raise ValueError("a table larger than any font has")
    file.seek(begin)
    return file.read(size)


def _manner(os2: bytes, post: bytes) -> tuple[int, bool]:
    """Weight, and whether it is upright, of usual width and proportional."""
    if len(os2) < 64:
        return 400, True
    weight, width = struct.unpack(">4xHH", os2[:8])
    (selection,) = struct.unpack(">H", os2[62:64])
    fixed = len(post) >= 16 and struct.unpack(">I", post[12:16])[0] != 0
    return (weight if 1 <= weight <= 1000 else 400), not (selection & 1 or fixed or width < 5)


def _coloured(file: BinaryIO, tables: _Tables) -> bool:
    if b"CBDT" in tables or b"sbix" in tables:
        return True
    return b"COLR" in tables and _table(file, tables, b"COLR")[:2] == b"\x00\x00"


def _only_gradients(file: BinaryIO, tables: _Tables) -> bool:
    """COLR version 1: Pillow draws nothing of such a glyph, and nothing is worse than a glyph of another font."""
    pictures = b"CBDT" in tables or b"sbix" in tables
    return not pictures and _table(file, tables, b"COLR")[:2] not in (b"", b"\x00\x00")


def _family(names: bytes) -> str:
    """Its family name, in English where there is one."""
    _, count, strings = struct.unpack(">HHH", names[:6])
    found: dict[tuple[int, int], str] = {}
    for i in range(count):
        platform, _, language, name, size, at = struct.unpack(">6H", names[6 + 12 * i : 18 + 12 * i])
        if name in (1, 16) and platform in (0, 1, 3):
            raw = names[strings + at : strings + at + size]
            text = raw.decode("latin-1" if platform == 1 else "utf-16-be", "replace")
            english = language in (0, 0x409)
            found.setdefault((name if english else -name, platform), text)
    return found[max(found)] if found else ""


def _weights(fvar: bytes) -> tuple[int, int] | None:
    if len(fvar) < 16:
        return None
    begin, _, count, size = struct.unpack(">4x4H", fvar[:12])
    for i in range(count):
        axis = fvar[begin + i * size : begin + i * size + 16]
        tag, low, _, high = struct.unpack(">4siii", axis)
        if tag == b"wght":
            return low >> 16, high >> 16
    return None


def _characters(cmap: bytes) -> list[_Run]:
    """Character codes that have a glyph."""
    (count,) = struct.unpack(">2xH", cmap[:4])
    best, at = 0, 0
    for i in range(count):
        platform, encoding, offset = struct.unpack(">HHI", cmap[4 + 8 * i : 12 + 8 * i])
        if _UNICODE.get((platform, encoding), 0) > best:
            best, at = _UNICODE[platform, encoding], offset
    if not best:
        return []
    table = cmap[at:]
    (kind,) = struct.unpack(">H", table[:2])
    read = {4: _segments, 6: _trimmed, 12: _groups, 13: _groups}.get(kind)
    return read(table) if read else []


def _segments(table: bytes) -> list[_Run]:
    """Format 4."""
    count = struct.unpack(">6xH", table[:8])[0] // 2
    words = struct.unpack(f">{len(table) // 2}H", table[: len(table) // 2 * 2])
    ends, starts = words[7 : 7 + count], words[8 + count : 8 + 2 * count]
    offsets = words[8 + 3 * count : 8 + 4 * count]
    found: list[_Run] = []
    before = -1
    for i, (start, end, offset) in enumerate(zip(starts, ends, offsets, strict=True)):
        last = min(end, 0xFFFE)
        if start <= before:  # the format has them in order; else a small file could name billions of characters
            break
        before = end
        if not offset:
            found.append((start, last + 1))
            continue
        place = 8 + 3 * count + i + offset // 2
        glyphs = words[place : place + max(0, last - start + 1)]
        found += [(start + k, start + k + 1) for k, glyph in enumerate(glyphs) if glyph]
    return found


def _trimmed(table: bytes) -> list[_Run]:
    """Format 6."""
    first, count = struct.unpack(">6xHH", table[:10])
    glyphs = struct.unpack(f">{count}H", table[10 : 10 + 2 * count])
    return [(first + k, first + k + 1) for k, glyph in enumerate(glyphs) if glyph]


def _groups(table: bytes) -> list[_Run]:
    """Formats 12 and 13."""
    (count,) = struct.unpack(">12xI", table[:16])
    groups = struct.iter_unpack(">3I", table[16 : 16 + 12 * count])
    return [(start, end + 1) for start, end, _ in groups]
