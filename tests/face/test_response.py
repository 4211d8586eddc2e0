"""Expression from voice on the face: it shows, within bounds, and is nothing where it is off or nobody speaks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.audio.kit import music
from tests.face.kit import cut, drive, shape, silence, spoken
from tests.face.voices import STORY, said

from mien.face.base import FaceSettings
from mien.types import AudioChunk, FaceClip, FloatArray, Phone, SpeechPart

OFF, ON = FaceSettings(voice_expression=0.0), FaceSettings(voice_expression=1.0)


def steady(amount: float) -> FaceSettings:
    """Nothing but speech moves the face."""
    return FaceSettings(voice_expression=amount, head_motion=0.0, blink_rate=0.0)


def voiced(sound: FloatArray, *, after: float = 0.0, start: int = 0) -> SpeechPart:
    """Sound with one long vowel all over it, then silence."""
    quiet = np.zeros(round(after * 48_000), np.float32)
    phones = (Phone(start, start + len(sound), "a"), Phone(start + len(sound), start + len(sound) + len(quiet), ""))
    return SpeechPart(AudioChunk(start, np.concatenate([sound, quiet])), phones, last=True)


def both(part: SpeechPart) -> tuple[FaceClip, FaceClip]:
    return drive([part], OFF), drive([part], ON)


def test_silence_is_the_same_to_the_bit() -> None:
    off, on = both(silence(8.0))
    assert np.array_equal(off.shapes, on.shapes)
    assert np.array_equal(off.head, on.head)


def test_sound_in_which_nobody_speaks_moves_nothing() -> None:
    """Music has pitch, stress and pauses too."""
    noise = np.random.default_rng(0).normal(0, 0.1, 48_000 * 5).astype(np.float32)
    for sound in (noise, music(5.0), said(STORY["en+f5"], "en+f5")[: 48_000 * 5]):
        heard = SpeechPart(AudioChunk(0, sound), (Phone(0, len(sound), ""),), last=True)
        for dials in (steady(0.0), steady(1.0)):
            moved, still = drive([heard], dials), drive([silence(5.0)], dials)
            assert np.array_equal(moved.shapes, still.shapes)
            assert np.array_equal(moved.head, still.head)


def test_after_speech_the_face_is_as_without_again() -> None:
    off, on = both(voiced(said(STORY["en+f5"], "en+f5"), after=12.0))
    assert not np.array_equal(off.shapes, on.shapes)
    assert np.array_equal(off.shapes[-150:], on.shapes[-150:])
    assert np.array_equal(off.head[-150:], on.head[-150:])


@pytest.mark.parametrize("language", ["en", "zh"])
def test_it_shows_and_never_much(language: str) -> None:
    text = {"en": " ".join(STORY[v] for v in ("en+f5", "en+klatt4")), "zh": STORY["cmn-latn-pinyin+f5"]}[language]
    off, on = both(spoken(text, language))
    brows = shape(on, "browOuterUpLeft") - shape(off, "browOuterUpLeft")
    assert brows.max() > 0.08
    assert np.abs(brows).max() < 0.6
    nods = np.degrees(on.head[:, 1] - off.head[:, 1])
    assert 0.5 < np.abs(nods).max() < 4
    for name in ("jawOpen", "mouthClose", "mouthPucker", "mouthFunnel", "mouthLowerDownLeft"):
        assert np.array_equal(shape(on, name), shape(off, name)), name  # the lips are speech's own
    for name in ("mouthSmileLeft", "mouthFrownLeft"):
        assert np.abs(shape(on, name) - shape(off, name)).max() < 0.12


def test_brows_and_chin_rise_with_the_pitch() -> None:
    low, high = (said(STORY["en+f5"], "en+f5", pitch=pitch) for pitch in (40, 80))
    sound = np.concatenate([low, high, low])
    on = drive([voiced(sound)], steady(1.0))
    first, second = len(low) // 960, (len(low) + len(high)) // 960
    brows = shape(on, "browOuterUpLeft")
    assert brows[first + 25 : first + 125].mean() > brows[first - 150 : first].mean() + 0.03
    assert brows[second + 100 :].mean() < brows[first + 25 : first + 125].mean()


def test_a_question_raises_brows_and_chin_and_a_statement_nods() -> None:
    lead = said("This is a sentence before it, and it is long enough.", "en+f5")
    asked, told = (
        np.concatenate([lead, said(text, "en+f5")])
        for text in ("You went to the market this morning?", "You went to the market this morning.")
    )
    raised = {}
    for name, sound in (("asked", asked), ("told", told)):
        off, on = both(voiced(sound, after=1.5))
        end = len(sound) // 960
        window = slice(end - 15, end + 20)
        raised[name] = float(np.max((shape(on, "browInnerUp") - shape(off, "browInnerUp"))[window]))
        chin = np.degrees(on.head[:, 1] - off.head[:, 1])[window]
        assert (chin.min() < -0.4) if name == "asked" else (chin.max() > 0.05)
    assert raised["asked"] > raised["told"] + 0.1


def test_at_a_full_stop_the_eyes_come_back_to_the_viewer() -> None:
    told = said("We went to the market this morning, and then we walked home along the river.", "en+f5")
    away = {"off": 0.0, "on": 0.0}
    for seed in range(6):
        part = voiced(told, after=1.5)
        for name, amount in (("off", 0.0), ("on", 1.0)):
            moved = drive([part], FaceSettings(seed=seed, voice_expression=amount, head_motion=0.0))
            end = len(told) // 960
            sides = [shape(moved, f"eyeLook{d}Left")[end + 10 : end + 45] for d in ("In", "Out", "Up", "Down")]
            away[name] += float(sum(s.mean() for s in sides))
    assert away["on"] < 0.6 * away["off"]


@pytest.mark.parametrize("amount", [0.25, 0.5])
def test_less_shows_less(amount: float) -> None:
    part = spoken(STORY["en+f5"], "en")
    off, on, some = (drive([part], steady(a)) for a in (0.0, 1.0, amount))
    most, less = (np.abs(c.head[:, 1] - off.head[:, 1]).mean() for c in (on, some))
    assert 0.5 * amount < less / most < min(1.0, 1.8 * amount)


def test_a_named_feeling_keeps_the_face() -> None:
    part = spoken(STORY["en+f5"], "en")
    off, on = (drive([part], FaceSettings(emotion="happy", voice_expression=a)) for a in (0.0, 1.0))
    assert np.abs(shape(on, "mouthSmileLeft") - shape(off, "mouthSmileLeft")).max() < 0.05


@settings(max_examples=5, deadline=None)
@given(st.lists(st.integers(0, 10**7), min_size=1, max_size=12))
def test_chunked_equals_whole_for_a_real_voice(places: list[int]) -> None:
    part = spoken(STORY["en+klatt4"], "en")
    whole, pieces = drive([part]), drive(cut(part, places))
    assert np.array_equal(whole.shapes, pieces.shapes)
    assert np.array_equal(whole.head, pieces.head)
