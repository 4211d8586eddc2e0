"""Every way from sound to lips that is compared."""

from __future__ import annotations

from importlib.resources import as_file, files

import numpy as np
import pytest

from mien.dialogue.perform import perform
from mien.dialogue.speak.espeak import EspeakSpeaker
from mien.face.listen.network import LOOK_AHEADS, weights
from mien.lab.evaluate import lips_drive
from mien.types import FloatArray


@pytest.fixture(scope="module")
def sound() -> FloatArray:
    speaker = EspeakSpeaker()
    try:
        parts = list(perform("We may all be a mile away, my dear mother.", speaker, language="en"))
    finally:
        speaker.close()
    return np.concatenate([p.audio.samples for p in parts])


def other(look_ahead: int) -> lips_drive.Way:
    with as_file(files("mien.face.listen").joinpath("weights", weights(look_ahead))) as model:
        return lips_drive.listening(model=model)


@pytest.mark.parametrize(
    "way",
    [lips_drive.listening(), *map(other, LOOK_AHEADS), lips_drive.live(3), lips_drive.live(0), lips_drive.flap],
)
def test_lips_move_with_speech(way: lips_drive.Way, sound: FloatArray) -> None:
    lips = way(sound)
    assert abs(len(lips.aperture) - len(sound) / lips_drive.ROW) <= 1
    assert np.ptp(lips.aperture) > 0.01
    assert lips.width is None or np.ptp(lips.width) > 1


def test_a_named_model_is_the_one_that_listens(sound: FloatArray) -> None:
    made = [way(sound).aperture for way in (other(8), other(0), lips_drive.listening())]
    assert not np.array_equal(made[0], made[1])
    assert not np.array_equal(made[0], made[2])  # a model of one's own decides alone
