"""Sounds to try lips with: speech of known phones, babble of many voices, music, noise. Made here, the same each time.

All are float32, (n,), at 48 kHz.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien.timeline import TICKS_PER_SECOND
from mien.types import FloatArray, Phone

UNSEEN: Final = ("klatt4", "f2", "whisperf")
"""espeak-ng's voices that no network of ours learns from."""
_CROWD: Final = ("f5", "m3", "klatt2", "f4", "m1", "klatt3", "f1", "m7")
TEXTS: Final = {
    "en": "Maybe Bob will climb up the mountain before the pub opens. Pamela, Tom and Robbie shared a piece of plum "
    "pumpkin pie. Nobody remembers the name of the bumpy path beside the big pond. Hope is a simple, beautiful map.",
    "zh": "明天爸爸跟朋友爬山，妈妈买面包和苹果。八只白猫慢慢跑过木板，宝宝拍拍皮球，笨笨地碰破了瓶子。",
    "de": "Am Abend backt meine Mama Pfannkuchen, aber Papa probiert bloß braune Bohnen. Peter bemalt im Park bunte "
    "Bäume und vier bellende Möpse.",
    "es": "Mi primo Pablo compra pan blanco para mamá. También busca un mapa, una bomba pequeña y un cambio amable.",
}
"""What they say: full of m, b and p; not among the sentences that a network learns from."""
_PAUSE: Final = 0.7


@dataclass(frozen=True)
class Spoken:
    """An utterance. name: language and voice. phones: ticks, exact."""

    name: str
    sound: FloatArray
    phones: tuple[Phone, ...]


def utterances(voices: Sequence[str] = UNSEEN, texts: dict[str, str] | None = None) -> Iterator[Spoken]:
    """Every text by every voice, with silence before and after."""
    from mien.dialogue.perform import perform
    from mien.dialogue.speak.espeak import EspeakSpeaker

    quiet = round(_PAUSE * TICKS_PER_SECOND)
    speaker = EspeakSpeaker()
    try:
        for language, text in (texts or TEXTS).items():
            for voice in voices:
                parts = list(perform(text, speaker, language=language, voice=voice, start=quiet))
                said = np.concatenate([part.audio.samples for part in parts])
                phones = tuple(phone for part in parts for phone in part.phones or ())
                yield Spoken(f"{language} {voice}", np.pad(said, quiet).astype(np.float32), phones)
    finally:
        speaker.close()


def babble(seconds: float, folder: Path | None = None, seed: int = 0) -> FloatArray:
    """Six people talking at once. folder: recordings of speech to mix (default: espeak-ng's voices).

    Raises InputError for a folder without sound files.
    """
    rng = np.random.default_rng(seed)
    talk = _recordings(folder) if folder else [u.sound for u in utterances(_CROWD[:3] + _CROWD[4:7], _BABBLE_TEXT)]
    length = round(seconds * TICKS_PER_SECOND)
    out = np.zeros(length)
    for k in range(6):
        voice = talk[int(rng.integers(len(talk)))] if folder else talk[k % len(talk)]
        voice = voice / max(1e-6, rms(voice))
        out += np.roll(np.resize(voice, length), int(rng.integers(length)))
    return np.asarray(0.1 * out / rms(out), np.float32)


_BABBLE_TEXT: Final = {
    "en": "We could go along the river until the sun sets, then light a fire. The train leaves at ten, so let us have "
    "breakfast early and walk slowly to the station.",
}


def _recordings(folder: Path) -> list[FloatArray]:
    from mien.audio.read import read_audio

    files = sorted(f for f in folder.iterdir() if f.suffix.lower() in {".wav", ".flac", ".mp3", ".ogg", ".m4a"})
    if not files:
        raise InputError(f"There are no recordings in '{folder}'.", hint="Give a folder of .wav, .flac or .mp3 files.")
    return [np.concatenate([chunk.samples for chunk in read_audio(file)]) for file in files[:40]]


def rms(sound: NDArray[np.floating]) -> float:
    """Root mean square."""
    return float(np.sqrt(np.mean(np.square(sound, dtype=np.float64)))) if len(sound) else 0.0


def mixed(spoken: Spoken, noise: FloatArray, decibels: float) -> FloatArray:
    """Speech in noise at this ratio, of the speech's own power while it sounds."""
    voiced = np.zeros(len(spoken.sound), bool)
    for phone in spoken.phones:
        voiced[phone.start : phone.end] |= bool(phone.symbol)
    loud = rms(spoken.sound[voiced])
    noise = np.resize(noise, len(spoken.sound))
    both = spoken.sound + noise * (loud / max(1e-9, rms(noise)) * 10 ** (-decibels / 20))
    return np.asarray(both * min(1.0, 0.98 / max(1e-9, float(np.abs(both).max()))), np.float32)


def speechless(seconds: float = 20.0, seed: int = 0) -> dict[str, FloatArray]:
    """Sound in which nobody speaks, by name: silence (with a recorder's faint hiss), noises, music."""
    rng = np.random.default_rng(seed)
    n = round(seconds * TICKS_PER_SECOND)
    white = rng.standard_normal(n)
    spectrum = np.fft.rfft(white) / np.sqrt(np.maximum(np.arange(n // 2 + 1), 1))
    pink = np.fft.irfft(spectrum, n)
    sounds = {"silence": 2e-4 * white, "white noise": 0.05 * white, "pink noise": 0.08 * pink / rms(pink)}
    sounds |= {"chords": _chords(n), "drums": _drums(n, rng), "band": _chords(n) + _drums(n, rng) + _melody(n, rng)}
    return {
        name: np.asarray(0.2 * s / np.abs(s).max() if rms(s) > 1e-3 else s, np.float32) for name, s in sounds.items()
    }


def _tone(frequency: float, count: int, attack: float, decay: float) -> NDArray[np.float64]:
    """A plucked or bowed note with eight harmonics."""
    t = np.arange(count) / TICKS_PER_SECOND
    wave = sum(np.sin(2 * np.pi * frequency * h * t) / h**1.3 for h in range(1, 9))
    return np.asarray(wave * np.minimum(t / attack, 1) * np.exp(-t / decay))


def _chords(n: int) -> NDArray[np.float64]:
    out = np.zeros(n)
    bar = TICKS_PER_SECOND
    for k, at in enumerate(range(0, n - bar, bar)):
        root = (220.0, 174.6, 261.6, 196.0)[k // 2 % 4]
        for ratio in (0.5, 1.0, 1.26, 1.5):
            out[at : at + bar] += 0.2 * _tone(root * ratio, bar, 0.02, 0.9)
    return out


def _melody(n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    out = np.zeros(n)
    step = TICKS_PER_SECOND // 4
    for at in range(0, n - step, step):
        if rng.random() < 0.75:
            note = 440.0 * 2 ** (int(rng.choice([0, 2, 4, 7, 9, 12])) / 12)
            out[at : at + step] += 0.35 * _tone(note, step, 0.01, 0.3)
    return out


def _drums(n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    out = np.zeros(n)
    beat, length = TICKS_PER_SECOND // 2, TICKS_PER_SECOND // 5
    t = np.arange(length) / TICKS_PER_SECOND
    kick = np.sin(2 * np.pi * (50 * t + 6 * (1 - np.exp(-t * 30)))) * np.exp(-t * 18)
    for k, at in enumerate(range(0, n - beat, beat // 2)):
        hit = kick if k % 4 == 0 else rng.standard_normal(length) * np.exp(-t * (22 if k % 4 == 2 else 90)) * 0.5
        out[at : at + length] += 0.6 * hit[: n - at]
    return out
