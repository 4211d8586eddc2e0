"""Shares of phones from sound."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien import models
from mien.dialogue.perform import perform
from mien.dialogue.speak.espeak import EspeakSpeaker
from mien.errors import InputError
from mien.face.listen import acoustics
from mien.face.listen.features import Features
from mien.types import FloatArray, Phone

IN_ORDER = """
+NSN+ +SPN+ AA AE AH AO AW AY B CH D DH EH ER EY F G HH IH IY JH K L M N NG OW OY P R S SH SIL T TH UH UW V W Y Z ZH
"""
NAMES = IN_ORDER.split()


@pytest.fixture(scope="module")
def spoken() -> tuple[FloatArray, tuple[Phone, ...]]:
    speaker = EspeakSpeaker()
    try:
        text = "She sees six seas. Ma may see me. Her shoes are so fine."
        parts = list(perform(text, speaker, language="en", voice="f2"))
    finally:
        speaker.close()
    return np.concatenate([p.audio.samples for p in parts]), tuple(q for p in parts for q in p.phones or ())


def rows_of(sound: FloatArray) -> FloatArray:
    """Shares of phones, whose lips are made to be themselves."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(acoustics, "lips_of_phones", lambda: np.eye(acoustics.PHONES))
        stream = Features(acoustics=acoustics.Acoustics(every=1))
        stream.push(np.concatenate([sound, np.zeros(9600, np.float32)]))
        return stream.lips.astype(np.float32)


def test_rows_are_shares(spoken: tuple[FloatArray, tuple[Phone, ...]]) -> None:
    rows = rows_of(spoken[0])
    assert rows.shape[1] == acoustics.PHONES == len(NAMES) == len(acoustics.SYMBOLS)
    np.testing.assert_allclose(rows.sum(axis=1), 1, atol=1e-4)
    assert rows.min() >= 0


def test_each_phone_has_the_lips_that_the_table_says() -> None:
    lips = acoustics.lips_of_phones()
    gap = {name: lips[i, 0] for i, name in enumerate(NAMES)}
    width = {name: lips[i, 1] for i, name in enumerate(NAMES)}
    assert max(gap[name] for name in ("M", "B", "P", "SIL")) < 0.5
    assert min(gap[name] for name in ("AA", "AE", "AY")) > 8
    assert max(width[name] for name in ("UW", "W", "AO")) < min(width[name] for name in ("IY", "AE", "S"))


@pytest.mark.parametrize(("symbol", "alike"), [("s", "S Z"), ("ʃ", "SH ZH CH"), ("m", "M N NG"), ("iː", "IY IH EY Y")])
def test_sounds_are_told_from_others(symbol: str, alike: str, spoken: tuple[FloatArray, tuple[Phone, ...]]) -> None:
    rows = rows_of(spoken[0])
    columns = [NAMES.index(name) for name in alike.split()]
    middles = [(q.start + q.end) // 2 // 960 + 2 for q in spoken[1] if q.symbol.strip("ː") == symbol.strip("ː")]
    assert middles
    inside, anywhere = rows[middles][:, columns].sum(axis=1).mean(), rows[:, columns].sum(axis=1).mean()
    assert inside > 2 * anywhere


def test_silence_says_the_same_all_the_time() -> None:
    rows = rows_of(np.zeros(96_000, np.float32))
    assert np.isfinite(rows).all()
    assert np.ptp(rows[20:], axis=0).max() < 0.01


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 9000), min_size=1, max_size=20), st.integers(1, 4))
def test_chunked_equals_whole(sizes: list[int], every: int) -> None:
    sound = (np.random.default_rng(1).standard_normal(96_000) * 0.05).astype(np.float32)
    once, stream = (Features(acoustics=acoustics.Acoustics(every)) for _ in range(2))
    at = 0
    once.push(sound)
    got: list[np.ndarray] = []
    while at < len(sound):
        size = sizes[len(got) % len(sizes)]
        stream.push(sound[at : at + size])
        got.append(stream.lips)
        at += size
    np.testing.assert_allclose(np.concatenate(got), once.lips, atol=1e-4)


def test_asked_about_every_third_row_it_says_the_same_of_that_row(spoken: tuple[FloatArray, object]) -> None:
    always, seldom = (Features(acoustics=acoustics.Acoustics(every)) for every in (1, 3))
    always.push(spoken[0])
    seldom.push(spoken[0])
    assert np.ptp(always.lips) > 1.0
    for age in range(3):
        n = len(seldom.lips[age::3])
        np.testing.assert_allclose(seldom.lips[age::3], always.lips[::3][:n], atol=1e-4)


def test_other_files_are_refused(tmp_path: Path) -> None:
    files = [models.path(name) for name in ("phones_means", "phones_variances", "phones_weights")]
    wrong = tmp_path / "wrong"
    for content in (b"", b"endhdr\n", files[0].read_bytes()[:5000], files[2].read_bytes()[:5000]):
        wrong.write_bytes(content)
        for place in range(3):
            given = [*files[:place], wrong, *files[place + 1 :]]
            with pytest.raises(InputError):
                acoustics.read_mixtures(*given)


def test_without_the_model_lips_still_move(
    monkeypatch: pytest.MonkeyPatch, spoken: tuple[FloatArray, tuple[Phone, ...]]
) -> None:
    from mien.face.base import FaceSettings
    from mien.face.listen.driver import ListenDriver
    from mien.face.measure import aperture_mm
    from mien.types import AudioChunk, SpeechPart

    monkeypatch.setattr(acoustics, "mixtures", lambda: None)
    driver = ListenDriver(FaceSettings())
    driver.push(SpeechPart(AudioChunk(0, spoken[0])))
    driver.close()
    gaps = aperture_mm(driver.read().shapes)
    assert gaps.max() > 4 and (gaps < 1).mean() > 0.05
