"""Follows one face from picture to picture: the points of every picture, or nothing where no face is seen.

Nothing is smoothed here, for what is smoothed comes late; the crop that the nets look at is dragged along by the face
instead of copied from it, so that its own trembling does not come back as motion.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from mien.portrait.find.faces import Face, find_faces
from mien.portrait.find.features import Points
from mien.portrait.find.landmarks import Crop, eyes_refined, landmarker, mesh_crop, mesh_in_crop
from mien.portrait.find.nets import Network
from mien.types import ByteArray

PRESENT: Final = 0.5
"""Presence under which the face of the last picture counts as lost."""
SIZES: Final = (0.94, 1.0, 1.06)
"""Crops per picture, relative to the first; their mean trembles less than one."""
_SLACK: Final = 0.025
"""How far the face moves, turns or grows before the crop follows: share of its side, radians, share."""
_CLOSER_EVERY: Final = 25
"""While no face is seen, every how many pictures small ones are looked for, too (that is slow)."""
_SAME_PLACE: Final = 1.0
"""A face found again within so many crop sides of where it was lost is the same one."""


@dataclass(slots=True)
class FaceFollower:
    """Push pictures, get points. One per film.

    better: the 478-point net of ``face_landmarker``; default the embedded nets, whose mesh takes its lids and irises
    from the iris net. lost, found: how often the face went away, and how often it (or another) was taken up.
    """

    better: Network | None = None
    lost: int = 0
    found: int = 0
    _crop: Crop | None = None
    _last: Crop | None = None
    _blind: int = 0

    @staticmethod
    def best() -> FaceFollower:
        """With the better net where that was pulled."""
        return FaceFollower(landmarker())

    def look(self, picture: ByteArray) -> Points | None:
        """The face in the next picture, uint8 (h, w, 3) RGB: float64 (478, 3) picture pixels, depth in the same unit.

        The first time, and after a loss, the largest face is taken, or the one nearest to where it was lost. None where
        there is none.
        """
        if self._crop is not None:
            points = self._in(picture, self._crop)
            if points is not None:
                self._crop = _dragged(self._crop, mesh_crop(points))
                return points
            self.lost += 1
            self._last, self._crop = self._crop, None
        return self._search(picture)

    def _search(self, picture: ByteArray) -> Points | None:
        closer = self._blind % _CLOSER_EVERY == 0
        faces, _ = find_faces(picture, at_least=int(closer))
        if not faces:
            self._blind += 1
            return None
        crop = mesh_crop(self._nearest(faces).points)
        points = self._in(picture, crop)
        if points is None:
            self._blind += 1
            return None
        self._crop, self._blind = crop, 0
        self.found += 1
        return points

    def _nearest(self, faces: tuple[Face, ...]) -> Face:
        last = self._last
        if last is None:
            return faces[0]
        places = [float(np.linalg.norm(mesh_crop(face.points).centre - last.centre)) / last.side for face in faces]
        best = int(np.argmin(places))
        return faces[best] if places[best] < _SAME_PLACE else faces[0]

    def _in(self, picture: ByteArray, crop: Crop) -> Points | None:
        if self.better is not None:
            points, presence = mesh_in_crop(picture, crop, self.better, sizes=(1.0,))
            return points if presence >= PRESENT else None
        points, presence = mesh_in_crop(picture, crop, sizes=SIZES)
        return eyes_refined(picture, points) if presence >= PRESENT else None


def _dragged(crop: Crop, wanted: Crop) -> Crop:
    """The crop moved as little as keeps the face within its slack."""
    way = wanted.centre - crop.centre
    far = float(np.linalg.norm(way))
    free = _SLACK * crop.side
    centre = crop.centre + way * max(0.0, 1 - free / far) if far > 0 else crop.centre
    turn = wanted.turn - crop.turn
    growth = float(np.log(wanted.side / crop.side))
    return Crop(
        centre,
        crop.side * float(np.exp(np.sign(growth) * max(0.0, abs(growth) - _SLACK))),
        crop.turn + float(np.sign(turn)) * max(0.0, abs(turn) - _SLACK),
    )
