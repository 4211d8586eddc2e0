"""The faces of a picture that can become avatars: what the detectors propose and the mesh confirms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from mien.errors import PortraitRefused, UsageError
from mien.portrait.find.detect import Detection, detect
from mien.portrait.find.features import Points, eye_centres, eye_distance
from mien.portrait.find.landmarks import Mesh, fit_mesh
from mien.types import ByteArray

MIN_PRESENCE: Final = 0.8
"""The mesh net's own word on whether there is a face: above 0.97 on people, drawings and paintings, below 0.15 on
cats, cloth, rockets and logos, up to 0.7 on drawn cats."""
_CLEAR: Final = 0.8
MIN_FACE: Final = 60.0
"""Smallest face, pixels from the top of the forehead to the chin (or across, where that is more)."""


@dataclass(frozen=True, slots=True)
class Face:
    """A confirmed face. detection: what the detectors said. mesh: its 478 points in picture pixels."""

    detection: Detection
    mesh: Mesh

    @property
    def points(self) -> Points:
        """float64, (478, 3)."""
        return self.mesh.points

    @property
    def size(self) -> float:
        """Longer side of the face, pixels."""
        return face_size(self.points)


def face_size(points: Points) -> float:
    """Longer side of a mesh's bounding box, pixels."""
    return float(np.ptp(points[:468, :2], axis=0).max())


def find_faces(image: ByteArray, *, at_least: int = 1) -> tuple[tuple[Face, ...], int]:
    """Faces in a picture, largest first, and how many look-alikes (animals, patterns) were turned down.

    image: uint8, (h, w, 3) RGB. at_least: look closer, for small faces, until so many are found.
    """
    faces, rejected = _confirmed(image, detect(image))
    if len(faces) < at_least and max(image.shape[:2]) > 12 * MIN_FACE:
        closer, more = _confirmed(image, detect(image, smallest=MIN_FACE))
        faces, rejected = (closer, more) if len(closer) > len(faces) else (faces, max(rejected, more))
    return faces, rejected


def choose_face(image: ByteArray, number: int = 0) -> Face:
    """One face of a picture, 0 = largest.

    Raises UsageError for a negative number, PortraitRefused when there is no such face.
    """
    if number < 0:
        raise UsageError("Faces are counted from 0, the largest.", hint="Use --face 0, --face 1 and so on.")
    faces, rejected = find_faces(image, at_least=number + 1)
    if len(faces) > number:
        # A face upside down passes for a poor upright one (eyes and mouth change places), but never for a clear one.
        if faces[number].detection.score < _CLEAR and _turned_score(image, 2) > faces[number].detection.score + 0.1:
            raise _lying()
        return faces[number]
    if faces:
        count = "only one face" if len(faces) == 1 else f"only {len(faces)} faces"
        last = len(faces) - 1
        raise PortraitRefused(
            f"The picture shows {count}; there is no face {number}.",
            hint=f"Use --face 0{'' if last == 0 else f' to --face {last}'} (0 is the largest).",
            code="portrait.face_number",
        )
    if max(_turned_score(image, quarters) for quarters in (1, 2, 3)) > 0:
        raise _lying()
    raise no_face(rejected)


def _turned_score(image: ByteArray, quarters: int) -> float:
    """Best detection score of a confirmed face when the picture is turned by so many quarters; 0 when there is none."""
    scale = min(1.0, 640 / max(image.shape[:2]))
    small = np.asarray(cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
    turned = np.ascontiguousarray(np.rot90(small, quarters))
    return max((face.detection.score for face in _confirmed(turned, detect(turned))[0]), default=0.0)


def _lying() -> PortraitRefused:
    return PortraitRefused(
        "The picture lies on its side or upside down.", hint="Turn it upright and try again.", code="portrait.turned"
    )


def no_face(rejected: int) -> PortraitRefused:
    """The refusal of a picture without a human face."""
    if rejected:
        return PortraitRefused(
            "What looks like a face in the picture is not a human one (an animal, a pattern or a mask?).",
            hint="Use a picture of a person, a painting or a drawing of one, seen from the front.",
            code="portrait.not_human",
        )
    return PortraitRefused(
        "No face was found in the picture.",
        hint="Use a picture that shows one face clearly, from the front, at least 100 pixels high.",
        code="portrait.no_face",
    )


def _confirmed(image: ByteArray, proposals: list[Detection]) -> tuple[tuple[Face, ...], int]:
    faces: list[Face] = []
    rejected = 0
    for proposal in sorted(proposals, key=lambda d: -d.score):
        face = Face(proposal, fit_mesh(image, proposal))
        if not is_plausible(face):
            rejected += proposal.score > 0.5
        elif not any(_same_face(face, other) for other in faces):
            faces.append(face)
    return tuple(sorted(faces, key=lambda f: -f.size)), rejected


def is_plausible(face: Face) -> bool:
    """Whether mesh and detector describe the same human face: presence, proportions, agreement of key points."""
    if face.mesh.presence < MIN_PRESENCE or not np.isfinite(face.points).all():
        return False
    points, unit = face.points, eye_distance(face.points)
    right, left = eye_centres(points)
    height = float(np.linalg.norm(points[152] - points[10]))
    if not 1.4 < height / max(unit, 1e-6) < 5.5:
        return False
    across, down = (left - right)[:2], (points[13] - (right + left) / 2)[:2]
    if across[0] * down[1] - across[1] * down[0] <= 0.2 * unit * float(np.linalg.norm(across)):
        return False  # mouth not below the eyes
    proposed = face.detection.keypoints[[0, 1, 3]]
    fitted = np.stack([right[:2], left[:2], points[[13, 14], :2].mean(0)])
    return float(np.linalg.norm(proposed - fitted, axis=1).max()) < 0.5 * face.detection.size


def _same_face(a: Face, b: Face) -> bool:
    distance = float(np.linalg.norm(a.points[:468, :2].mean(0) - b.points[:468, :2].mean(0)))
    return distance < 0.4 * max(a.size, b.size)
