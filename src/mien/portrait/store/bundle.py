"""Avatars on disk: a folder of ``manifest.json``, ``arrays/*.bin`` and ``textures/*.png``, or a zip of it (``.mien``).

docs/avatar-format.md describes the format. Whatever is read is bounded in size before it is held, nothing is ever
executed or written outside the folder, and every fault is an InputError with one sentence.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mien.avatar import Avatar
from mien.errors import InputError, MissingError, OutputError
from mien.portrait.store import manifest as manifests
from mien.portrait.store.layers_check import check_layers
from mien.portrait.store.manifest import Damaged
from mien.portrait.store.png import check_png, decode_png, encode_png
from mien.portrait.store.storage import Reader, archive_reader, folder_reader, replace_folder
from mien.types import ARKIT_SHAPES, ByteArray

MANIFEST: Final = "manifest.json"
SUFFIX: Final = ".mien"
MAX_ENTRIES: Final = 64
MAX_ARRAY_BYTES: Final = 64 << 20
MAX_TOTAL_BYTES: Final = 512 << 20
MAX_TEXTURE_SIDE: Final = 4096
DTYPES: Final = {"float32": "<f4", "float64": "<f8", "int32": "<i4", "int8": "|i1", "uint8": "|u1", "int16": "<i2"}
"""Names of element types in the manifest, and their layout in the file. int32 always means indices of vertices."""

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_]{0,63}")
_REQUIRED: Final = {
    "vertices": ("float32", (None, 3)),
    "uv": ("float32", (None, 2)),
    "triangles": ("int32", (-1, 3)),
    "shapes": ("float32", (len(ARKIT_SHAPES), None, 3)),
    "rest": ("float32", (None, 3)),
    "head_weight": ("float32", (None,)),
}
"""Arrays that are always there; None stands for the number of vertices, -1 for any."""


def save(avatar: Avatar, folder: Path) -> None:
    """Write an avatar as a folder. It appears whole or not at all; a folder already there is replaced.

    Raises OutputError when it cannot be written.
    """
    folder = Path(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=".part-", dir=folder.parent))
        try:
            for name, content in members(avatar).items():
                target = part / name
                target.parent.mkdir(exist_ok=True)
                target.write_bytes(content)
            part.chmod(0o755)
            replace_folder(part, folder)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    except OSError as error:
        raise OutputError(
            f"The avatar cannot be written to {folder}: {error.strerror or error}.",
            hint="Check free space and permissions.",
        ) from None


def load(path: Path) -> Avatar:
    """Read an avatar from its folder or from a ``.mien`` file.

    Raises MissingError when nothing is there, InputError when it is damaged, hostile or of another version.
    """
    path = Path(path)
    if path.is_dir():
        return read(folder_reader(path))
    if not path.exists():
        raise MissingError(f"There is no avatar at {path}.", hint="See: mien avatar list", code="avatar.missing")
    try:
        return load_archive(path)
    except Damaged as error:
        raise Damaged(f"{path.name}: {error.message}", hint=error.hint, code=error.code) from None


def export(avatar: Avatar, file: Path) -> None:
    """Write an avatar as one ``.mien`` file (a zip of its folder), atomically. Raises OutputError."""
    file = Path(file)
    if file.is_dir():
        raise OutputError(f"{file} is a folder.", hint=f"Name a file, for example {file / ('avatar' + SUFFIX)}.")
    try:
        handle, part = tempfile.mkstemp(prefix=".part-", dir=file.parent)
        try:
            with os.fdopen(handle, "wb") as out, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
                for name, content in members(avatar).items():
                    entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))  # the same avatar, the same bytes
                    entry.external_attr = (stat.S_IFREG | 0o644) << 16
                    entry.compress_type = zipfile.ZIP_STORED if name.endswith(".png") else zipfile.ZIP_DEFLATED
                    archive.writestr(entry, content)
            Path(part).chmod(0o644)
            Path(part).replace(file)
        finally:
            Path(part).unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(
            f"The avatar cannot be written to {file}: {error.strerror or error}.",
            hint="Check that the folder exists, free space and permissions.",
        ) from None


def load_archive(source: Path | Any) -> Avatar:
    """Read an avatar from a ``.mien`` file (a path, or an open binary file). Nothing is unpacked to disk."""
    try:
        with zipfile.ZipFile(source) as archive:
            return read(archive_reader(archive))
    except InputError:
        raise
    except OSError as error:
        raise InputError(f"{source} cannot be read: {error.strerror or error}.", hint="Check the path.") from None
    except Exception:  # zipfile raises many kinds of exceptions on damaged archives.
        raise Damaged(
            "This is not an avatar file, or it is damaged.",
            hint="Use a file written by: mien avatar export",
        ) from None


def members(avatar: Avatar) -> dict[str, bytes]:
    """Every file of the bundle, path → content."""
    arrays: dict[str, Any] = {}
    textures: dict[str, Any] = {}
    files: dict[str, bytes] = {}
    for name, array in avatar.arrays.items():
        kind = np.dtype(array.dtype).newbyteorder("=").name
        _check_member_name(name)
        if kind not in DTYPES:
            raise InputError(f"Array '{name}' has the element type {kind}, which the avatar format does not know.")
        path = f"arrays/{name}.bin"
        arrays[name] = {"file": path, "dtype": kind, "shape": list(array.shape)}
        files[path] = np.ascontiguousarray(array, DTYPES[kind]).tobytes()
    for name, texture in avatar.textures.items():
        _check_member_name(name)
        path = f"textures/{name}.png"
        height, width = texture.shape[:2]
        channels = 1 if texture.ndim == 2 else texture.shape[2]
        textures[name] = {"file": path, "width": width, "height": height, "channels": channels}
        files[path] = encode_png(texture)
    return {MANIFEST: manifests.to_json(avatar.manifest, arrays, textures), **files}


def read(reader: Reader) -> Avatar:
    """Read and check an avatar whose files the reader gives. Raises InputError."""
    manifest, arrays, textures = manifests.from_json(reader(MANIFEST, manifests.MAX_BYTES))
    budget = _Budget()
    loaded = {name: _array(name, about, reader, budget) for name, about in _limited(arrays).items()}
    pictures = {name: _texture(name, about, reader, budget) for name, about in _limited(textures).items()}
    avatar = Avatar(manifest, loaded, pictures)
    _check(avatar)
    check_layers(avatar)
    return avatar


class _Budget:
    """Bytes that one avatar may still take in memory."""

    def __init__(self) -> None:
        self._left = MAX_TOTAL_BYTES

    def take(self, count: int) -> None:
        self._left -= count
        if self._left < 0:
            raise Damaged(f"The avatar would take more than {MAX_TOTAL_BYTES >> 20} MB.")


def _limited(table: Mapping[str, Any]) -> Mapping[str, Any]:
    if len(table) > MAX_ENTRIES:
        raise Damaged(f"The avatar lists more than {MAX_ENTRIES} arrays or textures.")
    return table


def _array(name: str, about: Any, reader: Reader, budget: _Budget) -> NDArray[np.generic]:
    path = _member_path(name, about, "arrays", ".bin")
    dtype, shape = about.get("dtype"), about.get("shape")
    if not isinstance(dtype, str) or dtype not in DTYPES:
        raise Damaged(f"Array '{name}' has an unknown element type.")
    if not isinstance(shape, list) or len(shape) > 4 or not all(_is_count(n) for n in shape):
        raise Damaged(f"Array '{name}' has no valid shape.")
    layout = np.dtype(DTYPES[dtype])
    size = layout.itemsize
    for n in shape:
        size *= n
    if size > MAX_ARRAY_BYTES:
        raise Damaged(f"Array '{name}' is over {MAX_ARRAY_BYTES >> 20} MB.")
    budget.take(size)
    data = reader(path, size)
    if len(data) != size:
        raise Damaged(f"Array '{name}' has {len(data)} bytes where {size} belong.", hint="Create the avatar again.")
    array = np.frombuffer(data, layout).reshape(shape)
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise Damaged(f"Array '{name}' holds values that are not numbers.")
    return array.astype(layout.newbyteorder("="), copy=False)


def _texture(name: str, about: Any, reader: Reader, budget: _Budget) -> ByteArray:
    path = _member_path(name, about, "textures", ".png")
    width, height, channels = (about.get(key) for key in ("width", "height", "channels"))
    sides = [n for n in (width, height) if _is_count(n) and 1 <= n <= MAX_TEXTURE_SIDE]
    if len(sides) != 2 or channels not in (1, 3, 4):
        raise Damaged(f"Texture '{name}' has no valid size.")
    raw = sides[0] * sides[1] * channels
    budget.take(raw)
    data = reader(path, raw + raw // 8 + (64 << 10))
    check_png(name, data, (*sides, channels))
    return decode_png(name, data, (height, width, channels))


def _member_path(name: str, about: Any, folder: str, ending: str) -> str:
    _check_member_name(name)
    path = f"{folder}/{name}{ending}"
    if not isinstance(about, dict) or about.get("file") != path:
        raise Damaged(f"'{name}' must be stored as {path}.")
    return path


def _check_member_name(name: str) -> None:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise Damaged("The avatar names an array or texture with characters other than letters, digits and _.")


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 1 << 28


def _check(avatar: Avatar) -> None:
    """Required members, their shapes, and indices in range."""
    vertices = avatar.arrays.get("vertices")
    count = 0 if vertices is None else len(vertices)
    for name, (dtype, shape) in _REQUIRED.items():
        array = avatar.arrays.get(name)
        if array is None:
            raise Damaged(f"The avatar lacks the array '{name}'.", hint="Create the avatar again.")
        wanted = tuple(count if n is None else n for n in shape)
        fits = array.ndim == len(wanted) and all(w in (-1, n) for w, n in zip(wanted, array.shape, strict=True))
        if array.dtype != np.dtype(dtype) or not fits or array.size == 0:
            raise Damaged(f"Array '{name}' has the wrong type or shape.", hint="Create the avatar again.")
    for name, array in avatar.arrays.items():
        if array.dtype == np.int32 and (int(array.min(initial=0)) < 0 or int(array.max(initial=0)) >= count):
            raise Damaged(f"Array '{name}' points at vertices that do not exist.")
        if array.dtype.kind == "f" and float(np.abs(array).max(initial=0)) > 1e6:
            raise Damaged(f"Array '{name}' holds values that are out of range.")
    colour, matte = avatar.textures.get("color"), avatar.textures.get("matte")
    if colour is None or colour.ndim != 3 or colour.shape[2] != 3:
        raise Damaged("The avatar lacks the texture 'color' (three channels).", hint="Create the avatar again.")
    if matte is None or matte.shape != colour.shape[:2]:
        raise Damaged("The avatar lacks the texture 'matte' in the size of 'color'.", hint="Create the avatar again.")
