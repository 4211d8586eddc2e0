"""Avatars to draw: the demo portrait, and the same person with closed lips."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from mien import models
from mien.avatar import Avatar, Manifest, Source
from mien.portrait.base import FaceGeometry
from mien.portrait.find.faces import choose_face
from mien.portrait.find.segment import person_matte
from mien.portrait.rig.build import build_rig
from mien.render.base import Placement
from mien.render.mesh import MeshRenderer
from mien.types import ByteArray


def rigged(image: ByteArray) -> Avatar:
    """An avatar of a cropped picture, without library or cache."""
    points = choose_face(image).points
    rig = build_rig(image, FaceGeometry(points.astype(np.float32), person_matte(image, points)))
    height, width = image.shape[:2]
    source = Source("0" * 64, "portrait.png", width, height, 0, "none", (0, 0, width, height))
    manifest = Manifest(name="test", source=source, head=rig.head, extra=rig.extra, limits=rig.limits)
    return Avatar(manifest, rig.arrays, rig.textures)


@pytest.fixture(scope="session")
def smiling() -> Avatar:
    """The astronaut: an open smile with teeth, hair, a structured background."""
    bgr = cv2.imread(str(models.path("astronaut")))
    assert bgr is not None
    face = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)[0:360, 60:420]
    return rigged(np.ascontiguousarray(face))


@pytest.fixture(scope="session")
def closed(smiling: Avatar) -> Avatar:
    """The astronaut as the engine draws her at rest: a portrait whose lips are closed."""
    width, height = smiling.size
    canvas = MeshRenderer().prepare(smiling, Placement(width, height))
    return rigged(canvas.draw(np.zeros(52, np.float32), np.zeros(6, np.float32)))
