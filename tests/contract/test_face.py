"""What every face driver must keep, whatever it is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.face.kit import cut, silence, speech

from mien import plugins
from mien.errors import MienError, MissingError
from mien.face.base import FaceDriver, FaceSettings
from mien.types import SHAPE_INDEX, AudioChunk, Emotion, EmotionSpan, FaceClip, SpeechPart

WORDS = ("", "m", "a", "p", "i", "s", "u", "f", "ɑu", "tɕ", "ɹ", "b")


@pytest.fixture(params=plugins.available("face"))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def make(name: str, **dials: object) -> FaceDriver:
    driver = plugins.load("face", name)(FaceSettings(**dials))  # type: ignore[arg-type]
    assert isinstance(driver, FaceDriver)
    return driver


def run(driver: FaceDriver, parts: list[SpeechPart], *, read_often: bool = False) -> FaceClip:
    clips = []
    for part in parts:
        driver.push(part)
        if read_often:
            clips.append(driver.read())
    driver.close()
    clips.append(driver.read())
    filled = [c for c in clips if len(c)]
    return FaceClip(
        filled[0].start, np.concatenate([c.shapes for c in filled]), np.concatenate([c.head for c in filled])
    )


def example(start: int = 0) -> SpeechPart:
    part = speech(
        [("", 300), ("m", 80), ("a", 120), ("p", 40), ("u", 90), ("", 400), ("f", 90), ("i", 200)], start=start
    )
    spans = (EmotionSpan(start + 9_000, start + 30_000, Emotion(name="happy")),)
    return SpeechPart(part.audio, part.phones, (), spans, last=True)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    sounds=st.lists(st.tuples(st.sampled_from(WORDS), st.integers(20, 400)), min_size=1, max_size=25),
    places=st.lists(st.integers(0, 10**7), max_size=12),
    feeling=st.tuples(st.integers(0, 3000), st.integers(1, 2000)),
    start=st.sampled_from([0, 1, 48_000 * 3600]),
)
def test_chunked_equals_whole(
    name: str, sounds: list[tuple[str, int]], places: list[int], feeling: tuple[int, int], start: int
) -> None:
    said = speech(sounds, start=start)
    begin = min(start + feeling[0] * 48, said.audio.end - 1)
    span = EmotionSpan(begin, begin + feeling[1] * 48, Emotion(0.7, -0.4))
    whole = SpeechPart(said.audio, said.phones, (), (span,))
    expected = run(make(name), [whole])
    at_each_phone = [p.start - start for p in said.phones or ()]
    for pieces in (places, at_each_phone, [p - 1 for p in at_each_phone[1:]]):
        got = run(make(name), cut(whole, pieces), read_often=True)
        assert got.start == expected.start
        assert np.array_equal(got.shapes, expected.shapes)
        assert np.array_equal(got.head, expected.head)


def test_rows_cover_the_sound(name: str) -> None:
    clip = run(make(name), [example(start=12_345)])
    length = len(example().audio.samples)
    step = 48_000 / clip.rate
    assert clip.start == 12_345
    assert len(clip) == -(-length // step)


def test_values_are_legal(name: str) -> None:
    for style in ("serious", "lively", "cartoon"):
        clip = run(make(name, style=style, lip_strength=2.0, head_motion=2.0, blink_rate=2.0), [example()])
        assert clip.shapes.dtype == np.float32
        assert clip.head.dtype == np.float32
        assert clip.shapes.shape[1:] == (52,)
        assert clip.head.shape == (len(clip), 6)
        assert np.isfinite(clip.shapes).all()
        assert np.isfinite(clip.head).all()
        assert clip.shapes.min() >= 0
        assert clip.shapes.max() <= 1
        assert (clip.shapes[:, SHAPE_INDEX["mouthClose"]] <= clip.shapes[:, SHAPE_INDEX["jawOpen"]]).all()


def test_look_ahead_is_as_declared(name: str) -> None:
    """What comes later than the look-ahead changes nothing, and rows are handed out as soon as that is so."""
    driver = make(name)
    first, second = cut(example(), [40_000])
    driver.push(first)
    rows = len(driver.read())
    assert rows == (40_000 - driver.info.look_ahead) // 960 + 1
    other = speech([("b", 50), ("ɑ", 600)], start=40_000, level=0.4)
    for continuation in (second, other):
        again = run(make(name), [first, continuation])
        driver = make(name)
        driver.push(first)
        assert np.array_equal(driver.read().shapes, again.shapes[:rows])


def test_same_seed_same_motion_other_seed_other(name: str) -> None:
    part = silence(10.0)
    a, b, c = (run(make(name, seed=seed), [part]) for seed in (3, 3, 4))
    assert np.array_equal(a.shapes, b.shapes)
    assert np.array_equal(a.head, b.head)
    assert not np.array_equal(a.head, c.head)


def test_nothing_said_gives_nothing(name: str) -> None:
    driver = make(name)
    assert len(driver.read()) == 0
    driver.close()
    driver.close()
    assert len(driver.read()) == 0


def test_speech_without_phones_is_refused_by_those_that_need_them(name: str) -> None:
    driver = make(name)
    part = SpeechPart(AudioChunk(0, np.zeros(4800, np.float32)))
    if driver.info.needs_phones:
        with pytest.raises(MissingError, match="voice"):
            driver.push(part)
    else:
        driver.push(part)


def test_gaps_are_refused(name: str) -> None:
    driver = make(name)
    driver.push(example())
    with pytest.raises(MienError):
        driver.push(example(start=10**7))


@pytest.mark.parametrize(
    "dials", [{"style": "grand"}, {"emotion": "peckish"}, {"lip_strength": 3.0}, {"smoothing": float("nan")}]
)
def test_settings_out_of_range_are_refused(name: str, dials: dict[str, object]) -> None:
    with pytest.raises(MienError):
        make(name, **dials)
