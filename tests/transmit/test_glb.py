"""GLB files, checked against the rules of glTF 2.0 by a reader of their own."""

from __future__ import annotations

import json
import struct
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.transmit.test_motion import clip, write
from tests.transmit.test_motion_rate import matrix, turn

from mien.types import ARKIT_SHAPES, GAZE_DEGREES, SHAPE_INDEX, FaceClip

WIDTHS = {"SCALAR": 1, "VEC3": 3, "VEC4": 4}
TYPES: dict[int, np.dtype[Any]] = {5126: np.dtype("<f4"), 5123: np.dtype("<u2")}


class Glb:
    """A file that keeps the rules; anything else fails an assertion."""

    def __init__(self, path: Path) -> None:
        data = path.read_bytes()
        magic, version, total, length, kind = struct.unpack_from("<5I", data)
        assert (magic, version, total, kind) == (0x46546C67, 2, len(data), 0x4E4F534A)
        assert length % 4 == 0
        self.json: dict[str, Any] = json.loads(data[20 : 20 + length])
        size, kind = struct.unpack_from("<2I", data, 20 + length)
        self.binary = data[28 + length :]
        assert (size, kind) == (len(self.binary), 0x004E4942)
        assert size % 4 == 0
        assert self.json["asset"]["version"] == "2.0"
        assert self.json["buffers"] == [{"byteLength": size}]

    def read(self, accessor: int) -> np.ndarray:
        about = self.json["accessors"][accessor]
        view = self.json["bufferViews"][about["bufferView"]]
        dtype, width = TYPES[about["componentType"]], WIDTHS[about["type"]]
        assert view["byteOffset"] % 4 == 0
        assert view["byteLength"] == about["count"] * width * dtype.itemsize
        assert view["byteOffset"] + view["byteLength"] <= len(self.binary)
        values: np.ndarray = np.frombuffer(self.binary, dtype, about["count"] * width, view["byteOffset"])
        values = np.asarray(values.reshape(-1, width) if width > 1 else values)
        for name, bound in (("min", values.min(0)), ("max", values.max(0))):
            if name in about:
                assert np.array_equal(np.float32(about[name]), np.atleast_1d(bound))
        return values

    def limited(self, accessor: int) -> bool:
        return {"min", "max"} <= set(self.json["accessors"][accessor])

    def tracks(self) -> dict[tuple[str, str], tuple[np.ndarray, np.ndarray]]:
        """(node, path) → times and values."""
        (animation,) = self.json["animations"]
        out = {}
        for channel in animation["channels"]:
            sampler = animation["samplers"][channel["sampler"]]
            assert sampler["interpolation"] == "LINEAR"
            assert self.limited(sampler["input"])
            node = self.json["nodes"][channel["target"]["node"]]
            key = (node["name"], channel["target"]["path"])
            assert key not in out
            out[key] = (self.read(sampler["input"]), self.read(sampler["output"]))
        return out


def still(rows: int = 3) -> FaceClip:
    return FaceClip(0, np.zeros((rows, 52), np.float32), np.zeros((rows, 6), np.float32))


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Glb:
    return Glb(write(tmp_path_factory.mktemp("glb") / "m.glb", clip(150, start=48_000)))


def test_meshes_keep_the_rules(example: Glb) -> None:
    materials = len(example.json["materials"])
    for mesh in example.json["meshes"]:
        for part in mesh["primitives"]:
            points, normals = (example.read(part["attributes"][name]) for name in ("POSITION", "NORMAL"))
            assert example.limited(part["attributes"]["POSITION"])
            assert np.allclose(np.linalg.norm(normals, axis=1), 1, atol=1e-5)
            corners = example.read(part["indices"])
            assert len(corners) % 3 == 0
            assert corners.max() < len(points) == len(normals)
            assert part["material"] < materials
            for target in part.get("targets", []):
                assert example.limited(target["POSITION"])
                assert len(example.read(target["POSITION"])) == len(points)
    views = {view["byteOffset"]: view["byteLength"] for view in example.json["bufferViews"]}
    end = 0
    for offset in sorted(views):  # no gap and no overlap
        assert 0 <= offset - end < 4
        end = offset + views[offset]


def test_the_face_has_arkits_shapes_by_name(example: Glb) -> None:
    face = example.json["meshes"][0]
    assert face["extras"]["targetNames"] == list(ARKIT_SHAPES)
    assert face["weights"] == [0] * 52
    for part in face["primitives"]:
        assert len(part["targets"]) == 52
    for target, name in zip(face["primitives"][0]["targets"], ARKIT_SHAPES, strict=True):
        largest = np.abs(example.read(target["POSITION"])).max()
        # 0.5 to 30 mm; looking sideways is the eyeballs' own, and moves no skin
        assert largest == 0 if name.startswith(("eyeLookIn", "eyeLookOut")) else 0.0005 < largest < 0.03, name


def test_shapes_move_the_right_places(example: Glb) -> None:
    face = example.json["meshes"][0]["primitives"][0]
    points = example.read(face["attributes"]["POSITION"])
    size = np.ptp(points, axis=0)
    assert 0.13 < size[0] < 0.18  # a head's width, height and depth in metres
    assert 0.19 < size[1] < 0.27
    assert 0.17 < size[2] < 0.25

    def moved(name: str) -> np.ndarray:
        return example.read(face["targets"][SHAPE_INDEX[name]]["POSITION"])

    def centre(name: str) -> np.ndarray:
        weight = np.linalg.norm(moved(name), axis=1)
        return np.asarray((points * weight[:, None]).sum(0) / weight.sum())

    assert centre("eyeBlinkLeft")[0] > 0.02  # the person's left is +x
    assert centre("eyeBlinkRight")[0] < -0.02
    assert centre("mouthSmileLeft")[0] > 0.005
    assert centre("jawOpen")[1] < centre("eyeBlinkLeft")[1] < centre("browInnerUp")[1]
    assert moved("jawOpen")[:, 1].min() < -0.015
    assert moved("browInnerUp")[:, 1].max() > 0.003
    assert moved("jawForward")[:, 2].max() > 0.003


def test_faces_are_seen_from_outside(example: Glb) -> None:
    for mesh in example.json["meshes"]:
        for part in mesh["primitives"]:
            points = example.read(part["attributes"]["POSITION"]).astype(float)
            a, b, c = points[example.read(part["indices"]).reshape(-1, 3)].transpose(1, 0, 2)
            front = np.cross(b - a, c - a)
            if example.json["materials"][part["material"]]["doubleSided"]:
                assert (front[:, 2] > -1e-12).all()
            else:  # the volume that the triangles close off counts outward
                middle = 0 if mesh["name"] == "Eye" else a.mean(0)
                assert (front * (a - middle)).sum() > 0


def test_motion_is_the_clip(example: Glb) -> None:
    sent, tracks = clip(150, start=48_000), example.tracks()
    times, weights = tracks["Face", "weights"]
    assert times == pytest.approx(1 + np.arange(150) / 50)
    assert (np.diff(times) > 0).all()
    assert np.array_equal(weights.reshape(-1, 52), sent.shapes)
    assert tracks["Head", "translation"][1] == pytest.approx(sent.head[:, 3:] * 0.063, abs=1e-7)
    for row, q in zip(sent.head, tracks["Head", "rotation"][1], strict=True):
        assert matrix(q) == pytest.approx(turn(*row[:3].tolist()), abs=1e-6)


def test_eyes_turn_with_the_gaze(tmp_path: Path) -> None:
    sent = still()
    sent.shapes[1, SHAPE_INDEX["eyeLookOutLeft"]] = 1.0
    sent.shapes[2, [SHAPE_INDEX["eyeLookDownLeft"], SHAPE_INDEX["eyeLookDownRight"]]] = 1.0
    glb = Glb(write(tmp_path / "m.glb", sent))
    left, right = (glb.tracks()[f"{side}Eye", "rotation"][1] for side in ("Left", "Right"))
    ahead = matrix(left[1]) @ [0, 0, 1]
    assert np.degrees(np.arctan2(ahead[0], ahead[2])) == pytest.approx(GAZE_DEGREES["side"], abs=1e-3)
    assert np.array_equal(right[1], right[0])
    assert (matrix(right[2]) @ [0, 0, 1])[1] < -0.3
    at = {n["name"]: n.get("translation") for n in glb.json["nodes"]}
    assert at["LeftEye"][0] == pytest.approx(0.0315, abs=0.001) == -at["RightEye"][0]


def test_any_rate_and_a_single_row(tmp_path: Path) -> None:
    for rows, rate in ((1, Fraction(50)), (40, Fraction(30_000, 1001))):
        glb = Glb(write(tmp_path / "m.glb", clip(rows, rate=rate)))
        assert len(glb.tracks()["Face", "weights"][0]) == rows


def test_no_motion_is_a_head_at_rest(tmp_path: Path) -> None:
    glb = Glb(write(tmp_path / "m.glb"))
    assert "animations" not in glb.json
    assert len(glb.json["meshes"]) == 2
