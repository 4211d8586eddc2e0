"""Personas as TOML files: the shipped ones, the user's own in the data folder, or any file.

name = "Mira"                  language = "auto"      # or "en", "zh" …: what is spoken whatever the visitor speaks
manner = "…"                   voice = "edge:…"       # a name from: mien voice list
greeting = "Hello!"            avatar = "anna"        # a name from: mien avatar list
about = "…"                    unknown = "…"

[zh]                           # what differs in a language
name = "小雅"
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import fields
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from mien import config
from mien.dialogue.script import parse
from mien.dialogue.think.base import Persona
from mien.errors import InputError, MissingError

_MAX_BYTES: Final = 64 << 10
_LONGEST: Final = {"name": 60, "manner": 4_000, "greeting": 500, "voice": 200, "avatar": 200, "language": 35}
_LONGEST_OTHER: Final = 500
_KEYS: Final = tuple(f.name for f in fields(Persona) if f.name != "by_language")
_SPOKEN: Final = ("greeting", "about", "unknown")
_LANGUAGE: Final = re.compile(r"[a-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")


def folder() -> Path:
    """Where the user's own are."""
    return config.data_dir() / "personas"


def names() -> list[str]:
    """All that can be named: the user's own and the shipped ones."""
    own = [p.stem for p in folder().glob("*.toml")] if folder().is_dir() else []
    shipped = [p.name.removesuffix(".toml") for p in _shipped().iterdir() if p.name.endswith(".toml")]
    return sorted({*own, *shipped})


def load_persona(named: str | Path) -> Persona:
    """A persona by its name, or by the path of its file; "" is the plain one.

    Raises MissingError naming those there are, InputError naming the file, the key and what is wrong.
    """
    text = str(named)
    if not text:
        return Persona()
    path = Path(text).expanduser()
    if path.suffix.lower() == ".toml" or "/" in text or "\\" in text:
        return _read(path, text)
    own = folder() / f"{text}.toml"
    if text in names():
        return _read(own, str(own)) if own.is_file() else parse_persona(
            _shipped().joinpath(f"{text}.toml").read_text("utf-8"), text)  # fmt: skip
    raise MissingError(
        f"There is no persona '{text[:60]}'.", hint=f"There are {', '.join(names())}; or name a TOML file.",
        code="missing.persona",
    )  # fmt: skip


def parse_persona(text: str, place: str) -> Persona:
    """A persona out of TOML. place: names the file in sentences. Raises InputError."""
    try:
        table = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise _wrong(place, f"it is not valid TOML: {error}") from None
    by_language: dict[str, dict[str, str]] = {}
    for key, value in table.items():
        if isinstance(value, dict):
            if not _LANGUAGE.fullmatch(key):
                raise _wrong(place, f"[{key}] is no language code such as zh")
            by_language[key.split("-")[0]] = _checked(value, f"{place} [{key}]")
    plain = _checked({k: v for k, v in table.items() if not isinstance(v, dict)}, place)
    if not plain.get("name", ""):
        raise _wrong(place, "it has no name")
    return Persona(by_language=by_language, **plain)


def _read(path: Path, place: str) -> Persona:
    try:
        with path.open("rb") as file:
            raw = file.read(_MAX_BYTES + 1)
        if len(raw) > _MAX_BYTES:
            raise _wrong(place, "it has more than 64 KB")
        return parse_persona(raw.decode("utf-8-sig"), place)
    except FileNotFoundError:
        raise MissingError(f"There is no persona at '{place}'.", code="missing.persona") from None
    except OSError as error:
        raise _wrong(place, error.strerror or str(error)) from None
    except UnicodeDecodeError:
        raise _wrong(place, "it is not UTF-8") from None


def _checked(table: dict[str, Any], place: str) -> dict[str, str]:
    for key, value in table.items():
        if key not in _KEYS:
            raise _wrong(place, f"there is no key '{key}'; keys are {', '.join(_KEYS)}")
        if not isinstance(value, str):
            raise _wrong(place, f"{key} must be text")
        if len(value) > _LONGEST.get(key, _LONGEST_OTHER):
            raise _wrong(place, f"{key} has more than {_LONGEST.get(key, _LONGEST_OTHER)} characters")
        if key == "language" and value != "auto" and not _LANGUAGE.fullmatch(value):
            raise _wrong(place, f"language must be auto or a code such as zh, not '{value}'")
        if key in _SPOKEN:
            _check_script(value, key, place)
    return {key: value.strip() for key, value in table.items()}


def _check_script(value: str, key: str, place: str) -> None:
    try:
        parse(value)
    except InputError as error:
        raise _wrong(place, f"{key}: {error.message}") from None


def _wrong(place: str, what: str) -> InputError:
    return InputError(
        f"The persona {place} cannot be used: {what.rstrip('.')}.", hint="See docs/thinking.md.", code="input.persona"
    )


def _shipped() -> Any:
    return files("mien.dialogue.think").joinpath("personas")
