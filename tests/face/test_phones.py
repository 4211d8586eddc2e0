"""Lips: closures, silence, openness and speed, in millimetres."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.face.kit import (
    CHINESE,
    ENGLISH,
    MS,
    aperture_mm,
    at_frames,
    drive,
    far_from_speech,
    shape,
    silence,
    smallest_gaps,
    speech,
    spoken,
)

from mien.face.base import FaceSettings
from mien.face.limits import HEAD_MOST, HEAD_SPEED, MOST, SPEED
from mien.face.phones import LOOK_AHEAD, PhoneDriver
from mien.types import ARKIT_SHAPES, SHAPE_INDEX, Emotion, EmotionSpan, FaceClip, SpeechPart

RATES = [Fraction(24), Fraction(25), Fraction(30_000, 1001), Fraction(30), Fraction(50), Fraction(60)]
TEXTS = {"en": ENGLISH, "zh": CHINESE}
SOUNDS = ["", "m", "a", "p", "i", "s", "u", "f", "ɑu", "tɕ", "ɹ", "b", "w", "v", "ʃ", "θ", "æ"]


@pytest.mark.parametrize("language", TEXTS)
@pytest.mark.parametrize("rate", [0.7, 1.0, 1.9])
def test_bilabials_close_in_real_speech(language: str, rate: float) -> None:
    part = spoken(TEXTS[language], language, rate)
    for dials in (FaceSettings(), FaceSettings(style="cartoon", emotion="happy", lip_strength=2.0, smoothing=1.0)):
        clip = drive([part], dials)
        gaps = [gap for fps in (Fraction(24), Fraction(25)) for _, gap in smallest_gaps(part, clip, fps)]
        assert len(gaps) > 60
        assert np.mean(np.array(gaps) <= 1.0) >= 0.98
        assert aperture_mm(clip.shapes).max() > 8


@settings(max_examples=60, deadline=None)
@given(
    before=st.sampled_from(["a", "u", "s", "ɑu", "f", "i", "w", ""]),
    after=st.sampled_from(["a", "o", "y", "ts.h", "iɑu", "v", "l", ""]),
    symbol=st.sampled_from(["p", "b", "m", "ph", "bʰ"]),
    length=st.integers(30, 220),
    neighbours=st.integers(40, 250),
    fps=st.sampled_from(RATES),
    offset=st.integers(0, 2000),
    strength=st.sampled_from([0.5, 1.0, 2.0]),
)
def test_every_bilabial_closes_in_every_context(
    before: str, after: str, symbol: str, length: int, neighbours: int, fps: Fraction, offset: int, strength: float
) -> None:
    part = speech([("", 150), ("a", 120), (before, neighbours), (symbol, length), (after, neighbours), ("ɛ", 120)])
    clip = drive([part], FaceSettings(lip_strength=strength, emotion="happy"))
    assert all(gap <= 1.0 for _, gap in smallest_gaps(part, clip, fps, offset))


def test_a_short_bilabial_leaves_its_neighbours_open() -> None:
    part = speech([("", 200), ("a", 110), ("p", 35), ("a", 110), ("m", 60), ("ɑ", 130), ("", 200)])
    clip = drive([part])
    rows, gaps = np.arange(len(clip)) * 960, aperture_mm(clip.shapes)
    for phone in part.phones or ():
        if phone.symbol in {"a", "ɑ"}:
            assert np.interp((phone.start + phone.end) / 2, rows, gaps) > 6.5


@pytest.mark.parametrize("symbol", ["f", "v"])
def test_labiodentals_bring_the_lower_lip_to_the_teeth(symbol: str) -> None:
    part = speech([("", 200), ("ɑ", 120), (symbol, 80), ("ɑ", 120), ("", 200)])
    clip = drive([part])
    k = round((200 + 120 + 40) / 20)
    assert shape(clip, "mouthRollLower")[k] > 0.7
    assert shape(clip, "mouthUpperUpLeft")[k] > 0.3
    assert shape(clip, "jawOpen")[k] < 0.1
    assert shape(clip, "mouthLowerDownLeft")[k] < 0.05


@pytest.mark.parametrize("language", TEXTS)
def test_silence_is_closed(language: str) -> None:
    part = spoken(TEXTS[language].replace(",", ". ").replace("，", "。"), language, 0.6)
    for emotion in ("neutral", "happy", "sad", "surprised", "angry"):
        clip = drive([part], FaceSettings(emotion=emotion, lip_strength=2.0))
        for fps in RATES:
            ticks, gaps = at_frames(clip, fps)
            quiet = gaps[far_from_speech(part, ticks)]
            assert len(quiet) > 10
            assert quiet.max() <= 1.0


def test_silence_closes_gently() -> None:
    """After an open vowel the lips take more than two rows to close."""
    clip = drive([speech([("", 200), ("a", 400), ("", 600)])])
    gaps = aperture_mm(clip.shapes)[29:45]
    assert gaps[0] > 7
    assert gaps[-1] == 0
    assert np.diff(gaps).min() > -4.5
    assert (np.diff(gaps) <= 1e-6).all()


@pytest.mark.parametrize("language", TEXTS)
def test_openness_follows_the_vowels(language: str) -> None:
    part = spoken(TEXTS[language], language)
    clip = drive([part])
    rows, gaps = np.arange(len(clip)) * 960, aperture_mm(clip.shapes)

    def mean(*symbols: str) -> float:
        centres = [(p.start + p.end) / 2 for p in part.phones or () if p.symbol in symbols]
        assert centres
        return float(np.mean(np.interp(centres, rows, gaps)))

    wide, round_ = (
        (("æ", "ɛ", "ɑ", "aɪ"), ("u", "ʊ", "w")) if language == "en" else (("a", "ɑ", "ai"), ("u", "uo", "w"))
    )
    assert 8.0 < mean(*wide) < 12.5
    assert mean(*round_) < 6.0


def test_rounding_is_seen_and_spreading_too() -> None:
    part = speech([("", 200), ("u", 180), ("i", 180), ("", 200)])
    clip = drive([part])
    pucker, stretch = shape(clip, "mouthPucker"), shape(clip, "mouthStretchLeft")
    assert pucker[14] > 0.35
    assert stretch[23] > 0.15
    assert pucker[14] > 4 * pucker[24]


def test_lips_lead_the_sound() -> None:
    """The mouth is on its way before an open vowel sounds, and has moved no more than 200 ms ahead."""
    clip = drive([speech([("", 500), ("a", 300), ("", 300)])])
    gaps = aperture_mm(clip.shapes)
    assert gaps[25] > 1
    assert gaps[: 25 - 10].max() == 0


@settings(max_examples=40, deadline=None)
@given(
    sounds=st.lists(st.tuples(st.sampled_from(SOUNDS), st.integers(15, 200)), min_size=4, max_size=40),
    smoothing=st.sampled_from([0.0, 1.0]),
)
def test_no_channel_jumps_whatever_is_said(sounds: list[tuple[str, int]], smoothing: float) -> None:
    dials = FaceSettings(style="cartoon", smoothing=smoothing, lip_strength=2.0, head_motion=2.0, emotion="happy")
    assert_no_jump(drive([speech(sounds, level=0.5)], dials))


@pytest.mark.parametrize("language", TEXTS)
@pytest.mark.parametrize("rate", [1.0, 1.9])
def test_no_channel_jumps_in_real_speech(language: str, rate: float) -> None:
    clip = drive([spoken(TEXTS[language], language, rate)], FaceSettings(smoothing=0.0, blink_rate=2.0))
    assert_no_jump(clip)
    assert np.abs(np.diff(aperture_mm(clip.shapes))).max() < 8  # 400 mm/s, at no smoothing


def assert_no_jump(clip: FaceClip) -> None:
    """Every channel within its declared speed, the jaw within what a jaw can do."""
    speeds = np.abs(np.diff(clip.shapes.astype(np.float64), axis=0)).max(axis=0, initial=0) * 50
    for name, speed, most in zip(ARKIT_SHAPES, speeds, SPEED, strict=True):
        assert speed <= most + 1e-3, name
    assert speeds[SHAPE_INDEX["jawOpen"]] * 25 <= 226
    assert (np.abs(np.diff(clip.head.astype(np.float64), axis=0)) * 50 <= HEAD_SPEED + 1e-4).all()
    assert (clip.shapes <= MOST + 1e-6).all()
    assert (np.abs(clip.head) < HEAD_MOST).all()


def test_a_louder_voice_opens_wider() -> None:
    """The same vowels, the middle ones 14 dB louder."""
    said = [("", 100), *[("a", 160), ("t", 60)] * 16, ("", 100)]
    part = speech(said, level=0.06)
    third = len(part.audio.samples) // 3
    part.audio.samples[third : 2 * third] *= 5
    gaps = aperture_mm(drive([part]).shapes)
    rows = len(gaps) // 3
    soft, loud = gaps[10:rows], gaps[rows + 10 : 2 * rows]
    assert 1.05 < np.percentile(loud, 90) / np.percentile(soft, 90) < 1.5


def test_lip_strength_scales_openness() -> None:
    part = spoken(ENGLISH, "en")
    weak, normal, strong = (aperture_mm(drive([part], FaceSettings(lip_strength=s)).shapes) for s in (0.5, 1.0, 1.6))
    assert weak.mean() < 0.75 * normal.mean()
    assert strong.mean() > 1.25 * normal.mean()


def test_smoothing_softens() -> None:
    part = spoken(ENGLISH, "en", 1.4)
    crisp, soft = (aperture_mm(drive([part], FaceSettings(smoothing=s)).shapes) for s in (0.0, 1.0))
    assert np.abs(np.diff(soft)).mean() < 0.9 * np.abs(np.diff(crisp)).mean()


def test_memory_does_not_grow_with_time() -> None:
    """After three minutes of speech the driver holds no more than after one."""
    import tracemalloc

    driver, at, held = PhoneDriver(FaceSettings()), 0, []
    tracemalloc.start()
    try:
        for k in range(90):
            part = speech([("m", 80), ("a", 400), ("s", 120), ("u", 400), ("", 1000)], start=at)
            spans = (EmotionSpan(at, part.audio.end, Emotion(name="happy" if k % 2 else "sad")),)
            driver.push(SpeechPart(part.audio, part.phones, (), spans))
            at = part.audio.end
            driver.read()
            held.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert held[-1] - held[30] < 20_000


def test_nothing_is_read_before_it_is_final() -> None:
    driver = PhoneDriver(FaceSettings())
    part = silence(1.0)
    driver.push(SpeechPart(part.audio, (), ()))
    assert len(driver.read()) == (48_000 - LOOK_AHEAD) // 960 + 1
    assert LOOK_AHEAD <= 300 * MS
