"""Feelings become expressions: brows, lids, cheeks, corners of the mouth, how the head is held and how much it moves.

A name picks a whole expression. Valence and arousal without a name mix expressions on Russell's circumplex (1980):
pleasant is happy when excited and tender when calm, unpleasant is angry when excited and sad when calm, and excitement
alone opens the eyes. No expression parts the lips: that is speech's own.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.errors import UsageError
from mien.timeline import TICKS_PER_SECOND
from mien.types import SHAPE_INDEX, Emotion, EmotionSpan

ATTITUDE: Final = len(SHAPE_INDEX)
"""Columns of an expression after the shapes: head pitch and roll in degrees, energy of motion minus 1."""
SETTLE: Final = 7
"""Rows on either side of a border over which one expression becomes another: 300 ms in all, centred on it."""

_ROW: Final = TICKS_PER_SECOND // 50
_WINDOW: Final = np.hanning(2 * SETTLE + 3)[1:-1] / np.hanning(2 * SETTLE + 3)[1:-1].sum()


@dataclass(frozen=True, slots=True)
class _Look:
    shapes: dict[str, float]
    pitch: float = 0.0
    roll: float = 0.0
    energy: float = 0.0


_BOTH: Final = {
    "browDown", "browOuterUp", "cheekSquint", "eyeBlink", "eyeSquint", "eyeWide", "mouthDimple", "mouthFrown",
    "mouthPress", "mouthSmile", "mouthStretch", "noseSneer",
}  # fmt: skip

_LOOKS: Final = {
    "neutral": _Look({}),
    "happy": _Look(
        {"mouthSmile": 0.52, "cheekSquint": 0.38, "eyeSquint": 0.16, "browOuterUp": 0.14, "mouthDimple": 0.10},
        pitch=-0.8, energy=0.20,
    ),
    "sad": _Look(
        {"browInnerUp": 0.58, "mouthFrown": 0.42, "eyeBlink": 0.14, "mouthShrugLower": 0.14, "browDown": 0.08},
        pitch=2.2, roll=-0.5, energy=-0.45,
    ),
    "angry": _Look(
        {"browDown": 0.66, "noseSneer": 0.26, "eyeSquint": 0.34, "mouthPress": 0.22, "mouthFrown": 0.18},
        pitch=1.3, energy=0.15,
    ),
    "surprised": _Look({"browInnerUp": 0.58, "browOuterUp": 0.58, "eyeWide": 0.50}, pitch=-1.3, energy=0.20),
    "tender": _Look(
        {"mouthSmile": 0.26, "browInnerUp": 0.24, "cheekSquint": 0.14, "eyeSquint": 0.12, "eyeBlink": 0.05},
        pitch=0.5, roll=0.9, energy=-0.25,
    ),
    "serious": _Look({"browDown": 0.22, "mouthPress": 0.12, "eyeSquint": 0.08}, pitch=0.3, energy=-0.40),
}  # fmt: skip


@lru_cache(maxsize=1024)
def expression(emotion: Emotion) -> NDArray[np.float64]:
    """The expression of a feeling, (52 + 3,): shapes 0…1, then head pitch, roll (degrees) and energy (-1…1).

    Raises UsageError for a name that is none of :data:`mien.types.EMOTION_NAMES`.
    """
    if emotion.name not in _LOOKS:
        raise UsageError(f"There is no emotion '{emotion.name}'.", hint=f"Use one of: {', '.join(_LOOKS)}.")
    if emotion.name != "neutral":
        out = _vector(emotion.name).copy()
    else:
        v, a = (np.array([max(-1.0, min(1.0, x))]) for x in (emotion.valence, emotion.arousal))
        out = circumplex(v, a)[0]
    out *= max(0.0, min(1.0, emotion.strength))
    out.flags.writeable = False
    return out


def circumplex(valence: NDArray[np.float64], arousal: NDArray[np.float64]) -> NDArray[np.float64]:
    """The expressions of feelings without a name, (n, 52 + 3), from valence and arousal, -1…1, (n,) each."""
    calm, awake = (1 - arousal) / 2, (1 + arousal) / 2
    mix = {
        "happy": np.maximum(valence, 0) * awake,
        "tender": np.maximum(valence, 0) * calm,
        "angry": np.maximum(-valence, 0) * awake,
        "sad": np.maximum(-valence, 0) * calm,
        "surprised": np.maximum(arousal, 0) * (1 - np.abs(valence)) * 0.6,
    }
    out = np.zeros((len(valence), ATTITUDE + 3))
    for name, weight in mix.items():
        if weight.any():
            out += weight[:, None] * _vector(name)
    return out


@lru_cache(maxsize=16)
def _vector(name: str) -> NDArray[np.float64]:
    look, out = _LOOKS[name], np.zeros(ATTITUDE + 3)
    for shape, value in look.shapes.items():
        for column in (f"{shape}Left", f"{shape}Right") if shape in _BOTH else (shape,):
            out[SHAPE_INDEX[column]] = value
    out[ATTITUDE:] = look.pitch, look.roll, look.energy
    return out


class Expressions:
    """Rows of expression over time: what the spans say, else the feeling that holds; eased over each border.

    Row k, at ``base + 960·k`` ticks, is final once every span that starts before ``base + 960·(k + SETTLE)`` is known.
    """

    def __init__(self, base: int, held: Emotion) -> None:
        self._base = base
        self._held = expression(held)
        self._spans: deque[EmotionSpan] = deque()
        self._first = 0

    def add(self, span: EmotionSpan) -> None:
        """Take a span; where spans overlap, the one that starts later holds."""
        expression(span.emotion)
        if span.end > span.start and span not in self._spans:
            self._spans.append(span)

    def take(self, rows: int) -> NDArray[np.float64]:
        """Remove and return the first rows, (rows, 52 + 3)."""
        wide = np.array([self._at(k) for k in range(self._first - SETTLE, self._first + rows + SETTLE)])
        self._first += rows
        seen = self._base + (self._first - SETTLE) * _ROW
        while self._spans and self._spans[0].end <= seen:
            self._spans.popleft()
        out = np.zeros((rows, ATTITUDE + 3))
        for i, weight in enumerate(_WINDOW):
            out += weight * wide[i : i + rows]
        return out

    def _at(self, row: int) -> NDArray[np.float64]:
        tick = self._base + max(row, 0) * _ROW
        inside = [s for s in self._spans if s.start <= tick < s.end]
        return expression(max(inside, key=lambda s: s.start).emotion) if inside else self._held
