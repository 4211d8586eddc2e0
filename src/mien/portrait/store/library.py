"""The user's named avatars, and a cache of avatars made from pictures before.

Named ones live under ``data_dir()/avatars/<name>``, cached ones under ``cache_dir()/avatars/<key>``, where the key is
a hash of the picture, the options and the program that made it.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import mien
from mien import config
from mien.avatar import Avatar, Manifest
from mien.errors import InputError, MienError, MissingError, OutputError, UsageError
from mien.portrait.store import bundle
from mien.portrait.store.manifest import check_name

MAX_CACHED: Final = 64
"""Avatars that the cache keeps, the latest used."""


def folder() -> Path:
    """Where named avatars live."""
    return config.data_dir() / "avatars"


def add(avatar: Avatar, name: str = "", *, replace_existing: bool = True) -> Avatar:
    """Keep an avatar under a name (default: its own). Returns it with that name.

    Raises UsageError without a usable name, or when the name is taken and may not be replaced; OutputError.
    """
    name = _named(name or avatar.name)
    if not replace_existing and has(name):
        raise UsageError(f"There is already an avatar '{name}'.", hint="Choose another name, or add --replace.")
    named = Avatar(replace(avatar.manifest, name=name), avatar.arrays, avatar.textures)
    bundle.save(named, folder() / name)
    return named


def get(name: str) -> Avatar:
    """The avatar of that name. Raises MissingError when there is none, InputError when it is damaged."""
    name = _named(name)
    if not _settled(name):
        known = ", ".join(names()) or "none yet"
        raise MissingError(
            f"There is no avatar '{name}'.",
            hint=f"Known: {known}. Make one with: mien avatar create PICTURE --name '{name}'",
            code="avatar.missing",
        )
    for _ in range(3):
        with suppress(InputError, MissingError):
            return bundle.load(folder() / name)
        time.sleep(0.05)  # another process may just be replacing it
        _settled(name)
    return bundle.load(folder() / name)


def manifest(name: str) -> Manifest:
    """The manifest alone of the avatar of that name. Raises as :func:`get` does."""
    from mien.portrait.store.manifest import from_json

    name = _named(name)
    try:
        return from_json((folder() / name / bundle.MANIFEST).read_bytes())[0]
    except (InputError, OSError):
        return get(name).manifest


def has(name: str) -> bool:
    """Whether there is an avatar of that name."""
    return (folder() / _named(name) / bundle.MANIFEST).is_file()


def _settled(name: str) -> bool:
    """Whether there is an avatar of that name, once no other process is replacing one: for a moment there is none."""
    for _ in range(10):
        if has(name) or not any(folder().glob(".old-*")):
            break
        time.sleep(0.05)
    return has(name)


def names() -> list[str]:
    """All names, sorted."""
    try:
        found = [p.parent.name for p in folder().glob("*/" + bundle.MANIFEST) if not p.parent.name.startswith(".")]
    except OSError:
        return []
    return sorted(found)


def remove(name: str) -> None:
    """Delete an avatar. Raises MissingError when there is none, OutputError when it cannot be deleted."""
    name = _named(name)
    if not has(name):
        raise MissingError(f"There is no avatar '{name}'.", hint="See: mien avatar list", code="avatar.missing")
    try:
        away = Path(tempfile.mkdtemp(prefix=".old-", dir=folder()))
        (folder() / name).rename(away / "was")
        shutil.rmtree(away)
    except OSError as error:
        raise OutputError(f"The avatar '{name}' cannot be removed: {error.strerror or error}.") from None


def cache_key(sha256: str, options: Mapping[str, Any]) -> str:
    """Key of an avatar in the cache. sha256: of the picture's bytes. options: plain JSON."""
    words = json.dumps([sha256, dict(options), mien.__version__, _program()], sort_keys=True)
    return hashlib.sha256(words.encode()).hexdigest()[:32]


def from_cache(key: str) -> Avatar | None:
    """The cached avatar of that key, or None. A damaged one is thrown away."""
    place = _cache() / key
    try:
        avatar = bundle.load(place)
    except MissingError:
        return None
    except MienError:
        shutil.rmtree(place, ignore_errors=True)
        return None
    with suppress(OSError):
        os.utime(place)
    return avatar


def to_cache(key: str, avatar: Avatar) -> None:
    """Keep an avatar for next time. A cache that cannot be written is no reason to fail: then nothing is kept."""
    with suppress(OutputError, OSError):
        bundle.save(avatar, _cache() / key)
        kept = sorted((p for p in _cache().iterdir() if p.is_dir()), key=lambda p: p.stat().st_mtime, reverse=True)
        for old in kept[MAX_CACHED:]:
            shutil.rmtree(old, ignore_errors=True)


def _cache() -> Path:
    return config.cache_dir() / "avatars"


def _named(name: str) -> str:
    tidy = check_name(name)
    if not tidy:
        raise UsageError("The avatar needs a name.", hint="Give one with --name.")
    return tidy


@functools.cache
def _program() -> str:
    """A mark of the code that makes avatars, so that a changed rig never meets an old cache."""
    own = Path(__file__).parents[1]
    files = sorted([*own.rglob("*.py"), own.parent / "avatar.py"])
    about = [(f.name, s.st_size, s.st_mtime_ns) for f in files for s in [f.stat()]]
    return hashlib.sha256(repr(about).encode()).hexdigest()[:16]
