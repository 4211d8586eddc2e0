"""A new project from a template: a folder with the project file and everything it names."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

from mien.errors import InputError, OutputError, UsageError

TEMPLATES: Final = ("short", "dialogue", "slides", "talk")
LANGUAGES: Final = ("zh", "en")
_PORTRAITS: Final = ("portrait.png", "second.png")
_GUEST: Final = "guest.webp"
"""A drawing of nobody: the second person where there is one portrait."""
_FOLDER: Final = files("mien.apps.studio") / "templates"


@dataclass(frozen=True, slots=True)
class Created:
    """What was made. project: its file. files: all of them."""

    project: Path
    files: tuple[Path, ...]


def new(folder: Path, template: str = "short", language: str = "auto", portraits: Sequence[Path] = ()) -> Created:
    """Make a project in a new folder of that name. language: zh, en, or auto = the system's.

    portraits: of the people, in order; without any the portrait that Mien has (`mien models path astronaut`), and
    without a second one a drawing. Raises UsageError, InputError, OutputError, and what fetching a model raises.
    """
    return begin(folder, template_text(template, language), portraits)


def begin(folder: Path, text: str, portraits: Sequence[Path] = ()) -> Created:
    """A project with this text in a new folder, with the portraits and the templates' files that it names. Raises as
    :func:`new` does.
    """
    check_name(folder)
    pictures = _pictures(portraits, text)
    for placeholder, source in pictures.items():
        text = text.replace(placeholder, _stored(placeholder, source, pictures))
    try:
        _write(folder, text, pictures)
    except OSError as error:
        raise OutputError(f"The project '{folder}' cannot be made: {error.strerror or error}.") from None
    project = folder / f"{folder.name}.yaml"
    return Created(project, (project, *sorted(path for path in folder.iterdir() if path != project)))


def template_text(template: str, language: str = "auto") -> str:
    """A template as it is written. Raises UsageError."""
    if template not in TEMPLATES:
        raise UsageError(f"There is no template '{template}'.", hint=f"Templates: {', '.join(TEMPLATES)}.")
    code = system_language() if language == "auto" else language
    if code not in LANGUAGES:
        raise UsageError(f"There is no template in '{language}'.", hint="Write --language zh or --language en.")
    return _resource(f"{template}.{code}.yaml").decode("utf-8")


def system_language() -> str:
    """zh where the system speaks Chinese, else en."""
    named = next((value for key in ("LC_ALL", "LC_MESSAGES", "LANG") if (value := os.environ.get(key))), "")
    return "zh" if named.lower().startswith("zh") else "en"


def _resource(name: str) -> bytes:
    return (_FOLDER / name).read_bytes()


def _named(text: str) -> list[str]:
    """The templates' own pictures, sounds and slides that a project names."""
    words = set(re.findall(r"[\w-]+\.\w+", text))
    return sorted(one.name for one in _FOLDER.iterdir() if one.name in words)


def check_name(folder: Path) -> None:
    """Raises UsageError or OutputError for what cannot become a project's folder."""
    if not re.fullmatch(r"[^\x00-\x1f\x7f/\\:*?\"<>|]{1,100}", folder.name) or folder.name in (".", ".."):
        raise UsageError(f"'{folder}' is no name of a project.", hint="Use letters and digits, such as my-short.")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise OutputError(f"'{folder}' is there already.", hint="Choose another name.")


def _pictures(portraits: Sequence[Path], text: str) -> dict[str, Traversable]:
    """The name of a picture in the template → the picture."""
    from mien import models

    wanted = [name for name in _PORTRAITS if name in text]
    if len(portraits) > len(wanted):
        raise UsageError(f"This template has {len(wanted)} people.", hint=f"Give --portrait {len(wanted)} times.")
    check_portraits(portraits)
    given: list[Traversable] = [*portraits] or [models.path("astronaut")]
    return dict(zip(wanted, [*given, _FOLDER / _GUEST], strict=False))


def check_portraits(portraits: Sequence[Path]) -> None:
    """Raises InputError for what is no picture."""
    from mien.apps.studio.assets import examine

    for path in portraits:
        if not path.is_file():
            raise InputError(f"There is no portrait '{path}'.", hint="Give a JPEG, PNG, WebP or AVIF file.")
        if wrong := examine(path, "picture").wrong:
            raise InputError(f"The portrait '{path}' cannot be used: {wrong}")


def _stored(placeholder: str, source: Traversable, pictures: dict[str, Traversable]) -> str:
    """The name that a picture gets in the project: the first one's where both are the same."""
    first = next(name for name, path in pictures.items() if path == source)
    return Path(first).stem + Path(source.name).suffix.lower()


def _write(folder: Path, text: str, pictures: dict[str, Traversable]) -> None:
    """The folder appears when it is whole."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".new-", dir=folder.parent) as made:
        inner = Path(made) / "project"
        inner.mkdir()
        (inner / f"{folder.name}.yaml").write_text(text, encoding="utf-8", newline="\n")
        for placeholder, source in pictures.items():
            (inner / _stored(placeholder, source, pictures)).write_bytes(source.read_bytes())
        for name in _named(text):
            (inner / name).write_bytes(_resource(name))
        if folder.exists():
            folder.rmdir()
        inner.rename(folder)
