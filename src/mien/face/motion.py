"""Joins what moves a face: articulation, expression, idle life, stress and the voice's mood become rows of a clip."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.face.base import FaceSettings
from mien.face.emotion import ATTITUDE, Expressions
from mien.face.idle import Blinks, Breath, Gaze, sway
from mien.face.limits import (
    HEAD_MOST,
    HEAD_SPEED,
    JAW_MOST,
    LIP_MOST,
    OPEN_SPEED,
    ROLL_SPEED,
    SPEED,
    SpeedLimit,
    legal,
    soft,
)
from mien.face.lips import at_teeth, shut
from mien.face.noise import uniform, wander
from mien.face.prosody import Event, PhraseEnd, Tone
from mien.face.pulses import Pulses, pulse
from mien.face.response import Responder, Response
from mien.face.styles import Style
from mien.face.visemes import CHANNEL, CHANNELS
from mien.timeline import TICKS_PER_SECOND
from mien.types import ARKIT_SHAPES, GAZE_DEGREES, SHAPE_INDEX, Emotion, EmotionSpan, FloatArray

Rows = NDArray[np.float64]

_COLUMNS: Final = [
    [i for i, shape in enumerate(ARKIT_SHAPES) if shape in (name, f"{name}Left", f"{name}Right")] for name in CHANNELS
]
_OPEN: Final = [CHANNEL[n] for n in ("jawOpen", "mouthLowerDown", "mouthUpperUp")]
_SHAPED: Final = [CHANNEL[n] for n in ("mouthFunnel", "mouthPucker", "mouthStretch", "mouthSmile")]
_MOUTH_SPEED: Final = np.array(
    [ROLL_SPEED if "Roll" in name else min(SPEED[c[0]], OPEN_SPEED) for name, c in zip(CHANNELS, _COLUMNS, strict=True)]
)
_CORNERS: Final = [i for i, n in enumerate(ARKIT_SHAPES) if n.startswith(("mouthSmile", "mouthFrown", "mouthDimple"))]
_UPPER: Final = ("brow", "cheek", "nose", "eyeSquint", "eyeWide")
_FREE: Final = [i for i, n in enumerate(ARKIT_SHAPES) if n.startswith(_UPPER)]


class Motion:
    """Makes the rows, in order, from start on. Everything random is a function of the seed and absolute time."""

    def __init__(self, start: int, settings: FaceSettings, style: Style) -> None:
        self._seed, self._style = settings.seed, style
        self._start = start / TICKS_PER_SECOND
        self._row = 0
        self._expressions = Expressions(start, Emotion(name=settings.emotion))
        self._blinks = Blinks(settings.seed, style.blinks)
        self._gaze = Gaze(settings.seed, style.gaze)
        self._breath = Breath(settings.seed)
        self._nods, self._flashes = Pulses(), Pulses()
        self._voice = settings.voice_expression
        self._responder = Responder(settings.seed, self._voice, style)
        self._stresses = 0
        self._activity = 0.0
        self._mouth_speed = SpeedLimit(_MOUTH_SPEED)
        self._free_speed = SpeedLimit(SPEED[_FREE])
        self._head_speed = SpeedLimit(HEAD_SPEED)

    def feel(self, span: EmotionSpan) -> None:
        """Take an emotion that holds for a while."""
        self._expressions.add(span)

    def stress(self, event: Event) -> None:
        """Nod, flash the brows or blink, perhaps, where speech is stressed or a phrase ends; take in its tone."""
        if isinstance(event, Tone):
            self._responder.tone(event)
            return
        self._stresses += 1
        luck, size = (uniform(self._seed, stream, self._stresses) for stream in ("nod", "nod size"))
        if isinstance(event, PhraseEnd):
            self._blinks.at_phrase_end(self._start + event.row / 50)
            nod = self._responder.phrase_end(event) * (0.5 + 0.7 * size)
            self._nods.add(event.row, pulse(12, 26, 0.0), self._style.nods * nod)
            return
        lift = self._voice * event.lift
        if luck < 0.78:
            self._nods.add(event.row - 3, pulse(7, 16, 0.18), self._style.nods * event.strength * (1.0 + 1.6 * size))
        if uniform(self._seed, "flash", self._stresses) < (0.24 + 0.3 * lift) * min(2.0, self._style.brows):
            self._flashes.add(event.row - 3, pulse(6, 17, 0.0), 0.26 * self._style.brows * event.strength)
        if lift > 0.25 and uniform(self._seed, "stress blink", self._stresses) < 0.3 * lift:
            self._blinks.at_stress(self._start + event.row / 50)

    def rows(self, mouth: tuple[Rows, Rows, Rows, Rows], gains: Rows) -> tuple[FloatArray, FloatArray]:
        """The next rows: shapes float32 (n, 52), head float32 (n, 6).

        mouth: what :meth:`mien.face.lips.Articulation.take` gives. gains: openness by loudness, (n,).
        """
        target, closed, teeth, speaking = mouth
        times = self._start + np.arange(self._row, self._row + len(target)) / 50
        self._row += len(target)
        voice = self._responder.rows(speaking)
        look = self._expressions.take(len(target))
        look += voice.look * _room(look)[:, None]
        shown = look[:, :ATTITUDE] * self._style.expression
        shapes = np.zeros((len(target), len(ARKIT_SHAPES)))
        rounded = self._speech(shapes, target * speaking[:, None], closed, teeth, gains)
        self._express(shapes, shown, times, rounded, voice)
        head = self._head(times, speaking, look[:, ATTITUDE:], voice)
        self._eyes(shapes, head, times, voice)
        return legal(shapes).astype(np.float32), head.astype(np.float32)

    def _speech(self, shapes: Rows, target: Rows, closed: Rows, teeth: Rows, gains: Rows) -> Rows:
        """Write the mouth; returns how much the lips are rounded or closed, 0…1, which an expression must respect."""
        lips = self._style.lips
        target[:, _OPEN] *= lips * gains[:, None]
        target[:, _SHAPED] *= min(1.25, math.sqrt(lips))
        target[:, _OPEN] = np.minimum(target[:, _OPEN], (JAW_MOST, LIP_MOST, LIP_MOST))
        mouth, close = shut(self._mouth_speed.rows(at_teeth(target, teeth)), closed)
        for values, columns in zip(mouth.T, _COLUMNS, strict=True):
            shapes[:, columns] = values[:, None]
        shapes[:, SHAPE_INDEX["mouthClose"]] = close
        rounding = 1.7 * mouth[:, CHANNEL["mouthPucker"]] + 1.4 * mouth[:, CHANNEL["mouthFunnel"]]
        return np.maximum(np.minimum(rounding, 1) * 0.75, 0.35 * np.maximum(closed, teeth))

    def _express(self, shapes: Rows, shown: Rows, times: Rows, rounded: Rows, voice: Response) -> None:
        """Add the expression: corners of the mouth yield to rounding, brows and lids are free."""
        shown = shown.copy()
        shown[:, _CORNERS] *= 1 - rounded[:, None]
        inner, outer = SHAPE_INDEX["browInnerUp"], [SHAPE_INDEX["browOuterUpLeft"], SHAPE_INDEX["browOuterUpRight"]]
        flash = self._flashes.take(len(shapes)) * voice.near + voice.brow
        drift = 0.05 * np.maximum(wander(self._seed, "brow", times, 2.6), 0)
        shown[:, inner] += flash * 0.8 + drift
        shown[:, outer] += (flash + drift)[:, None] * (1.0, 0.85)
        shown[:, _FREE] = self._free_speed.rows(shown[:, _FREE])
        shapes += shown

    def _head(self, times: Rows, speaking: Rows, attitude: Rows, voice: Response) -> Rows:
        """Sway, breath, nods and attitude: (n, 6) within limits of angle and speed."""
        s, breath = sway(self._seed, times), self._breath.rows(times) - 0.5
        gain = self._style.head * (0.5 + 0.5 * self._liveliness(speaking)) * (1 + attitude[:, 2] + voice.energy)
        nod = self._nods.take(len(times)) * voice.near - voice.lift
        degrees = (
            s.yaw * gain,
            s.pitch * gain - 0.22 * breath + nod + attitude[:, 0] * self._style.expression,
            s.roll * gain + attitude[:, 1] * self._style.expression,
        )
        out = np.zeros((len(times), 6))
        for i, angle in enumerate(degrees):
            out[:, i] = np.radians(angle)
        out[:, 3], out[:, 4], out[:, 5] = s.x * gain, s.y * gain + 0.008 * breath, s.z * gain
        return self._head_speed.rows(soft(out, HEAD_MOST))

    def _liveliness(self, speaking: Rows) -> Rows:
        """Speech sets the head going within about a second, and silence calms it."""
        out = np.empty(len(speaking))
        for i, now in enumerate(speaking.tolist()):
            self._activity += (now - self._activity) * 0.025
            out[i] = self._activity
        return out

    def _eyes(self, shapes: Rows, head: Rows, times: Rows, voice: Response) -> None:
        """Gaze stays on its target while the head moves; lids add to the expression's."""
        left, up = (angle * (1 - voice.attend) for angle in self._gaze.rows(times))
        left, up = left + voice.aside, up + voice.up
        left = (left - np.degrees(head[:, 0])) / GAZE_DEGREES["side"]
        up = up + np.degrees(head[:, 1])
        for name, value in (("OutLeft", left), ("InRight", left), ("InLeft", -left), ("OutRight", -left)):
            shapes[:, SHAPE_INDEX[f"eyeLook{name}"]] = np.maximum(value, 0)
        for side in ("Left", "Right"):
            shapes[:, SHAPE_INDEX[f"eyeLookUp{side}"]] = np.maximum(up, 0) / GAZE_DEGREES["up"]
            shapes[:, SHAPE_INDEX[f"eyeLookDown{side}"]] = np.maximum(-up, 0) / GAZE_DEGREES["down"]
        lids = self._blinks.rows(times)
        for side in ("Left", "Right"):
            lid = SHAPE_INDEX[f"eyeBlink{side}"]
            shapes[:, lid] = lids + shapes[:, lid] * (1 - lids)
            shapes[:, SHAPE_INDEX[f"eyeWide{side}"]] *= 1 - lids
            shapes[:, SHAPE_INDEX[f"eyeSquint{side}"]] *= 1 - 0.7 * lids


def _room(look: Rows) -> Rows:
    """How much an expression leaves to the voice's own, (n,): all of it when neutral, little when it is strong."""
    return np.asarray(1 - 0.8 * np.minimum(look[:, :ATTITUDE].max(axis=1) / 0.4, 1))
