"""VMD files, read by a parser of their own: names, keys, MMD's axes, and morphs that look like what was said."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from tests.face.kit import drive, shape, spoken
from tests.transmit.test_motion import clip, write
from tests.transmit.test_motion_rate import matrix, turn

from mien.transmit.vmd import MORPHS, morphs
from mien.types import ARKIT_SHAPES, SHAPE_INDEX, FaceClip, FloatArray


@dataclass
class Vmd:
    """bones: name → frame → (position, quaternion). faces: name → frame → weight."""

    model: str
    bones: dict[str, dict[int, tuple[np.ndarray, np.ndarray]]] = field(default_factory=dict)
    faces: dict[str, dict[int, float]] = field(default_factory=dict)


def read(path: Path) -> Vmd:
    data = path.read_bytes()
    assert data[:30] == b"Vocaloid Motion Data 0002\0\0\0\0\0"
    out, at = Vmd(data[30:50].rstrip(b"\0").decode("shift_jis")), 50
    (count,) = struct.unpack_from("<I", data, at)
    at += 4
    for _ in range(count):
        name, frame, *numbers = struct.unpack_from("<15sI7f", data, at)
        assert data[at + 47 : at + 63] == b"\x14" * 8 + b"\x6b" * 8  # straight lines between keys
        keys = out.bones.setdefault(name.rstrip(b"\0").decode("shift_jis"), {})
        keys[frame] = (np.array(numbers[:3]), np.array(numbers[3:]))
        at += 111
    (count,) = struct.unpack_from("<I", data, at)
    at += 4
    for _ in range(count):
        name, frame, weight = struct.unpack_from("<15sIf", data, at)
        out.faces.setdefault(name.rstrip(b"\0").decode("shift_jis"), {})[frame] = weight
        at += 23
    assert data[at:] == b"\0" * 16  # no camera, light, shadow, visibility
    return out


def pose(*head: float, **shapes: float) -> FaceClip:
    row = np.zeros((1, 52), np.float32)
    for name, value in shapes.items():
        for i, known in enumerate(ARKIT_SHAPES):
            if known in (name, f"{name}Left", f"{name}Right"):
                row[0, i] = value
    turned = np.zeros((1, 6), np.float32)
    turned[0, : len(head)] = head
    return FaceClip(0, row, turned, Fraction(30))


def weights(**shapes: float) -> dict[str, float]:
    return dict(zip(MORPHS, morphs(pose(**shapes).shapes)[0].tolist(), strict=True))


def test_keys_go_straight_through_the_motion_at_thirty_a_second(tmp_path: Path) -> None:
    sent = clip(120, start=48_000, rate=Fraction(30))
    back = read(write(tmp_path / "m.vmd", sent))
    assert set(back.faces) == set(MORPHS)
    assert set(back.bones) == {"首", "頭", "両目"}
    expected, frames = morphs(sent.shapes), np.arange(30, 150)
    for i, name in enumerate(MORPHS):
        keys = back.faces[name]
        assert list(keys) == sorted(keys)
        assert np.interp(frames, list(keys), list(keys.values())) == pytest.approx(expected[:, i], abs=1e-4)
    assert min(back.faces["あ"]) == 30
    assert len(back.bones["頭"]) == 120


def test_rows_at_fifty_become_frames_at_thirty(tmp_path: Path) -> None:
    back = read(write(tmp_path / "m.vmd", clip(500)))
    assert max(back.bones["頭"]) == 299


def test_what_holds_still_takes_few_keys(tmp_path: Path) -> None:
    still = FaceClip(0, np.full((900, 52), 0.2, np.float32), np.zeros((900, 6), np.float32), Fraction(30))
    back = read(write(tmp_path / "m.vmd", still))
    for name in MORPHS:
        assert list(back.faces[name]) == [0, 899]
    assert list(back.bones["頭"]) == [0, 899]


def test_an_empty_file_is_whole(tmp_path: Path) -> None:
    back = read(write(tmp_path / "m.vmd"))
    assert (back.bones, back.faces, back.model) == ({}, {}, "Mien")


@pytest.mark.parametrize("angles", [(0.2, 0, 0), (0, 0.15, 0), (0, 0, 0.1), (0.2, -0.15, 0.1)])
def test_neck_and_head_turn_as_the_face_does_in_a_mirrored_world(tmp_path: Path, angles: tuple[float, ...]) -> None:
    """MMD's z points the other way: where our turn takes a point, MMD's takes the mirrored one."""
    back = read(write(tmp_path / "m.vmd", pose(*angles)))
    (_, neck), (place, head) = back.bones["首"][0], back.bones["頭"][0]
    mirror = np.diag([1.0, 1.0, -1.0])
    assert matrix(neck) @ matrix(head) == pytest.approx(mirror @ turn(*angles) @ mirror, abs=1e-6)
    assert (place == 0).all()


def test_a_nod_lowers_the_nose_of_a_model_that_looks_along_minus_z(tmp_path: Path) -> None:
    head = read(write(tmp_path / "m.vmd", pose(0, 0.3))).bones["頭"][0][1]
    assert (matrix(head) @ [0, 0, -1])[1] < -0.1
    to_its_left = read(write(tmp_path / "m.vmd", pose(0.3))).bones["頭"][0][1]
    assert (matrix(to_its_left) @ [0, 0, -1])[0] > 0.1


def test_eyes_follow_the_gaze(tmp_path: Path) -> None:
    sent = pose(eyeLookUpLeft=1, eyeLookUpRight=1)
    eyes = read(write(tmp_path / "m.vmd", sent)).bones["両目"][0][1]
    assert (matrix(eyes) @ [0, 0, -1])[1] > 0.2


def test_rest_is_rest() -> None:
    assert set(weights().values()) == {0.0}


@pytest.mark.parametrize(
    ("name", "shapes"),
    [
        ("あ", {"jawOpen": 0.5}),
        ("い", {"jawOpen": 0.16, "mouthStretch": 0.3, "mouthLowerDown": 0.4, "mouthUpperUp": 0.2}),
        ("う", {"jawOpen": 0.08, "mouthPucker": 0.6}),
        ("え", {"jawOpen": 0.35, "mouthStretch": 0.3, "mouthLowerDown": 0.4}),
        ("お", {"jawOpen": 0.3, "mouthPucker": 0.4, "mouthFunnel": 0.3}),
        ("ん", {"mouthPress": 0.3}),
        ("ん", {"jawOpen": 0.1, "mouthClose": 0.1, "mouthPress": 0.22}),
        ("まばたき", {"eyeBlink": 1.0}),
        ("笑い", {"eyeBlink": 1.0, "cheekSquint": 0.8}),
        ("ウィンク２", {"eyeBlinkLeft": 1.0}),
        ("ｳｨﾝｸ２右", {"eyeBlinkRight": 1.0}),
        ("ウィンク", {"eyeBlinkLeft": 1.0, "cheekSquint": 0.8}),
        ("じと目", {"eyeSquint": 0.6}),
        ("びっくり", {"eyeWide": 0.6}),
        ("上", {"browInnerUp": 0.6, "browOuterUp": 0.6}),
        ("困る", {"browInnerUp": 0.7}),
        ("怒り", {"browDown": 0.7, "noseSneer": 0.4}),
        ("真面目", {"browDown": 0.5}),
        ("にやり", {"mouthSmile": 0.6}),
        ("∧", {"mouthFrown": 0.6}),
        ("ぺろっ", {"tongueOut": 1.0}),
    ],
)
def test_each_posture_has_its_morph(name: str, shapes: dict[str, float]) -> None:
    got = weights(**shapes)
    assert max(got, key=lambda k: got[k]) == name, got
    assert got[name] > 0.25


def test_closed_lips_leave_no_vowel() -> None:
    got = weights(jawOpen=0.3, mouthClose=0.3, mouthPress=0.22, mouthPucker=0.4)
    assert max(got[v] for v in "あいうえお") < 0.05


@pytest.mark.parametrize(("said", "morph"), [(3 * vowel + "。", vowel) for vowel in "あいうえお"])
def test_japanese_vowels_as_spoken(said: str, morph: str) -> None:
    moved = drive([spoken(said, "ja")])
    sung = morphs(moved.shapes)[:, : len("あいうえお")].mean(axis=0)
    assert MORPHS[int(np.argmax(sung))] == morph


def test_weights_stay_legal_for_any_shapes() -> None:
    wild: FloatArray = np.random.default_rng(1).random((2000, 52)).astype(np.float32)
    wild[:, SHAPE_INDEX["mouthClose"]] = 1.0
    got = morphs(wild)
    assert np.isfinite(got).all()
    assert got.min() >= 0
    assert got.max() <= 1


def test_blinks_survive_the_change_of_rate(tmp_path: Path) -> None:
    moved = drive([spoken("Well, this is a rather long sentence, and after it comes another one. Like this.", "en")])
    blinks = read(write(tmp_path / "m.vmd", moved)).faces["まばたき"]
    assert shape(moved, "eyeBlinkLeft").max() > 0.9
    assert max(blinks.values()) > 0.9
