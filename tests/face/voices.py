"""Voices with the pitch, range and speed that a test asks for, and what is heard in them."""

from __future__ import annotations

from functools import cache

import numpy as np
import soxr

from mien.dialogue.speak.espeak_process import EspeakProcess, Job
from mien.face.affect import Mood
from mien.face.prosody import PhraseEnd, Prosody, Tone
from mien.types import FloatArray

STORY = {
    "en+f5": (
        "I went down to the market this morning, and they had the most wonderful tomatoes. "
        "We bought two bags, and then we walked home along the river."
    ),
    "en+klatt4": (
        "The train was late again, so we waited in the little station and drank some tea. "
        "Then somebody began to sing, and the whole room listened."
    ),
    "cmn-latn-pinyin+f5": (
        "今天早上我去了市场，那里有最好的西红柿。我们买了两袋，然后沿着河边走回家。孩子们在水里玩。"
    ),
    "ja+f5": (
        "けさ いちばに いきました。とても おいしい トマトが ありました。"
        "ふたふくろ かって、かわに そって あるいて かえりました。"
    ),
    "de+klatt4": (
        "Ich war heute Morgen auf dem Markt, und dort gab es die schönsten Tomaten. "
        "Wir haben zwei Tüten gekauft und sind am Fluss entlang nach Hause gegangen."
    ),
}  # fmt: skip


@cache
def said(text: str, voice: str, *, rate: int = 165, pitch: int = 50, pitch_range: int = 50) -> FloatArray:
    """Sound at 48 kHz. rate: words a minute. pitch, pitch_range: 0…99."""
    process = EspeakProcess()
    try:
        made = process.render(Job(text, voice, rate, pitch, pitch_range))
    finally:
        process.close()
    samples = np.frombuffer(made.pcm, "<i2").astype(np.float32) / 32768
    out: FloatArray = soxr.resample(samples, made.sample_rate, 48_000).astype(np.float32)
    return out


def moods(sound: FloatArray) -> list[Mood]:
    """How the voice sounds in each row of 20 ms."""
    prosody = Prosody()
    told = {e.row: e.mood for e in [*prosody.push(sound), *prosody.close()] if isinstance(e, Tone)}
    out, now = [], Mood()
    for row in range(len(sound) // 960):
        now = told.get(row, now)
        out.append(now)
    return out


def arousal(sound: FloatArray) -> float:
    """Mean arousal after the first two seconds."""
    return float(np.mean([m.arousal for m in moods(sound)[100:]]))


def contours(sound: FloatArray) -> list[float]:
    """How each phrase ended."""
    prosody = Prosody()
    return [e.contour for e in [*prosody.push(sound), *prosody.close()] if isinstance(e, PhraseEnd)]
