"""Motion files: others can read them, they come back as they went, and damage is refused in a sentence."""

from __future__ import annotations

import json
import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mien.errors import InputError, MienError, OutputError, UsageError
from mien.transmit.motion import MotionWriter
from mien.transmit.motion_reader import read_motion
from mien.transmit.motion_text import COLUMNS, timecode
from mien.types import GAZE_DEGREES, SHAPE_INDEX, FaceClip

KEEP = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def clip(rows: int, *, start: int = 0, seed: int = 0, rate: Fraction = Fraction(50)) -> FaceClip:
    random = np.random.default_rng(seed)
    head = random.normal(0, 0.1, (rows, 6)).astype(np.float32)
    return FaceClip(start, random.random((rows, 52)).astype(np.float32), head, rate)


def write(path: Path, *clips: FaceClip) -> Path:
    with MotionWriter(path) as writer:
        for piece in clips:
            writer.write(piece)
    return path


@KEEP
@given(
    shapes=arrays(np.float32, st.tuples(st.integers(0, 80), st.just(52)), elements=st.floats(0, 1, width=32)),
    start=st.integers(0, 1 << 40),
    rate=st.sampled_from([Fraction(50), Fraction(30_000, 1001), Fraction(60)]),
)
def test_json_keeps_every_bit(tmp_path: Path, shapes: np.ndarray, start: int, rate: Fraction) -> None:
    head = np.resize(np.linspace(-1, 1, 97, dtype=np.float32), (len(shapes), 6))
    back = read_motion(write(tmp_path / "m.json", FaceClip(start, shapes, head, rate)))
    assert np.array_equal(back.shapes, shapes)
    assert np.array_equal(back.head, head)
    if len(shapes):
        assert (back.start, back.rate) == (start, rate)


@pytest.mark.parametrize(("rate", "rows"), [(Fraction(50), 180), (Fraction(60), 130), (Fraction(50), 7)])
def test_csv_comes_back(tmp_path: Path, rate: Fraction, rows: int) -> None:
    sent = clip(rows, start=48_000 * 3 + 1920, rate=rate)
    back = read_motion(write(tmp_path / "m.csv", sent))
    assert np.abs(back.shapes - sent.shapes).max() < 1e-7
    assert np.abs(back.head[:, :3] - sent.head[:, :3]).max() < 1e-7
    assert (back.head[:, 3:] == 0).all()
    assert back.rate == rate
    assert abs(back.start - sent.start) <= 1


def test_chunked_equals_whole(tmp_path: Path) -> None:
    whole = clip(100, start=960)
    pieces = [
        FaceClip(whole.start + a * 960, whole.shapes[a:b], whole.head[a:b])
        for a, b in ((0, 1), (1, 1), (1, 64), (64, 100))
    ]
    for name in ("m.csv", "m.json", "m.vmd", "m.glb"):
        one, many = tmp_path / f"one-{name}", tmp_path / f"many-{name}"
        assert write(one, whole).read_bytes() == write(many, *pieces).read_bytes()


def test_csv_is_live_link_faces(tmp_path: Path) -> None:
    lines = write(tmp_path / "m.csv", clip(3, start=48_000)).read_text().splitlines()
    header = lines[0].split(",")
    assert header[:6] == [
        "Timecode",
        "BlendShapeCount",
        "EyeBlinkLeft",
        "EyeLookDownLeft",
        "EyeLookInLeft",
        "EyeLookOutLeft",
    ]
    assert header[-10:] == [
        "TongueOut", "HeadYaw", "HeadPitch", "HeadRoll",
        "LeftEyeYaw", "LeftEyePitch", "LeftEyeRoll", "RightEyeYaw", "RightEyePitch", "RightEyeRoll",
    ]  # fmt: skip
    assert len(header) == 63 == len(COLUMNS)
    assert [line.split(",")[:2] for line in lines[1:]] == [[f"00:00:01:0{k}.000", "61"] for k in range(3)]
    assert all(len(line.split(",")) == 63 for line in lines)


def test_head_angles_are_radians_with_our_signs(tmp_path: Path) -> None:
    head = np.array([[0.1, -0.05, 0.02, 1, 2, 3]], np.float32)
    line = write(tmp_path / "m.csv", FaceClip(0, np.zeros((1, 52), np.float32), head)).read_text().splitlines()[1]
    assert [float(v) for v in line.split(",")[54:57]] == pytest.approx([0.1, -0.05, 0.02])


def test_eyes_turn_as_they_look(tmp_path: Path) -> None:
    shapes = np.zeros((1, 52), np.float32)
    shapes[0, SHAPE_INDEX["eyeLookOutLeft"]] = shapes[0, SHAPE_INDEX["eyeLookInRight"]] = 0.5
    shapes[0, SHAPE_INDEX["eyeLookUpLeft"]] = shapes[0, SHAPE_INDEX["eyeLookUpRight"]] = 1.0
    sent = FaceClip(0, shapes, np.zeros((1, 6), np.float32))
    line = write(tmp_path / "m.csv", sent).read_text().splitlines()[1]
    angles = np.degrees([float(v) for v in line.split(",")[57:]])
    assert angles == pytest.approx([GAZE_DEGREES["side"] / 2, -GAZE_DEGREES["up"], 0] * 2, abs=1e-5)


@given(st.integers(0, 48_000 * 86_400), st.integers(0, 5000))
def test_timecodes_count_up(start: int, row: int) -> None:
    def total(text: str) -> float:
        h, m, s, f = text.split(":")
        return ((int(h) * 60 + int(m)) * 60 + int(s)) * 50 + float(f)

    one, two = timecode(start, row, Fraction(50)), timecode(start, row + 1, Fraction(50))
    assert total(two) - total(one) == pytest.approx(1, abs=0.002)
    assert math.isclose(total(one), start / 960 + row, abs_tol=0.001)


def test_the_apps_own_rows_without_a_face_are_held(tmp_path: Path) -> None:
    path = write(tmp_path / "m.csv", clip(4))
    lines = path.read_text().splitlines()
    lines[2] = "00:00:00:01.000,0" + "," * 61
    lines[3] = "00:00:00:02.000,0"
    path.write_text("\n".join(lines))
    back = read_motion(path)
    assert np.array_equal(back.shapes[1], back.shapes[0])
    assert np.array_equal(back.shapes[2], back.shapes[0])
    assert not np.array_equal(back.shapes[3], back.shapes[0])


@pytest.mark.parametrize("name", ["m.csv", "m.json", "m.vmd", "m.glb"])
def test_nothing_is_left_when_it_fails(tmp_path: Path, name: str) -> None:
    target = tmp_path / name
    target.write_text("what stood here before")

    class Stopped(Exception):
        pass

    with pytest.raises(Stopped), MotionWriter(target) as writer:
        writer.write(clip(10))
        raise Stopped
    assert [p.name for p in tmp_path.iterdir()] == [name]
    assert target.read_text() == "what stood here before"


def test_places_that_cannot_be_written_are_refused(tmp_path: Path) -> None:
    for name in ("motion.txt", "motion", "motion.gltf"):
        with pytest.raises(UsageError, match=r"\.csv, \.json, \.vmd or \.glb"):
            MotionWriter(tmp_path / name)
    with pytest.raises(UsageError, match="30 frames"):
        MotionWriter(tmp_path / "m.vmd", Fraction(25))
    with pytest.raises(OutputError):
        MotionWriter(tmp_path / "absent" / "m.csv")
    (tmp_path / "m.json").mkdir()
    with pytest.raises(OutputError):
        MotionWriter(tmp_path / "m.json")


def test_one_rate_per_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError), MotionWriter(tmp_path / "m.csv") as writer:
        writer.write(clip(2))
        writer.write(clip(2, rate=Fraction(60)))
    assert list(tmp_path.iterdir()) == []


GOOD = {
    "format": "mien.motion", "schema_version": 1, "rate": "50/1", "start": 0, "shapes": list(SHAPE_INDEX),
    "head": ["yaw", "pitch", "roll", "x", "y", "z"], "frames": [[0.0] * 58],
}  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [
        {"format": "other"}, {"schema_version": 2}, {"rate": "0/1"}, {"rate": "1/0"}, {"rate": 50},
        {"rate": "999999999/1"}, {"rate": "1/999999999"}, {"start": 1 << 52},
        {"start": -1}, {"start": 0.5}, {"start": True}, {"shapes": []}, {"head": None},
        {"frames": {}}, {"frames": 3}, {"frames": [[0.0] * 57]}, {"frames": [[0.0] * 58, [0.0]]},
        {"frames": [["x"] * 58]}, {"frames": [[float("nan")] * 58]}, {"frames": [[10**400] * 58]},
        {"frames": [[[0.0]] * 58, 1]},
    ],
)  # fmt: skip
def test_damaged_json_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    path = tmp_path / "m.json"
    path.write_text(json.dumps(GOOD))
    assert len(read_motion(path)) == 1
    path.write_text(json.dumps(GOOD | change))
    with pytest.raises(InputError, match=r"m\.json"):
        read_motion(path)


@KEEP
@given(data=st.binary(max_size=300), name=st.sampled_from(["m.csv", "m.json"]), cut=st.integers(0, 3000))
def test_noise_is_refused_or_read_never_a_crash(tmp_path: Path, data: bytes, name: str, cut: int) -> None:
    path = write(tmp_path / name, clip(2))
    whole = path.read_bytes()
    for content in (data, whole[:cut], whole[:cut] + data + whole[cut:], whole[:cut] + data):
        path.write_bytes(content)
        try:
            back = read_motion(path)
        except MienError as error:
            assert error.message
        else:
            assert back.shapes.shape[1:] == (52,)
            assert np.isfinite(back.shapes).all()


def test_files_that_are_not_there_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"\.csv or \.json"):
        read_motion(tmp_path / "m.vmd")
    with pytest.raises(InputError):
        read_motion(tmp_path / "m.csv")
    (tmp_path / "folder.json").mkdir()
    with pytest.raises(InputError):
        read_motion(tmp_path / "folder.json")
