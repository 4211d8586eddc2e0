"""A portrait that does what the face in a video does: the film of :mod:`mien.api`, driven by :mod:`mien.tracking`.

import mien

mien.mimic("me.jpg", driver="clip.mp4").save("out.mp4")
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from math import log10
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from mien import config
from mien.api import Film
from mien.avatar import Avatar
from mien.casting import Cast, Order, Subject, with_options
from mien.engine import Scene
from mien.errors import InputError
from mien.face.base import FaceDriverInfo
from mien.face.video.retarget import MimicSettings, retarget
from mien.recorded import Recording
from mien.stage.background import parse_background
from mien.stage.size import check_size
from mien.timeline import TICKS_PER_SECOND, frames_in, to_ticks
from mien.tracking import TrackReport, VideoMotion
from mien.types import AudioChunk, FaceClip, SpeechPart

if TYPE_CHECKING:
    from mien.portrait.find.video import Video

_RATES: Final = tuple(Fraction(n) for n in (24, 25, 30)) + tuple(Fraction(n * 1000, 1001) for n in (24, 30))
_PIECE: Final = TICKS_PER_SECOND // 2


def mimic(
    portrait: str | Path | Avatar,
    driver: str | Path,
    *,
    relative: bool = True,
    expression: float = 1.0,
    head_motion: float = 1.0,
    sound: bool = True,
    volume: float | None = None,
    size: str | None = None,
    aspect: str | None = None,
    fps: str | float | Fraction | None = None,
    preset: str | None = None,
    background: str | None = None,
    encoder: str | None = None,
    crop: str | None = None,
    face: int = 0,
    settings: config.Settings | None = None,
    tell: Callable[[str], None] | None = None,
    observe: Callable[[float, float], None] | None = None,
) -> MimicFilm:
    """A film of a portrait that does what the face in a video does, as long as the video and with its sound.

    portrait, face, crop and the looks of the film as in :func:`mien.make`; fps: default the usual rate nearest to the
    video's, 30 at most. driver: a video file. relative: the head turns against how the driver's mostly is, instead of
    against the camera. expression, head_motion: factors, 0…2. sound: False leaves it silent. observe: told of seconds
    of video followed and in all. Nothing slow happens until it is saved or its frames are read. Raises UsageError,
    InputError.
    """
    dials = MimicSettings(expression, head_motion)
    chosen = with_options(
        settings or config.load(),
        {
            "size": size, "aspect": aspect, "fps": fps, "preset": preset, "background": background, "encoder": encoder,
            "crop": crop, "volume": volume if sound else 0.0,
        },
    )  # fmt: skip
    check_size(chosen.film.size, chosen.film.aspect)
    say = tell or (lambda line: None)

    def follow() -> VideoMotion:
        return VideoMotion(driver, relative=relative, tell=say, observe=observe)

    video = follow().video
    order = Order(
        subject=Subject.of(portrait, chosen.portrait.crop, face),
        text="",
        recording=_stand_in(video),
        speak=chosen.speak,
        face=chosen.face,
        film=chosen.film,
        background=parse_background(chosen.film.background),
        trust=chosen.trust,
    )
    order.check_consent()
    return MimicFilm(order, say, follow, dials)


class MimicFilm(Film):
    """See :func:`mimic`. report: how the video was followed, after the film."""

    def __init__(
        self, order: Order, tell: Callable[[str], None], follow: Callable[[], VideoMotion], dials: MimicSettings
    ) -> None:
        super().__init__(order, tell)
        self._follow, self._dials = follow, dials
        self._motion = follow()

    @property
    def tracking(self) -> TrackReport:
        """How the video was followed; complete once the film is."""
        return self._motion.report

    def _cast(self, *, preview: bool = False) -> Cast:
        self._motion = self._follow()
        cast = MimicCast(self._order, self._script, self._tell, preview=preview, alpha=self._wants_alpha)
        heard = self._order.speak.volume
        motion = self._motion
        sound = _sound(motion.video, heard, self._tell) if heard and motion.video.sound else iter(())
        cast.follow(motion, self._dials, sound)
        if self._order.film.fps == "auto" and not preview:
            cast.fps = _usual_rate(motion.video.fps)
        return cast


class MimicCast(Cast):
    """A cast whose face follows a video; what is heard only sounds."""

    def follow(self, motion: VideoMotion, dials: MimicSettings, sound: Iterator[SpeechPart]) -> None:
        """Whom to follow and what is heard; before the scene is asked for."""
        self._follower = ClipDriver(retarget(clip, dials) for clip in motion)
        self._sound = sound
        self._length = motion.video.seconds

    def scene(self) -> Scene:
        parts = _as_long_as(self._sound, self._follower)
        return replace(super().scene(), parts=parts, driver=lambda: self._follower, lead_in=0, tail=0)

    def expected_frames(self, done: int) -> int:
        return max(done, frames_in(to_ticks(self._length), self.fps))


class ClipDriver:
    """Plays motion that is there already, or is being made, in step with the sound."""

    def __init__(self, clips: Iterator[FaceClip]) -> None:
        self._clips = clips
        self._ready: deque[FaceClip] = deque()
        self._end = 0
        self._done = False

    @property
    def info(self) -> FaceDriverInfo:
        """It knows what comes."""
        return FaceDriverInfo(name="video", needs_phones=False, look_ahead=0)

    def reach(self, tick: int) -> int:
        """Make motion up to a tick, as far as there is any; returns where the motion made so far ends."""
        while self._end < tick and not self._done:
            clip = next(self._clips, None)
            if clip is None:
                self._done = True
            elif len(clip):
                self._ready.append(clip)
                rate = clip.rate
                self._end = clip.start + len(clip) * TICKS_PER_SECOND * rate.denominator // rate.numerator
        return self._end

    def push(self, part: SpeechPart) -> None:
        """The sound decides nothing but how far the motion is wanted."""
        self.reach(part.audio.end)

    def close(self) -> None:
        """Nothing is held back."""

    def read(self) -> FaceClip:
        """All motion made so far that was not read yet."""
        if not self._ready:
            return FaceClip(self._end, np.zeros((0, 52), np.float32), np.zeros((0, 6), np.float32))
        first, rest = self._ready.popleft(), list(self._ready)
        self._ready.clear()
        shapes = np.concatenate([first.shapes, *(clip.shapes for clip in rest)])
        head = np.concatenate([first.head, *(clip.head for clip in rest)])
        return FaceClip(first.start, shapes, head, first.rate)


def _as_long_as(parts: Iterator[SpeechPart], driver: ClipDriver) -> Iterator[SpeechPart]:
    """The sound cut to the motion's length, or silence after it up to there."""
    at = 0
    for part in parts:
        end = driver.reach(part.audio.end)
        samples = part.audio.samples[: max(0, end - part.audio.start)]
        if len(samples):
            yield SpeechPart(AudioChunk(part.audio.start, samples), ())
        at = part.audio.start + len(samples)
        if len(samples) < len(part.audio.samples):
            return
    while (end := min(driver.reach(at + _PIECE), at + _PIECE)) > at:
        yield SpeechPart(AudioChunk(at, np.zeros(end - at, np.float32)), ())
        at = end


def _sound(video: Video, volume: float, tell: Callable[[str], None]) -> Iterator[SpeechPart]:
    """The video's own sound, as loud as all films; nothing where it cannot be read."""
    from mien.audio.loudness import TARGET_LUFS, level
    from mien.audio.read import read_audio

    def parts() -> Iterator[SpeechPart]:
        try:
            for chunk in read_audio(video.path):
                yield SpeechPart(chunk, ())
        except InputError as error:
            tell(f"The sound stops: {error.message}")

    return level(parts(), TARGET_LUFS + 20 * log10(volume))


def _stand_in(video: Video) -> Recording:
    """A recording as long as the video, which says nothing: films are made of words or of one. It takes no memory, and
    names the video as a source, which no result may overwrite."""
    count = max(TICKS_PER_SECOND, round(video.seconds * TICKS_PER_SECOND))
    return Recording((np.broadcast_to(np.float32(0), count), TICKS_PER_SECOND), file=video.path)


def _usual_rate(fps: Fraction) -> Fraction:
    return min(_RATES, key=lambda usual: (abs(usual - min(fps, Fraction(30))), usual.denominator))
