"""GLB: a head with ARKit's 52 shapes, and the motion as its animation, in one binary glTF 2.0 file.

A file with bare animation tracks would need a model with fitting nodes before anything is seen; this one plays at once
in Blender, three.js, Babylon.js and every other viewer, and its tracks can be taken over to another model with the same
shape names (``mesh.extras.targetNames``, spelt as ARKit does).

**Nodes.** Head (turns and moves about the neck joint) → Face (the mesh, the weights of its shapes), LeftEye, RightEye
(turn with the gaze). Units are metres and seconds, time 0 is the start of the film. glTF's axes are the face clip's
own: x to the person's left, y up, z to the viewer.

**The head** is nobody's: the mean of eight faces, with the shapes of Mien's own rig (``scripts/make_head.py``).
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mien.errors import OutputError
from mien.timeline import TICKS_PER_SECOND
from mien.transmit.motion_rate import gaze, quaternions
from mien.types import ARKIT_SHAPES, FaceClip

EYE_DISTANCE: Final = 0.063
"""Metres between the eyes of the head, the unit of a clip's translation."""
MAGIC: Final = 0x46546C67
_JSON, _BINARY = 0x4E4F534A, 0x004E4942
_FLOAT, _UINT16 = 5126, 5123
_VERTICES, _INDICES = 34962, 34963
_LARGEST: Final = 2**32 - 1
_NODES: Final = {"Head": 0, "Face": 1, "LeftEye": 2, "RightEye": 3}
_TRACKS: Final = (
    ("Head", "rotation", "VEC4", 4),
    ("Head", "translation", "VEC3", 3),
    ("LeftEye", "rotation", "VEC4", 4),
    ("RightEye", "rotation", "VEC4", 4),
    ("Face", "weights", "SCALAR", len(ARKIT_SHAPES)),
)
_MATERIALS: Final[dict[str, tuple[tuple[float, float, float], float]]] = {  # linear colour, roughness
    "skin": ((0.62, 0.40, 0.30), 0.65),
    "lips": ((0.50, 0.22, 0.19), 0.45),
    "brows": ((0.16, 0.09, 0.06), 0.90),
    "cavity": ((0.06, 0.01, 0.01), 1.00),
    "teeth": ((0.80, 0.77, 0.70), 0.30),
    "tongue": ((0.52, 0.20, 0.19), 0.35),
    "pupil": ((0.01, 0.01, 0.01), 0.10),
    "iris": ((0.10, 0.14, 0.16), 0.15),
    "white": ((0.82, 0.80, 0.77), 0.20),
}
_FACE_PARTS, _EYE_PARTS = tuple(_MATERIALS)[:6], tuple(_MATERIALS)[6:]

Arrays = dict[str, NDArray[Any]]


class GlbMotion:
    """Collects rows; 270 bytes for each."""

    def __init__(self) -> None:
        self._start, self._rate, self._rows = 0, 1.0, 0
        self._tracks: list[list[NDArray[np.float32]]] = [[] for _ in _TRACKS]

    def add(self, clip: FaceClip) -> bytes:
        """Take a clip."""
        if not self._rows:
            self._start, self._rate = clip.start, float(clip.rate)
        for track, values in zip(self._tracks, _values(clip), strict=True):
            track.append(np.ascontiguousarray(values, np.float32))
        self._rows += len(clip)
        return b""

    def end(self) -> Iterator[bytes]:
        """The whole file. Raises OutputError for more than GLB holds, 4 GB."""
        buffer = _Buffer()
        document = _document(buffer)
        pieces: list[NDArray[Any]] = []
        if self._rows:
            times = ((self._start / TICKS_PER_SECOND) + np.arange(self._rows) / self._rate).astype(np.float32)
            document["animations"] = [self._animation(buffer, times)]
            pieces = [times, *(part for track in self._tracks for part in track)]
        document["bufferViews"], document["accessors"] = buffer.views, buffer.accessors
        document["buffers"] = [{"byteLength": buffer.length}]
        text = json.dumps(document, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 4)
        total = 12 + 8 + len(text) + 8 + buffer.length
        if total > _LARGEST:
            raise OutputError("The motion is too long for a .glb file.", hint="Write .json or .csv, or lower --fps.")
        yield struct.pack("<5I", MAGIC, 2, total, len(text), _JSON) + text
        yield struct.pack("<2I", buffer.length, _BINARY)
        yield from buffer.pieces
        yield from (piece.tobytes() for piece in pieces)

    def _animation(self, buffer: _Buffer, times: NDArray[np.float32]) -> dict[str, Any]:
        limits = {"min": [float(times[0])], "max": [float(times[-1])]}
        clock = buffer.room(self._rows, "SCALAR", 4, limits)
        samplers, channels = [], []
        for number, (node, path, kind, width) in enumerate(_TRACKS):
            count = self._rows * (width if kind == "SCALAR" else 1)
            output = buffer.room(count, kind, 4 * width * self._rows // count)
            samplers.append({"input": clock, "output": output, "interpolation": "LINEAR"})
            channels.append({"sampler": number, "target": {"node": _NODES[node], "path": path}})
        return {"name": "Motion", "samplers": samplers, "channels": channels}


def _values(clip: FaceClip) -> tuple[NDArray[Any], ...]:
    """The clip's part of each of :data:`_TRACKS`."""
    head = clip.head.astype(np.float64)
    eyes = gaze(clip.shapes)
    level = np.zeros(len(clip))
    left, right = (quaternions(eyes[:, k, 0], eyes[:, k, 1], level) for k in (0, 1))
    return quaternions(head[:, 0], head[:, 1], head[:, 2]), head[:, 3:] * EYE_DISTANCE, left, right, clip.shapes


class _Buffer:
    """The binary part and the table of what lies where in it; every view starts at a multiple of four."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.views: list[dict[str, Any]] = []
        self.accessors: list[dict[str, Any]] = []
        self.length = 0

    def put(self, data: NDArray[Any], kind: str, target: int, *, limits: bool = False) -> int:
        """Number of the accessor of an array, (n,) or (n, 3)."""
        raw = data.tobytes()
        self._view(len(raw), target)
        self.pieces.append(raw + b"\0" * (-len(raw) % 4))
        self.length += -len(raw) % 4
        component = _FLOAT if data.dtype == np.float32 else _UINT16
        about: dict[str, Any] = {"componentType": component, "count": len(data), "type": kind}
        if limits:
            about |= {"min": data.min(0).tolist(), "max": data.max(0).tolist()}
        return self._accessor(about)

    def room(self, count: int, kind: str, stride: int, limits: dict[str, Any] | None = None) -> int:
        """Number of the accessor of floats that are written later, in the order of the calls, after all arrays."""
        self._view(count * stride, None)
        return self._accessor({"componentType": _FLOAT, "count": count, "type": kind} | (limits or {}))

    def _view(self, size: int, target: int | None) -> None:
        view = {"buffer": 0, "byteOffset": self.length, "byteLength": size}
        self.views.append(view if target is None else view | {"target": target})
        self.length += size

    def _accessor(self, about: dict[str, Any]) -> int:
        self.accessors.append({"bufferView": len(self.views) - 1, **about})
        return len(self.accessors) - 1


def _document(buffer: _Buffer) -> dict[str, Any]:
    """Scene, meshes and materials; the head's arrays go into the buffer."""
    from mien import __version__

    head = _head()
    eyes = [
        {"name": n, "mesh": 1, "translation": at.tolist()}
        for n, at in zip(("LeftEye", "RightEye"), head["eyes"], strict=True)
    ]
    return {
        "asset": {"version": "2.0", "generator": f"Mien {__version__}"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"name": "Head", "children": [1, 2, 3]}, {"name": "Face", "mesh": 0}, *eyes],
        "meshes": [_face(head, buffer), _eye(head, buffer)],
        "materials": [_material(name) for name in _MATERIALS],
    }


def _face(head: Arrays, buffer: _Buffer) -> dict[str, Any]:
    targets = [{"POSITION": buffer.put(shape, "VEC3", _VERTICES, limits=True)} for shape in head["shapes"]]
    return {
        "name": "Face",
        "primitives": [p | {"targets": targets} for p in _primitives(head, "positions", _FACE_PARTS, buffer)],
        "weights": [0.0] * len(ARKIT_SHAPES),
        "extras": {"targetNames": list(ARKIT_SHAPES)},
    }


def _eye(head: Arrays, buffer: _Buffer) -> dict[str, Any]:
    return {"name": "Eye", "primitives": _primitives(head, "ball", _EYE_PARTS, buffer)}


def _primitives(head: Arrays, points: str, parts: tuple[str, ...], buffer: _Buffer) -> list[dict[str, Any]]:
    """One for each material; all share their points."""
    normals = _normals(head[points], np.concatenate([head[part] for part in parts]))
    attributes = {
        "POSITION": buffer.put(head[points], "VEC3", _VERTICES, limits=True),
        "NORMAL": buffer.put(normals, "VEC3", _VERTICES),
    }
    return [
        {
            "attributes": attributes,
            "indices": buffer.put(head[part].reshape(-1), "SCALAR", _INDICES),
            "material": tuple(_MATERIALS).index(part),
        }
        for part in parts
    ]


def _material(name: str) -> dict[str, Any]:
    colour, roughness = _MATERIALS[name]
    look = {"baseColorFactor": [*colour, 1.0], "metallicFactor": 0.0, "roughnessFactor": roughness}
    return {"name": name, "pbrMetallicRoughness": look, "doubleSided": name in ("cavity", "teeth")}


@cache
def _head() -> Arrays:
    """positions (n, 3) and shapes (52, n, 3) in metres from the neck joint, ball, eyes, and triangles by material."""
    with (files("mien.transmit") / "data" / "head.npz").open("rb") as file, np.load(file, allow_pickle=False) as data:
        arrays: Arrays = {name: data[name] for name in data.files}
    arrays["shapes"] = (arrays["shapes"] * 1e-6).astype(np.float32)  # stored in micrometres
    return arrays


def _normals(points: NDArray[np.float32], triangles: NDArray[np.uint16]) -> NDArray[np.float32]:
    """Unit normals of the points: means over their triangles, weighted by area."""
    corner = points.astype(np.float64)[triangles]
    flat = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])
    total = np.zeros(points.shape)
    for k in range(3):
        np.add.at(total, triangles[:, k], flat)
    length = np.linalg.norm(total, axis=1, keepdims=True)
    total = np.where(length > 1e-12, total / np.maximum(length, 1e-12), [0.0, 0.0, 1.0])
    return total.astype(np.float32)
