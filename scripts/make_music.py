"""Plays the music of the studio's templates: src/mien/apps/studio/templates/music.opus and ding.opus.

python scripts/make_music.py [--out FOLDER] [--wav]

A piece of eight bars in D pentatonic for plucked strings over a soft pad, made of sines. Everything that sounds on
beyond the end sounds on at the beginning, the room's echo too, so it can be played round and round without a seam.
``--wav`` writes uncompressed files, to listen closely.
"""

from __future__ import annotations

import argparse
import wave
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

Sound = NDArray[np.float64]

RATE = 48_000
BEAT = 0.8  # seconds
BARS = 8
LENGTH = round(BARS * 4 * BEAT * RATE)
OUT = Path(__file__).parents[1] / "src/mien/apps/studio/templates"
EIGHTH = BEAT / 2

CHORDS = (
    (38, (50, 57, 62, 66, 69, 66, 62, 57)),  # D
    (35, (47, 54, 59, 62, 66, 62, 59, 54)),  # Bm
    (43, (43, 50, 55, 59, 62, 59, 57, 50)),  # G
    (45, (45, 52, 57, 59, 64, 59, 57, 52)),  # A, with a second
    (38, (50, 57, 62, 66, 69, 66, 62, 57)),
    (42, (47, 54, 59, 62, 66, 62, 59, 54)),
    (40, (43, 50, 55, 59, 64, 59, 57, 50)),
    (45, (45, 52, 57, 59, 64, 62, 57, 52)),
)
"""Of each bar: the bass, and eight notes of the accompaniment, MIDI numbers."""

MELODY = (
    ((0, 78), (3, 76), (4, 74)),
    ((0, 71), (2, 74), (4, 69)),
    ((0, 71), (2, 74), (3, 76), (6, 78)),
    ((0, 76), (6, 69), (7, 71)),
    ((0, 74), (3, 76), (4, 78), (6, 81)),
    ((0, 83), (4, 81), (6, 78)),
    ((0, 76), (2, 74), (4, 71), (6, 74)),
    ((0, 69), (3, 71), (4, 76)),
)
"""Of each bar: eighth at which a note begins, MIDI number."""
SLIDES = frozenset({(0, 0), (2, 6), (4, 6), (6, 0)})
"""Bar and eighth of notes that are drawn up from below, as on a guzheng."""


def main() -> None:
    """Write both files."""
    wanted = argparse.ArgumentParser()
    wanted.add_argument("--out", type=Path, default=OUT)
    wanted.add_argument("--wav", action="store_true")
    options = wanted.parse_args()
    for name, sound, rate in (("music", piece(), 72_000), ("ding", ding(), 64_000)):
        path = options.out / f"{name}.{'wav' if options.wav else 'opus'}"
        if options.wav:
            _wav(path, sound)
        else:
            _opus(path, sound, rate)
        print(f"{path.name}: {sound.shape[1] / RATE:.1f} s, {path.stat().st_size // 1000} kB")  # noqa: T201


def piece() -> Sound:
    """One round of the music, (2, LENGTH), peak 0.7."""
    dice = np.random.default_rng(4)
    dry, wet = np.zeros((2, LENGTH)), np.zeros((2, LENGTH))
    for bar, (bass, notes) in enumerate(CHORDS):
        start = bar * 4 * BEAT
        _lay(wet, start - 0.6, pad(sorted({*notes[:5], bass + 12}), 4 * BEAT + 1.6) * 0.05)
        _lay(dry, start, pluck(bass, 0.9, 3.0, bright=0.35) * 0.34)
        for k, note in enumerate(notes):
            loud = (0.17 if k % 4 == 0 else 0.11) * dice.uniform(0.85, 1.1)
            late = 0.0 if k == 0 else dice.uniform(0, 0.014)
            sound = _placed(pluck(note + 12, loud, 1.6, bright=0.5), (-0.5, 0.35, -0.2, 0.5)[k % 4])
            _lay(dry, start + k * EIGHTH + late, sound)
            _lay(wet, start + k * EIGHTH + late, sound * 0.7)
        for eighth, note in MELODY[bar]:
            slide = -1.0 if (bar, eighth) in SLIDES else 0.0
            sound = _placed(pluck(note, 0.3 * dice.uniform(0.9, 1.05), 2.6, bright=1.0, slide=slide), 0.08)
            at = start + eighth * EIGHTH + (dice.uniform(0, 0.012) if eighth else 0.0)
            _lay(dry, at, sound)
            _lay(wet, at, sound * 0.9)
    out = dry + 0.55 * room(wet)
    return np.asarray(0.7 * out / np.abs(out).max())


def pluck(note: float, loud: float, lasts: float, *, bright: float, slide: float = 0.0) -> Sound:
    """A plucked string, (2, n). bright: how strong its overtones are. slide: semitones that it comes from."""
    t = np.arange(round(lasts * 1.6 * RATE)) / RATE
    base = 440 * 2 ** ((note - 69) / 12)
    out = np.zeros((2, len(t)))
    bend = 2 ** (slide / 12 * np.exp(-t / 0.06))
    for side, cents in enumerate((-1.6, 1.6)):
        turns = np.cumsum(base * 2 ** (cents / 1200) * bend) / RATE
        for k in range(1, 15):
            stretched = k * np.sqrt(1 + 9e-5 * k * k)  # strings are a little stiff
            if base * stretched > 11_000:
                break
            strength = abs(np.sin(np.pi * k * 0.21)) / k ** (2.2 - 0.75 * bright)
            fades = lasts * (0.62 if base < 400 else 0.45) / (1 + 0.22 * (k - 1) ** 1.25)
            out[side] += strength * np.sin(2 * np.pi * turns * stretched + 0.7 * k) * np.exp(-t / fades)
    rise = np.minimum(1.0, t / 0.004)
    fall = np.clip((t[-1] - t) / 0.2, 0, 1)
    return np.asarray(loud * out * rise * fall)


def pad(notes: list[int], lasts: float) -> Sound:
    """A soft chord that swells and goes, (2, n)."""
    t = np.arange(round(lasts * RATE)) / RATE
    out = np.zeros((2, len(t)))
    for number, note in enumerate(notes):
        base = 440 * 2 ** ((note - 69) / 12)
        for side, cents in enumerate((-5.0, 5.0)):
            drift = 1.2e-3 * np.sin(2 * np.pi * (0.21 + 0.05 * number) * t + number + 2 * side)
            turns = np.cumsum(base * 2 ** (cents / 1200) * (1 + drift)) / RATE
            out[side] += (
                np.sin(2 * np.pi * turns + number) + 0.25 * np.sin(4 * np.pi * turns) + 0.06 * np.sin(6 * np.pi * turns)
            )
    swell = np.sin(np.pi * np.clip(t / lasts, 0, 1)) ** 1.2
    return np.asarray(out * swell)


def room(sound: Sound) -> Sound:
    """The echo of a wooden hall, in which the end sounds on at the beginning."""
    dice = np.random.default_rng(8)
    t = np.arange(round(2.8 * RATE)) / RATE
    echo = dice.standard_normal((2, len(t))) * np.exp(-t / 0.62) * np.minimum(1, t / 0.018)
    spectrum = np.fft.rfft(echo, LENGTH)
    hertz = np.fft.rfftfreq(LENGTH, 1 / RATE)
    spectrum *= 1 / np.sqrt(1 + (hertz / 2600) ** 4) * hertz / (hertz + 180)
    spectrum /= np.sqrt((np.abs(spectrum) ** 2).mean())
    return np.asarray(np.fft.irfft(np.fft.rfft(sound) * spectrum, LENGTH))


def ding() -> Sound:
    """A small bell, (2, n), peak 0.5."""
    t = np.arange(round(1.6 * RATE)) / RATE
    out = np.zeros((2, len(t)))
    for side, apart in enumerate((0.9994, 1.0006)):
        for hertz, strength, fades in (
            (1174.7, 1.0, 0.42),
            (2349.3, 0.42, 0.26),
            (3271.0, 0.2, 0.12),
            (6320.0, 0.08, 0.05),
        ):
            out[side] += strength * np.sin(2 * np.pi * hertz * apart * t) * np.exp(-t / fades)
        late = np.clip(t - 0.11, 0, None)  # the second note, a fourth higher
        out[side] += (t > 0.11) * 0.8 * np.sin(2 * np.pi * 1568.0 * apart * late) * np.exp(-late / 0.45)
    out *= np.minimum(1, t / 0.002) * np.clip((t[-1] - t) / 0.25, 0, 1)
    return np.asarray(0.5 * out / np.abs(out).max())


def _placed(sound: Sound, side: float) -> Sound:
    """Further left (-1) or right (1)."""
    angle = (side + 1) * np.pi / 4
    return sound * np.sqrt(2) * np.array([[np.cos(angle)], [np.sin(angle)]])


def _lay(out: Sound, at: float, sound: Sound) -> None:
    """Add a sound; what lies beyond the end comes at the beginning."""
    places = (round(at * RATE) + np.arange(sound.shape[1])) % LENGTH
    np.add.at(out[0], places, sound[0])
    np.add.at(out[1], places, sound[1])


def _opus(path: Path, sound: Sound, rate: int) -> None:
    with av.open(str(path), "w", format="ogg") as out:
        stream = out.add_stream("libopus", rate=RATE, layout="stereo", options={"vbr": "on", "compression_level": "10"})
        stream.bit_rate = rate
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound.T.reshape(1, -1), np.float32), "flt", "stereo")
        frame.rate, frame.pts, frame.time_base = RATE, 0, Fraction(1, RATE)
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            out.mux(packet)


def _wav(path: Path, sound: Sound) -> None:
    with wave.open(str(path), "wb") as out:
        out.setparams((2, 2, RATE, 0, "NONE", ""))
        out.writeframes(np.rint(sound.T * 32_767).astype("<i2").tobytes())


if __name__ == "__main__":
    main()
