"""Motion of a face as files that other programs read. The ending of the name decides the format.

- ``.csv``: the columns of Live Link Face (:mod:`mien.transmit.motion_text`), for Unreal, Unity, Blender and others.
- ``.json``: every bit of the motion (same module). :mod:`mien.transmit.motion_reader` reads both back.
- ``.vmd``: MikuMikuDance (:mod:`mien.transmit.vmd`).
- ``.glb``: a head with the 52 shapes and the motion as its animation (:mod:`mien.transmit.glb`).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Protocol, Self

from mien.errors import UsageError
from mien.transmit.atomic import Staging, output_error
from mien.transmit.motion_rate import Resampler
from mien.types import FaceClip

ENDINGS: Final = (".csv", ".json", ".vmd", ".glb")
"""Endings of the motion files that are written."""
VMD_RATE: Final = Fraction(30)
"""What a VMD file counts in, frames a second."""


class MotionFormat(Protocol):
    """Turns clips of one rate, which follow on from each other, into the bytes of a file."""

    def add(self, clip: FaceClip) -> bytes:
        """Take rows; returns what can be written already."""
        ...

    def end(self) -> Iterator[bytes]:
        """No more rows; the rest of the file."""
        ...


class MotionWriter:
    """Writes clips as they come; the file appears under its name when it is complete, or not at all.

    target: its ending, one of :data:`ENDINGS`, decides the format. fps: rows a second in the file, None = as the clips
    come (VMD: 30, always). CSV and JSON are written as they come; VMD and GLB are kept until the end, 150 MB for three
    hours. Raises UsageError for another ending and for VMD at another rate, OutputError for a place that cannot be
    written. Use as a context manager, or end with exactly one of close and abort.
    """

    def __init__(self, target: Path, fps: Fraction | None = None) -> None:
        suffix = suffix_of(target)
        self._rate = check_rate(target, fps)
        self._format = _open(suffix)
        self._resampler: Resampler | None = None
        self._given: Fraction | None = None
        self._staging = Staging(target)
        try:
            self._file: BinaryIO = self._staging.path.open("wb")
        except OSError as error:
            self._staging.abort()
            raise output_error(error, target) from error

    def write(self, clip: FaceClip) -> None:
        """Add the rows of a clip, which follow on from the last one. Raises OutputError, and nothing is left then."""
        if not len(clip):
            return
        if self._given is not None and clip.rate != self._given:
            raise UsageError("The rate of the motion changed within one file.", hint="Write clips of one rate.")
        self._given = clip.rate
        if self._resampler is None:
            self._resampler = Resampler(self._rate or clip.rate)
        self._put(self._format.add(self._resampler.push(clip)))

    def close(self) -> None:
        """Finish the file and give it its name. Raises OutputError, and nothing is left then."""
        if self._resampler is not None:
            self._put(self._format.add(self._resampler.close()))
        for piece in self._format.end():
            self._put(piece)
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
            try:
                self.close()
            finally:
                self.abort()  # does nothing after a commit
        else:
            self.abort()

    def _put(self, data: bytes) -> None:
        try:
            self._file.write(data)
        except OSError as error:
            self.abort()
            raise output_error(error, self._staging.target) from error


def suffix_of(target: Path) -> str:
    """The ending in lower case. Raises UsageError where it is none of :data:`ENDINGS`."""
    suffix = target.suffix.lower()
    if suffix not in ENDINGS:
        raise UsageError(f"'{target.name}' does not end in .csv, .json, .vmd or .glb.", hint="Name the motion file so.")
    return suffix


def check_rate(target: Path, fps: Fraction | None) -> Fraction | None:
    """The rate of a file, None = the clips' own. Raises UsageError for what the format does not hold."""
    if suffix_of(target) != ".vmd":
        return fps
    if fps not in (None, VMD_RATE):
        raise UsageError("VMD files always have 30 frames a second.", hint="Leave --fps out for .vmd.")
    return VMD_RATE


def _open(suffix: str) -> MotionFormat:
    if suffix == ".vmd":
        from mien.transmit.vmd import VmdMotion

        return VmdMotion()
    if suffix == ".glb":
        from mien.transmit.glb import GlbMotion

        return GlbMotion()
    from mien.transmit.motion_text import CsvMotion, JsonMotion

    return JsonMotion() if suffix == ".json" else CsvMotion()
