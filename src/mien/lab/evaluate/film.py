"""One film, judged by all measures that its sidecars allow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.avatar import Avatar
from mien.engine import place
from mien.errors import InputError
from mien.lab.evaluate.decode import FilmFacts, film_facts, pictures, sound_of
from mien.lab.evaluate.lips import CLOSED_MM, closures, rows_at, silent_frames
from mien.lab.evaluate.measure import Measure, at_least, at_most
from mien.lab.evaluate.rest import rest_fidelity
from mien.lab.evaluate.smooth import flicker, jerk, jump
from mien.lab.evaluate.sync import lag
from mien.lab.evaluate.track import Track, track
from mien.render.mesh import MeshCanvas, MeshRenderer
from mien.timeline import TICKS_PER_SECOND, frame_tick, to_seconds
from mien.transmit.trace import STEP, Trace, levels
from mien.types import FaceClip, FloatArray

WINDOW: Final = 6.0
"""Seconds at the beginning and at the end that are followed picture by picture."""
LAG_MS: Final = 20.0
SURE: Final = 0.7
"""Correlation under which a lag says nothing."""
_STEADY: Final = (1, 4, 6, 168, 197, 5, 33, 133, 263, 362)  # nose and corners of the eyes: no speech moves them
_QUIET_DB: Final = -60.0
_PSNR_POSES: Final = 12


@dataclass(frozen=True)
class Evidence:
    """What a film is judged by. motion: of the whole film. trace: what was said when. avatar: who is seen."""

    path: Path
    motion: FaceClip | None = None
    trace: Trace | None = None
    avatar: Avatar | None = None


def judge(evidence: Evidence) -> list[Measure]:
    """Every measure that can be taken. Raises InputError for a file that is no film, has no face or another motion."""
    sound, channels = sound_of(evidence.path)
    facts = film_facts(evidence.path, sound)
    if evidence.motion is not None:
        require_length(evidence.motion, facts)
    canvas = _canvas(evidence, facts)
    measures = list(_container(facts, sound, channels))
    measures += _sound_sync(evidence.trace, sound)
    measures += _picture(evidence, facts, canvas)
    if evidence.motion is not None and canvas is not None:
        measures += _lips(evidence.motion, evidence.trace, facts, canvas)
    if evidence.avatar is not None:
        measures += _rest(evidence.avatar)
    return measures


def _canvas(evidence: Evidence, facts: FilmFacts) -> MeshCanvas | None:
    if evidence.avatar is None:
        return None
    return MeshRenderer().prepare(evidence.avatar, place(evidence.avatar, facts.width, facts.height))


def _container(facts: FilmFacts, sound: FloatArray, channels: int) -> Iterator[Measure]:
    from mien.audio.loudness import integrated, true_peak

    if not channels:
        return
    frames = facts.seconds * float(facts.fps) - facts.frames
    yield at_most("length.sound_minus_pictures", frames, 1.0, "frames", f"{facts.frames} frames")
    loudness = integrated(sound, channels)
    good = -17.0 <= loudness <= -15.0
    yield Measure("sound.loudness", loudness, "LUFS", "-16 +- 1", good, "BS.1770, decoded sound")
    peak = 20 * float(np.log10(true_peak(sound) + 1e-12))
    yield Measure("sound.true_peak", peak, "dBTP", "<= -0.5", peak <= -0.5, "between samples, decoded sound")


def _sound_sync(trace: Trace | None, sound: FloatArray) -> Iterator[Measure]:
    if trace is None or trace.sound is None or not len(sound):
        return
    made, heard = trace.sound.astype(np.float64), levels(sound)
    count = min(len(made), len(heard))
    times = np.arange(count) * STEP / TICKS_PER_SECOND
    made, heard = np.maximum(made[:count], _QUIET_DB), np.maximum(heard[:count], _QUIET_DB)
    for place_, part in (("start", times < WINDOW), ("end", times >= times[-1] - WINDOW)):
        found = lag(times, made, times[part], heard[part])
        yield _lag_measure(f"sync.sound.{place_}", found.seconds, found.correlation)


def _picture(evidence: Evidence, facts: FilmFacts, canvas: MeshCanvas | None) -> Iterator[Measure]:
    end = facts.frames / float(facts.fps)
    windows = [("start", 0.0, WINDOW)] + ([("end", end - WINDOW, end + 1)] if end > 1.5 * WINDOW else [])
    for name, begin, stop in windows:
        seen = track(pictures(evidence.path, begin, stop))
        if evidence.motion is not None and canvas is not None:
            yield _lip_sync(name, evidence.motion, canvas, seen)
        yield from _smoothness(name, seen, float(facts.fps))
    if evidence.motion is not None and canvas is not None:
        yield _flicker(evidence.path, evidence.motion, canvas)


def _lip_sync(name: str, motion: FaceClip, canvas: MeshCanvas, seen: Track) -> Measure:
    times = motion.start / TICKS_PER_SECOND + np.arange(len(motion)) / float(motion.rate)
    opening = np.array([canvas.gap(row) for row in motion.shapes])
    found = lag(times, opening, seen.times, seen.aperture())
    return _lag_measure(f"sync.lips.{name}", found.seconds, found.correlation)


def _lag_measure(name: str, seconds: float, correlation: float) -> Measure:
    measure = at_most(name, 1000 * seconds, LAG_MS, "ms", f"correlation {correlation:.2f}; > 0 is late")
    if correlation >= SURE:
        return measure
    return Measure(name, float("nan"), "ms", measure.wanted, None, f"too little in common ({correlation:.2f})")


def _smoothness(name: str, seen: Track, fps: float) -> Iterator[Measure]:
    points = seen.points[:, list(_STEADY)] / seen.unit()
    note = "nose and eye corners, tracked"
    yield at_most(f"smooth.jump.{name}", 100 * jump(points), 3.0, "% of eye distance", note)
    yield Measure(f"smooth.jerk.{name}", jerk(points, fps), "eye distances/s^3", note=note)


def _flicker(path: Path, motion: FaceClip, canvas: MeshCanvas) -> Measure:
    still = still_pixels(motion, canvas)
    if still.mean() < 0.005:
        return Measure("smooth.flicker", float("nan"), "dB", ">= 40", None, "nothing stands still")
    value = flicker((picture for _, picture in pictures(path, 0, WINDOW)), still)
    return at_least("smooth.flicker", value, 40.0, "dB", f"PSNR between frames over {100 * still.mean():.0f} % of it")


def still_pixels(motion: FaceClip, canvas: MeshCanvas) -> NDArray[np.bool_]:
    """Pixels that look the same in poses from all over a film, (h, w)."""
    rows = np.linspace(0, len(motion) - 1, _PSNR_POSES).astype(int)
    first = canvas.draw(motion.shapes[0], motion.head[0])
    still = np.ones(first.shape[:2], bool)
    for row in rows:
        still &= (canvas.draw(motion.shapes[row], motion.head[row]) == first).all(-1)
    return still


def _lips(motion: FaceClip, trace: Trace | None, facts: FilmFacts, canvas: MeshCanvas) -> Iterator[Measure]:
    if trace is None or not any(phone.symbol for phone in trace.phones):  # nobody knows what was said when
        return
    for fps in sorted({facts.fps, Fraction(24), Fraction(25)}):
        seconds = len(motion) / float(motion.rate)
        frames = facts.frames if fps == facts.fps else int(seconds * float(fps))
        gaps = frame_gaps(motion, canvas, frames, fps)
        found = closures(trace.phones, gaps, fps)
        rate = f"{float(fps):g}"
        worst = max(zip(found.gaps, found.phones, strict=True), default=None, key=lambda item: item[0])
        note = f"{len(found.gaps)} bilabials"
        if worst is not None:
            note += f", widest {worst[0]:.2f} mm at {to_seconds(worst[1].start):.2f} s"
        if len(found.gaps):
            yield at_least(f"lips.closures.{rate}fps", 100 * found.share, 98.0, "%", note)
        silent = silent_frames(trace.phones, frames, fps)
        if fps == facts.fps and silent.any():
            widest = float(gaps[silent].max())
            yield at_most("lips.opening_in_silence", widest, CLOSED_MM, "mm", f"{int(silent.sum())} silent frames")


def frame_gaps(motion: FaceClip, canvas: MeshCanvas, frames: int, fps: Fraction) -> NDArray[np.float64]:
    """Opening between the lips in every frame of a film, mm, (frames,)."""
    shapes, _ = rows_at(motion, [frame_tick(k, fps) for k in range(frames)])
    return np.array([canvas.gap(row) for row in shapes])


def _rest(avatar: Avatar) -> Iterator[Measure]:
    rest = rest_fidelity(avatar, MeshRenderer())
    if rest.parted:
        note = f"lips were parted: {100 * rest.changed:.1f} % of the picture changes to close them"
        yield Measure("rest.psnr", rest.psnr, "dB", note=note)
    else:
        note = "closed lips: zero parameters give the portrait"
        yield Measure("rest.exact", float(rest.exact), "1 = yes", "= 1", rest.exact, note)


def require_length(motion: FaceClip, facts: FilmFacts) -> None:
    """Raise InputError when a motion file is not the film's own."""
    seconds = motion.start / TICKS_PER_SECOND + len(motion) / float(motion.rate)
    if abs(seconds - facts.frames / float(facts.fps)) > 1.0:
        raise InputError(
            f"The motion lasts {seconds:.1f} s, the film {facts.frames / float(facts.fps):.1f} s.",
            hint="Give the motion file that was written with this film.",
        )
