"""``manifest.json``: an avatar's words and numbers, written plainly and read with distrust."""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, Final

from mien.avatar import SCHEMA_VERSION, Consent, Head, Manifest, Source
from mien.errors import InputError, UsageError

MAX_BYTES: Final = 1 << 20
MAX_TEXT: Final = 4096
MAX_DEPTH: Final = 12
MAX_NAME: Final = 64
MAX_NAME_BYTES: Final = 200
_SHA256: Final = re.compile(r"[0-9a-f]{64}|")


class Damaged(InputError):
    """An avatar file that does not hold what its format says."""

    default_code = "avatar.damaged"


def to_json(manifest: Manifest, arrays: Mapping[str, Any], textures: Mapping[str, Any]) -> bytes:
    """The manifest as UTF-8 JSON, with the tables that describe its arrays and textures."""
    content = {"schema_version": manifest.schema_version, **asdict(manifest), "arrays": arrays, "textures": textures}
    return (json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False, default=_plain) + "\n").encode()


def from_json(data: bytes) -> tuple[Manifest, Mapping[str, Any], Mapping[str, Any]]:
    """Read a manifest and its tables of arrays and textures (unchecked beyond being JSON objects).

    Raises InputError when anything is not as the format says.
    """
    content = _parse(data)
    _check_version(content.get("schema_version"))
    manifest = Manifest(
        name=_name(content),
        source=_source(read_object(content, "source")),
        head=_head(read_object(content, "head")),
        readiness=read_object(content, "readiness"),
        extra=read_object(content, "extra"),
        limits=_words(read_object(content, "limits")),
        licence=read_text(content, "licence"),
        consent=_consent(read_object(content, "consent")),
        generator=read_text(content, "generator"),
    )
    return manifest, read_object(content, "arrays"), read_object(content, "textures")


def check_name(name: str) -> str:
    """The name of an avatar, tidied. "" is allowed (no name). Raises UsageError for what cannot be a folder's name."""
    tidy = unicodedata.normalize("NFC", name).strip()
    bad = any(_is_bad(c) for c in tidy)
    if bad or len(tidy) > MAX_NAME or len(tidy.encode()) > MAX_NAME_BYTES or tidy[:1] == "." or tidy[-1:] == ".":
        raise UsageError(
            f"'{_shortened(tidy)}' cannot be the name of an avatar.",
            hint=f"Use up to {MAX_NAME} letters, digits, spaces, '-' and '_' (any script), no leading or final dot.",
            code="avatar.name",
        )
    return tidy


def name_of(text: str) -> str:
    """A name for an avatar made of any text, such as a file's name; "" when nothing is left of it."""
    tidy = "".join("-" if _is_bad(c) else c for c in unicodedata.normalize("NFC", text))[:MAX_NAME]
    return re.sub(r"^[\s.]+|[\s.]+$", "", tidy.encode()[:MAX_NAME_BYTES].decode(errors="ignore"))


def _is_bad(char: str) -> bool:
    return char in '/\\:*?"<>|' or unicodedata.category(char).startswith("C")


def _shortened(text: str) -> str:
    clean = "".join(c if c.isprintable() else "�" for c in text)
    return clean if len(clean) <= 40 else clean[:37] + "…"


def _parse(data: bytes) -> dict[str, Any]:
    if len(data) > MAX_BYTES:
        raise Damaged("The avatar's manifest is over 1 MB.")

    def no_constant(word: str) -> float:
        raise ValueError(word)

    try:
        content = json.loads(data.decode("utf-8"), parse_constant=no_constant)
    except (ValueError, RecursionError):
        raise Damaged("The avatar's manifest is not valid JSON.", hint="Create or export the avatar again.") from None
    if not isinstance(content, dict):
        raise Damaged("The avatar's manifest is not a JSON object.")
    _check_plain(content, MAX_DEPTH)
    return content


def _check_plain(value: Any, depth: int) -> None:
    """Bounded text, finite numbers of bounded size, bounded depth."""
    if depth == 0:
        raise Damaged("The avatar's manifest is nested too deeply.")
    if isinstance(value, dict):
        for key, item in value.items():
            _check_plain(key, depth)
            _check_plain(item, depth - 1)
    elif isinstance(value, list):
        for item in value:
            _check_plain(item, depth - 1)
    elif isinstance(value, str):
        if len(value) > MAX_TEXT or any("\ud800" <= c <= "\udfff" for c in value):
            raise Damaged("The avatar's manifest holds a text that is too long or not Unicode.")
    elif isinstance(value, int | float) and not (math.isfinite(value) and abs(value) < 1e15):
        raise Damaged("The avatar's manifest holds a number that is out of range.")


def _check_version(version: Any) -> None:
    if isinstance(version, bool) or not isinstance(version, int):
        raise Damaged("The avatar does not say which version of the format it has.")
    if version != SCHEMA_VERSION:
        mend = "Update Mien." if version > SCHEMA_VERSION else "Create the avatar again from its portrait."
        raise Damaged(
            f"The avatar has format version {version}; this Mien reads version {SCHEMA_VERSION}.",
            hint=mend,
            code="avatar.version",
        )


def _source(content: dict[str, Any]) -> Source:
    width, height = _whole(content, "width", 1), _whole(content, "height", 1)
    x, y, w, h = read_numbers(content, "box", 4, int)
    if min(x, y) < 0 or min(w, h) < 1 or x + w > width + 1 or y + h > height + 1:
        raise Damaged("The avatar's manifest puts the texture outside its source picture.")
    crop = read_text(content, "crop")
    if crop not in ("none", "head", "bust"):
        raise Damaged(f"The avatar's manifest names an unknown crop '{_shortened(crop)}'.")
    name, face = read_text(content, "filename"), _whole(content, "face", 0)
    return Source(_hash(content, "sha256"), name, width, height, face, crop, (x, y, w, h))


def _head(content: dict[str, Any]) -> Head:
    distance = read_number(content, "eye_distance")
    if not 1 <= distance <= 4096:
        raise Damaged("The avatar's eye distance is out of range.")
    rows = content.get("axes")
    if not isinstance(rows, list) or len(rows) != 3:
        raise Damaged("The avatar's head axes are not three rows of three numbers.")
    axes = tuple(read_numbers({"axes": row}, "axes", 3) for row in rows)
    dots = [sum(a * b for a, b in zip(axes[i], axes[j], strict=True)) for i in range(3) for j in range(i, 3)]
    if any(abs(dot - wanted) > 0.01 for dot, wanted in zip(dots, (1, 0, 0, 1, 0, 1), strict=True)):
        raise Damaged("The avatar's head axes do not stand at right angles.")
    origin = read_numbers(content, "origin", 3)
    if max(abs(v) for v in origin) > 1e5:
        raise Damaged("The avatar's head lies far outside its texture.")
    angles = [read_number(content, key) for key in ("yaw", "pitch", "roll")]
    if max(abs(a) for a in angles) > math.pi:
        raise Damaged("The avatar's head is turned by an impossible angle.")
    return Head(distance, origin, axes, *angles)


def _name(content: Mapping[str, Any]) -> str:
    try:
        return check_name(read_text(content, "name"))
    except UsageError as error:
        raise Damaged(error.message) from None


def _consent(content: dict[str, Any]) -> Consent:
    by, date, scope = (read_text(content, key) for key in ("by", "date", "scope"))
    return Consent(by, date, scope, _hash(content, "document_sha256"))


def read_object(content: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = content.get(key)
    if not isinstance(value, dict):
        raise Damaged(f"The avatar's manifest lacks the object '{key}'.")
    return value


def read_text(content: Mapping[str, Any], key: str) -> str:
    value = content.get(key)
    if not isinstance(value, str):
        raise Damaged(f"The avatar's manifest lacks the text '{key}'.")
    return value


def _hash(content: Mapping[str, Any], key: str) -> str:
    value = read_text(content, key)
    if not _SHA256.fullmatch(value):
        raise Damaged(f"The avatar's manifest has a '{key}' that is not a SHA-256.")
    return value


def _whole(content: Mapping[str, Any], key: str, least: int) -> int:
    value = content.get(key)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= 1 << 20:
        raise Damaged(f"The avatar's manifest lacks a whole number '{key}' in range.")
    return value


def read_number(content: Mapping[str, Any], key: str) -> float:
    value = content.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Damaged(f"The avatar's manifest lacks the number '{key}'.")
    return float(value)


def read_numbers(content: Mapping[str, Any], key: str, count: int, kind: Callable[[Any], Any] = float) -> Any:
    values = content.get(key)
    allowed = int if kind is int else int | float
    if not isinstance(values, list) or len(values) != count:
        raise Damaged(f"The avatar's manifest lacks {count} numbers '{key}'.")
    if any(isinstance(v, bool) or not isinstance(v, allowed) for v in values):
        raise Damaged(f"The avatar's manifest lacks {count} numbers '{key}'.")
    return tuple(kind(v) for v in values)


def _words(content: dict[str, Any]) -> dict[str, str]:
    return {key: read_text(content, key) for key in content}


def _plain(value: Any) -> Any:
    """Numpy numbers and arrays as Python's own."""
    if hasattr(value, "tolist"):
        return value.tolist()
    return str(value)
