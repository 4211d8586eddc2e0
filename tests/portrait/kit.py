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
    }
    textures = {
        "color": random.integers(0, 256, (10, 12, 3), dtype=np.uint8),
        "matte": random.integers(0, 256, (10, 12), dtype=np.uint8),
        "teeth": random.integers(0, 256, (4, 8, 4), dtype=np.uint8),
    }
    manifest = Manifest(
        name=name,
        source=Source("ab" * 32, "me.jpg", 24, 20, 0, "bust", (0, 0, 24, 20)),
        head=Head(4.5, (6.0, 5.0, 0.0), ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)), 0.1, -0.2, 0.0),
        readiness={"grade": "ok", "checks": {"size": {"value": 200, "unit": "px", "grade": "ok"}}},
        extra={"pivot": [0.0, 0.35, 1.45]},
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
