"""Speech to drive a face with, and its motion measured in millimetres and degrees."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from mien.dialogue.perform import perform
from mien.dialogue.speak.espeak import EspeakSpeaker
from mien.face.base import FaceDriver, FaceSettings
from mien.face.phones import PhoneDriver
from mien.timeline import frame_tick, frames_in
from mien.types import SHAPE_INDEX, AudioChunk, FaceClip, FloatArray, Phone, SpeechPart

MS = 48
Values = NDArray[np.float64]

_PARTS_LIPS_MM = {
    "jawOpen": 25.0, "mouthClose": -25.0, "mouthLowerDownLeft": 2.7, "mouthLowerDownRight": 2.7,
    "mouthUpperUpLeft": 2.7, "mouthUpperUpRight": 2.7, "mouthFunnel": 8.4, "mouthPucker": 1.9, "tongueOut": 9.9,
    "mouthRollLower": 0.6, "mouthRollUpper": 0.4, "mouthShrugLower": 0.8,
}  # fmt: skip

ENGLISH = (
    "The people of Bombay may prefer to buy brown bread, but my mother believes in making a simple apple pie. "
    "Perhaps pumpkin soup, maybe plums; happy members jump about, hoping to become a bit famous. "
    "Five foxes have very few friends. Please put the empty pepper pot back up above my bumpy bamboo lamp."
)
CHINESE = (
    "爸爸妈妈买苹果，朋友们怕不怕跑步？北京的冬天很冷，但是我们喜欢去公园散步。门外飘着白雪，漂亮的蝴蝶飞不动。"
    "中国人民爱和平，明白的人不必比别人忙。八百标兵奔北坡，炮兵并排北边跑。"
)


def aperture_mm(shapes: FloatArray) -> Values:
    """Gap between the lips at their centre, from shapes (…, 52), with 63 mm between the eyes: the rig's travel."""
    columns = [SHAPE_INDEX[name] for name in _PARTS_LIPS_MM]
    return np.asarray(shapes[..., columns].astype(np.float64) @ np.array(list(_PARTS_LIPS_MM.values())))


def shape(clip: FaceClip, name: str) -> Values:
    """One channel of a clip over time."""
    return clip.shapes[:, SHAPE_INDEX[name]].astype(np.float64)


def speech(phones: Sequence[tuple[str, int]], *, start: int = 0, level: float = 0.1) -> SpeechPart:
    """Speech of these (symbol, milliseconds), with a tone for sound; "" is silence."""
    at, placed, sound = start, [], []
    for symbol, milliseconds in phones:
        end = at + milliseconds * MS
        placed.append(Phone(at, end, symbol))
        t = np.arange(at - start, end - start)
        sound.append((level * np.sin(t * 0.0197) if symbol else np.zeros(len(t))).astype(np.float32))
        at = end
    return SpeechPart(AudioChunk(start, np.concatenate(sound)), tuple(placed), (), last=True)


def silence(seconds: float, *, start: int = 0) -> SpeechPart:
    """Nothing said for a while."""
    return SpeechPart(AudioChunk(start, np.zeros(round(seconds * 48_000), np.float32)), (), (), last=True)


def drive(parts: Sequence[SpeechPart], settings: FaceSettings | None = None) -> FaceClip:
    """The whole motion of speech that is pushed part by part."""
    driver: FaceDriver = PhoneDriver(settings or FaceSettings())
    for part in parts:
        driver.push(part)
    driver.close()
    return driver.read()


@cache
def spoken(text: str, language: str, rate: float = 1.0) -> SpeechPart:
    """The text as the real speaker says it, as one part."""
    speaker = EspeakSpeaker()
    try:
        parts = list(perform(text, speaker, language=language, rate=rate))
    finally:
        speaker.close()
    samples = np.concatenate([p.audio.samples for p in parts])
    phones = tuple(q for p in parts for q in p.phones or ())
    return SpeechPart(AudioChunk(parts[0].audio.start, samples), phones, (), last=True)


def at_frames(clip: FaceClip, fps: Fraction, offset: int = 0) -> tuple[NDArray[np.int64], Values]:
    """Ticks of a film's frames, the first at ``offset``, and the aperture there, rows joined linearly as films do."""
    end = clip.start + len(clip) * 960
    count = frames_in(end - clip.start - offset, fps)
    ticks = np.array([clip.start + offset + frame_tick(k, fps) for k in range(count)])
    rows = clip.start + np.arange(len(clip)) * 960
    return ticks, np.interp(ticks, rows, aperture_mm(clip.shapes))


def smallest_gaps(part: SpeechPart, clip: FaceClip, fps: Fraction, offset: int = 0) -> list[tuple[str, float]]:
    """Each bilabial and the smallest aperture over the frames shown while it sounds."""
    ticks, gaps = at_frames(clip, fps, offset)
    shown_until = np.append(ticks[1:], ticks[-1] + int(48_000 / fps))
    out = []
    for phone in part.phones or ():
        if phone.symbol[:1] in {"p", "b", "m"}:
            starting = (ticks >= phone.start) & (ticks < phone.end)
            seen = starting if starting.any() else (ticks < phone.end) & (shown_until > phone.start)
            if seen.any():
                out.append((phone.symbol, float(gaps[seen].min())))
    return out


def far_from_speech(part: SpeechPart, ticks: NDArray[np.int64], milliseconds: int = 150) -> NDArray[np.bool_]:
    """Which ticks are further than this from any spoken phone."""
    far = np.ones(len(ticks), bool)
    for phone in part.phones or ():
        if phone.symbol:
            far &= (ticks < phone.start - milliseconds * MS) | (ticks > phone.end + milliseconds * MS)
    return far


def cut(part: SpeechPart, places: Sequence[int]) -> list[SpeechPart]:
    """The same speech in pieces, cut after these many samples; phones and emotions go where they start."""
    bounds = sorted({0, len(part.audio.samples), *(p % (len(part.audio.samples) + 1) for p in places)})
    pieces = []
    for a, b in pairwise(bounds):
        lo, hi = part.audio.start + a, part.audio.start + b
        phones = tuple(p for p in part.phones or () if lo <= p.start < hi)
        emotions = tuple(e for e in part.emotions if lo <= e.start < hi)
        pieces.append(SpeechPart(AudioChunk(lo, part.audio.samples[a:b]), phones, (), emotions))
    return pieces
