"""Motion followed from films of faces, against what ``face_landmarker.task`` sees in the same pictures.

Its blendshapes are another net's opinion, not the truth: their scale differs from ours, so they are compared by
correlation; blinks are compared as events, the head's angles in degrees about each film's median.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien.lab.evaluate.mimic_reference import Landmarker, Reference, refer
from mien.tracking import Tracked, track_video
from mien.types import SHAPE_INDEX, FaceClip, FloatArray

Array = NDArray[np.float64]

COMPARED: Final = {
    "jawOpen": ("jawOpen",),
    "smile": ("mouthSmileLeft", "mouthSmileRight"),
    "pucker": ("mouthPucker",),
    "upperUp": ("mouthUpperUpLeft", "mouthUpperUpRight"),
    "mouthLeft": ("mouthLeft",),
    "browInnerUp": ("browInnerUp",),
    "blink": ("eyeBlinkLeft", "eyeBlinkRight"),
    "look side": ("eyeLookOutLeft", "eyeLookInRight", "-eyeLookInLeft", "-eyeLookOutRight"),
    "look up": ("eyeLookUpLeft", "eyeLookUpRight", "-eyeLookDownLeft", "-eyeLookDownRight"),
}
"""What is correlated: sums of shapes, those with a minus taken off."""
BLINK_OVER: Final = 0.5
BLINK_UNDER: Final = 0.3
"""A blink begins over the first and ends under the second."""
APART: Final = 0.15
"""Seconds by which the same blink may be missed."""
STILL: Final = 1 / 3
"""Share of the pictures, those in which the reference's points move least, that trembling is measured in."""
_MOVES: Final = 0.05
"""Standard deviation from which a reference's shape is used enough to be compared."""
_FILMS: Final = (".mp4", ".mov", ".m4v", ".mpg", ".webm", ".mkv", ".avi")

COLUMNS: Final = (
    "Clip", "Seconds", "Seen %", "Pictures/s", "Jitter", "Jitter ref", "Blinks", "Blinks ref", "Precision", "Recall",
    "Yaw deg", "Pitch deg", "Roll deg", *(f"r {name}" for name in COMPARED),
)  # fmt: skip


@dataclass(frozen=True)
class MimicScore:
    """One film. seen: share of pictures with a face. speed: pictures followed a second. jitter, jitter_reference: mean
    absolute second difference of the 52 shapes from picture to picture while the face is still, times 1000. blinks,
    blinks_reference, same: events. head: mean absolute error of yaw, pitch and roll, degrees. agreement: correlations,
    nan for what the reference hardly sees move."""

    clip: str
    seconds: float
    seen: float
    speed: float
    jitter: float
    jitter_reference: float
    blinks: int
    blinks_reference: int
    same: int
    head: tuple[float, float, float]
    agreement: dict[str, float] = field(default_factory=dict)

    @property
    def precision(self) -> float:
        """Share of the blinks found that the reference sees, too; nan without any."""
        return self.same / self.blinks if self.blinks else float("nan")

    @property
    def recall(self) -> float:
        """Share of the reference's blinks that were found; nan without any."""
        return self.same / self.blinks_reference if self.blinks_reference else float("nan")

    def row(self) -> list[Any]:
        """In the order of :data:`COLUMNS`; None where there is nothing to measure."""
        numbers = [
            self.seconds, 100 * self.seen, self.speed, self.jitter, self.jitter_reference, self.blinks,
            self.blinks_reference, self.precision, self.recall, *self.head,
            *(self.agreement.get(name, float("nan")) for name in COMPARED),
        ]  # fmt: skip
        return [self.clip, *(None if np.isnan(n) else n if isinstance(n, int) else round(n, 2) for n in numbers)]


def run(folder: Path, task: Path | None = None, tell: Callable[[str], None] | None = None) -> list[MimicScore]:
    """Scores of every film in a folder, and of all together as the last. task: ``face_landmarker.task``, default the
    one pulled. tell: told of each film. Raises InputError without films, MissingError without the reference."""
    films = sorted(path for path in folder.glob("*") if path.suffix.lower() in _FILMS) if folder.is_dir() else []
    if not films:
        raise InputError(f"There are no films in '{folder}'.", hint="Give a folder with films of one face each.")
    landmarker = Landmarker(task)
    scores = []
    for film in films:
        if tell is not None:
            tell(f"Following {film.name}.")
        scores.append(score(film, landmarker))
    return [*scores, overall(scores)]


def score(film: Path, landmarker: Landmarker) -> MimicScore:
    """One film. Raises InputError for what cannot be followed."""
    from mien.portrait.find.video import open_video

    tracked = track_video(film)
    reference = refer(open_video(film).pictures(), landmarker)
    if np.isnan(reference.head).all():
        raise InputError(f"The reference sees no face in {film.name}.", hint="Leave this film out.")
    return compare(film.stem, tracked, reference)


def compare(name: str, tracked: Tracked, reference: Reference) -> MimicScore:
    """A motion against the reference of the same pictures."""
    report = tracked.report
    seen = ~np.isnan(reference.head[:, 0])
    times = reference.times[seen]
    shapes, head = _rows_at(tracked.clip, times)
    theirs = reference.shapes[seen].astype(np.float64)
    still = _still(reference.points[seen])
    ours_blinks, their_blinks = blinks(_blink(shapes), times), blinks(_blink(_rescaled(theirs)), times)
    errors = np.abs(_centred(head[:, :3]) - _centred(reference.head[seen]))
    return MimicScore(
        clip=name,
        seconds=report.seconds,
        seen=report.seen / max(report.pictures, 1),
        speed=report.speed,
        jitter=_jitter(shapes, still),
        jitter_reference=_jitter(theirs, still),
        blinks=len(ours_blinks),
        blinks_reference=len(their_blinks),
        same=matches(ours_blinks, their_blinks),
        head=tuple(np.degrees(errors.mean(0)).tolist()),
        agreement={label: _correlation(_sum(shapes, names), _sum(theirs, names)) for label, names in COMPARED.items()},
    )


def overall(scores: Iterable[MimicScore]) -> MimicScore:
    """All films as one: events added up, all else weighted by their length."""
    scores = list(scores)
    weights = np.array([s.seconds for s in scores])

    def mean(values: Iterable[float]) -> float:
        numbers = np.array(list(values), np.float64)
        known = ~np.isnan(numbers)
        return float(np.average(numbers[known], weights=weights[known])) if known.any() else float("nan")

    return MimicScore(
        clip="overall",
        seconds=float(weights.sum()),
        seen=mean(s.seen for s in scores),
        speed=mean(s.speed for s in scores),
        jitter=mean(s.jitter for s in scores),
        jitter_reference=mean(s.jitter_reference for s in scores),
        blinks=sum(s.blinks for s in scores),
        blinks_reference=sum(s.blinks_reference for s in scores),
        same=sum(s.same for s in scores),
        head=(mean(s.head[0] for s in scores), mean(s.head[1] for s in scores), mean(s.head[2] for s in scores)),
        agreement={name: mean(s.agreement.get(name, float("nan")) for s in scores) for name in COMPARED},
    )


def blinks(closed: Array, times: Array) -> list[tuple[float, float]]:
    """Begin and end of every stretch of shut lids, seconds. closed: (n,), 0…1."""
    found: list[tuple[float, float]] = []
    begin: float | None = None
    for time, value in zip(times.tolist(), closed.tolist(), strict=True):
        if begin is None and value > BLINK_OVER:
            begin = time
        elif begin is not None and value < BLINK_UNDER:
            found.append((begin, time))
            begin = None
    return found if begin is None else [*found, (begin, float(times[-1]))]


def matches(ours: list[tuple[float, float]], theirs: list[tuple[float, float]]) -> int:
    """How many stretches have a partner that they overlap, or miss by less than :data:`APART`; each is used once."""
    free, count = list(theirs), 0
    for begin, end in ours:
        near = [other for other in free if begin - other[1] < APART and other[0] - end < APART]
        if near:
            free.remove(min(near, key=lambda other: abs(other[0] - begin)))
            count += 1
    return count


def _rows_at(clip: FaceClip, times: Array) -> tuple[Array, Array]:
    own = np.arange(len(clip)) / float(clip.rate)
    return tuple(np.stack([np.interp(times, own, column) for column in rows.T], 1) for rows in (clip.shapes, clip.head))  # type: ignore[return-value]


def _sum(shapes: Array, names: tuple[str, ...]) -> Array:
    return np.asarray(
        sum((-1 if name[0] == "-" else 1) * shapes[:, SHAPE_INDEX[name.removeprefix("-")]] for name in names)
    )


def _blink(shapes: Array) -> Array:
    return _sum(shapes, COMPARED["blink"]) / 2


def _rescaled(shapes: Array) -> Array:
    """The reference's blinks from 0 (eyes as they mostly are) to 1 (as shut as they come): it rarely says over 0.7."""
    out = shapes.copy()
    for name in COMPARED["blink"]:
        column = shapes[:, SHAPE_INDEX[name]]
        usual = np.median(column)
        out[:, SHAPE_INDEX[name]] = np.clip((column - usual) / (max(column.max(), 0.5) - usual), 0, 1)
    return out


def _still(points: FloatArray) -> NDArray[np.bool_]:
    """The pictures in which the face moves least, (n,)."""
    speed = np.zeros(len(points))
    speed[1:-1] = np.abs(points[2:, :468, :2] - points[:-2, :468, :2]).mean((1, 2))
    return np.asarray(speed <= np.quantile(speed, STILL))


def _jitter(shapes: Array, still: NDArray[np.bool_]) -> float:
    second = np.abs(np.diff(shapes, 2, axis=0)).mean(1)
    chosen = still[1:-1]
    return 1000 * float(second[chosen].mean()) if chosen.any() else float("nan")


def _centred(angles: Array) -> Array:
    return np.asarray(angles - np.median(angles, axis=0))


def _correlation(ours: Array, theirs: Array) -> float:
    if theirs.std() < _MOVES:
        return float("nan")
    return float(np.corrcoef(ours, theirs)[0, 1]) if ours.std() > 1e-6 else 0.0
