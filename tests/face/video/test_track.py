"""Landmarks → motion: what was put in comes out, at the right time, however it is cut."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.face.video.kit import Array, coefficients, seen

from mien.errors import InputError
from mien.face.video.response import LANDMARKER, Response
from mien.face.video.solve import Basis
from mien.face.video.track import FaceTracker
from mien.types import ARKIT_SHAPES, SHAPE_INDEX, FaceClip

FPS = 25
PERFECT = Response()


def tracked(basis: Basis, points: Array, response: Response = PERFECT, fps: float = FPS) -> FaceClip:
    tracker = FaceTracker(lambda _: basis, response=response)
    for k, face in enumerate(points):
        tracker.push(k / fps, None if np.isnan(face).all() else face)
    tracker.close(len(points) / fps)
    return tracker.read()


def moves(peak: Array, still: int = 14, moving: int = 14, fps: float = FPS) -> Array:
    """Rest, then up to the peak and back again, then rest: (n, …)."""
    bump = np.sin(np.linspace(0, np.pi, moving)) ** 2
    return np.concatenate([np.zeros(still), bump, np.zeros(still)])[:, None] * peak


def at(clip: FaceClip, frame: int, fps: float = FPS) -> int:
    return round(frame / fps * float(clip.rate))


@pytest.mark.parametrize(
    ("given_shapes", "tolerance"),
    [
        ({"jawOpen": 0.6}, 0.12),
        ({"mouthSmileLeft": 0.8, "mouthSmileRight": 0.8}, 0.2),
        ({"mouthPucker": 0.8}, 0.15),
        ({"browInnerUp": 0.8, "browOuterUpLeft": 0.7, "browOuterUpRight": 0.7}, 0.25),
        ({"mouthLeft": 0.7}, 0.2),
        ({"jawOpen": 0.5, "mouthClose": 0.5}, 0.2),
        ({"mouthFrownLeft": 0.8, "mouthFrownRight": 0.8}, 0.35),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, dict) else "",
)
def test_a_shape_that_was_made_is_found(basis: Basis, given_shapes: dict[str, float], tolerance: float) -> None:
    wanted = moves(coefficients(**given_shapes))
    clip = tracked(basis, seen(basis, wanted))
    top = clip.shapes[at(clip, 21)]
    for name, value in given_shapes.items():
        assert top[SHAPE_INDEX[name]] == pytest.approx(value, abs=tolerance)
    others = [i for name, i in SHAPE_INDEX.items() if name not in given_shapes]
    assert top[others].max() < 0.4
    assert clip.shapes[at(clip, 4)].max() < 0.05, "a face at rest says nothing"


def test_lips_are_as_far_apart_as_they_were(basis: Basis) -> None:
    wanted = moves(coefficients(jawOpen=0.6, mouthLowerDownLeft=0.4, mouthLowerDownRight=0.4))
    clip = tracked(basis, seen(basis, wanted))

    def gap(shapes: NDArray[Any]) -> Array:
        face = basis.pose(shapes)
        return np.asarray(face[:, 14, 1] - face[:, 13, 1])

    rows = [at(clip, k) for k in range(len(wanted))]
    assert np.abs(gap(clip.shapes[rows]) - gap(wanted)).max() < 0.05
    assert gap(clip.shapes[rows])[:12].max() < 0.01, "closed lips are closed"


def test_a_blink_is_crisp_and_in_time(basis: Basis) -> None:
    blink = np.zeros((60, len(ARKIT_SHAPES)))
    both = [SHAPE_INDEX["eyeBlinkLeft"], SHAPE_INDEX["eyeBlinkRight"]]
    blink[30:34, both] = np.array([0.5, 1.0, 1.0, 0.5])[:, None]
    clip = tracked(basis, seen(basis, blink, noise=0.15))
    lids = clip.shapes[:, both].mean(1)
    assert lids[at(clip, 31)] > 0.85 and lids[at(clip, 32)] > 0.85
    assert lids[at(clip, 28)] < 0.1 and lids[at(clip, 35)] < 0.1


def test_one_eye_winks_alone(basis: Basis) -> None:
    clip = tracked(basis, seen(basis, moves(coefficients(eyeBlinkLeft=1.0))))
    top = clip.shapes[at(clip, 21)]
    assert top[SHAPE_INDEX["eyeBlinkLeft"]] > 0.8 and top[SHAPE_INDEX["eyeBlinkRight"]] < 0.15


@pytest.mark.parametrize(
    "look",
    [("eyeLookOutLeft", "eyeLookInRight"), ("eyeLookInLeft", "eyeLookOutRight"), ("eyeLookUpLeft", "eyeLookUpRight")],
    ids="+".join,
)
def test_gaze_goes_where_the_irises_go(basis: Basis, look: tuple[str, str]) -> None:
    top = tracked(basis, seen(basis, moves(coefficients(**dict.fromkeys(look, 0.7))))).shapes[42]
    eyes = [i for name, i in SHAPE_INDEX.items() if name.startswith("eyeLook")]
    wanted = [SHAPE_INDEX[name] for name in look]
    assert top[wanted] == pytest.approx([0.7, 0.7], abs=0.12)
    assert top[[i for i in eyes if i not in wanted]].max() < 0.1


@pytest.mark.parametrize("channel", range(6), ids=("yaw", "pitch", "roll", "x", "y", "z"))
def test_the_head_goes_where_it_went(basis: Basis, channel: int) -> None:
    head = moves(np.eye(6)[channel] * (0.25 if channel < 3 else 0.2))
    clip = tracked(basis, seen(basis, np.zeros((len(head), 52)), head))
    got = clip.head[at(clip, 21)] - clip.head[at(clip, 4)]
    assert got == pytest.approx(head[21], abs=0.03)


def test_turning_the_head_moves_no_face(basis: Basis) -> None:
    head = moves(np.array([0.3, -0.15, 0.1, 0.2, 0.1, 0.3]))
    clip = tracked(basis, seen(basis, np.zeros((len(head), 52)), head))
    assert clip.shapes.max() < 0.12


def test_trembling_goes_and_speech_stays(basis: Basis) -> None:
    wanted = moves(coefficients(jawOpen=0.4, mouthSmileLeft=0.3, mouthSmileRight=0.3), still=40)
    clean, shaken = (tracked(basis, seen(basis, wanted, noise=n)) for n in (0.0, 0.6))
    jaw = SHAPE_INDEX["jawOpen"]
    assert np.abs(np.diff(shaken.shapes[10:60], 2, axis=0)).mean() < 0.01
    assert shaken.shapes[at(shaken, 47), jaw] == pytest.approx(clean.shapes[at(clean, 47), jaw], abs=0.1)


def test_what_a_net_holds_back_is_given_back(basis: Basis) -> None:
    smile = moves(coefficients(mouthSmileLeft=0.5, mouthSmileRight=0.5))
    shy = Response(shapes={"mouthSmile": 0.5})
    full, timid = (tracked(basis, seen(basis, smile), response) for response in (LANDMARKER, shy))
    column = SHAPE_INDEX["mouthSmileLeft"]
    assert timid.shapes[42, column] > 1.25 * full.shapes[42, column]


@settings(max_examples=12, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(0, 1000))
def test_every_answer_is_legal(basis: Basis, random: object, seed: int) -> None:
    noise = np.random.default_rng(seed)
    shapes = noise.uniform(0, 1, (20, 52)) * (noise.uniform(size=(20, 52)) < 0.2)
    clip = tracked(basis, seen(basis, shapes, noise.normal(0, 0.1, (20, 6)), noise=2.0, seed=seed))
    assert clip.shapes.min() >= 0 and clip.shapes.max() <= 1 and np.isfinite(clip.head).all()
    assert (clip.shapes[:, SHAPE_INDEX["mouthClose"]] <= clip.shapes[:, SHAPE_INDEX["jawOpen"]]).all()
    for a, b in (("jawLeft", "jawRight"), ("mouthLeft", "mouthRight"), ("eyeLookUpLeft", "eyeLookDownLeft")):
        assert np.minimum(clip.shapes[:, SHAPE_INDEX[a]], clip.shapes[:, SHAPE_INDEX[b]]).max() == 0


@settings(max_examples=10, deadline=None)
@given(st.sets(st.integers(1, 79)), st.sampled_from([Fraction(50), Fraction(30), Fraction(24000, 1001)]))
def test_chunked_equals_whole(basis: Basis, reads: set[int], rate: Fraction) -> None:
    points = seen(basis, moves(coefficients(jawOpen=0.5, eyeBlinkLeft=1.0), still=33), noise=0.5)

    def run(stops: set[int]) -> FaceClip:
        tracker, pieces = FaceTracker(lambda _: basis, rate, PERFECT), []
        for k, face in enumerate(points):
            tracker.push(k / 30, None if 40 <= k < 46 else face)
            if k in stops:
                pieces.append(tracker.read())
        tracker.close(len(points) / 30)
        pieces.append(tracker.read())
        follow = 0
        for piece in pieces:
            if len(piece):
                assert piece.start == follow * 48000 * rate.denominator // rate.numerator
                follow += len(piece)
        return FaceClip(0, np.concatenate([p.shapes for p in pieces]), np.concatenate([p.head for p in pieces]), rate)

    whole, cut = run(set()), run(reads)
    assert len(whole) == -(-len(points) * rate // 30)
    np.testing.assert_allclose(cut.shapes, whole.shapes, atol=1e-5)
    np.testing.assert_allclose(cut.head, whole.head, atol=1e-5)


def test_a_long_video_keeps_no_more_than_its_beginning(basis: Basis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mien.face.video.track.CALIBRATION", 1.0)
    points = seen(basis, np.zeros((1, 52)), noise=0.2)[0]
    tracker, rows = FaceTracker(lambda _: basis, response=PERFECT), 0
    for k in range(400):
        tracker.push(k / FPS, points)
        rows += len(tracker.read())
        assert len(tracker._waiting) <= 33
    assert rows > 2 * 400 - 100


def test_a_short_loss_is_bridged_and_a_long_one_rests(basis: Basis) -> None:
    points = seen(basis, np.tile(coefficients(mouthSmileLeft=0.8, mouthSmileRight=0.8), (150, 1)))
    points[:20] = seen(basis, np.zeros((20, 52)))
    points[40:50] = np.nan
    points[80:120] = np.nan
    tracker = FaceTracker(lambda _: basis, response=PERFECT)
    for k, face in enumerate(points):
        tracker.push(k / FPS, None if np.isnan(face).all() else face)
    tracker.close(150 / FPS)
    clip, column = tracker.read(), SHAPE_INDEX["mouthSmileLeft"]
    smile = clip.shapes[at(clip, 35), column]
    assert smile > 0.5
    assert clip.shapes[at(clip, 45), column] == pytest.approx(smile, abs=0.05)
    assert clip.shapes[at(clip, 100), column] < 0.01
    assert clip.shapes[at(clip, 122), column] == pytest.approx(smile, abs=0.05)
    assert np.abs(np.diff(clip.shapes[at(clip, 25) :], axis=0)).max() < 0.1, "nothing jumps"
    assert tracker.tally.gaps == [(39 / FPS, 50 / FPS), (79 / FPS, 120 / FPS)]


@pytest.mark.parametrize(("faces", "words"), [(0, "No face"), (5, "Too little")])
def test_without_enough_of_a_face_there_is_no_motion(basis: Basis, faces: int, words: str) -> None:
    tracker = FaceTracker(lambda _: basis)
    for k in range(50):
        tracker.push(k / FPS, seen(basis, np.zeros((1, 52)))[0] if k < faces else None)
    with pytest.raises(InputError, match=words):
        tracker.close(2.0)
