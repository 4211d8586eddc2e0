"""What lies behind and over the eyes: eyeball without iris, the iris as a disc, the closed lid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from mien.portrait import topology as topo
from mien.portrait.rig.mesh import Array, FaceMesh
from mien.portrait.rig.rest import sample
from mien.types import ByteArray, FloatArray

IRIS_RADIUS: Final = (0.070, 0.115)  # of people, eye distances; cartoons may exceed it
SPRITE_REACH: Final = 1.25  # sprite half size in iris radii
SPRITE_SIZE: Final = 96


@dataclass(frozen=True, slots=True)
class EyeLayers:
    """Layers of one eye in texture pixels.

    box: x, y, w, h of ball and lid in the texture. ball: uint8 (h, w, 3), the white of the eye, the iris removed and
    the white continued under the lids. lid: uint8 (h, w, 4), skin of the closed lid in the place where it lies when
    closed. iris: uint8 (96, 96, 4), whole disc, spanning 1.25 radii. centre, radius: of the iris, texture pixels.
    """

    box: tuple[int, int, int, int]
    ball: ByteArray
    lid: ByteArray
    iris: ByteArray
    centre: tuple[float, float]
    radius: float


def eye_layers(mesh: FaceMesh, image: ByteArray, side: str, blink: Array) -> EyeLayers:
    """Layers of one eye. blink: (n, 3) texture pixels, displacement of eyeBlink at 1.0."""
    unit = mesh.head.eye_distance
    rows = [*topo.UPPER_LID[side], *topo.LOWER_LID[side]]
    around = mesh.points[[v for row in rows for v in row], :2]
    box = _box(around, 0.10 * unit, image)
    x, y, w, h = box
    part = image[y : y + h, x : x + w]
    opening = _opening(mesh.points[:, :2], side) - (x, y)
    centre, radius = _iris(mesh, side)
    local = centre - (x, y)
    ball = _ball(part, opening, local, radius, unit)
    return EyeLayers(
        box=box,
        ball=ball,
        lid=_lid(mesh, image, side, blink, box),
        iris=_iris_sprite(part, opening, local, radius, unit),
        centre=(float(centre[0]), float(centre[1])),
        radius=radius,
    )


def _box(points: Array, margin: float, image: ByteArray) -> tuple[int, int, int, int]:
    height, width = image.shape[:2]
    x0, y0 = np.maximum(np.floor(points.min(0) - margin).astype(int), 0)
    x1, y1 = np.minimum(np.ceil(points.max(0) + margin).astype(int) + 1, (width, height))
    return int(x0), int(y0), int(x1 - x0), int(y1 - y0)


def _opening(points: Array, side: str) -> Array:
    ring = [*topo.UPPER_LID[side][0], *topo.LOWER_LID[side][0][1:-1][::-1]]
    return np.asarray(points[ring])


def _iris(mesh: FaceMesh, side: str) -> tuple[Array, float]:
    points = mesh.points[list(topo.IRIS[side]), :2]
    radius = float(np.linalg.norm(points[1:] - points[0], axis=1).max())
    low, high = (f * mesh.head.eye_distance for f in IRIS_RADIUS)
    return points[0], float(np.clip(radius, low, 2 * high))


def polygon_mask(shape: tuple[int, int], polygon: Array, grow: float = 0.0) -> FloatArray:
    """Anti-aliased inside of a polygon, grown (or shrunk) by pixels, float32 (h, w) 0…1."""
    margin = abs(grow) + 2
    x0, y0 = np.floor(polygon.min(0) - margin).astype(int).clip(0)
    x1, y1 = np.ceil(polygon.max(0) + margin).astype(int) + 1
    x1, y1 = min(int(x1), shape[1]), min(int(y1), shape[0])
    out = np.zeros(shape, np.float32)
    if x1 > x0 and y1 > y0:
        out[y0:y1, x0:x1] = _small_mask((y1 - y0, x1 - x0), polygon - (x0, y0), grow)
    return out


def _small_mask(shape: tuple[int, int], polygon: Array, grow: float) -> FloatArray:
    scale = 4
    mask: Array = np.zeros((shape[0] * scale, shape[1] * scale), np.uint8)
    cv2.fillPoly(mask, [np.round(((polygon + 0.5) * scale - 0.5) * 16).astype(np.int32)], 255, shift=4)
    if grow:
        size = max(1, round(abs(grow) * scale))
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * size + 1, 2 * size + 1))
        mask = np.asarray(cv2.dilate(mask, kernel) if grow > 0 else cv2.erode(mask, kernel))
    small = cv2.resize(mask, (shape[1], shape[0]), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float32) / np.float32(255)


def spread(image: FloatArray, weight: FloatArray, sigma: tuple[float, float]) -> tuple[FloatArray, FloatArray]:
    """Weighted Gaussian average of known pixels (normalised convolution, Knutsson and Westin 1993) and its support."""
    top = cv2.GaussianBlur(image * weight[..., None], (0, 0), sigma[0], sigmaY=sigma[1])
    low = cv2.GaussianBlur(weight, (0, 0), sigma[0], sigmaY=sigma[1])
    return np.asarray(top / np.maximum(low, 1e-6)[..., None], np.float32), np.asarray(low, np.float32)


def _ball(part: ByteArray, opening: Array, centre: Array, radius: float, unit: float) -> ByteArray:
    """White of the eye everywhere in the box: known white spreads sideways over the iris and under the lids."""
    h, w = part.shape[:2]
    inside = cv2.GaussianBlur(polygon_mask((h, w), opening, -0.02 * unit), (0, 0), max(0.6, 0.01 * unit))
    yy, xx = np.mgrid[:h, :w]
    away = np.hypot(xx - centre[0], yy - centre[1]) / radius
    known = (inside * np.clip((away - 1.08) / 0.25, 0, 1)).astype(np.float32)
    pixels = part.astype(np.float32)
    # the white is the bright part: lashes, lid shadow and the limbus at its edge do not count
    luma = pixels.mean(2)
    level = np.percentile(luma[known > 0.5], 85) if (known > 0.5).any() else 255.0
    known *= np.clip((luma / max(level, 1) - 0.55) / 0.35, 0, 1).astype(np.float32)
    if known.sum() < 12:
        white = (
            np.percentile(pixels[inside > 0.5].reshape(-1, 3), 90, axis=0)
            if (inside > 0.5).any()
            else pixels.mean((0, 1))
        )
        return np.broadcast_to(np.clip(white, 0, 255).astype(np.uint8), (h, w, 3)).copy()
    near, support = spread(pixels, known, (0.08 * unit, 0.035 * unit))
    far = (pixels * known[..., None]).sum((0, 1)) / known.sum()
    trust = np.clip(support / 0.02, 0, 1)[..., None]
    filled = near * trust + far * (1 - trust)
    return np.asarray(np.clip(pixels * known[..., None] + filled * (1 - known[..., None]), 0, 255), np.uint8)


def _iris_sprite(part: ByteArray, opening: Array, centre: Array, radius: float, unit: float) -> ByteArray:
    """The whole iris: what lids hide is taken from the mirrored or turned visible part, else from its ring's mean."""
    n = SPRITE_SIZE
    grid = (np.arange(n) + 0.5) / n * 2 - 1
    gx, gy = np.meshgrid(grid * SPRITE_REACH, grid * SPRITE_REACH)
    seen = polygon_mask(part.shape[:2], opening, -0.014 * unit)
    pixels = part.astype(np.float32)

    def look(sx: float, sy: float) -> tuple[FloatArray, FloatArray]:
        mx = (centre[0] + sx * gx * radius).astype(np.float32)
        my = (centre[1] + sy * gy * radius).astype(np.float32)
        colour = cv2.remap(pixels, mx, my, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(colour), np.asarray(cv2.remap(seen, mx, my, cv2.INTER_LINEAR))

    colour, weight = look(1, 1)
    total, amount = colour * weight[..., None], weight
    for flip in ((1, -1), (-1, -1), (-1, 1)):
        other, visible = look(*flip)
        more = np.clip(1 - amount, 0, 1) * visible
        total, amount = total + other * more[..., None], amount + more
    ring = _ring_mean(total, amount, np.hypot(gx, gy))
    full = total + ring * np.clip(1 - amount, 0, 1)[..., None]
    alpha = np.clip((1.06 - np.hypot(gx, gy)) / 0.14, 0, 1) * 255
    return np.dstack([np.clip(full, 0, 255), alpha]).astype(np.uint8)


def _ring_mean(total: FloatArray, amount: FloatArray, distance: Array) -> FloatArray:
    """Mean visible colour at each distance from the centre."""
    bins = np.clip((distance * 16).astype(int), 0, 31)
    count = np.bincount(bins.ravel(), amount.ravel(), 32)
    table: Array = np.stack([np.bincount(bins.ravel(), total[..., c].ravel(), 32) for c in range(3)], 1)
    good = count > 0.5
    if not good.any():
        return np.zeros_like(total)
    table[good] /= count[good, None]
    for c in range(3):
        table[~good, c] = np.interp(np.flatnonzero(~good), np.flatnonzero(good), table[good, c])
    return np.asarray(table[bins], np.float32)


def _lid(mesh: FaceMesh, image: ByteArray, side: str, blink: Array, box: tuple[int, int, int, int]) -> ByteArray:
    """Skin of the closed lid, drawn where the lid lies when it is closed."""
    x0, y0, w, h = box
    unit = mesh.head.eye_distance
    columns = np.arange(w, dtype=np.float64) + x0
    open_rows = [_row_height(mesh.points, row, columns) for row in topo.UPPER_LID[side]]
    shut = mesh.points + blink
    shut_rows = [_row_height(shut, row, columns) for row in topo.UPPER_LID[side]]
    rim, crease, high = shut_rows
    lines = np.arange(h, dtype=np.float64)[:, None] + y0
    down = np.clip((lines - crease) / np.maximum(rim - crease, 1e-3), 0, 1.3)
    skin = _stretched(image, columns, lines, open_rows, shut_rows)
    skin = _even(skin, image, columns, open_rows, box, down, unit)
    skin *= _lid_shade(down)[..., None]
    skin += _grain(mesh, image, (h, w))[..., None]
    ends = _row_ends(shut, topo.UPPER_LID[side][0], columns)
    skin = _lashes(skin, image, mesh, side, lines, rim, ends, unit)
    soft = max(1.0, 0.012 * unit)
    alpha = np.clip((lines - (crease * 0.4 + high * 0.6)) / (0.10 * unit), 0, 1)
    alpha = alpha * np.clip((rim + 0.030 * unit - lines) / (2 * soft) + 0.5, 0, 1) * ends
    return np.dstack([np.clip(skin, 0, 255), alpha * 255]).astype(np.uint8)


def _row_height(points: Array, row: tuple[int, ...], columns: Array) -> Array:
    at = points[list(row), :2]
    order = np.argsort(at[:, 0])
    return np.asarray(np.interp(columns, at[order, 0], at[order, 1]))


def _row_ends(points: Array, row: tuple[int, ...], columns: Array) -> Array:
    """1 between the lid's corners, fading to 0 at them."""
    at = points[list(row), 0]
    t = (columns - at.min()) / max(np.ptp(at), 1e-3)
    return np.asarray(np.clip(np.minimum(t, 1 - t) / 0.05, 0, 1))


def _stretched(image: ByteArray, columns: Array, lines: Array, before: list[Array], after: list[Array]) -> FloatArray:
    """The open lid's skin pulled down column by column; the lashes at its rim are left out."""
    rim0, crease0, high0 = before
    rim1, crease1, high1 = after
    last = crease0 + 0.45 * (rim0 - crease0)
    inner = crease0 + (lines - crease1) / np.maximum(rim1 - crease1, 1e-3) * (last - crease0)
    outer = high0 + (lines - high1) / np.maximum(crease1 - high1, 1e-3) * (crease0 - high0)
    source = np.where(lines < crease1, outer, inner)
    source = np.where(lines < high1, lines + (high0 - high1), source)
    source = np.minimum(source, last)
    mx = np.broadcast_to(columns.astype(np.float32), source.shape)
    pulled = cv2.remap(image, np.ascontiguousarray(mx), source.astype(np.float32), cv2.INTER_LINEAR)
    return pulled.astype(np.float32)


def _even(
    skin: FloatArray,
    image: ByteArray,
    columns: Array,
    rows: list[Array],
    box: tuple[int, int, int, int],
    down: Array,
    unit: float,
) -> FloatArray:
    """Blend the streaky stretched skin with an even tone taken from above the crease, more towards the rim."""
    _, crease, high = rows
    heights = np.linspace(0.15, 0.75, 5)[:, None]
    mx = np.broadcast_to(columns.astype(np.float32), (5, len(columns)))
    my = (crease + (high - crease) * heights).astype(np.float32)
    above = cv2.remap(image, np.ascontiguousarray(mx), my, cv2.INTER_LINEAR).astype(np.float32)
    tone: Array = np.median(above, axis=0, keepdims=True)
    tone = np.asarray(cv2.GaussianBlur(tone, (0, 0), max(1.0, 0.05 * unit), sigmaY=0.1))
    smooth = cv2.GaussianBlur(skin, (0, 0), max(0.8, 0.03 * unit), sigmaY=max(0.8, 0.02 * unit))
    # the stretched strip keeps make-up, the tone keeps it from streaking
    own = 0.5 * smooth + 0.5 * np.broadcast_to(tone, skin.shape)
    share = np.clip(down * 3, 0, 1)[..., None]
    return np.asarray(skin * (1 - share) + own * share, np.float32)


def _lid_shade(down: Array) -> Array:
    """A ball under skin: a soft crease on top, light in the middle, darker towards the rim. down: 0 crease … 1 rim."""
    crease = -0.06 * np.exp(-(((down - 0.05) / 0.16) ** 2))
    dome = 0.05 * np.exp(-(((down - 0.45) / 0.28) ** 2))
    rim = -0.10 * np.clip((down - 0.6) / 0.4, 0, 1) ** 1.5
    return np.asarray(1 + np.where(down > 0, crease + dome + rim, 0.0))


def _grain(mesh: FaceMesh, image: ByteArray, shape: tuple[int, int]) -> FloatArray:
    """Skin texture of the cheek (luminance), so that the lid is not smoother than the rest of the face."""
    unit = mesh.head.eye_distance
    size = max(8, int(0.22 * unit))
    x, y = (int(v) for v in mesh.points[50, :2] - size / 2)
    patch = image[max(0, y) : y + size, max(0, x) : x + size].astype(np.float32).mean(2)
    if min(patch.shape) < 8:
        return np.zeros(shape, np.float32)
    fine = patch - cv2.GaussianBlur(patch, (0, 0), max(1.0, 0.015 * unit))
    fine = np.clip(fine, -8, 8)
    tile = np.block([[fine, fine[:, ::-1]], [fine[::-1], fine[::-1, ::-1]]])
    reps = -(-shape[0] // tile.shape[0]), -(-shape[1] // tile.shape[1])
    return np.asarray(np.tile(tile, reps)[: shape[0], : shape[1]], np.float32)


def _lashes(
    skin: FloatArray, image: ByteArray, mesh: FaceMesh, side: str, lines: Array, rim: Array, ends: Array, unit: float
) -> FloatArray:
    """A soft dark line at the rim in the tone of the person's own lashes, thinner towards the inner corner."""
    lash = np.array([sample(image, mesh.points[v], 1) for v in topo.UPPER_LID[side][0][2:7]])
    dark = lash[np.argmin(lash.sum(1))] * 0.7
    width = 0.016 * unit * (0.45 + 0.55 * ends)
    line = np.exp(-(np.abs((lines - rim - 0.004 * unit) / np.maximum(width, 0.45)) ** 2.2))
    hairs = np.random.default_rng(7).uniform(0.2, 1.0, len(rim))  # lashes of uneven length, always the same
    hairs = np.convolve(np.pad(hairs, 1, mode="edge"), [0.25, 0.5, 0.25], "valid")
    fringe = 0.5 * hairs * np.clip(1 - (lines - rim) / ((0.015 + 0.035 * hairs) * unit), 0, 1) * (lines > rim) * ends
    cover = np.clip(0.66 * line + fringe, 0, 0.85)[..., None]
    return np.asarray(skin * (1 - cover) + dark * cover, np.float32)
