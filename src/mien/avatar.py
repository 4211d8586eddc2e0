"""The avatar: what stage 4 makes of a portrait and stage 5 draws. Engine-neutral: arrays, pictures, a manifest.

The format on disk is documented in ``docs/avatar-format.md``; :mod:`mien.portrait.store.bundle` reads and writes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mien.types import ByteArray

SCHEMA_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Source:
    """Where the picture came from. sha256: of the source file. width, height: pixels after EXIF orientation.

    face: which face, 0 = largest. crop: "none", "head" or "bust", as resolved. box: x, y, w, h of the texture in the
    source picture, pixels.
    """

    sha256: str
    filename: str
    width: int
    height: int
    face: int
    crop: str
    box: tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Consent:
    """Who allowed the use of this face. All empty means: nothing recorded."""

    by: str = ""
    date: str = ""
    scope: str = ""
    document_sha256: str = ""


@dataclass(frozen=True, slots=True)
class Head:
    """The head's own frame in texture pixels: x right, y down, z away from the viewer.

    eye_distance: between eye centres, pixels (the unit "s" of all shape sizes; 63 mm on a person).
    origin: (3,) midpoint between the eyes. axes: (3, 3), columns are the head's x, y, z in texture axes.
    yaw, pitch, roll: radians, how the portrait itself is turned, signs as in FaceClip.
    """

    eye_distance: float
    origin: tuple[float, float, float]
    axes: tuple[tuple[float, float, float], ...]
    yaw: float
    pitch: float
    roll: float


@dataclass(frozen=True, slots=True)
class Manifest:
    """Everything about an avatar that is not an array or a picture. Serialised as ``manifest.json``.

    extra: numbers and words that the rig hands to the mesh engine (teeth colour, pivots …), plain JSON, documented
    in docs/avatar-format.md. limits: shapes that this portrait cannot show, with the reason.
    """

    name: str
    source: Source
    head: Head
    readiness: Mapping[str, Any] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)
    limits: Mapping[str, str] = field(default_factory=dict)
    licence: str = ""
    consent: Consent = field(default_factory=Consent)
    generator: str = ""
    schema_version: int = SCHEMA_VERSION


@dataclass(frozen=True)
class Avatar:
    """A face ready to move.

    arrays: name → little-endian array. Always there: "vertices" f4 (n, 3), "uv" f4 (n, 2), "triangles" i4 (t, 3),
    "shapes" f4 (52, n, 3) in ARKIT_SHAPES order, "rest" f4 (n, 3), "head_weight" f4 (n,).
    textures: name → uint8 (h, w), (h, w, 3) or (h, w, 4). Always there: "color" (h, w, 3), "matte" (h, w).
    All coordinates are texture pixels (those of "color"); pixel centres lie at whole numbers.
    """

    manifest: Manifest
    arrays: Mapping[str, NDArray[np.generic]]
    textures: Mapping[str, ByteArray]

    @property
    def name(self) -> str:
        """The name the user knows it by."""
        return self.manifest.name

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the texture, pixels."""
        height, width = self.textures["color"].shape[:2]
        return width, height
