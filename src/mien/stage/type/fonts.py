"""Which font draws which character: Mien's own first, then the user's, then what the system has."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Final

from mien import config
from mien.errors import MissingError
from mien.stage.type.clusters import is_emoji, visible
from mien.stage.type.faces import Face, read_faces

OWN: Final = Path(__file__).with_name("data")
_ENDINGS: Final = frozenset({".ttf", ".otf", ".ttc", ".otc"})
_MOST_FILES: Final = 4000
_BOXES: Final = ("lastresort", "last resort", "adobe blank", "unifont upper")  # these have a box for everything
_REGIONS: Final = {"zh": "sc", "zh-tw": "tc", "zh-hk": "hk", "zh-hant": "tc", "ja": "jp", "ko": "kr"}


class Fonts:
    """The fonts that are here. own: files of Mien. folders: where others are looked for, the user's first."""

    def __init__(self, own: Path, folders: Sequence[Path]) -> None:
        self._own = [face for file in sorted(own.glob("*.?tf")) for face in read_faces(file)]
        self._folders = tuple(folders)
        self._others: list[tuple[int, Face]] | None = None
        self._named: dict[str, list[Face]] = {}
        self._picked: dict[tuple[str, int, str, str], Face | None] = {}

    def pick(self, cluster: str, weight: int, language: str = "", family: str = "") -> Face | None:
        """The face that draws a cluster best, None where none has it.

        family: what the user wants, a family's name or a font file; it is used for what it has. language: BCP 47, picks
        among forms of Chinese characters.
        """
        key = (cluster, weight, language, family)
        if key not in self._picked:
            self._picked[key] = self._find(cluster, weight, language, family)
        return self._picked[key]

    def _find(self, cluster: str, weight: int, language: str, family: str) -> Face | None:
        needed = visible(cluster)
        emoji = is_emoji(cluster)
        for face in self._candidates(weight, language, family, emoji):
            if all(map(face.has, needed)):
                return face
        return None

    def _candidates(self, weight: int, language: str, family: str, emoji: bool) -> Iterator[Face]:
        def fit(face: Face) -> float:
            return _weight_gap(face, weight)

        if family:
            yield from sorted(self._wanted(family), key=fit)
        if emoji:
            yield from (face for _, face in self._system() if face.colour)
        yield from sorted(self._own, key=fit)
        others = [(rank, face) for rank, face in self._system() if not face.colour]
        yield from (face for _, face in sorted(others, key=lambda o: o[0] + _merit(o[1], weight, language)))
        if not emoji:
            yield from (face for _, face in self._system() if face.colour)

    def _wanted(self, family: str) -> list[Face]:
        if family not in self._named:
            path = Path(family)
            if path.suffix.lower() in _ENDINGS:
                found = read_faces(path)
            else:
                everything = [*self._own, *(face for _, face in self._system())]
                found = [face for face in everything if face.family.casefold() == family.casefold()]
            if not found:
                raise MissingError(
                    f"There is no font '{family}'.",
                    hint=f"Give a font file or a family's name; files in {user_folder()} are found, too.",
                    code="missing.font",
                )
            self._named[family] = found
        return self._named[family]

    def _system(self) -> list[tuple[int, Face]]:
        """Rank of the folder, and face."""
        if self._others is None:
            self._others = [
                (100 * rank, face)
                for rank, folder in enumerate(self._folders)
                for file in _files(folder)
                for face in read_faces(file)
                if not face.family.lower().lstrip(".").startswith(_BOXES)
            ]
        return self._others


@cache
def fonts() -> Fonts:
    """Mien's own and this machine's."""
    return Fonts(OWN, (user_folder(), *_system_folders()))


def user_folder() -> Path:
    """Where the user puts fonts for Mien alone."""
    return config.data_dir() / "fonts"


def _system_folders() -> list[Path]:
    home = Path.home()
    if sys.platform == "win32":
        local = Path(os.environ.get("LOCALAPPDATA", home / "AppData/Local"))
        return [Path(os.environ.get("WINDIR", "C:/Windows")) / "Fonts", local / "Microsoft/Windows/Fonts"]
    if sys.platform == "darwin":
        return [Path("/System/Library/Fonts"), Path("/Library/Fonts"), home / "Library/Fonts"]
    data = Path(os.environ.get("XDG_DATA_HOME") or home / ".local/share")
    return [Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), data / "fonts", home / ".fonts"]


def _files(folder: Path) -> list[Path]:
    """Font files in a folder and below it, in order of their names."""
    found = []
    for place, folders, names in os.walk(folder):
        folders.sort()
        found += [Path(place) / name for name in sorted(names) if Path(name).suffix.lower() in _ENDINGS]
        if len(found) > _MOST_FILES:
            break
    return found[:_MOST_FILES]


def _weight_gap(face: Face, weight: int) -> float:
    if face.weights:
        low, high = face.weights
        return max(low - weight, weight - high, 0) / 100
    return abs(face.weight - weight) / 100


def _merit(face: Face, weight: int, language: str) -> float:
    """How ill a fallback face suits beside Mien's own, a sans serif; smaller is better."""
    name = face.family.lower()
    ill = 3 * _weight_gap(face, weight) + (0 if face.plain else 40)
    ill -= 12 if "noto sans" in name else 6 if "sans" in name or name.startswith(("pingfang", "segoe ui")) else 0
    ill += 20 * any(word in name for word in ("mono", "serif", "condensed", "narrow", "looped", "ui "))
    region = _REGIONS.get(language.lower()) or _REGIONS.get(language.lower().partition("-")[0], "sc")
    return ill - (8 if name.endswith((f" {region}", f"cjk{region}")) else 0)
