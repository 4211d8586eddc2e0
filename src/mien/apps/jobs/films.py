"""Jobs of the kind "make": one row, one film, with the options of ``mien make``."""

from __future__ import annotations

import inspect
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from mien import api, config
from mien.apps.jobs.work import Made, Observe, Tell, Work, check_target
from mien.avatar import Avatar
from mien.casting import with_options
from mien.errors import InputError, UsageError

_FILES: Final = ("portrait", "text_file", "audio", "transcript", "lexicon", "lip_model", "calibration")
_RESULTS: Final = ("output", "motion", "trace")
_OWN: Final = ("avatar", "text_file", "captions", *_RESULTS)
_NO_COLUMNS: Final = ("settings", "tell")
_NAMED_IN_SETTINGS: Final = (
    ("speak", "lexicon"), ("face", "lip_model"), ("face", "calibration"), ("voices", "reference"),
    ("film", "background"), ("trust", "key_file"),
)  # fmt: skip
"""Settings that may name a file: what it holds is part of the job."""
_APART: Final = ("origin", "hear", "think", "serve", "offline")
"""Settings that no film depends on."""
_MOST_TEXT: Final = 4_000_000


@lru_cache(maxsize=1)
def columns() -> tuple[str, ...]:
    """What a row may hold besides ``id``, ``priority`` and ``review``: the options of ``mien make``."""
    return (*(name for name in inspect.signature(api.make).parameters if name not in _NO_COLUMNS), *_OWN)


def plan(values: Mapping[str, Any], base: Path) -> Work:
    """See :class:`~mien.apps.jobs.work.Kind`. What ``mien make`` would refuse is refused."""
    unknown = sorted(set(values) - set(columns()))
    if unknown:
        raise UsageError(f"There is no column '{unknown[0]}'.", hint="A row may hold the options of mien make.")
    given = {name: _placed(base, name, value) for name, value in values.items()}
    if "output" not in given:
        raise UsageError("Where should the film go?", hint="Give the row an output, such as out/anna.mp4.")
    who, words = _who(given), _words(given)
    options = {name: value for name, value in given.items() if name not in (*_OWN, "portrait", "text", "audio")}
    if "face" in options:
        options["face"] = _whole(options["face"])
    film = api.make(_subject(who), **{name: _loaded(value) for name, value in words.items()}, **options)
    kind = given["output"].suffix.lower()
    trial = Path(tempfile.gettempdir())
    extras: dict[str, Path] = {name: given[name] for name in ("motion", "trace") if name in given}
    planned = film.check(
        _trial(trial, "film", given["output"]), captions=_text(given.get("captions")),
        **{name: _trial(trial, name, file) for name, file in extras.items()},
    )  # fmt: skip
    beside = {role: given["output"].with_suffix(f".{role}") for role in planned if role not in ("film", *extras)}
    targets: dict[str, Path] = {"film": given["output"], **beside, **extras}
    for target in targets.values():
        check_target(target, film.sources)
    arguments = {
        **who, **words, "face": options.get("face", 0), "kind": kind, "captions": _text(given.get("captions")),
        "extras": {name: path.suffix.lower() for name, path in extras.items()},
        "settings": written(with_options(config.load(), options)),
    }  # fmt: skip
    arguments |= {name: _file(given[name]) for name in ("transcript", "lexicon") if name in given}
    return Work("make", arguments, targets)


def perform(arguments: Mapping[str, Any], folder: Path, tell: Tell, observe: Observe) -> Made:
    """See :class:`~mien.apps.jobs.work.Kind`."""
    words = {name: _loaded(arguments[name]) for name in ("text", "audio", "transcript", "lexicon") if name in arguments}
    film = api.make(
        _subject(arguments), **words, face=arguments["face"], settings=read_settings(arguments["settings"], folder),
        tell=tell,
    )  # fmt: skip
    extras = {name: folder / f"{name}{suffix}" for name, suffix in arguments["extras"].items()}
    out = folder / f"film{arguments['kind']}"
    files = film.check(out, captions=arguments["captions"], **extras)
    done = film.save(
        out, captions=arguments["captions"], observe=lambda done: observe(done.frames, done.total), **extras
    )
    told = {
        "duration": round(done.duration, 3), "frames": done.frames, "fps": str(done.fps), "width": done.width,
        "height": done.height, "wall": round(done.timings.wall, 3),
    }  # fmt: skip
    return Made(files, told)


def _placed(base: Path, name: str, value: Any) -> Any:
    """Files are named from where the batch lies."""
    text = str(value)
    if name in (*_FILES, *_RESULTS) and (not text.strip() or "\0" in text):
        raise UsageError(f"The {name} has no name.")
    if name == "audio" and (text == "-" or text.startswith("pcm:")):
        raise UsageError("A job cannot hear standard input.", hint="Give a sound or video file as audio.")
    if name in _RESULTS and ("%" in text or text.endswith(("/", "\\")) or not Path(text).suffix):
        raise UsageError(
            f"'{text}' is not the name of one file.", hint="A job makes one .mp4, .mov, .webm, .gif or .webp."
        )
    if name in _FILES or name in _RESULTS:
        return base / Path(text).expanduser()
    if name == "background" and _is_file(base / text):
        return str(base / text)
    return text if name in ("text", "avatar", "voice", "language") else value


def _who(given: dict[str, Any]) -> dict[str, Any]:
    """The picture, made absolute, or the folder of a kept avatar."""
    from mien.portrait.store import library

    if ("portrait" in given) == ("avatar" in given):
        both = "portrait" in given
        raise UsageError(
            "Both a portrait and an avatar are given." if both else "Who should speak?",
            hint="Give the row a portrait (a picture) or an avatar (a name).",
        )
    if "avatar" in given:
        if "crop" in given or "face" in given:
            raise UsageError("Crop and face go with a portrait; an avatar has them settled.", hint="Leave them out.")
        if not library.has(given["avatar"]):
            library.get(given["avatar"])  # says which there are
        return {"avatar": _file(library.folder() / given["avatar"])}
    if not _is_file(given["portrait"]):
        raise InputError(f"There is no portrait '{given['portrait']}'.", hint="Give a JPEG, PNG, WebP or AVIF file.")
    return {"portrait": _file(given["portrait"])}


def _words(given: Mapping[str, Any]) -> dict[str, Any]:
    """What is said: a text, or a recording."""
    named = [name for name in ("text", "text_file", "audio") if name in given]
    if len(named) != 1:
        question = f"Both {named[0]} and {named[1]} are given." if named else "What should be said?"
        raise UsageError(question, hint="Give the row one of text, text_file and audio.")
    if named == ["audio"]:
        return {"audio": _file(given["audio"])}
    text = given["text"] if named == ["text"] else _read_text(given["text_file"])
    if not text.strip():
        raise InputError("The text is empty.", hint="Give at least one word.", code="input.nothing_to_say")
    return {"text": text}


def _read_text(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            data = stream.read(_MOST_TEXT + 1)
    except OSError as error:
        raise InputError(f"The text file '{file}' cannot be read: {error.strerror or error}.") from None
    if len(data) > _MOST_TEXT:
        raise InputError(f"The file {file.name} is over 4 MB.", hint="Split it into several films.")
    try:
        return data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"The file {file.name} is not UTF-8 text.", hint="Save it as UTF-8.") from None


def _subject(who: Mapping[str, Any]) -> Any:
    """The picture, or the avatar, loaded."""
    if "portrait" in who:
        return Path(who["portrait"]["file"])
    folder = Path(who["avatar"]["file"])
    return _avatar(folder, max((path.stat().st_mtime_ns for path in folder.iterdir()), default=0))


@lru_cache(maxsize=2)
def _avatar(folder: Path, _changed: int) -> Avatar:
    """One avatar speaks in many films, one after the other."""
    from mien.portrait.store import bundle

    return bundle.load(folder)


def written(settings: config.Settings) -> dict[str, Any]:
    """Settings as plain JSON, the files they name marked; where they came from does not matter."""
    plain = asdict(replace(settings, origin=None))
    for section, name in _NAMED_IN_SETTINGS:
        if plain[section][name] and _is_file(Path(plain[section][name])):
            plain[section][name] = _file(Path(plain[section][name]).absolute())
    return {section: plain[section] for section in plain if section not in _APART}


def read_settings(plain: Mapping[str, Any], folder: Path) -> config.Settings:
    """As they were when the batch was planned. A calibration is read and not written: films do not hang together."""
    base = config.Settings()
    parts = {}
    for section in (f.name for f in fields(base) if f.name in plain):
        values = {name: _loaded(value) for name, value in plain[section].items()}
        if section == "face" and values["calibration"]:
            values["calibration"] = shutil.copy(values["calibration"], folder / "calibration")
        parts[section] = type(getattr(base, section))(
            **{k: str(v) if isinstance(v, Path) else v for k, v in values.items()}
        )
    # Consent was looked at when the row was planned; its records stay on that machine.
    parts["trust"] = replace(parts["trust"], strict=False)
    return replace(base, **parts, offline=config.load().offline)


def _file(path: Path) -> dict[str, str]:
    return {"file": str(path)}


def _loaded(value: Any) -> Any:
    return Path(value["file"]) if isinstance(value, Mapping) else value


def _trial(folder: Path, name: str, target: Path) -> Path:
    return folder / f"{name}{target.suffix}"


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _whole(value: Any) -> int:
    if not str(value).isdecimal():
        raise UsageError(f"face must be a whole number from 0, not '{value}'.")
    return int(str(value))


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False
