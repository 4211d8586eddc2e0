"""``python -m benchmarks.studio_sync``: captions, music and loudness of finished films, measured in the decoded files.

Captions: words that begin with a voiced sound are said one by one, with pauses between; each has a caption of its own,
in the picture (``big-word``) and in the SRT file. When the sound begins is read from the film's sound, when the caption
appears from its pictures. Music: a tone that no voice has plays under speech and pauses; its level is read there.
Loudness: of the whole sound, as asked for. Exit status 1 when a promise is broken.
"""

from __future__ import annotations

import math
import re
import sys
import tempfile
import wave
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.process import mien
from mien.types import FloatArray

RATE: Final = 48_000
WORDS: Final = {
    "en": ("Lemon", "Nine", "Melon", "Yellow", "Morning", "River", "Never", "Money"),
    "zh": ("妈妈", "牛奶", "里面", "馒头", "名字", "奶奶", "热闹", "月亮"),
}
TONE: Final = 11_000
"""Hertz: the loudest of what a voice has there is far below the music."""
LATE, DUCK, NEAR, LOUD = 0.040, -12.0, 2.0, 1.0
_PROJECT: Final = """
mien: 1
language: {language}
canvas: {{size: 540x960, fps: 25}}
avatar: none
background: black
loudness: {loudness}
{more}
scenes:
  - script: "{script}"
    before: 1s
    after: 1s
"""


def main() -> int:
    """Print everything."""
    good = True
    with tempfile.TemporaryDirectory(prefix="mien-sync-") as name:
        folder = Path(name)
        for language, words in WORDS.items():
            good &= captions(folder, language, words)
        good &= ducking(folder)
        for language in WORDS:
            for target in (-14, -16):
                good &= loudness(folder, language, target)
    return int(not good)


def captions(folder: Path, language: str, words: tuple[str, ...]) -> bool:
    """When captions appear against when their words begin to sound."""
    script = " [pause 900ms] ".join(f"{word}{'。' if language == 'zh' else '.'}" for word in words)
    film = _film(folder, language, script, more="captions: {style: big-word, files: [srt]}")
    heard, seen, read = onsets(sound(film)), appearances(film), cues(film.with_suffix(".srt"))
    if not len(heard) == len(seen) == len(read) == len(words):
        print(
            f"captions, {language}: {len(words)} words, {len(heard)} heard, {len(seen)} seen, {len(read)} in the file"
        )
        return False
    good = True
    for what, times in (("in the picture", seen), ("in the SRT", read)):
        late = np.array(times) - np.array(heard)
        good &= bool(np.abs(late).max() <= LATE + 1e-6)
        middle, first, last = (1000 * float(value) for value in (np.median(late), late.min(), late.max()))
        print(
            f"captions, {language}, {what}: {len(late)} words, appear {middle:+.0f} ms after their sound (median), "
            f"{first:+.0f} to {last:+.0f} ms (promise: within {1000 * LATE:.0f})"
        )
    return good


def ducking(folder: Path) -> bool:
    """How much softer music is under speech."""
    tone = folder / "tone.wav"
    _write(tone, np.asarray(0.2 * np.sin(2 * np.pi * TONE * np.arange(10 * RATE) / RATE), np.float32))
    script = "[pause 300ms] ".join(["This is said while music plays, and it goes on for a while without a break."] * 2)
    more = f"music: {{file: {tone.name}, fade: 0s}}"
    film = _film(folder, "en", script, more=more, scenes=2)
    level = band(sound(film), TONE)
    under, between = float(np.percentile(level, 20)), float(np.percentile(level, 95))
    print(f"music under speech: {under - between:+.1f} dB (asked {DUCK:+.0f}, promise: within {NEAR:.0f})")
    return abs(under - between - DUCK) <= NEAR


def loudness(folder: Path, language: str, target: int) -> bool:
    """Integrated loudness of the whole film, ITU-R BS.1770-4, and its true peak."""
    from mien.audio.loudness import Meter, true_peak

    film = _film(folder, language, "，".join(WORDS[language]) + "。", loudness=target)
    both = sound(film, mono=False)
    meters = Meter(), Meter()
    for meter, side in zip(meters, both, strict=True):
        meter.push(np.ascontiguousarray(side))
    measured = meters[0].lufs(other=meters[1])
    peak = 20 * math.log10(max(true_peak(np.ascontiguousarray(side)) for side in both))
    print(
        f"loudness, {language}: {measured:.1f} LUFS (asked {target}, promise: within {LOUD:.0f}), peak {peak:.1f} dBTP"
    )
    return abs(measured - target) <= LOUD


def _film(
    folder: Path, language: str, script: str, *, more: str = "captions: false", loudness: int = -16, scenes: int = 1
) -> Path:
    project = folder / "film.yaml"
    text = _PROJECT.format(language=language, loudness=loudness, more=more, script=script)
    scene = text[text.index("  - script") :]
    project.write_text(text + scene * (scenes - 1), "utf-8")
    film = folder / "film.mp4"
    mien("studio", "render", str(project), "-o", str(film))
    return film


def sound(film: Path, *, mono: bool = True) -> FloatArray:
    """The decoded sound, float32 (n,) or (2, n); sample 0 is the film's time 0."""
    import av

    with av.open(str(film)) as file:
        stream = file.streams.audio[0]
        assert stream.rate == RATE
        frames = list(file.decode(stream))
    first = seconds(frames[0])
    both = np.concatenate([frame.to_ndarray() for frame in frames], axis=1)
    lead = round(first * RATE)
    both = np.pad(both, ((0, 0), (max(lead, 0), 0)))[:, max(-lead, 0) :].astype(np.float32)
    return np.asarray(both.mean(0) if mono else both, np.float32)


def onsets(samples: FloatArray, quiet: float = 0.25, step: int = RATE // 400) -> list[float]:
    """Seconds at which sound begins after silence: 30 dB below the loudest, after ``quiet`` seconds below that."""
    count = len(samples) // step
    power = np.square(samples[: count * step].reshape(count, step)).mean(1)
    loud, found, still = power > power.max() * 1e-3, list[float](), quiet
    for number, here in enumerate(loud):
        if here and still >= quiet:
            found.append(number * step / RATE)
        still = 0.0 if here else still + step / RATE
    return found


def appearances(film: Path) -> list[float]:
    """Seconds of the pictures in which words appear, or others than before, on black."""
    import av

    found, before = list[float](), 0.0
    last = None
    with av.open(str(film)) as file:
        for frame in file.decode(video=0):
            grey = frame.to_ndarray(format="gray").astype(np.float32)
            bright = float((grey > 128).sum())
            new = last is not None and bright > 200 and (before < 200 or float(np.abs(grey - last).max()) > 200)
            if new and (not found or seconds(frame) - found[-1] > 0.25):
                found.append(seconds(frame))
            before, last = bright, grey
    return found


def seconds(frame: Any) -> float:
    """When a decoded frame is shown or heard."""
    return float(frame.pts * frame.time_base)


def cues(path: Path) -> list[float]:
    """Seconds at which captions of an SRT file begin."""
    found = re.findall(r"(\d+):(\d+):(\d+),(\d+) -->", path.read_text("utf-8"))
    return [int(h) * 3600 + int(m) * 60 + int(s) + int(ms) / 1000 for h, m, s, ms in found]


def band(samples: FloatArray, hertz: float, length: int = RATE // 5) -> FloatArray:
    """Level of a tone in pieces of a fifth of a second, dB."""
    count = len(samples) // length
    pieces = samples[: count * length].reshape(count, length)
    wave_ = np.exp(-2j * math.pi * hertz * np.arange(length) / RATE) * np.hanning(length)
    return np.asarray(20 * np.log10(np.abs(pieces @ wave_) + 1e-9), np.float32)


def _write(path: Path, samples: FloatArray) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(np.rint(samples * 32767).astype("<i2").tobytes())


if __name__ == "__main__":
    sys.exit(main())
