"""Reads the motion files that :mod:`mien.transmit.motion_text` describes; CSV also as the app itself writes it."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError, UsageError
from mien.timeline import TICKS_PER_SECOND
from mien.transmit.motion_text import HEAD, HEAD_COLUMNS, SCHEMA_VERSION, SHAPE_COLUMNS
from mien.types import ARKIT_SHAPES, CLIP_RATE, FaceClip

READ: Final = (".csv", ".json")
"""Endings of the motion files that are read."""
LARGEST: Final = 1 << 28
"""Bytes of a file that is read at most: some two hours."""

_TIMECODE: Final = re.compile(r"(\d{1,3}):(\d{1,2}):(\d{1,2}):(\d{1,3})(?:\.(\d{1,6}))?", re.ASCII)
_SLOWEST, _FASTEST = 1, 1000
_LATEST: Final = 1 << 41
"""Ticks before which start and end lie, a year and a half: what every format can count to."""
_HINT: Final = "Use a motion file that Mien or Live Link Face wrote."


def read_motion(path: Path) -> FaceClip:
    """Read a motion file, ``.csv`` or ``.json``.

    Shapes outside 0…1 are cut. A CSV row without values (the app writes them while it sees no face) repeats the row
    before it; a CSV's rate is the highest frame of its timecodes plus one, or 50 when it is shorter than a second; it
    has no translation. Raises InputError for a file that cannot be read or is damaged, UsageError for another ending.
    """
    suffix = path.suffix.lower()
    if suffix not in READ:
        raise UsageError(f"'{path.name}' does not end in .csv or .json.", hint="Other motion files are only written.")
    read = _read_json if suffix == ".json" else _read_csv
    try:
        if path.stat().st_size > LARGEST:
            raise _Damaged(f"it is larger than {LARGEST >> 20} MB")
        return read(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InputError(f"{path.name} cannot be read: {error.strerror or error}.", hint="Check the path.") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path.name} is not a motion file: it is not text.", hint=_HINT) from error
    except _Damaged as error:
        raise InputError(f"{path.name} is not a motion file: {error}.", hint=_HINT) from error


class _Damaged(Exception):
    """Why a file is refused; becomes an InputError with the file's name."""


def _read_json(text: str) -> FaceClip:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _Damaged("it is not JSON") from error
    if not isinstance(data, dict) or data.get("format") != "mien.motion":
        raise _Damaged("its format is not mien.motion")
    if data.get("schema_version") != SCHEMA_VERSION:
        raise _Damaged(f"its schema_version is not {SCHEMA_VERSION}")
    if data.get("shapes") != list(ARKIT_SHAPES) or data.get("head") != list(HEAD):
        raise _Damaged("its columns have other names")
    start, frames = data.get("start"), data.get("frames")
    if type(start) is not int or not 0 <= start < _LATEST:
        raise _Damaged("its start is not a tick")
    if not isinstance(frames, list):
        raise _Damaged("it has no list of frames")
    return _clip(start, _table(frames, len(ARKIT_SHAPES) + len(HEAD)), _rate(data.get("rate")))


def _rate(value: Any) -> Fraction:
    match = re.fullmatch(r"(\d{1,9})/(\d{1,9})", value, re.ASCII) if isinstance(value, str) else None
    if not match or int(match[2]) == 0 or not _SLOWEST <= Fraction(int(match[1]), int(match[2])) <= _FASTEST:
        raise _Damaged("its rate is not a rate")
    return Fraction(int(match[1]), int(match[2]))


def _read_csv(text: str) -> FaceClip:
    try:
        lines = [line for line in csv.reader(text.splitlines()) if any(line)]
    except csv.Error as error:
        raise _Damaged(str(error)) from error
    time, wanted = _columns(lines[0] if lines else [])
    moments = [_moment(line[time] if time < len(line) else "") for line in lines[1:]]
    rows: list[list[str]] = []
    for line in lines[1:]:
        values = [line[i] for i in wanted] if max(wanted) < len(line) else []
        rows.append(values if any(values) else rows[-1] if rows else ["0"] * len(wanted))
    several = len({second for second, _ in moments}) > 1
    rate = Fraction(int(max(frame for _, frame in moments)) + 1) if several else CLIP_RATE
    second, frame = moments[0] if moments else (0, Fraction(0))
    table = _table(rows, len(wanted))
    missing = len(ARKIT_SHAPES) + len(HEAD) - len(wanted)
    start = round((second + frame / rate) * TICKS_PER_SECOND)
    return _clip(start, np.pad(table, ((0, 0), (0, missing))), rate)


def _columns(header: list[str]) -> tuple[int, list[int]]:
    """Where the timecode stands, and where the shapes and (if there) the head's angles stand."""
    places = {name.strip().lower(): i for i, name in enumerate(header)}
    need = ["timecode", *(name.lower() for name in SHAPE_COLUMNS)]
    absent = next((name for name in need if name not in places), None)
    if absent:
        raise _Damaged(f"it has no column {absent}")
    head = [places[name.lower()] for name in HEAD_COLUMNS if name.lower() in places]
    return places["timecode"], [places[name] for name in need[1:]] + (head if len(head) == len(HEAD_COLUMNS) else [])


def _moment(text: str) -> tuple[int, Fraction]:
    """A timecode as whole seconds and frames."""
    match = _TIMECODE.fullmatch(text.strip())
    if not match:
        raise _Damaged(f"'{text[:20]}' is not a timecode")
    hours, minutes, seconds, frame = (int(match[i]) for i in range(1, 5))
    part = Fraction(int(match[5]), 10 ** len(match[5])) if match[5] else Fraction(0)
    return hours * 3600 + minutes * 60 + seconds, frame + part


def _table(rows: Sequence[Any], width: int) -> NDArray[np.float32]:
    try:
        table = np.array(rows, dtype=np.float32).reshape(len(rows), -1) if rows else np.zeros((0, width), np.float32)
    except (ValueError, TypeError, OverflowError) as error:
        raise _Damaged("a row has a value too few, or one that is not a number") from error
    if table.shape[1] != width or not np.isfinite(table).all():
        raise _Damaged("a row has a value too few, or one that is not a number")
    return table


def _clip(start: int, table: NDArray[np.float32], rate: Fraction) -> FaceClip:
    if start + len(table) / rate * TICKS_PER_SECOND > _LATEST:
        raise _Damaged("it lasts longer than a year")
    shapes = np.clip(table[:, : len(ARKIT_SHAPES)], 0, 1)
    return FaceClip(start, shapes, np.ascontiguousarray(table[:, len(ARKIT_SHAPES) :]), rate)
