"""A microphone moves the face: the voice passes through unchanged, both are late by the same, and by little."""

from __future__ import annotations

import numpy as np
import pytest
from tests.live.fakes import StepClock, Witness, session
from tests.transmit.live_kit import wait_for

from mien.dialogue.speak.base import SpeakRequest
from mien.dialogue.speak.espeak import EspeakSpeaker
from mien.face.base import FaceSettings
from mien.live.puppet import CUSHION, MOST, Puppet
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
        assert late <= CUSHION + 2 * 1920
        length = min(len(witness.sound) - late, len(voice) - 4 * PIECE) - 48_000
        np.testing.assert_allclose(witness.sound[late + 48_000 :][:length], voice[48_000:][:length], atol=1e-6)
        jaw = np.array([float(c.shapes[0, 17]) for c in witness.clips])
        loud = np.array([float(np.abs(s.samples).mean()) for s in witness.sounds])
        spoken = np.flatnonzero(loud > 0.02)
        assert jaw[spoken].max() > 0.15 > jaw[5 : spoken[0] - 3].max()
    finally:
        made.close()


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


def test_recorded_speech_is_played_by_a_driver_that_listens(voice: FloatArray) -> None:
    from mien.face.listen.driver import ListenDriver

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
