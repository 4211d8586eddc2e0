"""The one face of a picture that is already cropped around it: points and matte."""

from __future__ import annotations

import numpy as np

from mien.portrait.base import FaceGeometry
from mien.portrait.find.faces import choose_face
from mien.portrait.find.segment import person_matte
from mien.types import ByteArray


def find_geometry(image: ByteArray) -> FaceGeometry:
    """The largest face in a picture that is already cropped around it, with its matte.

    image: uint8, (h, w, 3) RGB. Raises PortraitRefused when there is no face.
    """
    points = choose_face(image).points.astype(np.float32)
    return FaceGeometry(points, person_matte(image, points))
