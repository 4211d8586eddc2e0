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

from mien.portrait.find.nets import network
from mien.types import ByteArray, FloatArray

DECIDE_SIDE: Final = 288
"""Where the net is unsure of whole areas, colours decide at this size."""
WORK_SIDE: Final = 1024
"""Mattes are computed at this size at most and enlarged against the picture: finer steps only find noise."""


def person_matte(image: ByteArray, points: NDArray[np.floating[Any]] | None = None) -> FloatArray:
    """The matte of the person in an RGB picture.

    image: uint8, (h, w, 3). points: float, (478, 3), the face, used to look at the head more closely.
    Returns float32, (h, w), 0…1.
    """
    scale = min(1.0, WORK_SIDE / max(image.shape[:2]))
    work = image
    if scale < 1:
        work = np.asarray(cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
    small = None if points is None else np.asarray(points * scale, np.float32)
    coarse = _decide(work, _coarse(work, small), small)
    matte = _refine(_as_float(image), _as_float(work), coarse, _unit(work.shape[:2], small))
    return matte if points is None else np.maximum(matte, _inner_face(points, image.shape))


def portrait_matte(image: ByteArray, points: NDArray[np.floating[Any]], alpha: FloatArray | None = None) -> FloatArray:
    """The matte of a portrait whose file may carry one: its alpha wins where it cuts out a person.

    image: uint8, (h, w, 3). points: float, (478, 3). alpha: float32, (h, w), 0…1, from the file, or None.
    Rounded corners and the like (little is transparent) only take away from what the net finds; an alpha that hides
    the face itself means something else and is ignored.
    """
    if alpha is None:
        return person_matte(image, points)
    face = _hull(points[:468], alpha.shape)
    visible = float(alpha[face > 0].mean()) if face.any() else 0.0
    if visible < 0.5:
        return person_matte(image, points)
    if float((alpha < 0.5).mean()) < 0.05:
        return np.minimum(alpha, person_matte(image, points))
    return np.asarray(alpha, np.float32)


def decontaminate(image: ByteArray, matte: FloatArray) -> ByteArray:
    """The person's own colours, also where hair or blur mixes them with the background.

    Colours of person and background are spread from where the matte is sure, coarse to fine, then corrected so that
    matte × person + (1 − matte) × background comes near the picture again (the correction of Forte 2021). image:
    uint8, (h, w, 3); matte: float32, (h, w). Returns uint8, (h, w, 3); what is all person keeps its value exactly.
    """
    side, size = max(image.shape[:2]), (image.shape[1], image.shape[0])
    scale = min(1.0, 512 / side)
    small = tuple(max(1, round(n * scale)) for n in size)
    colour = np.asarray(cv2.resize(image, small, interpolation=cv2.INTER_AREA), np.float32)
    sure = np.asarray(cv2.resize(matte, small, interpolation=cv2.INTER_AREA), np.float32)
    front = _enlarge(_spread(colour, np.clip((sure - 0.85) / 0.15, 0, 1)), size)
    back = _enlarge(_spread(colour, np.clip((0.15 - sure) / 0.15, 0, 1)), size)
    picture, alpha = np.asarray(image, np.float32), matte[..., None]
    front += alpha * (picture - back + alpha * (back - front))
    cv2.copyTo(picture, (matte >= 0.999).astype(np.uint8), front)
    return np.clip(np.rint(front), 0, 255).astype(np.uint8)


def _spread(colour: FloatArray, sure: NDArray[np.floating[Any]]) -> FloatArray:
    """Colours of the sure pixels carried over all others, from the nearest ones where there are any near."""
    weight = np.asarray(sure, np.float32)
    total = float(weight.sum())
    spread = np.broadcast_to((colour * weight[..., None]).sum((0, 1)) / (total + 1e-6), colour.shape)
    if total == 0:
        return colour.copy()
    for share in (6, 24, 80, 200):
        radius = max(1, max(colour.shape) // share)
        near = _mean(weight, radius)[..., None]
        spread = (_mean(colour * weight[..., None], radius) + 0.01 * spread) / (near + 0.01)
    return np.asarray(spread, np.float32)


def _as_float(image: NDArray[Any]) -> FloatArray:
    scaled: FloatArray = np.divide(image, np.float32(255), dtype=np.float32)
    return scaled


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


def _decide(image: ByteArray, coarse: FloatArray, points: FloatArray | None) -> FloatArray:
    """Settle areas that the net left grey by the colours of what it is sure of (GrabCut, Rother et al. 2004), then
    keep only what hangs together with the face."""
    scale = min(1.0, DECIDE_SIDE / max(image.shape[:2]))
    size = (max(8, round(image.shape[1] * scale)), max(8, round(image.shape[0] * scale)))
    small = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    sure = np.asarray(cv2.resize(coarse, size, interpolation=cv2.INTER_AREA), np.float32)
    front, back = _eroded(sure > 0.97, 3), _eroded(sure < 0.03, 3)
    person: NDArray[np.uint8] = (sure > 0.5).astype(np.uint8)
    if points is not None:
        face = points[:468, :2] * scale
        front |= _hull(face, front.shape)
        back[front > 0] = 0
        inner = _with_face(_eroded(front > 0, 7), face)
        front &= np.asarray(cv2.dilate(inner, np.ones((9, 9), np.uint8)), np.uint8)
    if front.any() and back.any():
        labels = np.where(sure > 0.5, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
        labels[front > 0], labels[back > 0] = cv2.GC_FGD, cv2.GC_BGD
        cv2.setRNGSeed(1)  # the same picture, the same matte
        bgr, models = np.ascontiguousarray(small[..., ::-1]), np.zeros((2, 1, 65))
        cv2.grabCut(bgr, labels, (0, 0, 1, 1), models[0], models[1], 3, cv2.GC_INIT_WITH_MASK)
        person = ((labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)).astype(np.uint8)
    if points is not None:
        person = _with_face(person, face)
    soft = cv2.GaussianBlur(person.astype(np.float32), (0, 0), 1.0)
    return np.asarray(cv2.resize(soft, (image.shape[1], image.shape[0]), interpolation=cv2.INTER_LINEAR), np.float32)


def _with_face(person: NDArray[np.uint8], face: NDArray[np.floating[Any]]) -> NDArray[np.uint8]:
    """The connected part that holds most of the face."""
    count, parts = cv2.connectedComponents(person, connectivity=4)
    inside: NDArray[np.intp] = parts[_hull(face, person.shape) > 0].astype(np.intp)
    votes = np.bincount(inside, minlength=count)
    votes[0] = 0
    return person if votes.max(initial=0) == 0 else (parts == votes.argmax()).astype(np.uint8)


def _inner_face(points: NDArray[np.floating[Any]], shape: tuple[int, ...]) -> FloatArray:
    """1 inside the face, 0 outside, soft at its rim: a face is never a hole, whatever dark eyes or lips suggest."""
    reach = max(1, round(0.03 * _unit(shape, points)))
    inner = _eroded(_hull(points[:468], shape[:2]) > 0, 4 * reach + 1)
    return np.asarray(_mean(inner.astype(np.float32), reach), np.float32)


def _hull(points: NDArray[np.floating[Any]], shape: tuple[int, ...]) -> NDArray[np.uint8]:
    mask = np.zeros(shape, np.uint8)
    cv2.fillConvexPoly(mask, cv2.convexHull(np.rint(points[:, :2]).astype(np.int32)), 1)
    return mask


def _eroded(mask: NDArray[np.bool_], size: int) -> NDArray[np.uint8]:
    return np.asarray(cv2.erode(mask.astype(np.uint8), np.ones((size, size), np.uint8)), np.uint8)


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


def _refine(full: FloatArray, guide: FloatArray, coarse: FloatArray, unit: float) -> FloatArray:
    """The matte at the size of ``full``, worked out at the size of ``guide``, which is the same picture shrunk."""
    radius = max(2, round(0.04 * unit))
    soft = np.clip(_apply(_guided(guide, coarse, radius, 1e-4), guide), 0, 1)
    by_colour, trust = _colour_matte(guide, soft, radius)
    mixed = soft + trust * (by_colour - soft)
    sharp = np.clip(_apply(_guided(guide, mixed, max(1, radius // 4), 1e-5), full), 0, 1)
    near = np.clip(2 * _mean(coarse, radius), 0, 1)  # nothing stands off the silhouette by more than the radius
    return _settle(np.minimum(sharp, _enlarge(near, full.shape[1::-1])))


def _colour_matte(guide: FloatArray, soft: FloatArray, radius: int) -> tuple[FloatArray, FloatArray]:
    """Where each pixel lies between the person's and the background's colour nearby, and how far to believe it."""
    inside, outside = (soft > 0.95).astype(np.float32), (soft < 0.05).astype(np.float32)
    reach = 3 * radius
    weight_in, weight_out = _mean(inside, reach), _mean(outside, reach)
    front = _mean(guide * inside[..., None], reach) / (weight_in[..., None] + 1e-4)
    back = _mean(guide * outside[..., None], reach) / (weight_out[..., None] + 1e-4)
    axis = front - back
    length = (axis**2).sum(-1)
    # A mottled background or dress says little: its own spread counts against the difference.
    square = (guide**2).sum(-1)
    spread = sum(
        np.maximum(0, _mean(square * where, reach) / (weight + 1e-4) - (mean**2).sum(-1))
        for where, weight, mean in ((inside, weight_in, front), (outside, weight_out, back))
    )
    position = ((guide - back) * axis).sum(-1) / (length + 1e-4)
    seen = np.clip(np.minimum(weight_in, weight_out) * 20, 0, 1)
    uncertain = np.clip(8 * soft * (1 - soft), 0, 1)
    return np.clip(position, 0, 1), seen * uncertain * length / (length + 0.02 + 2 * spread)


def _settle(matte: NDArray[np.floating[Any]]) -> FloatArray:
    """Push nearly-nothing to 0 and nearly-all to 1, so that neither haze nor holes remain."""
    return np.asarray(np.clip((matte - 0.06) / 0.88, 0, 1), np.float32)


def _guided(guide: FloatArray, source: FloatArray, radius: int, epsilon: float) -> FloatArray:
    """Guided filter with a colour guide (He, Sun and Tang 2013): per pixel, slope and offset in the guide's colours.

    guide: (h, w, 3); source: (h, w); both 0…1. Returns (h, w, 4); :func:`_apply` makes the picture of it.
    """
    mean_g, mean_s = _mean(guide, radius), _mean(source, radius)
    c0, c1, c2 = cv2.split(_mean(guide * source[..., None], radius) - mean_g * mean_s[..., None])
    pairs = [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)]
    rr, rg, rb, gg, gb, bb = (
        _mean(guide[..., i] * guide[..., j], radius)
        - mean_g[..., i] * mean_g[..., j]
        + np.float32(epsilon if i == j else 0)
        for i, j in pairs
    )
    a00, a01, a02 = gg * bb - gb * gb, gb * rb - rg * bb, rg * gb - gg * rb
    a11, a12, a22 = rr * bb - rb * rb, rb * rg - rr * gb, rr * gg - rg * rg
    det = rr * a00 + rg * a01 + rb * a02
    slopes = [a00 * c0 + a01 * c1 + a02 * c2, a01 * c0 + a11 * c1 + a12 * c2, a02 * c0 + a12 * c1 + a22 * c2]
    slope = np.stack(slopes, -1) / det[..., None]
    offset = mean_s - (slope * mean_g).sum(-1)
    return _mean(np.dstack([slope, offset]), radius)


def _apply(filtered: FloatArray, guide: FloatArray) -> FloatArray:
    """The filtered picture at the guide's size, which may be larger than the filter's (He and Sun 2015)."""
    lines = _enlarge(filtered, guide.shape[1::-1])
    return np.asarray(np.einsum("hwc,hwc->hw", lines[..., :3], guide) + lines[..., 3], np.float32)


def _enlarge(values: FloatArray, size: tuple[int, ...]) -> FloatArray:
    if values.shape[1::-1] == size:
        return values
    return np.asarray(cv2.resize(values, (size[0], size[1]), interpolation=cv2.INTER_LINEAR), np.float32)


def _mean(values: NDArray[np.floating[Any]], radius: int) -> FloatArray:
    size = (2 * radius + 1, 2 * radius + 1)
    return np.asarray(cv2.boxFilter(values, -1, size, borderType=cv2.BORDER_REFLECT), np.float32)
