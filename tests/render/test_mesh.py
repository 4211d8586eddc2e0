"""The mesh engine on a real portrait: what is drawn, not how."""

from __future__ import annotations

import itertools

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.avatar import Avatar
from mien.errors import UsageError
from mien.render.base import Placement
from mien.render.mesh import MeshCanvas, MeshRenderer
from mien.types import ARKIT_SHAPES, SHAPE_INDEX, ByteArray, FloatArray

REST = np.zeros(52, np.float32)
STILL = np.zeros(6, np.float32)


def shapes(**weights: float) -> FloatArray:
    row = REST.copy()
    for name, weight in weights.items():
        row[SHAPE_INDEX[name]] = weight
    return row


def turned(yaw: float = 0, pitch: float = 0, roll: float = 0) -> FloatArray:
    return np.array([*np.radians([yaw, pitch, roll]), 0, 0, 0], np.float32)


def canvas_of(avatar: Avatar, *, opaque: bool = True) -> MeshCanvas:
    width, height = avatar.size
    return MeshRenderer().prepare(avatar, Placement(width, height, opaque=opaque))


@pytest.fixture(scope="module")
def canvas(smiling: Avatar) -> MeshCanvas:
    return canvas_of(smiling)


@pytest.fixture(scope="module")
def shut(closed: Avatar) -> MeshCanvas:
    return canvas_of(closed)


def centre(avatar: Avatar, *vertices: int) -> tuple[int, int]:
    x, y = (np.asarray(avatar.arrays["vertices"]) + avatar.arrays["rest"])[list(vertices), :2].mean(0)
    return round(float(x)), round(float(y))


def around(picture: ByteArray, point: tuple[int, int], reach: int) -> ByteArray:
    x, y = point
    return picture[y - reach : y + reach + 1, x - reach : x + reach + 1]


def test_a_closed_lipped_portrait_at_rest_is_bit_exact(closed: Avatar, shut: MeshCanvas) -> None:
    assert not np.asarray(closed.arrays["rest"]).any()
    assert np.array_equal(shut.draw(REST, STILL), closed.textures["color"])


def test_the_ordinary_path_is_exact_too_where_nothing_moves(closed: Avatar, shut: MeshCanvas) -> None:
    barely = shut.draw(shapes(jawOpen=1e-7), STILL)
    assert np.array_equal(barely, closed.textures["color"])


def test_an_open_smile_is_closed_at_rest(smiling: Avatar, canvas: MeshCanvas) -> None:
    assert smiling.manifest.extra["mouth"]["teeth"]
    mouth = centre(smiling, 13, 14)
    teeth, lips = (
        around(p, mouth, 3).astype(float).mean() for p in (smiling.textures["color"], canvas.draw(REST, STILL))
    )
    assert lips < teeth - 40
    assert canvas.gap(REST) < 0.5


def test_the_jaw_opens_the_mouth_by_its_own_measure(canvas: MeshCanvas) -> None:
    gaps = [canvas.gap(shapes(jawOpen=w)) for w in (0, 0.25, 0.5, 1)]
    assert gaps == sorted(gaps)
    assert 22 < gaps[-1] < 29


@pytest.mark.parametrize("jaw", [0.1, 0.3, 0.6, 1.0])
def test_mouth_close_meets_the_lips_over_an_open_jaw(canvas: MeshCanvas, jaw: float) -> None:
    assert canvas.gap(shapes(jawOpen=jaw, mouthClose=jaw)) < 1.0


@pytest.mark.parametrize(
    "weights",
    [
        {"mouthPressLeft": 0.5, "mouthPressRight": 0.5},
        {"mouthRollLower": 1.0, "mouthRollUpper": 1.0},
        {"mouthShrugLower": 1.0},
        {"jawOpen": 0.4, "mouthClose": 0.4, "mouthPucker": 0.8},
        {"jawOpen": 0.4, "mouthClose": 0.4, "mouthSmileLeft": 0.8, "mouthSmileRight": 0.8},
    ],
)
def test_closed_lips_stay_closed_whatever_else_moves(canvas: MeshCanvas, weights: dict[str, float]) -> None:
    assert canvas.gap(shapes(**weights)) < 1.5


def test_same_in_same_out_in_any_order(canvas: MeshCanvas) -> None:
    frames = [
        (shapes(jawOpen=0.5, mouthFunnel=0.4), turned(5, 2, 1)),
        (shapes(eyeBlinkLeft=1, eyeBlinkRight=1), turned(-6)),
        (shapes(mouthSmileLeft=0.8, mouthSmileRight=0.8, eyeLookUpLeft=0.5), STILL),
        (REST, STILL),
    ]
    first = [canvas.draw(*f) for f in frames]
    for order in itertools.islice(itertools.permutations(range(4)), 1, 24, 7):
        for i in order:
            assert np.array_equal(canvas.draw(*frames[i]), first[i])


def test_two_canvases_of_one_avatar_do_not_share_state(smiling: Avatar, canvas: MeshCanvas) -> None:
    other = canvas_of(smiling)
    pose = shapes(jawOpen=0.4), turned(4)
    expected = canvas.draw(*pose)
    other.draw(shapes(mouthPucker=1), turned(-8))
    assert np.array_equal(canvas.draw(*pose), expected)
    assert np.array_equal(other.draw(*pose), expected)


@pytest.mark.parametrize("pose", [turned(8), turned(-8), turned(0, 6), turned(0, -6), turned(0, 0, 2)])
def test_the_background_stands_still(smiling: Avatar, canvas: MeshCanvas, pose: FloatArray) -> None:
    unit = smiling.manifest.head.eye_distance
    outside = (smiling.textures["matte"] < 90).astype(np.uint8)
    away = cv2.distanceTransform(outside, cv2.DIST_L2, 5) / unit > 0.3
    assert away.sum() > 1000
    difference = np.abs(canvas.draw(REST, pose).astype(int) - canvas.draw(REST, STILL)).max(-1)
    assert difference[away].max() == 0
    face = around(difference, centre(smiling, 4), 20)
    assert face.max() > 20


def test_the_head_turns_to_the_side_that_yaw_says(smiling: Avatar, canvas: MeshCanvas) -> None:
    nose = centre(smiling, 4)
    left, right = (canvas.draw(REST, turned(yaw)) for yaw in (-8, 8))
    template = around(canvas.draw(REST, STILL), nose, 12)

    def found(picture: ByteArray) -> int:
        area = around(picture, nose, 30)
        return int(cv2.minMaxLoc(cv2.matchTemplate(area, template, cv2.TM_CCOEFF_NORMED))[3][0])

    assert found(left) < found(right) - 4


def test_a_blink_covers_the_iris_with_skin(smiling: Avatar, canvas: MeshCanvas) -> None:
    open_eye, shut_eye = canvas.draw(REST, STILL), canvas.draw(shapes(eyeBlinkLeft=1, eyeBlinkRight=1), STILL)
    for side in ("Left", "Right"):
        eye = smiling.manifest.extra["eyes"][side]
        at = round(eye["centre"][0]), round(eye["centre"][1])
        dark, skin = (np.median(around(p, at, 2)) for p in (open_eye, shut_eye))
        assert skin > dark + 40


@pytest.mark.parametrize(("name", "dx", "dy"), [("In", -1, 0), ("Out", 1, 0), ("Up", 0, -1), ("Down", 0, 1)])
def test_the_iris_looks_where_it_is_told(smiling: Avatar, canvas: MeshCanvas, name: str, dx: int, dy: int) -> None:
    """Left eye: "in" is towards the nose, to the viewer's left."""
    eye = smiling.manifest.extra["eyes"]["Left"]
    at = np.array(eye["centre"])
    picture = canvas.draw(shapes(**{f"eyeLook{name}Left": 1.0}), STILL)
    before = canvas.draw(REST, STILL)
    step = np.array([dx, dy]) * eye["radius"] * 0.9
    ahead = tuple(int(v) for v in (at + step).round())
    behind = tuple(int(v) for v in (at - step).round())

    def brightness(p: ByteArray, point: tuple[int, ...]) -> float:
        return float(around(p, (point[0], point[1]), 1).mean())

    toward = brightness(picture, ahead) - brightness(before, ahead)
    away = brightness(picture, behind) - brightness(before, behind)
    assert toward < away - 10


def test_folds_follow_a_smile(closed: Avatar, shut: MeshCanvas) -> None:
    """The fold from nose to mouth darkens against the cheek beside it."""
    unit = closed.manifest.head.eye_distance
    smile = shapes(mouthSmileLeft=1, mouthSmileRight=1)
    shading = np.asarray(closed.arrays["shading"], float)
    names = list(closed.manifest.extra["shading"]["shapes"])
    assert shading[names.index("mouthSmileLeft")].min() < -15
    rest, drawn = shut.draw(REST, STILL).astype(float), shut.draw(smile, STILL).astype(float)
    x, y = centre(closed, 291)
    reach = int(0.3 * unit)
    assert around(drawn.astype(np.uint8), (x, y - reach // 2), reach).std() > 0
    assert np.abs(drawn - rest).max() > 30


def test_transparent_output_has_a_clean_matte(smiling: Avatar) -> None:
    picture = canvas_of(smiling, opaque=False).draw(shapes(jawOpen=0.3), turned(5))
    assert picture.shape[2] == 4
    x, y = centre(smiling, 4)
    assert picture[y, x, 3] == 255
    assert picture[5, 5, 3] == 0 or picture[5, -5, 3] == 0
    fringe = ((picture[..., 3] > 0) & (picture[..., 3] < 255)).mean()
    assert 0 < fringe < 0.12


@pytest.mark.parametrize(("width", "height"), [(360, 640), (640, 360), (512, 512), (1080, 1920)])
def test_any_canvas_is_filled(smiling: Avatar, width: int, height: int) -> None:
    scale = max(width, height) / 720
    canvas = MeshRenderer().prepare(smiling, Placement(width, height, scale=scale, x=-20.5, y=10.25))
    picture = canvas.draw(shapes(jawOpen=0.2), turned(3))
    assert picture.shape == (height, width, 3)
    assert (picture.reshape(-1, 3).max(1) > 0).mean() > 0.95


@pytest.mark.parametrize("placement", [Placement(0, 10), Placement(20000, 100), Placement(64, 64, scale=0)])
def test_impossible_canvases_are_refused(smiling: Avatar, placement: Placement) -> None:
    with pytest.raises(UsageError):
        MeshRenderer().prepare(smiling, placement)


@settings(max_examples=40, deadline=None)
@given(
    weights=st.dictionaries(st.sampled_from(ARKIT_SHAPES), st.floats(0, 1, width=32), max_size=12),
    head=st.tuples(*[st.floats(-0.25, 0.25, width=32)] * 3, *[st.floats(-0.25, 0.25, width=32)] * 3),
)
def test_any_face_can_be_drawn(canvas: MeshCanvas, weights: dict[str, float], head: tuple[float, ...]) -> None:
    picture = canvas.draw(shapes(**weights), np.array(head, np.float32))
    assert picture.dtype == np.uint8
    assert picture.std() > 10


def test_pictures_belong_to_whoever_holds_them(canvas: MeshCanvas) -> None:
    """Memory is used again only when nobody holds the picture, and what was scribbled on it is gone."""
    kept = [canvas.draw(shapes(jawOpen=0.05 * k), STILL) for k in range(20)]
    copies = [picture.copy() for picture in kept]
    view = canvas.draw(shapes(mouthFunnel=0.5), turned(3))[10:40]
    strip = view.copy()
    for k in range(30):
        canvas.draw(shapes(jawOpen=0.03 * k), turned(2))[:] = 0
    assert all(np.array_equal(a, b) for a, b in zip(kept, copies, strict=True))
    assert np.array_equal(view, strip)
    assert np.array_equal(canvas.draw(shapes(jawOpen=0.05), STILL), copies[1])


def test_a_portrait_that_is_continued_shows_no_seam(smiling: Avatar) -> None:
    width, height = smiling.size
    wide = MeshRenderer().prepare(smiling, Placement(2 * width, height, 1.0, width // 2, 0))
    picture = wide.draw(shapes(jawOpen=0.5), turned(yaw=4)).astype(np.float32)
    steps = np.abs(np.diff(picture, axis=1)).mean((0, 2))
    left, _, right, _ = wide.region
    for edge in (left, right, width // 2, width // 2 + width):
        if 4 < edge < 2 * width - 4:
            assert steps[edge - 2 : edge + 2].max() < 2.5 * np.median(steps[edge - 20 : edge + 20]) + 1
