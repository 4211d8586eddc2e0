"""The driver that listens: it moves with sound, rests without, and trusts phones as far as they are sure."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from mien.dialogue.speak.base import SpeakRequest
from mien.dialogue.speak.espeak import EspeakSpeaker
from mien.errors import InputError, OutputError
from mien.face.base import FaceSettings
from mien.face.listen.calibrate import Calibration
from mien.face.listen.driver import ListenDriver
from mien.face.measure import aperture_mm, width_mm
from mien.types import Activity, AudioChunk, FaceClip, FloatArray, Phone, SpeechPart

ROW = 960
TEXT = "Bob and Pam bought a bag of plums. We might move the meeting to Monday."


@cache
def spoken() -> tuple[FloatArray, tuple[Phone, ...]]:
    """Half a second of silence, speech of a voice that training never heard, half a second of silence."""
    speaker = EspeakSpeaker()
    try:
        parts = list(speaker.speak(SpeakRequest(TEXT, "en", voice="klatt4", start=24_000)))
    finally:
        speaker.close()
    still = np.zeros(24_000, np.float32)
    sound = np.concatenate([still, *(p.audio.samples * np.float32(0.4) for p in parts), still])
    return sound, tuple(q for p in parts for q in p.phones or ())


def run(parts: Sequence[SpeechPart], driver: ListenDriver | None = None) -> FaceClip:
    driver = driver or ListenDriver(FaceSettings())
    clips = []
    for part in parts:
        driver.push(part)
        clips.append(driver.read())
    driver.close()
    clips.append(driver.read())
    return FaceClip(0, np.concatenate([c.shapes for c in clips]), np.concatenate([c.head for c in clips]))


def heard(sound: FloatArray, **known: object) -> SpeechPart:
    return SpeechPart(AudioChunk(0, sound), **known)  # type: ignore[arg-type]


def noise(seconds: float, level: float) -> FloatArray:
    rng = np.random.default_rng(3)
    return (rng.standard_normal(int(seconds * 48_000)) * level).astype(np.float32)


@pytest.mark.parametrize(("look_ahead", "prompt"), [(8, False), (3, False), (3, True), (0, True)])
@settings(max_examples=8, deadline=None)
@given(sizes=st.lists(st.integers(1, 30_000), min_size=1, max_size=12))
def test_chunked_equals_whole(look_ahead: int, prompt: bool, sizes: list[int]) -> None:
    sound, _ = spoken()
    sound = sound[: 48_000 * 2]
    whole = run([heard(sound)], ListenDriver(FaceSettings(), look_ahead=look_ahead, prompt=prompt))
    edges = np.minimum(np.cumsum([0, *sizes, len(sound)]), len(sound))
    parts = [SpeechPart(AudioChunk(int(a), sound[a:b])) for a, b in pairwise(edges)]
    pieces = run(parts, ListenDriver(FaceSettings(), look_ahead=look_ahead, prompt=prompt))
    np.testing.assert_allclose(pieces.shapes, whole.shapes, atol=1e-5)
    np.testing.assert_allclose(pieces.head, whole.head, atol=1e-5)


def test_speech_moves_the_lips_as_its_phones_would() -> None:
    sound, phones = spoken()
    by_ear = run([heard(sound)])
    by_phone = run([heard(sound, phones=(Phone(0, phones[0].start, ""), *phones))])
    a, b = aperture_mm(by_ear.shapes), aperture_mm(by_phone.shapes)
    assert np.corrcoef(a, b)[0, 1] > 0.7
    assert np.corrcoef(width_mm(by_ear.shapes), width_mm(by_phone.shapes))[0, 1] > 0.3


def test_the_mouth_is_shut_before_and_after_speech() -> None:
    sound, phones = spoken()
    gap = aperture_mm(run([heard(sound)]).shapes)
    first, last = phones[0].start // ROW, phones[-1].end // ROW
    assert gap[first:last].max() > 5
    assert max(gap[: first - 8].max(), gap[last + 10 :].max()) < 0.5


@pytest.mark.parametrize("sound", [noise(5, 0.1), noise(5, 0.001), np.zeros(240_000, np.float32)])
def test_what_never_changes_moves_no_lips(sound: FloatArray) -> None:
    """Two seconds tell background from voice; before that only voice activity, which is not asked here, could."""
    gap = aperture_mm(run([heard(sound)]).shapes)
    assert (gap[120:] < 1.0).mean() > 0.99


def test_voice_activity_has_the_last_word() -> None:
    sound, _ = spoken()
    rows = len(sound) // ROW
    silent = Activity(0, np.zeros(rows + 1, np.float32))
    assert aperture_mm(run([heard(sound, activity=silent)]).shapes).max() == 0
    awake = Activity(0, np.ones(rows + 1, np.float32))
    awake_gap = aperture_mm(run([heard(sound, activity=awake)]).shapes)
    np.testing.assert_allclose(awake_gap[20:], aperture_mm(run([heard(sound)]).shapes)[20:], atol=0.5)


def test_activity_counts_from_where_it_says() -> None:
    """Parts that nobody listened to may come first; what is known later does not slide back over them."""
    sound, _ = spoken()
    middle = 100 * ROW
    rest = len(sound) - middle
    unheard = SpeechPart(AudioChunk(0, sound[:middle]))
    silent = Activity(middle, np.zeros(-(-rest // ROW), np.float32))
    gap = aperture_mm(run([unheard, SpeechPart(AudioChunk(middle, sound[middle:]), activity=silent)]).shapes)
    assert gap[25:85].max() > 3
    assert gap[110:].max() < 0.5


def test_it_listens_to_the_cleaned_sound() -> None:
    sound, _ = spoken()
    clean = run([heard(sound)])
    told = run([heard(noise(len(sound) / 48_000, 0.2)[: len(sound)], heard=sound)])
    np.testing.assert_allclose(aperture_mm(told.shapes), aperture_mm(clean.shapes), atol=1.5)


@pytest.mark.parametrize(("confidence", "near"), [(1.0, 0.999), (0.0, 0.0)])
def test_phones_count_as_much_as_they_are_sure(confidence: float, near: float) -> None:
    sound, phones = spoken()
    all_open = tuple(Phone(p.start, p.end, "a", confidence) for p in phones if p.symbol)
    by_ear, blended = run([heard(sound)]), run([heard(sound, phones=all_open)])
    sure = run([heard(sound, phones=tuple(Phone(p.start, p.end, "a") for p in phones if p.symbol))])
    a, b, c = (aperture_mm(x.shapes) for x in (by_ear, blended, sure))
    wanted: NDArray[np.float64] = c if confidence else a
    assert np.corrcoef(b, wanted)[0, 1] > 0.99
    assert near <= 1


def test_known_closures_close_in_noise() -> None:
    sound, phones = spoken()
    loud = sound + noise(len(sound) / 48_000, 0.1)[: len(sound)]
    sure = tuple(Phone(p.start, p.end, p.symbol, 0.6) for p in phones)
    gap = aperture_mm(run([heard(loud, phones=sure)]).shapes)
    closed = [gap[p.start // ROW : -(-p.end // ROW) + 1].min() for p in phones if p.symbol in ("b", "p", "m")]
    assert len(closed) > 5
    assert np.mean(np.array(closed) <= 1) == 1


@pytest.mark.parametrize("gain", [0.05, 1.0])
def test_loudness_does_not_matter(gain: float) -> None:
    sound, _ = spoken()
    usual = aperture_mm(run([heard(sound)]).shapes)[75:]
    other = aperture_mm(run([heard(sound * np.float32(gain))]).shapes)[75:]
    assert np.corrcoef(usual, other)[0, 1] > 0.9


def test_calibration_settles_within_three_seconds() -> None:
    sound, _ = spoken()
    driver = ListenDriver(FaceSettings())
    seen = []
    for at in range(0, len(sound), ROW):
        driver.push(SpeechPart(AudioChunk(at, sound[at : at + ROW])))
        driver.read()
        seen.append(driver.calibration.range_mm)
    late = np.array(seen[24 + 150 :])
    assert len(late) > 20
    assert np.ptp(late) < 0.25 * late.mean()
    assert driver.calibration.heard > 100


def test_a_kept_calibration_is_where_the_next_stream_begins() -> None:
    known = Calibration(level=-3.0, range_mm=5.0, heard=400)
    assert ListenDriver(FaceSettings(), calibration=known).calibration == known


@pytest.mark.parametrize("wild", [np.nan, np.inf, 1e30])
def test_a_wild_sample_does_no_lasting_harm(wild: float) -> None:
    sound = spoken()[0].copy()
    sound[30_000:30_010] = wild
    shapes = run([heard(sound)]).shapes
    assert np.isfinite(shapes).all()
    assert aperture_mm(shapes)[75:].max() > 5


def test_a_calibration_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="calibration"):
        run([heard(spoken()[0])], ListenDriver(FaceSettings(calibration=str(tmp_path / "no" / "me.json"))))


def test_what_was_learned_is_kept_in_a_file(tmp_path: Path) -> None:
    sound, _ = spoken()
    file = tmp_path / "me.json"
    driver = ListenDriver(FaceSettings(calibration=str(file)))
    run([heard(sound)], driver)
    assert ListenDriver(FaceSettings(calibration=str(file))).calibration == driver.calibration


def test_too_little_speech_teaches_nothing(tmp_path: Path) -> None:
    file = tmp_path / "me.json"
    run([heard(spoken()[0][:48_000])], ListenDriver(FaceSettings(calibration=str(file))))
    assert not file.exists()


@pytest.mark.parametrize(
    "content", ["", "[]", '{"level": 1}', '{"level": NaN, "range_mm": 5, "heard": 1}', "\0" * 9999, "[" * 4000]
)
def test_a_file_that_is_no_calibration_is_refused(content: str, tmp_path: Path) -> None:
    file = tmp_path / "me.json"
    file.write_text(content)
    with pytest.raises(InputError, match="calibration"):
        ListenDriver(FaceSettings(calibration=str(file)))


@pytest.mark.parametrize("content", [b"", b"no model", b"\x08\x07" * 50])
def test_a_file_that_is_no_model_is_refused(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "me.onnx"
    file.write_bytes(content)
    with pytest.raises(InputError, match="model"):
        ListenDriver(FaceSettings(lip_model=str(file)))
