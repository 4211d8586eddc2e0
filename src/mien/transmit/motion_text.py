"""Motion of a face as text: Live Link Face's CSV, and JSON.

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

import json
import math
from collections.abc import Iterator
from fractions import Fraction
from typing import Final

import numpy as np

from mien.timeline import TICKS_PER_SECOND
from mien.transmit.motion_rate import gaze
from mien.types import ARKIT_SHAPES, CLIP_RATE, FaceClip

SCHEMA_VERSION: Final = 1
HEAD: Final = ("yaw", "pitch", "roll", "x", "y", "z")
"""Names of the head's six numbers in the JSON."""

HEAD_COLUMNS: Final = ("HeadYaw", "HeadPitch", "HeadRoll")
EYE_COLUMNS: Final = ("LeftEyeYaw", "LeftEyePitch", "LeftEyeRoll", "RightEyeYaw", "RightEyePitch", "RightEyeRoll")
SHAPE_COLUMNS: Final = tuple(name[0].upper() + name[1:] for name in ARKIT_SHAPES)
COLUMNS: Final = ("Timecode", "BlendShapeCount", *SHAPE_COLUMNS, *HEAD_COLUMNS, *EYE_COLUMNS)
"""The CSV's columns."""


class CsvMotion:
    """Rows of CSV as they come; keeps nothing."""

    def __init__(self) -> None:
        self._rows, self._start, self._rate = 0, 0, CLIP_RATE

    def add(self, clip: FaceClip) -> bytes:
        """The lines of a clip that follows on from the last one."""
        lines = []
        if not self._rows:
            self._start, self._rate = clip.start, clip.rate
            lines.append(",".join(COLUMNS) + "\r\n")
        eyes = np.zeros((len(clip), 2, 3))
        eyes[:, :, :2] = gaze(clip.shapes)  # roll stays 0
        table = np.concatenate([clip.shapes, clip.head[:, :3], eyes.reshape(-1, 6)], axis=1)
        for row in table.tolist():
            time = timecode(self._start, self._rows, self._rate)
            lines.append(f"{time},{len(COLUMNS) - 2}," + ",".join([f"{v:.8f}" for v in row]) + "\r\n")
            self._rows += 1
        return "".join(lines).encode("ascii")

    def end(self) -> Iterator[bytes]:
        """What is missing: the columns' names where there was no row."""
        if not self._rows:
            yield (",".join(COLUMNS) + "\r\n").encode("ascii")


class JsonMotion:
    """Rows of JSON as they come; keeps nothing."""

    def __init__(self) -> None:
        self._rows, self._start, self._rate = 0, 0, CLIP_RATE

    def add(self, clip: FaceClip) -> bytes:
        """The lines of a clip that follows on from the last one."""
        lines = []
        if not self._rows:
            self._start, self._rate = clip.start, clip.rate
            lines.append(self._head())
        for values in np.concatenate([clip.shapes, clip.head], axis=1).tolist():
            row = ", ".join([f"{v:.9g}" for v in values])
            lines.append(f"{',' if self._rows else ''}\n[{row}]")
            self._rows += 1
        return "".join(lines).encode("ascii")

    def end(self) -> Iterator[bytes]:
        """The end of the object."""
        yield (("" if self._rows else self._head()) + "\n]}\n").encode("ascii")

    def _head(self) -> str:
        fields = {
            "format": "mien.motion",
            "schema_version": SCHEMA_VERSION,
            "rate": f"{self._rate.numerator}/{self._rate.denominator}",
            "start": self._start,
            "shapes": ARKIT_SHAPES,
            "head": HEAD,
        }
        return json.dumps(fields)[:-1] + ', "frames": ['


def timecode(start: int, row: int, rate: Fraction) -> str:
    """Timecode of a row of a clip that starts at a tick: hours:minutes:seconds:frames.thousandths, frames at ``rate``.

    At a rate that is no whole number frames are counted as at the next whole one, as non-drop timecode does.
    """
    tick = TICKS_PER_SECOND * rate.denominator  # in whole numbers: it is asked for every row
    thousandths = (2000 * (start * rate.numerator + row * tick) + tick) // (2 * tick)
    frames, rest = divmod(thousandths, 1000)
    seconds, frame = divmod(frames, math.ceil(rate))
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}:{frame:02d}.{rest:03d}"
