"""Landmarks of a video, picture by picture, → motion of the face: the whole fit, streaming in constant memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien.face.video.eyes import EyeRange, eye_range, read_eyes
from mien.face.video.head import HeadPlace, head_place, head_rows
from mien.face.video.neutral import rest_face, shut_lips
from mien.face.video.pose import Array, fit_poses
from mien.face.video.resample import Resampler
from mien.face.video.response import EMBEDDED, Response
from mien.face.video.smooth import Smoother
from mien.face.video.solve import Basis, Solver
from mien.timeline import TICKS_PER_SECOND
from mien.types import ARKIT_SHAPES, CLIP_RATE, SHAPE_INDEX, FaceClip, FloatArray

CALIBRATION: Final = 60.0
"""Seconds at the beginning that a person's rest face is read from (all of a shorter video)."""
FEWEST: Final = 12
"""Pictures with a face that a fit needs."""
_MOST_KEPT: Final = 3600
"""Pictures kept for it at most: 60 s at 60 a second, 20 MB."""
_SAMPLE: Final = 900
"""Of those, how many the calibration looks at."""
_BLOCK: Final = 32

_SHAPES: Final = len(ARKIT_SHAPES)
_NOISE: Final = (
    ("eyeBlink", 0.10),
    ("eyeLook", 0.12),
    ("eye", 0.10),
    ("brow", 0.08),
    ("cheek", 0.10),
    ("jawOpen", 0.03),
)
"""How far each coefficient trembles; others 0.05."""
_HEAD_NOISE: Final = (0.012, 0.014, 0.006, 0.015, 0.015, 0.03)
"""The same for the head: radians, eye distances."""
_PAIRS: Final = (
    ("jawLeft", "jawRight"), ("mouthLeft", "mouthRight"), ("mouthSmileLeft", "mouthFrownLeft"),
    ("mouthSmileRight", "mouthFrownRight"), ("browDownLeft", "browOuterUpLeft"), ("browDownRight", "browOuterUpRight"),
    ("eyeLookInLeft", "eyeLookOutLeft"), ("eyeLookInRight", "eyeLookOutRight"), ("eyeLookUpLeft", "eyeLookDownLeft"),
    ("eyeLookUpRight", "eyeLookDownRight"), ("eyeBlinkLeft", "eyeWideLeft"), ("eyeBlinkRight", "eyeWideRight"),
)  # fmt: skip
_LIPS_SHUT: Final = 0.03
"""jawOpen beyond mouthClose below which lips that only tremble stay shut."""


@dataclass(frozen=True)
class Person:
    """What is known of a driver once calibrated."""

    basis: Basis
    eyes: EyeRange
    place: HeadPlace


@dataclass
class Tally:
    """pictures: looked at. seen: with a face. gaps: (begin, end) seconds of stretches without one."""

    pictures: int = 0
    seen: int = 0
    gaps: list[tuple[float, float]] = field(default_factory=list)


class FaceTracker:
    """Push landmarks, read motion. Chunked equals whole to float32's rounding.

    make_basis: rest face (478, 3), in its own frame and eye distances → the person's :class:`Basis`. rate: rows a
    second. response: of the net that the landmarks come from. The first rows come once the calibration is complete. The
    head's angles are absolute (0 = into the camera), its place is relative to where it mostly is; :attr:`person` says
    what is usual.
    """

    def __init__(
        self, make_basis: Callable[[Array], Basis], rate: Fraction = CLIP_RATE, response: Response = EMBEDDED
    ) -> None:
        self._make_basis, self._rate, self._response = make_basis, rate, response
        self.tally = Tally()
        self.person: Person | None = None
        self._waiting: list[tuple[float, FloatArray]] = []
        self._solver: Solver | None = None
        self._smoother = Smoother(np.r_[_shape_noise(), _HEAD_NOISE])
        self._resampler = Resampler(rate, np.r_[np.zeros(_SHAPES), np.full(6, np.nan)])
        self._start: float | None = None
        self._last_seen: float | None = None
        self._rows = 0

    def push(self, time: float, points: NDArray[Any] | None) -> None:
        """The next picture. time: seconds, rising. points: (478, 3) pixels, depth in the same unit; None = no face."""
        self.tally.pictures += 1
        self._start = time if self._start is None else self._start
        if points is None or not np.isfinite(points).all():
            return
        before = self._last_seen if self._last_seen is not None else self._start
        if time - before > 0.25:
            self.tally.gaps.append((before, time))
        self.tally.seen += 1
        self._last_seen = time
        self._waiting.append((time, np.asarray(points, np.float32)))
        enough = time - self._waiting[0][0] >= CALIBRATION or len(self._waiting) >= _MOST_KEPT
        if self.person is None and enough:
            self._calibrate()
        if self.person is not None and len(self._waiting) >= _BLOCK:
            self._solve()

    def close(self, end: float) -> None:
        """No more pictures; the motion goes on to ``end`` seconds. Raises InputError without enough of a face."""
        if self.tally.seen < FEWEST:
            raise InputError(
                "Too little of a face is seen to follow it." if self.tally.seen else "No face is seen.",
                hint="Give a video of half a second or more that shows one face from the front.",
                code="input.no_face",
            )
        if self.person is None:
            self._calibrate()
        self._solve()
        self._smoother.close()
        self._collect()
        if self._last_seen is not None and end - self._last_seen > 0.25:
            self.tally.gaps.append((self._last_seen, end))
        self._resampler.close(end)

    def read(self) -> FaceClip:
        """All motion that is final and was not read yet; rows follow on."""
        rows = self._resampler.read()
        first, self._rows = self._rows, self._rows + len(rows)
        start = first * TICKS_PER_SECOND * self._rate.denominator // self._rate.numerator
        shapes = _tidy(rows[:, :_SHAPES])
        return FaceClip(start, shapes.astype(np.float32), rows[:, _SHAPES:].astype(np.float32), self._rate)

    def _calibrate(self) -> None:
        every = -(-len(self._waiting) // _SAMPLE)
        seen = np.array([points for _, points in self._waiting[::every]])
        basis = self._make_basis(rest_face(seen))
        poses = fit_poses(seen, basis.face)
        local = poses.local(seen)
        self.person = Person(basis, eye_range(local), head_place(poses, self._response.pitch))
        self._solver = Solver(basis, self._response, shut_lips(local))

    def _solve(self) -> None:
        assert self.person is not None and self._solver is not None
        waiting, self._waiting = self._waiting, []
        for first in range(0, len(waiting), _BLOCK):
            block = waiting[first : first + _BLOCK]
            seen = np.array([points for _, points in block], np.float64)
            poses = fit_poses(seen, self.person.basis.face)
            local = poses.local(seen)
            shapes = self._solver.solve(local, poses.rotation)
            eyes, believed = read_eyes(local, self.person.eyes, self.person.basis)
            rows = np.column_stack([shapes + eyes, head_rows(poses, self.person.place)])
            trust = np.where(_GAZE, believed[:, None], 1.0)
            for (time, _), row, weight in zip(block, rows, trust, strict=True):
                self._smoother.push(time, row, weight)
        self._collect()

    def _collect(self) -> None:
        for time, row in self._smoother.read():
            self._resampler.push(time, row)


_GAZE: Final = np.array([name.startswith("eyeLook") for name in ARKIT_SHAPES] + [False] * 6)


def _shape_noise() -> Array:
    return np.array([next((v for p, v in _NOISE if name.startswith(p)), 0.05) for name in ARKIT_SHAPES])


def _tidy(shapes: Array) -> Array:
    """0…1, opposite shapes never both, lips that only tremble shut, mouthClose never above jawOpen."""
    out = np.clip(shapes, 0, 1)
    for a, b in _PAIRS:
        i, j = SHAPE_INDEX[a], SHAPE_INDEX[b]
        both = np.minimum(out[:, i], out[:, j])
        out[:, i] -= both
        out[:, j] -= both
    jaw, close = SHAPE_INDEX["jawOpen"], SHAPE_INDEX["mouthClose"]
    out[:, close] = np.minimum(out[:, close], out[:, jaw])
    parted = out[:, jaw] - out[:, close]
    kept = np.clip((parted - _LIPS_SHUT / 2) / (_LIPS_SHUT / 2), 0, 1) * parted
    out[:, jaw] = out[:, close] + np.where(parted < _LIPS_SHUT, kept, parted)
    return out
