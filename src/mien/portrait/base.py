"""What the parts of portrait → avatar hand each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.avatar import Head
from mien.types import ByteArray, FloatArray


@dataclass(frozen=True, slots=True)
class FaceGeometry:
    """A found face in pixels of the picture it was found in (pixel centres at whole numbers).

    points: float32, (478, 3): MediaPipe's 468 mesh points plus 468…472 right iris, 473…477 left iris
    (centre first); z away from the viewer, same unit. matte: float32, (h, w), 0…1, how much a pixel is the person.
    """

    points: FloatArray
    matte: FloatArray


@dataclass(frozen=True, slots=True)
class Rig:
    """What :func:`mien.portrait.rig.build.build_rig` makes: the moving parts of :class:`mien.avatar.Avatar`."""

    head: Head
    arrays: Mapping[str, NDArray[np.generic]]
    textures: Mapping[str, ByteArray]
    extra: Mapping[str, Any]
    limits: Mapping[str, str]
