"""Where the files of a project are: relative to it, and inside its folder unless that is allowed."""

from __future__ import annotations

import os
import re
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from mien.apps.studio.source import Node
from mien.apps.studio.values import shown

if TYPE_CHECKING:
    from mien.apps.studio.kinds import Reader

_REMOTE = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]+:")


def find(text: str, node: Node, reader: Reader) -> Path:
    """The absolute path of a file that a project names. Raises Bad."""
    from mien.apps.studio.kinds import Bad

    if "\0" in text or len(text) > 1000 or "\n" in text.strip():
        raise Bad(node, "this is no name of a file; write one such as picture.jpg.")
    if _REMOTE.match(text) and not re.match(r"[A-Za-z]:[\\/]", text):
        raise Bad(node, f"{shown(text)} is an address; fetch the file and name it here.")
    given = Path(text).expanduser() if reader.outside else Path(text)
    windows = bool(re.match(r"[A-Za-z]:|[\\/]", text))
    if not reader.outside and (given.is_absolute() or windows):
        raise Bad(node, f"{shown(text)} is an absolute path; put the file beside the project and name it from there.")
    path = Path(os.path.normpath(reader.folder / given))
    if not reader.outside:
        _confine(path, text, node, reader)
    if reader.exist:
        _require(path, text, node)
    return path


def _confine(path: Path, text: str, node: Node, reader: Reader) -> None:
    """Neither the name nor a link may lead out of the folder."""
    from mien.apps.studio.kinds import Bad

    if not path.is_relative_to(os.path.normpath(reader.folder)):
        raise Bad(node, f"{shown(text)} leaves the project's folder; put the file into it.")
    if not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(reader.folder)):
        raise Bad(node, f"{shown(text)} is a link out of the project's folder; put the file itself there.")


def _require(path: Path, text: str, node: Node) -> None:
    from mien.apps.studio.kinds import Bad

    try:
        if path.is_file():
            return
        if path.is_dir():
            raise Bad(node, f"{shown(text)} is a folder; name a file in it.")
    except OSError as error:
        raise Bad(node, f"{shown(text)} cannot be read ({error.strerror}); check its name and rights.") from None
    except ValueError:
        raise Bad(node, "this is no name of a file; write one such as picture.jpg.") from None
    if os.path.lexists(path):
        raise Bad(node, f"{shown(text)} is no file but a pipe, a device or a broken link; put a file there.")
    near = _near(path)
    right = f"there is {shown(near)}" if near else "put it beside the project or correct the name"
    raise Bad(node, f"there is no file {shown(text)}; {right}.")


def _near(path: Path) -> str:
    try:
        names = [entry.name for _, entry in zip(range(2000), path.parent.iterdir(), strict=False)]
    except OSError:
        return ""
    return next(iter(get_close_matches(path.name, names, n=1, cutoff=0.6)), "")
