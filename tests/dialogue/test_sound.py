"""Sound as it comes over a wire: cut anywhere, it is the same; broken, it is told."""

from __future__ import annotations

import io
import struct
import wave
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.contract.speech_servers import as_mp3, hum, wav_head

from mien.dialogue.speak.base import SpeakRequest
from mien.dialogue.speak.decode import decoded
from mien.dialogue.speak.sound import Sound, Upsampler, as_parts, stretched
from mien.errors import BackendError

WHAT = "The server"
TONE = hum("ten letters", 24_000)


def cut(data: bytes, places: list[int]) -> Iterator[bytes]:
    """The bytes in pieces that end at the given places."""
    edges = sorted({min(p, len(data)) for p in places} | {0, len(data)})
    for start, stop in pairwise(edges):
        yield data[start:stop]


def whole(sounds: Iterator[Sound]) -> NDArray[np.float32]:
    return np.concatenate([s.samples for s in sounds])


FORMS = {
    "wav": wav_head(24_000) + TONE.tobytes(),
    "pcm": TONE.tobytes(),
    "mp3": as_mp3(TONE, 24_000),
}


@given(form=st.sampled_from(sorted(FORMS)), places=st.lists(st.integers(1, 60_000), max_size=12))
@settings(deadline=None, max_examples=40)
def test_how_bytes_are_cut_changes_nothing(form: str, places: list[int]) -> None:
    data = FORMS[form]
    at_once = whole(decoded([data], form, 24_000, WHAT))
    in_pieces = whole(decoded(cut(data, places), form, 24_000, WHAT))
    np.testing.assert_allclose(in_pieces, at_once, atol=1e-6)
    if form != "mp3":
        np.testing.assert_allclose(at_once, TONE / 32768, atol=1e-6)


@given(places=st.lists(st.integers(1, 20_000), max_size=10), rate=st.sampled_from([16_000, 22_050, 24_000, 48_000]))
@settings(deadline=None, max_examples=40)
def test_how_sound_is_cut_changes_no_sample(places: list[int], rate: int) -> None:
    sound = np.random.default_rng(1).uniform(-0.6, 0.6, 20_000).astype(np.float32)
    edges = sorted({*places, 0, len(sound)})

    def run(edges: list[int]) -> NDArray[np.float32]:
        upsampler = Upsampler(rate)
        pieces = [upsampler.push(sound[a:b]) for a, b in pairwise(edges)]
        return np.concatenate([*pieces, upsampler.close()])

    expected = run([0, len(sound)])
    assert len(expected) == round(len(sound) * 48_000 / rate)
    np.testing.assert_allclose(run(edges), expected, atol=1e-5)
    request = SpeakRequest("x", "en", start=77)
    parts = list(as_parts(request, [Sound(sound[a:b], rate) for a, b in pairwise(edges)], WHAT))
    assert parts[0].audio.start == 77
    assert parts[-1].audio.end == 77 + len(expected)
    assert [p.last for p in parts] == [False] * (len(parts) - 1) + [True]


@pytest.mark.parametrize(("width", "channels"), [(1, 1), (2, 2), (3, 1), (4, 1)])
def test_wav_of_every_depth(width: int, channels: int) -> None:
    values = np.linspace(-0.9, 0.9, 2_000)
    scaled = np.round(values * (2 ** (8 * width - 1) - 1)).astype(np.int64)
    raw = (scaled + 128 if width == 1 else scaled).astype("<i8").tobytes()
    samples = b"".join(raw[i * 8 : i * 8 + width] * channels for i in range(len(values)))
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(44_100)
        file.writeframes(samples)
    got = list(decoded([out.getvalue()], "wav", 0, WHAT))
    assert {s.rate for s in got} == {44_100}
    np.testing.assert_allclose(whole(iter(got)), values, atol=0.012)


def test_float_wav_with_other_chunks_before_the_sound() -> None:
    values = np.linspace(-1, 1, 500).astype("<f4")
    fmt = struct.pack("<HHIIHH", 3, 1, 8_000, 32_000, 4, 32)
    chunks = b"LIST" + struct.pack("<I", 3) + b"abc\0" + b"fmt " + struct.pack("<I", 16) + fmt
    data = b"RIFF" + struct.pack("<I", 0xFFFFFFFF) + b"WAVE" + chunks + b"data" + struct.pack("<I", 0xFFFFFFFF)
    got = list(decoded(cut(data + values.tobytes(), [5, 13, 40]), "wav", 0, WHAT))
    np.testing.assert_array_equal(whole(iter(got)), values)


@pytest.mark.parametrize(
    "data",
    [
        FORMS["wav"][:20],
        b"RIFF\0\0\0\0WAVEdata" + b"\0" * 40,
        b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0" + struct.pack("<HHIIHH", 6, 1, 8_000, 8_000, 1, 8) + b"data\0\0\0\0",
        b"RIFF\0\0\0\0WAVEjunk\xff\xff\xff\x0f" + b"\0" * 40,
        b"RIFF\0\0\0\0WAVE" + (b"junk\x00\xff\0\0" + b"\0" * 0xFF00) * 3,
        b"fLaC" + b"\0" * 100,
        b"<html>Not found</html>",
        b"\xff\xfb" + b"\0" * 3_000,
    ],
)
def test_what_is_no_sound_is_told(data: bytes) -> None:
    with pytest.raises(BackendError, match="server"):
        list(decoded([data], "wav", 24_000, WHAT))


def test_a_wav_of_known_length_that_breaks_off() -> None:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(24_000)
        file.writeframes(TONE.tobytes())
    with pytest.raises(BackendError, match="breaks off"):
        list(decoded([out.getvalue()[:-500]], "wav", 24_000, WHAT))


@given(st.binary(max_size=400), st.sampled_from(["wav", "mp3", "pcm"]))
def test_any_bytes_are_sound_or_told(data: bytes, form: str) -> None:
    try:
        for sound in decoded(cut(data, [3, 50]), form, 24_000, WHAT):
            assert np.isfinite(sound.samples).all() or form == "wav"
    except BackendError:
        pass


@pytest.mark.parametrize("rate", [0.5, 0.8, 1.0, 1.6, 2.0])
def test_stretching_keeps_the_pitch(rate: float) -> None:
    tone = hum("a tone that lasts a while", 24_000)
    pieces = [Sound((tone[i : i + 3_000] / 32_768).astype(np.float32), 24_000) for i in range(0, len(tone), 3_000)]
    sound = whole(stretched(pieces, rate))
    assert len(sound) == pytest.approx(len(tone) / rate, rel=0.03)
    inner = sound[2_400:-2_400]
    crossings = np.count_nonzero(np.diff((inner > 0.01).astype(np.int8)) > 0)
    assert crossings / len(inner) * 24_000 == pytest.approx(200, rel=0.02)


def test_nothing_and_too_much_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    request = SpeakRequest("x", "en")
    with pytest.raises(BackendError, match="no sound"):
        list(as_parts(request, [], WHAT))
    monkeypatch.setattr("mien.dialogue.speak.sound.MAX_SECONDS", 1)
    with pytest.raises(BackendError, match="does not stop"):
        list(as_parts(request, [Sound(np.zeros(30_000, np.float32), 24_000)], WHAT))


def test_damaged_samples_do_no_harm_and_the_end_is_always_told() -> None:
    closed: list[bool] = []
    broken = Sound(np.array([np.nan, np.inf, -np.inf, 5.0] * 300, np.float32), 48_000)
    parts = list(as_parts(SpeakRequest("x", "en"), [broken], WHAT, close=lambda: closed.append(True)))
    sound = np.concatenate([p.audio.samples for p in parts])
    assert np.isfinite(sound).all() and float(np.abs(sound).max()) < 1
    assert closed == [True]
