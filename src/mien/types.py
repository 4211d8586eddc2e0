"""What flows between the stages. Every value is frozen; every field states its unit.

Time is an absolute integer tick of 1/48000 s (:mod:`mien.timeline`), measured from the start of the film or session.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
ByteArray = NDArray[np.uint8]
IntArray = NDArray[np.int32]

ARKIT_SHAPES: Final[tuple[str, ...]] = (
    "eyeBlinkLeft", "eyeLookDownLeft", "eyeLookInLeft", "eyeLookOutLeft", "eyeLookUpLeft", "eyeSquintLeft",
    "eyeWideLeft", "eyeBlinkRight", "eyeLookDownRight", "eyeLookInRight", "eyeLookOutRight", "eyeLookUpRight",
    "eyeSquintRight", "eyeWideRight", "jawForward", "jawRight", "jawLeft", "jawOpen", "mouthClose", "mouthFunnel",
    "mouthPucker", "mouthRight", "mouthLeft", "mouthSmileLeft", "mouthSmileRight", "mouthFrownLeft",
    "mouthFrownRight", "mouthDimpleLeft", "mouthDimpleRight", "mouthStretchLeft", "mouthStretchRight",
    "mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper", "mouthPressLeft", "mouthPressRight",
    "mouthLowerDownLeft", "mouthLowerDownRight", "mouthUpperUpLeft", "mouthUpperUpRight", "browDownLeft",
    "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight", "cheekPuff", "cheekSquintLeft",
    "cheekSquintRight", "noseSneerLeft", "noseSneerRight", "tongueOut",
)  # fmt: skip
"""Apple's 52 blendshape names in the column order of Live Link Face's CSV.

Left and right are the person's own. On a portrait that faces us, the person's left eye is on the viewer's right.
"""

SHAPE_INDEX: Final[dict[str, int]] = {name: i for i, name in enumerate(ARKIT_SHAPES)}
"""Column of each shape in :attr:`FaceClip.shapes`."""


@dataclass(frozen=True, slots=True)
class AudioChunk:
    """A piece of mono sound at 48 kHz; tick and sample are the same thing.

    start: tick of the first sample.
    samples: float32, (n,), -1…1.
    """

    start: int
    samples: FloatArray

    @property
    def end(self) -> int:
        """Tick after the last sample."""
        return self.start + len(self.samples)


@dataclass(frozen=True, slots=True)
class Word:
    """A spoken word and where it stands in the text that the user wrote.

    start, end: ticks. char_start, char_end: half-open range of characters (Python string indices) in the source text.
    """

    start: int
    end: int
    char_start: int
    char_end: int


@dataclass(frozen=True, slots=True)
class Phone:
    """A spoken sound. start, end: ticks. symbol: IPA, stress and tone marks removed; "" is silence.

    confidence: 0…1, how sure it is that this sound is spoken there; 1 for sound that was made from these phones.
    """

    start: int
    end: int
    symbol: str
    confidence: float = 1.0


@dataclass(frozen=True, slots=True)
class Activity:
    """How likely somebody speaks, row by row of 20 ms.

    start: tick of row 0. probability: float32, (n,), 0…1; row k is about the 960 ticks from start + 960 k on.
    """

    start: int
    probability: FloatArray


@dataclass(frozen=True, slots=True)
class Emotion:
    """A feeling on Russell's two axes, plus an optional name that picks a named expression.

    valence: -1 (unpleasant) … 1 (pleasant). arousal: -1 (calm) … 1 (excited). name: one of
    :data:`EMOTION_NAMES`. strength: 0…1, how much of it shows.
    """

    valence: float = 0.0
    arousal: float = 0.0
    name: str = "neutral"
    strength: float = 1.0


EMOTION_NAMES: Final = ("neutral", "happy", "sad", "angry", "surprised", "tender", "serious")


@dataclass(frozen=True, slots=True)
class Cue:
    """A named moment of the script. tick: when it is reached."""

    tick: int
    name: str


@dataclass(frozen=True, slots=True)
class EmotionSpan:
    """An emotion that holds from start to end (ticks, half-open)."""

    start: int
    end: int
    emotion: Emotion


@dataclass(frozen=True, slots=True)
class SpeechPart:
    """A piece of speech as it comes from a speaking back end: sound, and what is known about it.

    Parts of one utterance follow each other without a gap. Times are absolute ticks and lie inside the part's sound,
    except that a phone or word may end in a later part.
    phones, words: None when the back end gives no times (drivers then listen to the sound instead).
    activity: voice activity, None when nobody listened for it. Its rows follow on from part to part; they may lag
    behind the sound, and the last part's reach its end. heard: float32, as long as the sound, what a driver should
    listen to (noise taken away), None = the sound itself.
    last: True on the last part of an utterance.
    """

    audio: AudioChunk
    phones: tuple[Phone, ...] | None = None
    words: tuple[Word, ...] | None = None
    emotions: tuple[EmotionSpan, ...] = ()
    cues: tuple[Cue, ...] = ()
    turn: int = 0
    last: bool = False
    activity: Activity | None = None
    heard: FloatArray | None = None


GAZE_DEGREES: Final = {"side": 26.0, "up": 16.5, "down": 21.0}
"""Degrees that an eye turns when its eyeLook shape of that direction (In and Out are sides) is 1."""

CLIP_RATE: Final = Fraction(50)
"""Default rate of face clips, per second."""


@dataclass(frozen=True, slots=True)
class FaceClip:
    """Motion of a face: the contract between face drivers, renderers and other people's software.

    start: tick of row 0. rate: rows a second; row k is at tick start + floor(k * 48000 / rate).
    shapes: float32, (t, 52), 0…1, columns as :data:`ARKIT_SHAPES`.
    head: float32, (t, 6): yaw, pitch, roll in radians, then x, y, z in eye distances (distance between eye centres).

    Conventions, fixed here once. The head's axes are ARKit's face anchor: x to the person's own left (the viewer's
    right), y up, z out of the face towards the viewer, right-handed. yaw > 0 turns the nose to the person's own left
    (viewer's right); pitch > 0 lowers the nose; roll > 0 raises the person's left side (tilts the head to the person's
    right shoulder). R = Ry(yaw) Rx(pitch) Rz(roll). x, y, z > 0 move to the viewer's right, up and towards the viewer.
    Gaze *is* the eight eyeLook shapes (:data:`GAZE_DEGREES`), relative to the head. All zero is a relaxed face, looking
    as the portrait does, lips closed whatever the photograph did. mouthClose closes the lips at an open jaw and never
    exceeds jawOpen.
    """

    start: int
    shapes: FloatArray
    head: FloatArray
    rate: Fraction = CLIP_RATE

    def __len__(self) -> int:
        return len(self.shapes)


@dataclass(frozen=True, slots=True)
class VideoFrame:
    """A picture at a moment.

    tick: when it is shown. pixels: uint8, (h, w, 3) RGB, or (h, w, 4) RGB with straight (not premultiplied) alpha.
    """

    tick: int
    pixels: ByteArray
