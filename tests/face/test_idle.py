"""Ten minutes of a face that only listens, and one that speaks: is it alive, and never mechanical?"""

from __future__ import annotations

import numpy as np
import pytest
from tests.face.kit import ENGLISH, Values, aperture_mm, drive, shape, silence, speech, spoken

from mien.face.base import FaceSettings
from mien.face.noise import uniform, wander
from mien.types import GAZE_DEGREES, FaceClip


@pytest.fixture(scope="module")
def idle() -> FaceClip:
    return drive([silence(600)], FaceSettings(seed=5))


def starts_of_blinks(clip: FaceClip) -> Values:
    lid = shape(clip, "eyeBlinkLeft") > 0.5
    return np.flatnonzero(np.diff(lid.astype(int)) == 1) / 50


def gaze(clip: FaceClip) -> Values:
    """Gaze of the left eye in the world: to the person's left and up, degrees, (t, 2)."""
    side = (shape(clip, "eyeLookOutLeft") - shape(clip, "eyeLookInLeft")) * GAZE_DEGREES["side"]
    up = shape(clip, "eyeLookUpLeft") * GAZE_DEGREES["up"] - shape(clip, "eyeLookDownLeft") * GAZE_DEGREES["down"]
    head = np.degrees(clip.head)
    return np.stack([side + head[:, 0], up - head[:, 1]], axis=1)


def strongest_period(signal: Values, shortest: float, longest: float) -> float:
    """Largest autocorrelation at a lag between these seconds; 1 would be strictly periodic."""
    x = signal - signal.mean()
    power = np.abs(np.fft.rfft(x, 2 * len(x))) ** 2
    correlation = np.fft.irfft(power)[: len(x)] / (np.arange(len(x), 0, -1) * x.var())
    return float(correlation[round(shortest * 50) : round(longest * 50)].max())


def test_blinks_come_every_three_to_six_seconds(idle: FaceClip) -> None:
    starts = starts_of_blinks(idle)
    pauses = np.diff(starts)
    single = pauses[pauses > 1]
    assert 100 < len(starts) < 200
    assert single.min() > 2.5
    assert single.max() < 6.5
    assert single.std() > 0.5
    assert 0.03 < np.mean(pauses < 1) < 0.25  # some are double


def test_a_blink_shuts_both_eyes_quickly_and_opens_slower(idle: FaceClip) -> None:
    left, right = shape(idle, "eyeBlinkLeft"), shape(idle, "eyeBlinkRight")
    assert np.array_equal(left, right)
    for start in starts_of_blinks(idle)[:50]:
        k = round(start * 50)
        lid = left[k - 6 : k + 20]
        assert lid.max() > 0.98
        assert 10 <= np.count_nonzero(lid > 0.02) <= 34
        assert np.diff(lid).max() > 1.2 * -np.diff(lid).min()


def test_blinks_have_no_period(idle: FaceClip) -> None:
    assert strongest_period(shape(idle, "eyeBlinkLeft"), 1.0, 60) < 0.35


def test_blink_rate_turns_them_up_down_and_off() -> None:
    counts = [len(starts_of_blinks(drive([silence(60)], FaceSettings(blink_rate=r)))) for r in (0.0, 0.5, 1.0, 2.0)]
    assert counts[0] == 0
    assert counts[1] < counts[2] < counts[3]


def test_the_head_sways_within_limits_and_never_the_same_way_twice(idle: FaceClip) -> None:
    yaw, pitch, roll = np.degrees(idle.head[:, :3]).T
    for angle, most, least in ((yaw, 4.0, 0.7), (pitch, 2.5, 0.4), (roll, 2.0, 0.2)):
        assert np.abs(angle).max() <= most
        assert np.ptp(angle) > 2 * least
        assert strongest_period(angle, 4.0, 120) < 0.5
        assert np.abs(np.diff(angle)).max() * 50 < 15
    assert np.abs(idle.head[:, 3:]).max() < 0.06


def test_head_motion_stills_the_head() -> None:
    still = drive([silence(20)], FaceSettings(head_motion=0.0))
    assert np.degrees(np.abs(still.head[:, :3])).max() < 0.3  # breath alone


def test_the_chest_breathes(idle: FaceClip) -> None:
    """With the sway off, height follows breaths of three to five seconds that differ in length."""
    height = drive([silence(120)], FaceSettings(head_motion=0.0)).head[:, 4].astype(float)
    tops = np.flatnonzero((height[1:-1] > height[:-2]) & (height[1:-1] >= height[2:]))
    lengths = np.diff(tops) / 50
    assert 24 <= len(lengths) <= 41
    assert lengths.std() > 0.3


def test_eyes_hold_still_and_leap(idle: FaceClip) -> None:
    look = gaze(idle)
    speed = np.hypot(*np.diff(look, axis=0).T) * 50
    assert np.median(speed) < 0.5  # fixations are steady in the world while the head moves: the gaze counter-rotates
    leaps = speed > 30
    per_second = np.count_nonzero(np.diff(leaps.astype(int)) == 1) / 600
    assert 0.15 < per_second < 2.0
    assert speed.max() > 60
    assert np.abs(look[:, 0]).max() < 18
    assert np.mean(np.hypot(*look.T) < 3) > 0.6  # mostly at the viewer


def test_eyes_look_together_and_never_both_ways(idle: FaceClip) -> None:
    for a, b in (("eyeLookOutLeft", "eyeLookInRight"), ("eyeLookInLeft", "eyeLookOutRight"), ("eyeLookUpLeft",) * 2):
        assert np.allclose(shape(idle, a), shape(idle, b), atol=1e-6)
    assert (np.minimum(shape(idle, "eyeLookOutLeft"), shape(idle, "eyeLookInLeft")) == 0).all()


def test_idle_keeps_the_mouth_shut(idle: FaceClip) -> None:
    assert aperture_mm(idle.shapes).max() == 0


def test_speech_moves_head_and_brows_more_than_silence() -> None:
    part = spoken(ENGLISH, "en")
    clip = drive([part])
    quiet = drive([silence(len(clip) / 50)])

    def energy(c: FaceClip) -> float:
        return float(np.abs(np.diff(c.head[:, 1])).mean())

    assert energy(clip) > 1.5 * energy(quiet)
    assert shape(clip, "browInnerUp").max() > 0.1 > shape(quiet, "browInnerUp").max()


def test_nods_fall_on_loud_syllables() -> None:
    """The same speech with and without a loud syllable: the head dips there, and nowhere before."""
    said = [("", 400), *[("a", 130), ("t", 70)] * 12, ("", 400)]
    dips = []
    for seed in range(8):
        plain, stressed = speech(said, level=0.05), speech(said, level=0.05)
        begin = (400 + 5 * 200) * 48
        stressed.audio.samples[begin : begin + 130 * 48] *= 8
        pitch = [np.degrees(drive([p], FaceSettings(seed=seed)).head[:, 1]) for p in (plain, stressed)]
        difference = pitch[1] - pitch[0]
        assert np.abs(difference[: begin // 960 - 10]).max() < 0.05
        dips.append(difference[begin // 960 - 5 : begin // 960 + 25].max())
    assert np.mean(np.array(dips) > 0.5) >= 0.5


def test_phrase_ends_invite_blinks() -> None:
    text = "Well, I was there. So were you. We talked. It rained. They left. I stayed. Then it stopped. Good. " * 2
    part = spoken(text, "en")
    ends = [a.end / 48_000 for a, b in zip(part.phones or (), (part.phones or ())[1:], strict=False) if not b.symbol]
    near, total = 0, 0
    for seed in range(4):
        starts = starts_of_blinks(drive([part], FaceSettings(seed=seed)))
        total += len(starts)
        near += sum(any(-0.05 < s - end < 0.4 for end in ends) for s in starts)
    covered = 0.45 * len(ends) / (len(part.audio.samples) / 48_000)
    assert near / total > 1.3 * covered


def test_noise_is_a_function_of_time_alone() -> None:
    times = np.arange(0, 4000.0, 0.02)
    whole = wander(1, "x", times, 3.0)
    assert np.array_equal(whole[777:801], wander(1, "x", times[777:801], 3.0))
    assert np.abs(whole).max() <= 1
    assert abs(whole.mean()) < 0.05
    draws = np.array([uniform(9, "y", i) for i in range(4000)])
    assert abs(draws.mean() - 0.5) < 0.02
    assert abs(np.corrcoef(draws[:-1], draws[1:])[0, 1]) < 0.06


def test_an_hour_later_it_goes_on_differently() -> None:
    early, late = drive([silence(20)]), drive([silence(20, start=3600 * 48_000)])
    assert not np.allclose(early.head, late.head, atol=1e-3)
