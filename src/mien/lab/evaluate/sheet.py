"""The contact sheet: one picture that shows an avatar at rest, speaking, blinking, smiling, turning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np

from mien.avatar import Avatar
from mien.engine import place
from mien.lab.evaluate.poses import EYES, MOUTHS, TURNS, Pose
from mien.render.mesh import MeshCanvas, MeshRenderer
from mien.types import ByteArray

_SIDE: Final = 512
_TILE: Final = 256
_COLUMNS: Final = 6
_CLOSE_UP: Final = (_COLUMNS * _TILE // 4, 288)  # width, height: four to a row
_EYES_CLOSE_UP: Final = (_COLUMNS * _TILE // 3, 208)  # three to a row
_MOUTH_REACH: Final = 1.0  # half the width of a close-up, eye distances
_EYES_REACH: Final = 1.05


def contact_sheet(avatar: Avatar) -> ByteArray:
    """uint8 (h, w, 3) RGB: all poses whole, then mouths and eyes close up. First comes the portrait itself."""
    canvas = MeshRenderer().prepare(avatar, place(avatar, _SIDE, _SIDE))
    shown = {pose.label: canvas.draw(pose.shapes, pose.head) for pose in (*MOUTHS, *EYES, *TURNS)}
    whole = [("portrait", _fitted(avatar)), *shown.items()]
    rows = [_grid([_labelled(_shrunk(picture, _TILE, _TILE), label) for label, picture in whole], _COLUMNS)]
    fine = _Close(avatar)
    rows.append(_grid([fine.mouth(pose) for pose in MOUTHS], 4))
    rows.append(_grid([fine.eyes(pose) for pose in (MOUTHS[0], *EYES, *_with_lids())], 3))
    return np.ascontiguousarray(np.vstack(rows))


def _with_lids() -> Sequence[Pose]:
    return [pose for pose in MOUTHS if pose.label in ("smile", "sneer")]


def _fitted(avatar: Avatar) -> ByteArray:
    """The portrait in a square, whole."""
    color = avatar.textures["color"]
    scale = _TILE / max(color.shape[:2])
    small = cv2.resize(color, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    tile = np.zeros((_TILE, _TILE, 3), np.uint8)
    y, x = (_TILE - small.shape[0]) // 2, (_TILE - small.shape[1]) // 2
    tile[y : y + small.shape[0], x : x + small.shape[1]] = small
    return tile


class _Close:
    """Close-ups, drawn at twice the size they are shown in, so that defects are not hidden by scaling."""

    def __init__(self, avatar: Avatar) -> None:
        head = avatar.manifest.head
        scale = _CLOSE_UP[0] / (2 * _MOUTH_REACH * head.eye_distance)
        self._scale, self._unit = scale, head.eye_distance * scale
        self._eyes_at = np.array(head.origin[:2]) * scale
        lips = np.concatenate([np.asarray(avatar.arrays[name]).ravel() for name in ("upper_lip", "lower_lip")])
        points = np.asarray(avatar.arrays["vertices"], np.float64)[lips, :2]
        self._mouth_at = (points.min(0) + points.max(0)) / 2 * scale + (0, 0.2 * self._unit)
        self._canvas = self._prepared(avatar)

    def mouth(self, pose: Pose) -> ByteArray:
        """The mouth in a pose."""
        return self._cut(pose, self._mouth_at - self._corner, _MOUTH_REACH, _CLOSE_UP)

    def eyes(self, pose: Pose) -> ByteArray:
        """The eyes in a pose."""
        return self._cut(pose, self._eyes_at - self._corner, _EYES_REACH, _EYES_CLOSE_UP)

    def _prepared(self, avatar: Avatar) -> MeshCanvas:
        from mien.render.base import Placement

        reach = 2.2 * self._unit
        centre = (self._mouth_at + self._eyes_at) / 2
        self._corner = centre - reach
        side = 2 * int(reach)
        x, y = -self._corner
        return MeshRenderer().prepare(avatar, Placement(side, side, self._scale, float(x), float(y)))

    def _cut(self, pose: Pose, at: np.ndarray, reach: float, size: tuple[int, int]) -> ByteArray:
        picture = self._canvas.draw(pose.shapes, pose.head)
        half_width = reach * self._unit
        half = np.array([half_width, half_width * size[1] / size[0]])
        scale = size[0] / (2 * half_width)
        matrix = np.array([[scale, 0, 0], [0, scale, 0]])
        matrix[:, 2] = -scale * (at - half)
        cut = cv2.warpAffine(picture, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return _labelled(np.asarray(cut), pose.label)


def _shrunk(picture: ByteArray, width: int, height: int) -> ByteArray:
    if picture.shape[:2] == (height, width):
        return picture.copy()
    return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA))


def _labelled(picture: ByteArray, label: str) -> ByteArray:
    """A name in the corner, readable on any ground."""
    picture = np.ascontiguousarray(picture)
    for colour, thickness in (((0, 0, 0), 3), ((255, 255, 255), 1)):
        cv2.putText(picture, label, (6, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.45, colour, thickness, cv2.LINE_AA)
    return picture


def _grid(tiles: list[ByteArray], columns: int) -> ByteArray:
    tiles = tiles + [np.zeros_like(tiles[0])] * (-len(tiles) % columns)
    return np.vstack([np.hstack(tiles[i : i + columns]) for i in range(0, len(tiles), columns)])
