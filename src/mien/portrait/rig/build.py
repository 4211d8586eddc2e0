"""Portrait → rig: mesh, rest pose, 52 shapes and the layers that the mesh engine draws."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import numpy as np

from mien.portrait import topology as topo
from mien.portrait.base import FaceGeometry, Rig
from mien.portrait.find.segment import decontaminate
from mien.portrait.rig.handles import Skin
from mien.portrait.rig.layers_eyes import eye_layers
from mien.portrait.rig.layers_mouth import BOXES, DENSITY, MouthLayers, mouth_layers
from mien.portrait.rig.layers_plate import plate
from mien.portrait.rig.layers_shading import FULL_SCALE, shading_layers
from mien.portrait.rig.mesh import PIVOT_DEPTH, FaceMesh, build_mesh
from mien.portrait.rig.rest import RestPose, rest_pose
from mien.portrait.rig.shapes import build_shapes
from mien.portrait.rig.stylised import fit_stylised_eyes
from mien.types import SHAPE_INDEX, ByteArray

LIMITS: Final = {
    "jawForward": "Seen from the front, a jaw that moves forward shows only as a slightly raised, fuller chin.",
    "cheekPuff": "The outline of the cheeks widens; their roundness shows only as light.",
    "tongueOut": "The tongue is drawn, not the person's own, and reaches the lower lip at most.",
    "mouthShrugUpper": "Seen from the front, the protruding lip shows only as a raised one.",
}
PIVOT: Final = (0.0, 0.35, PIVOT_DEPTH)
ROLL_PIVOT: Final = (0.0, 2.0, PIVOT_DEPTH)


def build_rig(image: ByteArray, face: FaceGeometry) -> Rig:
    """Everything that moves, of a picture uint8 (h, w, 3) RGB and the face found in it."""
    face = replace(face, points=fit_stylised_eyes(image, face.points))
    mesh = build_mesh(face)
    skin = Skin(mesh)
    rest = rest_pose(mesh, skin, image)
    shapes = build_shapes(mesh, skin, rest)
    mouth = mouth_layers(mesh, image, rest)
    shading = shading_layers(mesh, image, rest)
    eyes = {s: eye_layers(mesh, image, s, shapes[SHAPE_INDEX[f"eyeBlink{s}"]]) for s in topo.SIDES}
    textures = {
        "color": image,
        "matte": np.clip(face.matte * 255 + 0.5, 0, 255).astype(np.uint8),
        "foreground": decontaminate(image, face.matte),
        "plate": plate(image, face.matte, mesh.head.eye_distance),
        "teeth_upper": mouth.upper,
        "teeth_lower": mouth.lower,
        "tongue": mouth.tongue,
    }
    if mouth.own_teeth is not None:
        textures["teeth_own"] = mouth.own_teeth
    for side, eye in eyes.items():
        textures |= {f"eye_{side}": eye.ball, f"lid_{side}": eye.lid, f"iris_{side}": eye.iris}
    extra: dict[str, Any] = {
        "pivot": PIVOT,
        "roll_pivot": ROLL_PIVOT,
        "mouth": _mouth_extra(mouth, rest, mesh),
        "eyes": {s: {"box": e.box, "centre": e.centre, "radius": e.radius} for s, e in eyes.items()},
        "shading": {"shapes": shading.shapes, "box": shading.box, "full_scale": FULL_SCALE},
    }
    return Rig(
        head=mesh.head,
        arrays=_arrays(mesh, rest, shapes) | {"shading": shading.maps},
        textures=textures,
        extra=extra,
        limits=dict(LIMITS),
    )


def _arrays(mesh: FaceMesh, rest: RestPose, shapes: np.ndarray) -> dict[str, np.ndarray]:
    pixels = rest.offset @ mesh.axes.T * mesh.head.eye_distance
    return {
        "vertices": mesh.points.astype(np.float32),
        "uv": _texture_coordinates(mesh, rest).astype(np.float32),
        "triangles": mesh.triangles,
        "shapes": shapes,
        "rest": pixels.astype(np.float32),
        "head_weight": mesh.head_weight.astype(np.float32),
        "upper_lip": np.array(topo.UPPER_LIP, np.int32),
        "lower_lip": np.array(topo.LOWER_LIP, np.int32),
        "upper_lid": np.array([topo.UPPER_LID[s] for s in topo.SIDES], np.int32),
        "lower_lid": np.array([topo.LOWER_LID[s] for s in topo.SIDES], np.int32),
    }


def _texture_coordinates(mesh: FaceMesh, rest: RestPose) -> np.ndarray:
    """The points themselves; parted lips move their rims a little into the lip, away from teeth and shadow."""
    uv = mesh.points[:, :2].copy()
    if not rest.parted:
        return uv
    for rings in (topo.UPPER_LIP, topo.LOWER_LIP):
        for rim, next_ring in zip(rings[3], rings[2], strict=True):
            step = mesh.points[next_ring, :2] - mesh.points[rim, :2]
            length = float(np.linalg.norm(step)) + 1e-6
            inset = max(0.25 * length, (0.028 if rest.teeth else 0.02) * mesh.head.eye_distance)
            uv[rim] = mesh.points[rim, :2] + step * min(0.6, inset / length)
    return uv


def _mouth_extra(mouth: MouthLayers, rest: RestPose, mesh: FaceMesh) -> dict[str, Any]:
    return {
        "parted": rest.parted,
        "teeth": rest.teeth,
        "origin": mouth.origin,
        "cavity": mouth.cavity,
        "teeth_drop": mouth.teeth_drop,
        "scale": mouth.scale,
        "density": DENSITY,
        "boxes": BOXES,
        "half_width": rest.half_width * mesh.head.eye_distance,
    }
