"""A video of a face → its motion: the landmark nets of the portrait stage feed the fit of the face stage."""

from __future__ import annotations

import time as clock
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from mien.errors import InputError
from mien.face.video.pose import Array
from mien.face.video.response import EMBEDDED, LANDMARKER
from mien.face.video.solve import Basis
from mien.face.video.track import FEWEST, FaceTracker
from mien.timeline import parse_fps
from mien.types import CLIP_RATE, FaceClip

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class TrackReport:
    """How a video was followed.

    seconds: of video. pictures: looked at. seen: with a face. gaps: (begin, end) seconds without one. taken_up: how
    often a face was found anew. usual: yaw, pitch, roll in radians as the head mostly is. work: seconds it took.
    """

    path: Path
    seconds: float
    pictures: int
    seen: int
    gaps: tuple[tuple[float, float], ...]
    taken_up: int
    usual: tuple[float, float, float]
    work: float

    @property
    def speed(self) -> float:
        """Pictures a second."""
        return self.pictures / max(self.work, 1e-9)


@dataclass(frozen=True, slots=True)
class Tracked:
    """clip: the motion, from tick 0 on. report: how it was got."""

    clip: FaceClip
    report: TrackReport


class VideoMotion:
    """The motion in a video, piece by piece, in memory that does not grow with it; iterate once.

    Rows follow on from piece to piece; the first come after a minute of video, which is what the person's face at rest
    is read from. report: afterwards.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        fps: str | float | Fraction | None = None,
        relative: bool = False,
        tell: Tell | None = None,
        observe: Callable[[float, float], None] | None = None,
    ) -> None:
        """path: a video. fps: rows a second, default 50. relative: the head's angles against how it mostly is, instead
        of against the camera. tell: told in a line what is worth knowing. observe: told of seconds done and in all (0 =
        unknown) after every picture. Raises InputError for what is no video, UsageError for a wrong rate.
        """
        from mien.portrait.find.video import open_video

        self.video = open_video(Path(path))
        self.rate = CLIP_RATE if fps is None else parse_fps(fps)
        self._relative, self._tell, self._observe = relative, tell or (lambda line: None), observe
        from mien.portrait.find.follow import FaceFollower

        self._follower = FaceFollower.best()
        response = EMBEDDED if self._follower.better is None else LANDMARKER
        self._tracker = FaceTracker(face_basis, self.rate, response)
        self._report: TrackReport | None = None

    @property
    def report(self) -> TrackReport:
        """Complete once the motion is."""
        if self._report is None:
            raise RuntimeError("The motion has not been read to its end.")
        return self._report

    def __iter__(self) -> Iterator[FaceClip]:
        begun, end, step = clock.perf_counter(), 0.0, 1 / float(self.video.fps)
        follower, tracker = self._follower, self._tracker
        for time, picture in self.video.pictures():
            tracker.push(time, follower.look(picture))
            end = time + step
            if self._observe is not None:
                self._observe(end, self.video.seconds)
            yield from self._ready()
        self._require(end)
        tracker.close(end)
        yield from self._ready()
        self._report = self._summary(end, follower.found, clock.perf_counter() - begun)
        self._say(self._report)

    def _ready(self) -> Iterator[FaceClip]:
        clip = self._tracker.read()
        if not len(clip):
            return
        if self._relative and self._tracker.person is not None:
            clip.head[:, :3] -= self._tracker.person.place.turned.astype(np.float32)
        yield clip

    def _require(self, end: float) -> None:
        """Refuse what has too little to follow, in words of the video."""
        name, tally = self.video.path.name, self._tracker.tally
        if self.video.broken and tally.pictures < FEWEST:
            raise InputError(f"The video {name} is damaged: {self.video.broken}.", hint="Record or convert it again.")
        if tally.pictures < FEWEST:
            raise InputError(
                f"The video {name} is too short: {tally.pictures} pictures.", hint="Give half a second or more."
            )
        if tally.seen < FEWEST:
            seen = "hardly ever" if tally.seen else "nowhere"
            raise InputError(
                f"A face is seen {seen} in the video {name}.",
                hint="Give a video that shows one face clearly, from the front, at least 100 pixels high.",
                code="input.no_face",
            )

    def _summary(self, end: float, taken_up: int, work: float) -> TrackReport:
        tally, person = self._tracker.tally, self._tracker.person
        assert person is not None  # the tracker was closed
        yaw, pitch, roll = map(float, person.place.turned)
        return TrackReport(
            self.video.path, end, tally.pictures, tally.seen, tuple(tally.gaps), taken_up, (yaw, pitch, roll), work
        )

    def _say(self, report: TrackReport) -> None:
        if self.video.broken:
            self._tell(f"The video breaks off at {report.seconds:.1f} s ({self.video.broken}).")
        hidden = sum(end - begin for begin, end in report.gaps)
        if report.gaps:
            times = "once" if len(report.gaps) == 1 else f"{len(report.gaps)} times"
            self._tell(f"No face was seen {times}, for {hidden:.1f} s in all; the motion rests there.")


def track_video(
    path: str | Path,
    *,
    fps: str | float | Fraction | None = None,
    relative: bool = False,
    tell: Tell | None = None,
    observe: Callable[[float, float], None] | None = None,
) -> Tracked:
    """The motion of the face in a video as one clip; arguments and errors as :class:`VideoMotion`'s."""
    motion = VideoMotion(path, fps=fps, relative=relative, tell=tell, observe=observe)
    clips = list(motion)
    clip = FaceClip(0, np.concatenate([c.shapes for c in clips]), np.concatenate([c.head for c in clips]), motion.rate)
    return Tracked(clip, motion.report)


def face_basis(face: Array) -> Basis:
    """How a face at rest (478, 3) moves: the shapes that the rig of a portrait of it would have."""
    from mien.portrait.rig.basis import moving_face

    return Basis(*moving_face(face))
