"""From one picture to another: transitions between scenes."""

from __future__ import annotations

from typing import Final

import numpy as np

from mien.types import ByteArray

KINDS: Final = ("cut", "fade", "black", "white", "left", "right", "up", "down", "wipe", "zoom")
"""At once; dissolving; through black or white; the new one pushing the old one that way; uncovering it from the left;
coming nearer."""


def between(old: ByteArray, new: ByteArray, kind: str, part: float) -> ByteArray:
    """The picture at a moment of a transition. old, new: uint8 (h, w, 3). kind: one of :data:`KINDS`. part: 0…1."""
    eased = part * part * (3 - 2 * part)
    if kind == "cut":
        return new
    if kind == "fade":
        return _mixed(old, new, eased)
    if kind in ("black", "white"):
        paper = np.full_like(old, 0 if kind == "black" else 255)
        return _mixed(old, paper, 2 * part) if part < 0.5 else _mixed(paper, new, 2 * part - 1)
    if kind == "zoom":
        return _mixed(_nearer(old, 1 + 0.25 * eased), new, eased)
    if kind == "wipe":
        at = round(old.shape[1] * eased)
        return np.concatenate([new[:, :at], old[:, at:]], axis=1)
    return _pushed(old, new, kind, eased)


def _mixed(a: ByteArray, b: ByteArray, share: float) -> ByteArray:
    import cv2

    return np.asarray(cv2.addWeighted(a, 1 - share, b, share, 0), np.uint8)


def _nearer(picture: ByteArray, zoom: float) -> ByteArray:
    import cv2

    height, width = picture.shape[:2]
    matrix = np.array([[zoom, 0, (1 - zoom) * width / 2], [0, zoom, (1 - zoom) * height / 2]])
    return np.asarray(cv2.warpAffine(picture, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE), np.uint8)


def _pushed(old: ByteArray, new: ByteArray, kind: str, part: float) -> ByteArray:
    """The new picture pushes the old one out."""
    axis = 1 if kind in ("left", "right") else 0
    at = round(old.shape[axis] * part)
    if kind in ("left", "up"):
        pieces = (_cut(old, axis, at, None), _cut(new, axis, 0, at))
    else:
        end = old.shape[axis]
        pieces = (_cut(new, axis, end - at, None), _cut(old, axis, 0, end - at))
    return np.concatenate(pieces, axis=axis)


def _cut(picture: ByteArray, axis: int, start: int, end: int | None) -> ByteArray:
    part = slice(start, end)
    return picture[:, part] if axis else picture[part]
