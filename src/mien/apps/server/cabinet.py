"""The avatars that visitors may choose: pictures that the server was started with, and the kept avatars; and the
backgrounds behind them.

Visitors name them; a name is looked up in a list and never becomes a path.
"""

from __future__ import annotations

import io
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mien import config, models
from mien.avatar import Avatar
from mien.casting import Subject
from mien.errors import InputError, MissingError
from mien.live.troupe import Wardrobe
from mien.portrait.store import library
from mien.stage.background import BackgroundSpec, parse_background

MOST_LOADED: Final = 16
"""Avatars that stay in memory, the latest used."""
_DEMO: Final = "astronaut"
_THUMBNAIL: Final = 512
_MOST_PICTURES: Final = 64
_PICTURE: Final = "picture:"
_SUFFIXES: Final = frozenset({".png", ".jpg", ".jpeg", ".webp", ".avif"})
_NAME: Final = re.compile(r"[\w][\w .-]{0,79}")


@dataclass(frozen=True)
class Entry:
    """An avatar on offer. origin: "portrait" (a picture given at the start), "kept" or "demo"."""

    name: str
    origin: str
    subject: Subject


class Cabinet(Wardrobe):
    """A wardrobe whose avatars are found by name in a list. Safe from any thread."""

    def __init__(self, portraits: tuple[Path, ...], crop: str, tell: Callable[[str], None]) -> None:
        super().__init__(tell)
        self._crop, self._told = crop, tell
        self._given = dict(_named(portraits))
        self._loaded: OrderedDict[str, Avatar] = OrderedDict()
        self._pictures: OrderedDict[str, bytes] = OrderedDict()
        self._locks: dict[str, threading.Lock] = {}
        self._own = threading.Lock()

    def entries(self) -> list[Entry]:
        """What there is to choose from; the first is the usual one."""
        found = [Entry(n, "portrait", Subject(path=p, crop=self._crop)) for n, p in self._given.items()]
        found += [Entry(n, "kept", Subject(name=n)) for n in library.names() if n not in self._given]
        return found or [Entry(_DEMO, "demo", Subject())]

    def find(self, name: str) -> Entry:
        """An entry by its name, "" = the usual one. Raises MissingError."""
        entries = self.entries()
        if not name:
            return entries[0]
        found = next((e for e in entries if e.name == name), None)
        if found is None:
            raise MissingError(
                f"There is no avatar '{name[:60]}'.", hint="GET /api/avatars lists them.", code="avatar.missing"
            )
        return found

    def avatar(self, portrait: str, crop: str = "") -> Avatar:
        """The avatar of a name. Raises MissingError, PortraitRefused."""
        entry = self.find(portrait)
        with self._own:
            lock = self._locks.setdefault(entry.name, threading.Lock())
        with lock:
            with self._own:
                if entry.name in self._loaded:
                    self._loaded.move_to_end(entry.name)
                    return self._loaded[entry.name]
            made = _whose(entry).load(self._told)
            with self._own:
                self._loaded[entry.name] = made
                while len(self._loaded) > MOST_LOADED:
                    self._loaded.popitem(last=False)
        return made

    def subject(self, portrait: str, crop: str = "") -> Subject:
        """Whose face a name stands for. Raises MissingError."""
        return _whose(self.find(portrait))

    def picture(self, name: str) -> bytes:
        """A JPEG of an avatar, 512 pixels at most. Raises MissingError, InputError."""
        entry = self.find(name)
        with self._own:
            if entry.name in self._pictures:
                return self._pictures[entry.name]
        made = self._painted(entry)
        with self._own:
            self._pictures[entry.name] = made
            while len(self._pictures) > _MOST_PICTURES:
                self._pictures.popitem(last=False)
        return made

    def background(self, text: str) -> BackgroundSpec | None:
        """What a visitor may wish for: words, colours, "picture:NAME"; None for "". Raises MissingError, UsageError."""
        if not text.startswith(_PICTURE):
            return parse_background(text, files=False) if text else None
        name = text.removeprefix(_PICTURE)
        path = backgrounds().get(name)
        if path is None:
            raise MissingError(
                f"There is no background '{name[:60]}'.", hint="GET /api/backgrounds lists them.",
                code="missing.background",
            )  # fmt: skip
        return BackgroundSpec("picture", path=path)

    def _painted(self, entry: Entry) -> bytes:
        from PIL import Image, ImageOps

        if entry.subject.path is not None:
            with Image.open(entry.subject.path) as opened:
                opened.draft("RGB", (2 * _THUMBNAIL, 2 * _THUMBNAIL))
                image = ImageOps.exif_transpose(opened).convert("RGB")
        else:
            image = Image.fromarray(self.avatar(entry.name).textures["color"][..., :3])
        image.thumbnail((_THUMBNAIL, _THUMBNAIL))
        out = io.BytesIO()
        image.save(out, "JPEG", quality=85)
        return out.getvalue()


def backgrounds() -> dict[str, Path]:
    """The pictures in the folder ``backgrounds`` of the data folder, by name."""
    folder = config.data_dir() / "backgrounds"
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    return {f.stem: f for f in files if f.suffix.lower() in _SUFFIXES and _NAME.fullmatch(f.stem) and f.is_file()}


def _whose(entry: Entry) -> Subject:
    return entry.subject if entry.origin != "demo" else Subject(path=models.path(_DEMO), crop="head")


def _named(portraits: tuple[Path, ...]) -> Iterator[tuple[str, Path]]:
    """Names for pictures: the files' own, numbered where two are the same. Raises InputError for what is no file."""
    taken: set[str] = set()
    for path in portraits:
        if not path.is_file():
            raise InputError(f"There is no picture '{path}'.", hint="Check the name after --portrait.")
        name, number = path.stem, 1
        while name in taken:
            number += 1
            name = f"{path.stem}-{number}"
        taken.add(name)
        yield name, path
