"""A microphone moves the face: the voice passes through unchanged, both are late by the same, and by little."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.live.fakes import StepClock, Witness, session
from tests.transmit.live_kit import wait_for

from mien.dialogue.speak.base import SpeakRequest
from mien.dialogue.speak.espeak import EspeakSpeaker
from mien.face.base import FaceSettings
from mien.face.listen.driver import ListenDriver
from mien.live.puppet import CUSHION, LATE, MOST, Puppet, VoiceGate
from mien.live.session import Session
from mien.types import AudioChunk, FloatArray, SpeechPart

PIECE = 960


@pytest.fixture(scope="module")
def voice() -> FloatArray:
    """A second of silence, then some words."""
    speaker = EspeakSpeaker()
    try:
        said = [p.audio.samples for p in speaker.speak(SpeakRequest("Mama and papa are far away.", "en"))]
    finally:
        speaker.close()
    return np.concatenate([np.zeros(48_000, np.float32), *said])


def perform(made: Session, clock: StepClock, puppet: Puppet, sound: FloatArray) -> None:
    """As a microphone gives it: two pieces for each moment."""
    for start in range(0, len(sound) - 2 * PIECE, 2 * PIECE):
        for part in (start, start + PIECE):
            puppet.hear(AudioChunk(part, sound[part : part + PIECE]))
        clock.step(2 if made._follows else 1)  # it waits before a moment is made, too


def delay_of(witness: Witness, sound: FloatArray) -> int:
    """Ticks by which what was sent is behind what was heard, by the best fit."""
    sent = witness.sound
    spectrum = np.fft.rfft(sent, 1 << 18) * np.conj(np.fft.rfft(sound, 1 << 18))
    return int(np.argmax(np.fft.irfft(spectrum)[:48_000]))


def test_voice_and_lips_come_through_late_by_a_cushion(voice: FloatArray) -> None:
    made, clock, witness = session()
    puppet = Puppet(made, FaceSettings())
    try:
        perform(made, clock, puppet, voice)
        clock.step(6)
        late = delay_of(witness, voice)
        assert late <= LATE + CUSHION + 2 * 1920
        length = min(len(witness.sound) - late, len(voice) - 4 * PIECE - LATE) - 48_000
        np.testing.assert_allclose(witness.sound[late + 48_000 :][:length], voice[48_000:][:length], atol=1e-6)
        jaw = np.array([float(c.shapes[0, 17]) for c in witness.clips])
        loud = np.array([float(np.abs(s.samples).mean()) for s in witness.sounds])
        spoken = np.flatnonzero(loud > 0.02)
        assert jaw[spoken].max() > 0.15 > jaw[5 : spoken[0] - 3].max()
    finally:
        made.close()


@pytest.mark.parametrize(("look_ahead", "alike"), [(3, 0.85), (0, 0.7)])
def test_lips_meet_the_voice_that_is_sent(voice: FloatArray, look_ahead: int, alike: float) -> None:
    """As the driver of films, which hears the whole recording, would move them."""
    made, clock, witness = session()
    puppet = Puppet(made, FaceSettings(), look_ahead=look_ahead)
    try:
        perform(made, clock, puppet, np.concatenate([voice, voice, voice]))
        clock.step(6)
    finally:
        made.close()
    jaw = np.array([c.shapes[0, 17] for c in witness.clips], np.float64)
    film = ListenDriver(FaceSettings())
    film.push(SpeechPart(AudioChunk(0, witness.sound), last=True))
    film.close()
    true = film.read().shapes[::2, 17][: len(jaw)].astype(np.float64)
    lags = {k: float(np.corrcoef(np.roll(jaw, -k)[40:-10], true[40:-10])[0, 1]) for k in range(-3, 4)}
    best = max(lags, key=lambda k: lags[k])
    assert abs(best) <= 1 and lags[0] > alike, lags


def noises(rng: np.random.Generator) -> dict[str, FloatArray]:
    """Four seconds each of what a microphone hears beside a voice."""
    count = 4 * 48_000
    white = np.fft.rfft(rng.standard_normal(count))
    hertz = np.fft.rfftfreq(count, 1 / 48_000)

    def level(sound: NDArray[np.float64], decibels: float) -> FloatArray:
        scaled: FloatArray = (sound / sound.std() * 10 ** (decibels / 20)).astype(np.float32)
        return scaled

    time = np.arange(count) / 48_000
    hum = np.fft.irfft(white / np.sqrt(np.maximum(hertz, 60)) * (hertz < 6000), count)
    breath = np.fft.irfft(white * ((hertz > 400) & (hertz < 5000)), count)
    breath *= np.maximum(0, np.sin(2 * np.pi * time)) ** 2
    clicks = np.fft.irfft(white * ((hertz > 800) & (hertz < 9000)), count) * np.exp(-(time % 0.21) / 0.004)
    return {"fan": level(hum, -34), "breath": level(breath, -34), "keys": level(clicks, -30)}


@pytest.mark.parametrize("kind", ["fan", "breath", "keys"])
def test_what_is_no_voice_moves_no_lips_and_is_heard(kind: str) -> None:
    sound = noises(np.random.default_rng(3))[kind]
    made, clock, witness = session()
    puppet = Puppet(made, FaceSettings())
    try:
        perform(made, clock, puppet, sound)
        jaw = np.array([float(c.shapes[0, 17]) for c in witness.clips])
        assert jaw[10:].max() < 0.02
        assert np.abs(witness.sound[48_000:]).max() > 0.5 * np.abs(sound).max()
    finally:
        made.close()


def test_the_gate_covers_all_sound_however_it_is_cut(voice: FloatArray) -> None:
    whole, rng = VoiceGate(), np.random.default_rng(5)
    at = end = 0
    opened = []
    while at < len(voice):
        size = int(rng.integers(900, 1020))
        chunk = AudioChunk(at, voice[at : at + size])
        whole.hear(chunk)
        rows = whole.over(chunk)
        assert rows.start == end
        end += 960 * len(rows.probability)
        assert chunk.end <= end < chunk.end + 960
        opened.append(whole.open)
        at = chunk.end
    assert any(opened) and not any(opened[:45])


def test_a_burst_does_not_make_it_late_for_good(voice: FloatArray) -> None:
    made, clock, _witness = session()
    puppet = Puppet(made, FaceSettings())
    try:
        for start in range(0, 48_000, PIECE):
            puppet.hear(AudioChunk(start, voice[start : start + PIECE]))
        assert puppet.dropped > 0
        assert made.waiting <= MOST + PIECE
        clock.step(10)
        assert made.waiting == 0
    finally:
        made.close()


def test_a_delay_that_has_grown_is_made_up_for_while_nobody_speaks(voice: FloatArray) -> None:
    made, clock, witness = session()
    puppet = Puppet(made, FaceSettings())
    rng = np.random.default_rng(1)
    sound = np.concatenate([voice, rng.normal(0, 1e-3, 4 * 48_000), voice]).astype(np.float32)
    try:
        clock.step(1)
        puppet.hear(AudioChunk(0, sound[: 4 * PIECE]))  # a stall: 80 ms come at once
        perform(made, clock, puppet, sound[4 * PIECE :])
        clock.step(8)
        assert PIECE <= puppet.dropped <= 4 * PIECE
        sent, end = witness.sound, len(sound)
        assert delay_of(witness, sound[4 * PIECE :]) > 0
        spoken = sound[end - len(voice) :]
        at = np.fft.irfft(np.fft.rfft(sent, 1 << 20) * np.conj(np.fft.rfft(spoken, 1 << 20))).argmax()
        late = int(at) - (end - len(voice))
        assert late <= LATE + CUSHION + 2 * 1920
    finally:
        made.close()


def test_recorded_speech_is_played_by_a_driver_that_listens(voice: FloatArray) -> None:
    made, clock, witness = session()
    try:
        sound = voice[40_000:]
        part = SpeechPart(AudioChunk(0, sound), last=True)
        made.play(lambda: [part], lambda: ListenDriver(FaceSettings()))
        assert wait_for(lambda: made.waiting > 0)
        clock.step(len(sound) // 1920 + 10)
        assert np.abs(witness.sound).max() > 0.05
        assert max(float(c.shapes[0, 17]) for c in witness.clips) > 0.15
        made.say("Hello.")  # the usual driver plays again
        assert wait_for(lambda: made.waiting > 0)
        clock.step(20)
    finally:
        made.close()
