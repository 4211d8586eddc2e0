"""Motion of a face as files that other programs read: Live Link Face's CSV, and JSON.

**CSV**: the columns of Epic's Live Link Face app in its order and spelling: Timecode, BlendShapeCount (61), the 52
shapes with a capital first letter, HeadYaw, HeadPitch, HeadRoll, then yaw, pitch and roll of each eye; angles in
radians. Signs are those of ARKit's face anchor and so :class:`~mien.types.FaceClip`'s own (yaw > 0 to the person's
left, pitch > 0 down, roll > 0 raises the person's left side). Nothing is turned round: a tracker that is set to mirror
the face changes the sign of yaw and roll. Eye angles come from the eyeLook shapes and are relative to the head.
Timecode is hours:minutes:seconds:frames.thousandths of a frame, frames counted at the clip's own rate; time 0 is the
start of the film. There are no columns for the head's translation.

**JSON**: one object: ``format`` "mien.motion", ``schema_version`` 1, ``rate`` as "50/1", ``start`` (tick of 1/48000 s),
``shapes`` (the 52 names), ``head`` (yaw, pitch, roll in radians, x, y, z in eye distances), ``frames``: a list of rows,
each of 58 numbers in that order. It keeps every bit.

:mod:`mien.transmit.motion_reader` reads both.
"""

from __future__ import annotations

import contextlib
import json
import math
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TextIO

from mien.errors import UsageError
from mien.timeline import TICKS_PER_SECOND
from mien.transmit.atomic import Staging, output_error
from mien.types import ARKIT_SHAPES, CLIP_RATE, GAZE_DEGREES, SHAPE_INDEX, FaceClip, FloatArray

SCHEMA_VERSION: Final = 1
HEAD: Final = ("yaw", "pitch", "roll", "x", "y", "z")
"""Names of the head's six numbers in the JSON."""

HEAD_COLUMNS: Final = ("HeadYaw", "HeadPitch", "HeadRoll")
EYE_COLUMNS: Final = ("LeftEyeYaw", "LeftEyePitch", "LeftEyeRoll", "RightEyeYaw", "RightEyePitch", "RightEyeRoll")
SHAPE_COLUMNS: Final = tuple(name[0].upper() + name[1:] for name in ARKIT_SHAPES)
COLUMNS: Final = ("Timecode", "BlendShapeCount", *SHAPE_COLUMNS, *HEAD_COLUMNS, *EYE_COLUMNS)
"""The CSV's columns."""


class MotionWriter:
    """Writes clips as they come; the file appears under its name when it is complete, or not at all.

    target: ends in ``.csv`` or ``.json``, which decides the format. Raises UsageError for another ending, OutputError
    for a place that cannot be written. Use as a context manager, or end with exactly one of close and abort.
    """

    def __init__(self, target: Path) -> None:
        self._json = suffix_of(target) == ".json"
        self._staging = Staging(target)
        self._rows = 0
        self._start, self._rate = 0, CLIP_RATE
        try:
            self._file: TextIO = self._staging.path.open("w", encoding="ascii", newline="")
        except OSError as error:
            self._staging.abort()
            raise output_error(error, target) from error

    def write(self, clip: FaceClip) -> None:
        """Add the rows of a clip, which follow on from the last one. Raises OutputError, and nothing is left then."""
        if not len(clip):
            return
        if self._rows and clip.rate != self._rate:
            raise UsageError("The rate of the motion changed within one file.", hint="Write clips of one rate.")
        lines = []
        if not self._rows:
            self._start, self._rate = clip.start, clip.rate
            lines.append(self._head())
        make = self._json_row if self._json else self._csv_row
        for shapes, head in zip(clip.shapes, clip.head, strict=True):
            lines.append(make(shapes, head))
            self._rows += 1
        self._put("".join(lines))

    def close(self) -> None:
        """Finish the file and give it its name. Raises OutputError, and nothing is left then."""
        if not self._rows:
            self._put(self._head())
        if self._json:
            self._put("\n]}\n")
        try:
            self._file.close()
        except OSError as error:
            self.abort()
            raise output_error(error, self._staging.target) from error
        self._staging.commit()

    def abort(self) -> None:
        """Throw the file away. Idempotent, never raises."""
        with contextlib.suppress(OSError):
            self._file.close()
        self._staging.abort()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.abort()

    def _put(self, text: str) -> None:
        try:
            self._file.write(text)
        except OSError as error:
            self.abort()
            raise output_error(error, self._staging.target) from error

    def _head(self) -> str:
        if not self._json:
            return ",".join(COLUMNS) + "\r\n"
        fields = {
            "format": "mien.motion",
            "schema_version": SCHEMA_VERSION,
            "rate": f"{self._rate.numerator}/{self._rate.denominator}",
            "start": self._start,
            "shapes": ARKIT_SHAPES,
            "head": HEAD,
        }
        return json.dumps(fields)[:-1] + ', "frames": ['

    def _json_row(self, shapes: FloatArray, head: FloatArray) -> str:
        row = ", ".join(f"{v:.9g}" for v in (*shapes.tolist(), *head.tolist()))
        return f"{',' if self._rows else ''}\n[{row}]"

    def _csv_row(self, shapes: FloatArray, head: FloatArray) -> str:
        values = (*shapes.tolist(), *head[:3].tolist(), *eye_angles(shapes))
        time = timecode(self._start, self._rows, self._rate)
        return f"{time},{len(COLUMNS) - 2}," + ",".join(f"{v:.8f}" for v in values) + "\r\n"


def suffix_of(target: Path) -> str:
    """``.csv`` or ``.json``. Raises UsageError for any other ending."""
    suffix = target.suffix.lower()
    if suffix not in (".csv", ".json"):
        raise UsageError(f"'{target.name}' does not end in .csv or .json.", hint="Name the motion file so.")
    return suffix


def timecode(start: int, row: int, rate: Fraction) -> str:
    """Timecode of a row of a clip that starts at a tick: hours:minutes:seconds:frames.thousandths, frames at ``rate``.

    At a rate that is no whole number frames are counted as at the next whole one, as non-drop timecode does.
    """
    thousandths = round((start * rate / TICKS_PER_SECOND + row) * 1000)
    frames, rest = divmod(thousandths, 1000)
    seconds, frame = divmod(frames, math.ceil(rate))
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}:{frame:02d}.{rest:03d}"


def eye_angles(shapes: FloatArray) -> tuple[float, float, float, float, float, float]:
    """Yaw, pitch, roll of the left and of the right eye against the head, radians, from one row of shapes (52,)."""
    angles = []
    for side, outward in (("Left", 1), ("Right", -1)):
        look = {d: float(shapes[SHAPE_INDEX[f"eyeLook{d}{side}"]]) for d in ("In", "Out", "Up", "Down")}
        yaw = outward * (look["Out"] - look["In"]) * GAZE_DEGREES["side"]
        pitch = look["Down"] * GAZE_DEGREES["down"] - look["Up"] * GAZE_DEGREES["up"]
        angles += [math.radians(yaw), math.radians(pitch), 0.0]
    return (angles[0], angles[1], angles[2], angles[3], angles[4], angles[5])
