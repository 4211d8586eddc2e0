"""A person made of numbers: the demo portrait's own mesh and rig, without any picture."""

from __future__ import annotations

import pytest

from mien import models
from mien.face.video.pose import own_frame
from mien.face.video.solve import Basis
from mien.portrait.find.faces import choose_face
from mien.portrait.image import load_picture
from mien.portrait.rig.basis import moving_face


@pytest.fixture(scope="session")
def basis() -> Basis:
    points = choose_face(load_picture(models.path("astronaut")).rgb).points
    face, _ = moving_face(own_frame(points))
    return Basis(*moving_face(face))  # her smile is parted: what is closed becomes the person's own rest
