"""The picture behind the person: what shows when the head moves aside."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from mien.types import ByteArray, FloatArray

HOLE_MARGIN: Final = 0.02  # eye distances around the person that are painted over too


def plate(image: ByteArray, matte: FloatArray, unit: float) -> ByteArray:
    """Background alone, uint8 (h, w, 3): equal to the picture outside the person, painted inwards from there.

    Push–pull: known pixels are averaged at ever coarser scales and fill what finer scales do not know
    (Gortler et al., "The Lumigraph", 1996, section 3.4).
    """
    # the same level as the renderer's cover, which must be solid wherever this picture is painted over
    person = (matte > 0.36).astype(np.uint8)
    size = max(1, round(HOLE_MARGIN * unit))
    hole = cv2.dilate(person, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * size + 1, 2 * size + 1)))
    known = (1 - hole).astype(np.float32)
    filled = _pull(image.astype(np.float32) * known[..., None], known)
    out = np.where(hole[..., None] > 0, np.clip(filled, 0, 255).astype(np.uint8), image)
    return np.ascontiguousarray(out)


def _pull(weighted: FloatArray, known: FloatArray) -> FloatArray:
    h, w = known.shape
    if min(h, w) <= 2:
        total = known.sum()
        mean = weighted.sum((0, 1)) / total if total > 0 else np.full(3, 128.0, np.float32)
        return np.broadcast_to(mean, weighted.shape).astype(np.float32)
    half = (w + 1) // 2, (h + 1) // 2
    small: FloatArray = np.asarray(cv2.resize(weighted, half, interpolation=cv2.INTER_AREA), np.float32)
    seen: FloatArray = np.asarray(cv2.resize(known, half, interpolation=cv2.INTER_AREA), np.float32)
    coarse = _pull(small, seen)
    back = cv2.resize(coarse, (w, h), interpolation=cv2.INTER_LINEAR)
    trust = np.clip(known, 0, 1)[..., None]
    here = weighted / np.maximum(known, 1e-6)[..., None]
    return np.asarray(here * trust + back * (1 - trust), np.float32)
