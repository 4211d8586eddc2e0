"""Feelings show in the direction that their name says, come and go gently, and leave speech its closures."""

from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
import pytest
from tests.face.kit import ENGLISH, aperture_mm, drive, shape, silence, speech, spoken

from mien.errors import UsageError
from mien.face.base import FaceSettings
from mien.face.emotion import expression
from mien.types import EMOTION_NAMES, SHAPE_INDEX, Emotion, EmotionSpan, FaceClip, SpeechPart

SIGNS = {
    "happy": {"mouthSmileLeft": 0.3, "cheekSquintRight": 0.2},
    "sad": {"mouthFrownLeft": 0.2, "browInnerUp": 0.3},
    "angry": {"browDownLeft": 0.4, "eyeSquintLeft": 0.2},
    "surprised": {"browInnerUp": 0.4, "browOuterUpLeft": 0.4, "eyeWideLeft": 0.3},
    "tender": {"mouthSmileLeft": 0.15, "browInnerUp": 0.1},
    "serious": {"browDownLeft": 0.1, "mouthPressLeft": 0.05},
}
MEANT = ("brow", "cheek", "nose", "mouthSmile", "mouthFrown", "mouthPress", "eyeSquint", "eyeWide", "mouthDimple")


def felt(name: str, seconds: float = 6.0, **dials: object) -> FaceClip:
    return drive([silence(seconds)], FaceSettings(emotion=name, **dials))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", SIGNS)
def test_a_feeling_shows_as_its_name_says(name: str) -> None:
    clip, neutral = felt(name), felt("neutral")
    for channel, least in SIGNS[name].items():
        assert np.median(shape(clip, channel)) > least > np.median(shape(neutral, channel))


def test_every_feeling_differs_from_every_other() -> None:
    columns = [i for n, i in SHAPE_INDEX.items() if n.startswith(MEANT)]
    faces = {name: np.median(felt(name).shapes[:, columns], axis=0) for name in EMOTION_NAMES}
    for (a, one), (b, other) in combinations(faces.items(), 2):
        assert np.abs(one - other).max() > 0.1, (a, b)


def test_opposites() -> None:
    happy, sad, angry = (expression(Emotion(name=n)) for n in ("happy", "sad", "angry"))
    assert happy[SHAPE_INDEX["mouthFrownLeft"]] == 0 == sad[SHAPE_INDEX["mouthSmileLeft"]]
    assert angry[SHAPE_INDEX["browInnerUp"]] == 0
    assert sad[-3] > 0 > happy[-3]  # the sad head hangs
    assert sad[-1] < 0 < happy[-1]  # and moves less


@pytest.mark.parametrize(
    ("valence", "arousal", "like"),
    [(0.9, 0.8, "happy"), (0.9, -0.9, "tender"), (-0.9, 0.9, "angry"), (-0.9, -0.9, "sad"), (0.0, 1.0, "surprised")],
)
def test_valence_and_arousal_mix_the_named_looks(valence: float, arousal: float, like: str) -> None:
    mixed = expression(Emotion(valence, arousal))[:52]
    nearest = max(SIGNS, key=lambda n: float(np.dot(mixed, v := expression(Emotion(name=n))[:52]) / np.linalg.norm(v)))
    assert nearest == like


def test_strength_scales_and_values_beyond_the_axes_are_cut() -> None:
    full, half = expression(Emotion(name="happy")), expression(Emotion(name="happy", strength=0.5))
    assert np.allclose(half, full / 2)
    assert np.array_equal(expression(Emotion(5.0, 0.0)), expression(Emotion(1.0, 0.0)))
    assert not expression(Emotion()).any()


def test_a_name_that_does_not_exist_is_refused() -> None:
    with pytest.raises(UsageError, match="peckish"):
        expression(Emotion(name="peckish"))


def test_borders_are_eased_within_400_ms() -> None:
    quiet = silence(6.0)
    span = EmotionSpan(2 * 48_000, 4 * 48_000, Emotion(name="happy"))
    clip = drive([SpeechPart(quiet.audio, (), (), (span,))])
    smile = shape(clip, "mouthSmileLeft")
    top = smile.max()
    assert smile[:80].max() == 0
    assert smile[115:185].min() > 0.99 * top
    assert smile[220:].max() == 0
    rise = np.count_nonzero((smile[80:120] > 0.02 * top) & (smile[80:120] < 0.98 * top)) * 20
    assert 150 <= rise <= 400
    assert abs(np.flatnonzero(smile > top / 2)[0] - 100) <= 1  # centred on the border
    assert np.diff(smile).max() < 0.12


def test_the_feeling_that_holds_shows_where_the_script_says_nothing() -> None:
    quiet = silence(4.0)
    span = EmotionSpan(0, 2 * 48_000, Emotion(name="angry"))
    clip = drive([SpeechPart(quiet.audio, (), (), (span,))], FaceSettings(emotion="happy"))
    assert shape(clip, "browDownLeft")[0] > 0.4
    assert shape(clip, "mouthSmileLeft")[-1] > 0.3
    assert shape(clip, "browDownLeft")[-1] == 0


def test_a_smile_yields_to_rounding_and_a_closure_stays_closed() -> None:
    part = speech([("", 300), ("i", 250), ("u", 250), ("m", 120), ("i", 200), ("", 300)])
    clip = drive([part], FaceSettings(emotion="happy", style="cartoon"))
    plain = drive([part], FaceSettings(style="cartoon"))
    smile = shape(clip, "mouthSmileLeft") - shape(plain, "mouthSmileLeft")
    spread, rounded, closed = round(425 / 20), round(675 / 20), round(860 / 20)
    assert smile[rounded] < 0.5 * smile[spread]
    assert smile[closed] < 0.95 * smile[spread]
    assert aperture_mm(clip.shapes)[closed] <= 1.0


def test_a_feeling_does_not_open_the_mouth() -> None:
    for name in EMOTION_NAMES:
        assert aperture_mm(felt(name, style="cartoon").shapes).max() < 0.3


def test_calm_feelings_still_the_head() -> None:
    def motion(name: str) -> float:
        return float(np.abs(np.diff(felt(name, 30.0).head[:, 0])).mean())

    assert motion("serious") < 0.8 * motion("neutral") < 0.8 * motion("happy")


def test_styles_differ_in_the_named_direction() -> None:
    part = spoken(ENGLISH, "en")
    clips = {s: drive([part], FaceSettings(style=s, emotion="happy")) for s in ("serious", "lively", "cartoon")}

    def rising(values: list[float]) -> bool:
        return all(b > 1.1 * a for a, b in pairwise(values))

    assert rising([float(aperture_mm(c.shapes).mean()) for c in clips.values()])
    assert rising([float(np.abs(np.diff(c.head[:, :3], axis=0)).mean()) for c in clips.values()])
    assert rising([float(np.percentile(shape(c, "mouthSmileLeft"), 90)) for c in clips.values()])
    assert rising([float(np.percentile(shape(c, "browOuterUpLeft"), 95)) for c in clips.values()])
