"""How much of each pixel is the person: a soft matte, and colours freed of the background that shines through hair.

The net sees 256 px. Its answer is sharpened against the picture by a guided filter (He, Sun and Tang 2013, colour
guide, box filters) and, in the uncertain band around the silhouette, by how far each pixel lies between the colours
of the person and of the background nearby.
"""

from __future__ import annotations

from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.portrait.nets import network
from mien.types import ByteArray, FloatArray

WORK_SIDE: Final = 1024
"""Mattes are computed at this size at most and enlarged against the picture: finer steps only find noise."""


def person_matte(image: ByteArray, points: NDArray[np.floating[Any]] | None = None) -> FloatArray:
    """The matte of the person in an RGB picture.

    image: uint8, (h, w, 3). points: float, (478, 3), the face, used to look at the head more closely.
    Returns float32, (h, w), 0…1.
    """
    height, width = image.shape[:2]
    scale = min(1.0, WORK_SIDE / max(height, width))
    work = image if scale == 1 else cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    guide = _as_float(work)
    unit = _unit(work.shape[:2], None if points is None else points * scale)
    coarse = _coarse(np.asarray(work, np.uint8), None if points is None else points * scale)
    matte = _refine(guide, coarse, unit)
    if scale == 1:
        return matte
    full = _as_float(image)
    large = np.asarray(cv2.resize(matte, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
    return np.clip(_guided(full, large, max(1, round(1 / scale)), 1e-4), 0, 1)


def portrait_matte(image: ByteArray, points: NDArray[np.floating[Any]], alpha: FloatArray | None = None) -> FloatArray:
    """The matte of a portrait whose file may carry one: its alpha wins where it cuts out a person.

    image: uint8, (h, w, 3). points: float, (478, 3). alpha: float32, (h, w), 0…1, from the file, or None.
    Rounded corners and the like (little is transparent) only take away from what the net finds; an alpha that hides
    the face itself means something else and is ignored.
    """
    if alpha is None:
        return person_matte(image, points)
    face = np.zeros(alpha.shape, np.uint8)
    cv2.fillConvexPoly(face, cv2.convexHull(np.rint(points[:468, :2]).astype(np.int32)), 1)
    visible = float(alpha[face > 0].mean()) if face.any() else 0.0
    if visible < 0.5:
        return person_matte(image, points)
    if float((alpha < 0.5).mean()) < 0.05:
        return np.minimum(alpha, person_matte(image, points))
    return np.asarray(alpha, np.float32)


def decontaminate(image: ByteArray, matte: FloatArray) -> ByteArray:
    """The person's own colours, also where hair or blur mixes them with the background.

    Blur fusion (Forte 2021): colours of person and background are estimated by normalised blurs, then corrected so
    that matte × person + (1 − matte) × background gives the picture again. image: uint8, (h, w, 3); matte: float32,
    (h, w). Returns uint8, (h, w, 3); pixels that are all person keep their value exactly.
    """
    colour = np.asarray(image, np.float32)
    alpha = np.asarray(matte, np.float32)[..., None]
    side = max(image.shape[:2])
    front = colour
    for radius in (max(4, side // 24), max(2, side // 160)):
        front = _blur_fusion(colour, front, alpha, radius)
    mended = np.clip(np.rint(front), 0, 255).astype(np.uint8)
    return np.asarray(np.where(alpha >= 0.999, image, mended), np.uint8)


def _blur_fusion(colour: FloatArray, front: FloatArray, alpha: FloatArray, radius: int) -> FloatArray:
    near_front = _mean(front * alpha, radius) / (_mean(alpha[..., 0], radius)[..., None] + 1e-5)
    near_back = _mean(colour * (1 - alpha), radius) / (_mean(1 - alpha[..., 0], radius)[..., None] + 1e-5)
    mended = near_front + alpha * (colour - alpha * near_front - (1 - alpha) * near_back)
    return np.asarray(np.clip(mended, 0, 255), np.float32)


def _as_float(image: NDArray[Any]) -> FloatArray:
    return np.asarray(image, np.float32) / np.float32(255)


def _unit(shape: tuple[int, ...], points: NDArray[np.floating[Any]] | None) -> float:
    """Size of a head in pixels: sets how wide the uncertain band is."""
    if points is None:
        return 0.4 * max(shape)
    return float(np.ptp(points[:468, 1]))


def _coarse(image: ByteArray, points: NDArray[np.floating[Any]] | None) -> FloatArray:
    """The net's own answer for the whole picture, and around the head (which it then sees larger) where that helps."""
    whole = _segment(image)
    if points is None:
        return whole
    height, width = image.shape[:2]
    centre, side = points[:468, :2].mean(0), 2.6 * _unit(image.shape, points)
    x0, y0 = (int(max(0, v)) for v in centre - side / 2)
    x1, y1 = int(min(width, centre[0] + side / 2)), int(min(height, centre[1] + side / 2))
    if (x1 - x0) * (y1 - y0) > 0.8 * width * height or min(x1 - x0, y1 - y0) < 8:
        return whole
    near = _segment(image[y0:y1, x0:x1])
    weight = _window(y1 - y0, x1 - x0, (y0 > 0, y1 < height, x0 > 0, x1 < width))
    whole[y0:y1, x0:x1] += weight * (near - whole[y0:y1, x0:x1])
    return whole


def _segment(image: ByteArray) -> FloatArray:
    net = network("selfie_segmentation")
    small = cv2.resize(image, (net.side, net.side), interpolation=cv2.INTER_AREA)
    out = net(small / np.float32(255))[0].reshape(net.side, net.side)
    size = (image.shape[1], image.shape[0])
    return np.clip(cv2.resize(out, size, interpolation=cv2.INTER_CUBIC), 0, 1).astype(np.float32)


def _window(height: int, width: int, fade: tuple[bool, bool, bool, bool]) -> FloatArray:
    """1 inside, falling to 0 towards the sides (top, bottom, left, right) where ``fade`` says so."""

    def ramp(n: int, low: bool, high: bool) -> FloatArray:
        t = (np.arange(n, dtype=np.float32) + 0.5) / n
        up = np.clip(t * 6, 0, 1) if low else np.ones_like(t)
        down = np.clip((1 - t) * 6, 0, 1) if high else np.ones_like(t)
        return np.asarray(up * down, np.float32)

    return np.asarray(np.outer(ramp(height, fade[0], fade[1]), ramp(width, fade[2], fade[3])), np.float32)


def _refine(guide: FloatArray, coarse: FloatArray, unit: float) -> FloatArray:
    radius = max(2, round(0.04 * unit))
    soft = np.clip(_guided(guide, coarse, radius, 1e-4), 0, 1)
    by_colour, trust = _colour_matte(guide, soft, radius)
    mixed = soft + trust * (by_colour - soft)
    sharp = np.clip(_guided(guide, mixed, max(1, radius // 4), 1e-5), 0, 1)
    return _settle(sharp)


def _colour_matte(guide: FloatArray, soft: FloatArray, radius: int) -> tuple[FloatArray, FloatArray]:
    """Where each pixel lies between the person's and the background's colour nearby, and how far to believe it."""
    inside, outside = (soft > 0.95).astype(np.float32), (soft < 0.05).astype(np.float32)
    reach = 3 * radius
    weight_in, weight_out = _mean(inside, reach), _mean(outside, reach)
    front = _mean(guide * inside[..., None], reach) / (weight_in[..., None] + 1e-4)
    back = _mean(guide * outside[..., None], reach) / (weight_out[..., None] + 1e-4)
    axis = front - back
    length = (axis**2).sum(-1)
    position = ((guide - back) * axis).sum(-1) / (length + 1e-4)
    seen = np.clip(np.minimum(weight_in, weight_out) * 20, 0, 1)
    uncertain = np.clip(8 * soft * (1 - soft), 0, 1)
    return np.clip(position, 0, 1), seen * uncertain * length / (length + 0.03)


def _settle(matte: FloatArray) -> FloatArray:
    """Push nearly-nothing to 0 and nearly-all to 1, so that neither haze nor holes remain."""
    return np.asarray(np.clip((matte - 0.06) / 0.88, 0, 1), np.float32)


def _guided(guide: FloatArray, source: FloatArray, radius: int, epsilon: float) -> FloatArray:
    """Guided filter with a colour guide (He, Sun and Tang 2013). guide: (h, w, 3); source: (h, w); both 0…1."""
    mean_g, mean_s = _mean(guide, radius), _mean(source, radius)
    cross = _mean(guide * source[..., None], radius) - mean_g * mean_s[..., None]
    pairs = [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)]
    rr, rg, rb, gg, gb, bb = (
        _mean(guide[..., i] * guide[..., j], radius) - mean_g[..., i] * mean_g[..., j] + (epsilon if i == j else 0)
        for i, j in pairs
    )
    adjugate = (gg * bb - gb * gb, gb * rb - rg * bb, rg * gb - gg * rb, rr * bb - rb * rb, rb * rg - rr * gb)
    a00, a01, a02, a11, a12 = adjugate
    a22 = rr * gg - rg * rg
    det = rr * a00 + rg * a01 + rb * a02
    c = [cross[..., k] for k in range(3)]
    slope = np.stack([a00 * c[0] + a01 * c[1] + a02 * c[2], a01 * c[0] + a11 * c[1] + a12 * c[2],
                      a02 * c[0] + a12 * c[1] + a22 * c[2]], -1) / det[..., None]  # fmt: skip
    offset = mean_s - (slope * mean_g).sum(-1)
    return np.asarray((_mean(slope, radius) * guide).sum(-1) + _mean(offset, radius), np.float32)


def _mean(values: NDArray[np.floating[Any]], radius: int) -> FloatArray:
    size = (2 * radius + 1, 2 * radius + 1)
    return np.asarray(cv2.boxFilter(values, -1, size, borderType=cv2.BORDER_REFLECT), np.float32)
