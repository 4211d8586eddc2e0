"""Sounds and sound files for the tests."""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from mien.audio.read import read_audio
from mien.audio.source import AudioSource
from mien.types import FloatArray, Phone

RATE = 48_000


def tone(seconds: float, rate: int = RATE, hertz: float = 440.0, gain: float = 0.3) -> FloatArray:
    phase = 2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate
    return np.asarray(gain * np.sin(phase), np.float32)


def noise(seconds: float, gain: float = 0.05, seed: int = 0) -> FloatArray:
    return np.asarray(gain * np.random.default_rng(seed).standard_normal(round(seconds * RATE)), np.float32)


def music(seconds: float, seed: int = 0) -> FloatArray:
    """A tune of plucked notes over chords and drums."""
    rng = np.random.default_rng(seed)
    out = 0.05 * sum((tone(seconds, hertz=f) for f in (261.6, 329.6, 392.0)), np.zeros(round(seconds * RATE)))
    beat = RATE // 2
    t = np.arange(beat) / RATE
    for at in range(0, len(out) - beat + 1, beat):
        pitch = rng.choice([262, 294, 330, 349, 392, 440])
        note = np.sum([np.sin(2 * np.pi * pitch * k * t) / k for k in range(1, 8)], axis=0)
        out[at : at + beat] += 0.15 * np.exp(-4 * t) * note + 0.3 * np.exp(-40 * t) * rng.standard_normal(beat)
    return np.asarray(out, np.float32)


def breath(seconds: float = 0.5, gain: float = 0.03) -> FloatArray:
    spectrum = np.fft.rfft(noise(seconds, 1.0))
    hertz = np.fft.rfftfreq(round(seconds * RATE), 1 / RATE)
    sound = np.fft.irfft(spectrum * np.exp(-(((hertz - 1800) / 1200) ** 2)), round(seconds * RATE))
    return np.asarray(gain * sound / sound.std() * np.hanning(len(sound)), np.float32)


@cache
def spoken(text: str, language: str = "en") -> tuple[FloatArray, tuple[Phone, ...]]:
    """The embedded voice says something; its phones."""
    from mien.dialogue.perform import perform
    from mien.dialogue.speak.espeak import EspeakSpeaker

    speaker = EspeakSpeaker()
    parts = list(perform(text, speaker, language=language))
    speaker.close()
    sound = np.concatenate([p.audio.samples for p in parts])
    sound.setflags(write=False)  # it is shared
    return sound, tuple(q for p in parts for q in p.phones or ())


def write(path: Path, samples: NDArray[Any], rate: int = RATE, codec: str = "pcm_s16le", **how: Any) -> Path:
    """A file of float samples, (n,) or (n, channels). format: of the container, layout: of the channels."""
    rows = samples.reshape(len(samples), -1)
    layout = how.get("layout") or {1: "mono", 2: "stereo", 6: "5.1"}[rows.shape[1]]
    with av.open(str(path), "w", format=how.get("format")) as file:
        stream: Any = file.add_stream(codec, rate=rate)
        stream.layout = layout
        if "sample_format" in how:
            stream.format = how["sample_format"]
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(rows.astype(np.float32).T), format="fltp", layout=layout
        )
        frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
        converter = av.AudioResampler(stream.format.name, layout, rate, frame_size=stream.frame_size or 1024)
        for piece in [*converter.resample(frame), *converter.resample(None)]:
            for packet in stream.encode(piece):
                file.mux(packet)
        for packet in stream.encode(None):
            file.mux(packet)
    return path


def read(source: AudioSource) -> FloatArray:
    """All of a sound; its chunks follow each other from tick 0 on."""
    pieces, end = [], 0
    for chunk in read_audio(source):
        assert chunk.start == end
        assert chunk.samples.dtype == np.float32
        end = chunk.end
        pieces.append(chunk.samples)
    return np.concatenate(pieces)


def cut(samples: FloatArray, sizes: list[int]) -> list[FloatArray]:
    """Pieces of the sizes, over and over."""
    pieces, at, k = [], 0, 0
    while at < len(samples):
        pieces.append(samples[at : at + sizes[k % len(sizes)]])
        at += len(pieces[-1])
        k += 1
    return pieces


def loudness_at(samples: FloatArray, seconds: float, width: float = 0.02) -> float:
    """Root mean square around a moment."""
    at = round(seconds * RATE)
    half = round(width * RATE / 2)
    return float(np.sqrt(np.square(samples[max(0, at - half) : at + half]).mean()))
