"""The inside of the mouth: teeth on their arch, tongue, the tone of the cavity, and the portrait's own teeth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from mien.portrait import topology as topo
from mien.portrait.rig.layers_eyes import polygon_mask
from mien.portrait.rig.mesh import Array, FaceMesh
from mien.portrait.rig.rest import RestPose, mouth_pixels, sample
from mien.types import ByteArray, FloatArray

MM: Final = 63.0  # millimetres in an eye distance
DENSITY: Final = 8  # sprite pixels per millimetre
TEETH_BOX: Final = (-30.0, -14.0, 60.0, 20.0)  # x, y, w, h of the teeth sprites, mm; y = 0 is the incisal edge
LOWER_BOX: Final = (-30.0, -6.0, 60.0, 20.0)
TONGUE_BOX: Final = (-22.0, -4.0, 44.0, 30.0)
BOXES: Final = {
    "teeth_upper": TEETH_BOX,
    "teeth_own": TEETH_BOX,
    "teeth_lower": LOWER_BOX,
    "tongue": TONGUE_BOX,
}
"""Where each sprite lies around its own origin, mm."""
# Crown widths and heights of an adult's incisors to first molar, mm (Wheeler's Dental Anatomy); edge: how much
# shorter than the central incisor.
UPPER_CROWNS: Final = ((8.6, 6.8, 7.6, 6.8, 6.6, 9.5), (10.2, 8.9, 9.9, 8.4, 7.8, 7.4), (0.0, 0.45, 0.2, 0.8, 1.2, 1.6))
LOWER_CROWNS: Final = ((5.4, 5.9, 6.8, 6.8, 6.8, 10.0), (8.6, 8.8, 9.6, 8.4, 7.6, 7.0), (0.0, 0.1, -0.2, 0.6, 1.1, 1.5))
UPPER_ARCH, LOWER_ARCH = 27.0, 23.5  # half width of the dental arch, mm


@dataclass(frozen=True, slots=True)
class MouthLayers:
    """Sprites in millimetres around the middle of the closed lip line, straight alpha, uint8 (h, w, 4).

    own_teeth: the portrait's teeth in the box of the upper sprite, or None. cavity: RGB 0…1 of the dark behind.
    teeth_drop: mm from the lip line to the edge of the upper teeth. tone: RGB 0…1 of the enamel.
    """

    upper: ByteArray
    lower: ByteArray
    tongue: ByteArray
    own_teeth: ByteArray | None
    cavity: tuple[float, float, float]
    tone: tuple[float, float, float]
    teeth_drop: float
    origin: tuple[float, float, float]
    scale: float


def mouth_layers(mesh: FaceMesh, image: ByteArray, rest: RestPose) -> MouthLayers:
    """Mouth layers that suit the portrait's light, size and turn."""
    skin = np.median([sample(image, mesh.points[v], 3) for v in (50, 280, 205, 425, 151)], 0) / 255
    lip = np.median([sample(image, mesh.points[v], 1) for v in (17, 0, 84, 314)], 0) / 255
    light = float(skin @ [0.299, 0.587, 0.114])
    centre = rest.centre.copy()
    centre[1:] = (rest.local[13, 1:] + rest.local[14, 1:]) / 2
    centre[2] += 0.10
    origin = np.array(mesh.head.origin) + mesh.axes @ centre * mesh.head.eye_distance
    own, tone = None, enamel_tone(skin, light)
    drop = 3.0
    if rest.teeth:
        own, tone, drop = _own_teeth(mesh, image, origin, lip)
    # a narrow mouth has a narrow arch: half width 26 mm is the average of the portraits measured
    scale = float(np.clip(rest.half_width * MM / 25.0, 0.74, 1.25))
    tint = np.clip(lip * np.array([1.0, 0.80, 0.84]), 0, 1) * 0.85
    cavity = np.array([0.16, 0.055, 0.05]) * (0.4 + 0.8 * light)
    yaw = mesh.head.yaw
    return MouthLayers(
        upper=_teeth(UPPER_CROWNS, UPPER_ARCH, tone, light, yaw, upper=True),
        lower=_teeth(LOWER_CROWNS, LOWER_ARCH, tone * 0.93, light, yaw, upper=False),
        tongue=_tongue(tint),
        own_teeth=own,
        cavity=_triple(cavity),
        tone=_triple(tone),
        teeth_drop=drop,
        origin=_triple(origin),
        scale=scale,
    )


def enamel_tone(skin: Array, light: float) -> Array:
    """Enamel under the portrait's own light: as bright as its skin allows, tinted like it."""
    tint = (skin / max(skin.max(), 1e-3)) ** 0.22
    return np.asarray(np.array([0.93, 0.905, 0.86]) * np.clip(0.52 + 0.62 * light, 0.42, 1.0) * tint / tint.max())


def _triple(v: Array) -> tuple[float, float, float]:
    return float(v[0]), float(v[1]), float(v[2])


def _own_teeth(mesh: FaceMesh, image: ByteArray, origin: Array, lip: Array) -> tuple[ByteArray, Array, float]:
    """Cut the portrait's upper teeth out of its open mouth; their tone; how far below the lip line they end, mm."""
    unit, axes = mesh.head.eye_distance, mesh.axes
    mm = unit / MM
    inside = mouth_pixels(mesh, image) / 255
    luma = inside @ [0.299, 0.587, 0.114]
    tone = np.median(inside[luma >= np.percentile(luma, 60)], 0) * 1.02
    x, y, w, h = TEETH_BOX
    start = origin + axes @ np.array([x, y, 0]) * mm
    step = mm / DENSITY
    to_texture = np.array(
        [[axes[0, 0] * step, axes[0, 1] * step, start[0]], [axes[1, 0] * step, axes[1, 1] * step, start[1]]]
    )
    size = (int(w * DENSITY), int((h + 8) * DENSITY))
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    colour = cv2.warpAffine(image, to_texture, size, flags=flags).astype(np.float32) / 255
    ring = [*topo.UPPER_LIP[3], *topo.LOWER_LIP[3][1:-1][::-1]]
    mask: Array = polygon_mask(image.shape[:2], mesh.points[ring, :2], -1.0 * mm)
    mask = cv2.GaussianBlur(mask, (0, 0), max(0.5, 0.6 * mm))
    alpha: Array = cv2.warpAffine(mask, to_texture, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    bright = colour @ np.array([0.299, 0.587, 0.114], np.float32)
    top = float(luma.max())
    # what is darker than half of the enamel is cavity, and stays see-through
    alpha = alpha * np.clip((bright - 0.30 * top) / (0.22 * top), 0, 1)
    edge = _incisal_edge(colour, alpha, tone, lip)
    rows = np.arange(size[1])[:, None]
    alpha = alpha * np.clip((edge - rows) / (0.25 * DENSITY) + 0.5, 0, 1)
    alpha = alpha * _without_islands(alpha)
    middle = edge[int(-x * DENSITY) - 3 * DENSITY : int(-x * DENSITY) + 3 * DENSITY]
    drop = float(np.clip(np.median(middle) / DENSITY + y, 1.5, 9.0))
    return np.dstack([colour * 255, alpha * 255]).clip(0, 255).astype(np.uint8), tone, drop


def _without_islands(alpha: Array) -> Array:
    """1 where the row of teeth is, 0 on loose specks: glints of spittle and bits of the lower teeth."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats((alpha > 0.2).astype(np.uint8))
    if count < 3:
        return np.ones(alpha.shape)
    area = stats[1:, cv2.CC_STAT_AREA]
    keep = np.flatnonzero(area > 0.15 * area.max()) + 1
    mask = np.isin(labels, keep).astype(np.uint8)
    return np.asarray(cv2.GaussianBlur(cv2.dilate(mask, np.ones((3, 3), np.uint8)) * 1.0, (0, 0), 1.0))


def _incisal_edge(colour: Array, alpha: Array, tone: Array, lip: Array) -> Array:
    """Row at which the upper teeth end in each column of the cut-out: below are tongue, gum or the lower teeth."""

    def redness(rgb: Array) -> Array:
        return np.asarray((rgb[..., 0] - rgb[..., 1]) / (rgb.max(-1) + 0.02))

    luma = colour @ np.array([0.299, 0.587, 0.114], np.float32)
    pale = redness(colour) < 0.5 * redness(tone) + 0.5 * redness(lip)
    tooth = (luma > 0.66 * float(tone @ [0.299, 0.587, 0.114])) & pale & (alpha > 0.3)
    gap = int(0.6 * DENSITY)
    edge = np.full(tooth.shape[1], np.nan)
    for column in np.flatnonzero(tooth.any(0)):
        rows = np.flatnonzero(tooth[:, column])
        breaks = np.flatnonzero(np.diff(rows) > gap)
        first = [r for r in np.split(rows, breaks + 1) if len(r) > DENSITY]
        if first:
            edge[column] = first[0][-1]
    known = np.flatnonzero(~np.isnan(edge))
    if len(known) < 4 * DENSITY:
        return np.full(tooth.shape[1], float(tooth.shape[0]))
    filled = np.interp(np.arange(len(edge)), known, edge[known])
    kernel = int(2.5 * DENSITY) | 1
    median = np.array([np.median(filled[max(0, i - kernel // 2) : i + kernel // 2 + 1]) for i in range(len(filled))])
    return np.asarray(np.minimum(median, filled + 0.3 * DENSITY))


def _teeth(
    crowns: tuple[tuple[float, ...], ...], arch: float, tone: Array, light: float, yaw: float, *, upper: bool
) -> ByteArray:
    """A row of teeth on an arch, drawn flat in millimetres as seen from the portrait's own direction."""
    x0, y0, w, h = TEETH_BOX
    width, height = int(w * DENSITY), int(h * DENSITY)
    xs, ys = np.meshgrid((np.arange(width) + 0.5) / DENSITY + x0, (np.arange(height) + 0.5) / DENSITY + y0)
    gum = np.array([0.62, 0.30, 0.30]) * np.clip(0.35 + 0.8 * light, 0.3, 1)
    colour: Array = np.zeros((height, width, 3))
    alpha: Array = np.zeros((height, width))
    angles = np.minimum(np.cumsum([0.0, *crowns[0]]) / (arch * 1.02), 1.5)
    for sign in (-1, 1):
        for i in range(6):
            edges = [_arch_x(sign * a, arch, yaw) for a in angles[i : i + 2]]
            left, right = min(edges), max(edges)
            if right - left < 0.3:
                continue  # turned out of sight
            t = (xs - (left + right) / 2) / ((right - left) / 2) * sign
            facing = float(np.cos(sign * (angles[i] + angles[i + 1]) / 2 + yaw))
            tooth, cover = _tooth(t, ys, crowns[1][i], crowns[2][i], tone, gum, max(facing, 0.0), canine=i == 2)
            inside = np.abs(t) <= 1
            colour = np.where(inside[..., None], tooth, colour)
            alpha = np.where(inside, cover, alpha)
    colour = cv2.GaussianBlur(colour, (0, 0), DENSITY * 0.10)
    alpha = cv2.GaussianBlur(alpha, (0, 0), DENSITY * 0.10)
    sprite = np.dstack([colour, alpha]).clip(0, 1)
    return np.ascontiguousarray((sprite if upper else sprite[::-1]) * 255).astype(np.uint8)


def _arch_x(angle: float, arch: float, yaw: float) -> float:
    """Where a point of the arch appears: the arch is an ellipse 1.15 times as deep as half its width."""
    x, z = arch * np.sin(angle), 1.15 * arch * (1 - np.cos(angle))
    return float(x * 1.0 - 0.85 * z * np.tan(np.clip(yaw, -0.7, 0.7)))


def _tooth(
    t: Array, y: Array, height: float, edge: float, tone: Array, gum: Array, facing: float, *, canine: bool
) -> tuple[FloatArray, FloatArray]:
    """Colour and cover of one tooth.

    t: -1…1 across, towards the back positive. y: mm, 0 at the incisal edge, up negative.
    """
    low = -edge - 0.40 * np.abs(t) ** 4
    if canine:
        low = low - 0.5 * np.abs(t) ** 1.5 + 0.15
    high = -height + 1.2 * np.abs(t) ** 2.2  # scalloped gum line
    cover = np.clip((low - y) * DENSITY * 0.8 + 0.5, 0, 1)
    shade: Array = (0.62 + 0.38 * facing) * (
        1 - 0.10 * np.abs(t) ** 3 - 0.16 * np.clip((np.abs(t) - 0.88) / 0.12, 0, 1)
    )
    shade = shade * (1 - 0.06 * np.clip((y - low + 2.0) / 2.0, 0, 1)) * (1 - 0.10 * np.clip((-5.0 - y) / 6, 0, 1))
    gloss = 0.06 * np.exp(-((t + 0.2) ** 2) / 0.10) * np.exp(-((y + 4.8) ** 2) / 7) * facing
    warm = np.clip((-3 - y) / 7, 0, 1)[..., None]
    enamel = (tone * (1 - warm) + tone * np.array([0.985, 0.94, 0.86]) * warm) * (shade + gloss)[..., None]
    flesh = np.clip((high - y) * DENSITY * 0.5 + 0.5, 0, 1)[..., None]
    colour = enamel * (1 - flesh) + gum * (0.35 + 0.65 * facing) * flesh
    return np.asarray(colour, np.float32), np.asarray(cover, np.float32)


def _tongue(tint: Array) -> ByteArray:
    x0, y0, w, h = TONGUE_BOX
    width, height = int(w * DENSITY), int(h * DENSITY)
    xs, ys = np.meshgrid((np.arange(width) + 0.5) / DENSITY + x0, (np.arange(height) + 0.5) / DENSITY + y0)
    top = (np.abs(xs) / 19.0) ** 2.6 * 9
    below = ys - top
    alpha = np.clip(below * 0.9 + 0.5, 0, 1) * np.clip((20 - np.abs(xs)) / 3, 0, 1)
    shade = 0.55 + 0.45 * np.clip(below / 7, 0, 1) - 0.18 * np.exp(-((xs / 1.8) ** 2)) * np.clip(below / 5, 0, 1)
    shade = shade * (1 - 0.35 * (np.abs(xs) / 20) ** 2)
    shade = shade + 0.10 * np.exp(-(((below - 4.5) / 1.8) ** 2)) * np.exp(-(((np.abs(xs) - 6) / 5) ** 2))
    return (np.dstack([tint * shade[..., None], alpha]).clip(0, 1) * 255).astype(np.uint8)
