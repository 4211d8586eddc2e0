"""What a visitor says to a benchmark, as a WAV file of which is known when every utterance begins and ends."""

from __future__ import annotations

import random
import wave
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mien.timeline import TICKS_PER_SECOND
from mien.types import FloatArray

QUESTIONS = (
    "Who are you?", "What can you do?", "Good morning, how are you today?", "What is your name?",
    "Can you hear me now?", "Tell me something about this place.", "Thank you very much.", "How does that work?",
    "Where do I find the station?", "Please say that again.",
)  # fmt: skip
_VOICES = (("en-us", "male"), ("en-gb", "female"), ("en-us", "female"), ("en-gb-x-rp", "male"))
_LEVEL = 10 ** (-23 / 20)  # of the loud parts of a visitor's voice, RMS
_NOISE = 1e-4  # a microphone's own
_BELOW = 10 ** (-30 / 20)  # of the loud parts: what is quieter is not speech any more
_STEP = TICKS_PER_SECOND // 200


@dataclass(frozen=True, slots=True)
class Utterance:
    """start, end: ms in the file of its first and last speech."""

    text: str
    start: float
    end: float


def spoken(
    count: int,
    lead: float,
    gaps: tuple[float, float],
    path: Path,
    *,
    seed: int = 1,
    questions: Sequence[str] = QUESTIONS,
) -> list[Utterance]:
    """Write ``count`` questions in several voices, with silences of random length within ``gaps`` (seconds) behind
    each, ``lead`` seconds before the first.
    """
    rng = random.Random(seed)
    clips = [_clip(text, *_VOICES[n % len(_VOICES)]) for n, text in enumerate(questions)]
    pieces, at, said = [np.zeros(round(lead * TICKS_PER_SECOND), np.float32)], round(lead * TICKS_PER_SECOND), []
    for n in range(count):
        clip = clips[n % len(clips)]
        first, last = _bounds(clip)
        said.append(Utterance(questions[n % len(clips)], (at + first) / 48.0, (at + last) / 48.0))
        gap = np.zeros(round(rng.uniform(*gaps) * TICKS_PER_SECOND), np.float32)
        pieces += [clip, gap]
        at += len(clip) + len(gap)
    sound = np.concatenate([*pieces, np.zeros(4 * TICKS_PER_SECOND, np.float32)])
    sound += np.random.default_rng(seed).normal(0, _NOISE, len(sound)).astype(np.float32)
    _write(path, sound)
    return said


def envelope(path: Path) -> FloatArray:
    """Peaks of each millisecond of a WAV file as :func:`spoken` writes it."""
    with wave.open(str(path)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2") / np.float32(32768)
    loud: FloatArray = np.abs(samples[: len(samples) // 48 * 48]).reshape(-1, 48).max(axis=1)
    return loud


def _clip(text: str, language: str, voice: str) -> FloatArray:
    from mien.dialogue.perform import perform
    from mien.dialogue.speak.espeak import EspeakSpeaker

    speaker = EspeakSpeaker()
    try:
        sound = np.concatenate([p.audio.samples for p in perform(text, speaker, language=language, voice=voice)])
    finally:
        speaker.close()
    loud = _rms(sound)
    level = np.sqrt(np.mean(loud[loud > loud.max() / 3] ** 2))
    return np.asarray(sound * (_LEVEL / level), np.float32)


def _bounds(clip: FloatArray) -> tuple[int, int]:
    """Ticks of the first and last speech."""
    loud = _rms(clip)
    speech = np.flatnonzero(loud > np.percentile(loud, 90) * _BELOW)
    return int(speech[0]) * _STEP, int(speech[-1] + 1) * _STEP


def _rms(clip: FloatArray) -> FloatArray:
    rows = clip[: len(clip) // _STEP * _STEP].reshape(-1, _STEP)
    return np.asarray(np.sqrt((rows**2).mean(axis=1)), np.float32)


def _write(path: Path, sound: FloatArray) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(TICKS_PER_SECOND)
        file.writeframes((np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes())
