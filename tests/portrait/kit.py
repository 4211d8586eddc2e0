"""Made-up avatars and pictures."""

from __future__ import annotations

import io
from typing import Any

import cv2
import numpy as np
from PIL import Image

from mien.avatar import Avatar, Consent, Head, Manifest, Source
from mien.types import ByteArray


def encoded(pixels: np.ndarray[Any, Any], format: str, mode: str | None = None, **options: Any) -> bytes:
    """A picture file of that format, as bytes."""
    image = Image.fromarray(pixels)
    image = image.convert(mode) if mode else image
    out = io.BytesIO()
    image.save(out, format=format, **options)
    return out.getvalue()


_EYE = {"box": [1, 2, 4, 3], "centre": [3.0, 3.5], "radius": 1.0}
EXTRA: dict[str, Any] = {
    "pivot": [0.0, 0.35, 1.45],
    "roll_pivot": [0.0, 2.0, 1.45],
    "eyes": {"Left": _EYE, "Right": _EYE},
    "shading": {"shapes": ["jawOpen", "rest"], "box": [0.0, 0.0, 12.0, 10.0], "full_scale": 0.5},
    "mouth": {
        "parted": False,
        "teeth": False,
        "origin": [6.0, 8.0, 0.0],
        "cavity": [0.1, 0.05, 0.05],
        "teeth_drop": 3.0,
        "scale": 1.0,
        "density": 8,
        "half_width": 3.0,
        "boxes": {n: [-5.0, -5.0, 10.0, 8.0] for n in ("teeth_upper", "teeth_lower", "teeth_own", "tongue")},
    },
}


def tiny_avatar(name: str = "tiny", seed: int = 0) -> Avatar:
    """A valid avatar of 6 vertices and a 12 × 10 texture. No face, but every rule of the format."""
    random = np.random.default_rng(seed)
    count = 6
    arrays: dict[str, np.ndarray[Any, Any]] = {
        "vertices": random.normal(size=(count, 3)).astype(np.float32),
        "uv": random.uniform(0, 10, (count, 2)).astype(np.float32),
        "triangles": np.array([[0, 1, 2], [3, 4, 5]], np.int32),
        "shapes": random.normal(size=(52, count, 3)).astype(np.float32),
        "rest": np.zeros((count, 3), np.float32),
        "head_weight": np.ones(count, np.float32),
        "shading": random.integers(-128, 128, (2, 4, 4), dtype=np.int8),
        "upper_lip": np.zeros((4, 11), np.int32),
        "lower_lip": np.ones((4, 11), np.int32),
        "upper_lid": np.zeros((2, 3, 9), np.int32),
        "lower_lid": np.ones((2, 3, 9), np.int32),
    }
    textures = {
        "color": random.integers(0, 256, (10, 12, 3), dtype=np.uint8),
        "matte": random.integers(0, 256, (10, 12), dtype=np.uint8),
        "foreground": random.integers(0, 256, (10, 12, 3), dtype=np.uint8),
        "plate": random.integers(0, 256, (10, 12, 3), dtype=np.uint8),
    }
    for sprite in ("teeth_upper", "teeth_lower", "tongue", "iris_Left", "iris_Right", "lid_Left", "lid_Right"):
        textures[sprite] = random.integers(0, 256, (3, 4, 4), dtype=np.uint8)
    for side in ("Left", "Right"):
        textures[f"eye_{side}"] = random.integers(0, 256, (3, 4, 3), dtype=np.uint8)
    manifest = Manifest(
        name=name,
        source=Source("ab" * 32, "me.jpg", 24, 20, 0, "bust", (0, 0, 24, 20)),
        head=Head(4.5, (6.0, 5.0, 0.0), ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)), 0.1, -0.2, 0.0),
        readiness={"grade": "ok", "checks": {"size": {"value": 200, "unit": "px", "grade": "ok"}}},
        extra=EXTRA,
        limits={"tongueOut": "drawn"},
        licence="CC0-1.0",
        consent=Consent("Ada", "2026-01-02", "this film", "cd" * 32),
        generator="test",
    )
    return Avatar(manifest, arrays, textures)


def same_avatar(a: Avatar, b: Avatar) -> bool:
    arrays = a.arrays.keys() == b.arrays.keys() and all(
        a.arrays[k].dtype == b.arrays[k].dtype and np.array_equal(a.arrays[k], b.arrays[k]) for k in a.arrays
    )
    textures = a.textures.keys() == b.textures.keys() and all(
        np.array_equal(a.textures[k], b.textures[k]) for k in a.textures
    )
    return arrays and textures and a.manifest.head == b.manifest.head and a.manifest.source == b.manifest.source


def drawn_cat() -> ByteArray:
    """A white cat, drawn: the detector takes it for a face with 0.77, the mesh does not."""
    fur, pink, ink = (230, 220, 210), (200, 110, 110), (60, 40, 30)
    cat = np.full((480, 480, 3), (90, 140, 160), np.uint8)
    for ear in (((120, 200), (140, 60), (230, 140)), ((360, 200), (340, 60), (250, 140))):
        cv2.fillPoly(cat, [np.array(ear)], fur, cv2.LINE_AA)
    cv2.ellipse(cat, (240, 250), (140, 125), 0, 0, 360, fur, -1, cv2.LINE_AA)
    for x in (180, 300):
        cv2.ellipse(cat, (x, 225), (32, 16), 0, 0, 360, (120, 200, 60), -1, cv2.LINE_AA)
        cv2.ellipse(cat, (x, 225), (9, 15), 0, 0, 360, (10, 10, 10), -1, cv2.LINE_AA)
        cv2.circle(cat, (x - 6, 215), 5, (255, 255, 255), -1, cv2.LINE_AA)
    for x in (205, 275):
        cv2.ellipse(cat, (x, 300), (42, 32), 0, 0, 360, (240, 225, 200), -1, cv2.LINE_AA)
    cv2.fillPoly(cat, [np.array(((220, 268), (260, 268), (240, 290)))], pink, cv2.LINE_AA)
    cv2.line(cat, (240, 290), (240, 310), ink, 3, cv2.LINE_AA)
    for x in (222, 258):
        cv2.ellipse(cat, (x, 308), (18, 12), 0, 0, 180, ink, 3, cv2.LINE_AA)
    for side in (-1, 1):
        for y in (-8, 4, 16):
            ends = (240 + side * 60, 300 + y), (240 + side * 190, 290 + 3 * y)
            cv2.line(cat, *ends, (250, 250, 250), 2, cv2.LINE_AA)
    return np.asarray(cv2.GaussianBlur(cat, (0, 0), 1.5), np.uint8)
