"""Is a portrait fit to become an avatar: what was measured, a grade for each, and one sentence of advice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.errors import PortraitRefused
from mien.portrait.advice import advice, label, word
from mien.portrait.find.faces import MIN_FACE, face_size
from mien.portrait.find.features import (
    CLOSED_GAP,
    LEFT_EYE,
    LOWER_INNER_LIP,
    RIGHT_EYE,
    UPPER_INNER_LIP,
    Points,
    eye_centres,
    eye_distance,
    lip_gap,
)
from mien.portrait.find.pose import head_pose
from mien.portrait.topology import OVAL
from mien.types import ByteArray, FloatArray

Grade = Literal["ok", "warn", "refuse"]

MAX_YAW: Final = np.radians(45)
GOOD_YAW: Final = np.radians(20)
GOOD_PITCH: Final = np.radians(20)
GOOD_ROLL: Final = np.radians(20)
MAX_ROLL: Final = np.radians(50)
GOOD_FACE: Final = 160.0
"""From here on a face is sharp enough for a 512² film, pixels."""

_UNIT: Final = 100
"""Eye distance in the upright crop in which light, lips and glasses are judged, pixels."""
_CROP: Final = (320, 380)
_EYES_AT: Final = (160.0, 130.0)


@dataclass(frozen=True, slots=True)
class Check:
    """One finding. key: stable name. value: number (in unit) or word. grade: ok, warn or refuse."""

    key: str
    value: float | str
    unit: str
    grade: Grade

    def advice(self, language: str = "en") -> str:
        """One sentence on what to do about it, in English ("en") or Chinese ("zh"); empty when all is well."""
        return advice(self.key, self.value, self.grade, language)


@dataclass(frozen=True, slots=True)
class Readiness:
    """The report. face_size: pixels in the source. yaw, pitch, roll: degrees, signs as in FaceClip.

    sharpness: 0…1. lips: "closed", "parted" or "teeth". checks: every finding in the order of reading.
    """

    face_size: float
    yaw: float
    pitch: float
    roll: float
    sharpness: float
    lips: str
    glasses: bool
    occluded: bool
    checks: tuple[Check, ...]

    @property
    def grade(self) -> Grade:
        """The worst grade of all checks."""
        grades = {check.grade for check in self.checks}
        return "refuse" if "refuse" in grades else "warn" if "warn" in grades else "ok"

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON, for the manifest."""
        checks = {c.key: {"value": c.value, "unit": c.unit, "grade": c.grade} for c in self.checks}
        return {"grade": self.grade, "checks": checks}

    def refuse_if_unfit(self) -> None:
        """Raise PortraitRefused with the reason when a check says that this portrait cannot work."""
        for check in self.checks:
            if check.grade == "refuse":
                raise PortraitRefused(_REFUSALS[check.key](check), hint=check.advice(), code=f"portrait.{check.key}")


_REFUSALS: Final = {
    "size": lambda c: f"The face is too small ({c.value:.0f} pixels; {MIN_FACE:.0f} are needed).",
    "roll": lambda c: f"The picture lies on its side or upside down (the head is tilted by {abs(c.value):.0f}°).",
    "yaw": lambda c: f"The face is seen from the side (turned by {abs(c.value):.0f}°; 45° is the most).",
}


def rows(readiness: Mapping[str, Any], language: str = "en") -> list[tuple[str, str, str, str]]:
    """The report in a manifest as lines of a table: what, value, grade, advice. What is not understood is left out."""
    checks = readiness.get("checks", {})
    lines = []
    for key, check in checks.items() if isinstance(checks, dict) else ():
        if isinstance(check, dict) and {"value", "grade"} <= check.keys():
            value, grade = check["value"], str(check["grade"])
            shown = _shown(value, str(check.get("unit", "")), language)
            lines.append((label(key, language), shown, word(grade, language), advice(key, value, grade, language)))
    return lines


def _shown(value: Any, unit: str, language: str) -> str:
    if not isinstance(value, int | float):
        return word(str(value), language)
    if unit == "":
        return f"{value:.2f}"
    return f"{round(value)}{unit}" if unit == "°" else f"{round(value)} {unit}"


def assess(image: ByteArray, points: Points, matte: FloatArray | None = None, source_scale: float = 1.0) -> Readiness:
    """Judge a portrait.

    image: uint8, (h, w, 3) RGB. points: float, (478, 3), pixels. matte: float32, (h, w), helps to suspect
    occlusions. source_scale: pixels of image per pixel of the source file.
    """
    size = face_size(points) / source_scale
    yaw, pitch, roll = (float(np.degrees(v)) for v in head_pose(points))
    upright, moved = _upright(image, points)
    sharp = sharpness(image, points)
    exposure, contrast, side = _light(upright, moved)
    lips = "closed" if lip_gap(points) < CLOSED_GAP else _lips(upright, moved)
    glasses = _glasses(upright) > _GLASSES
    covered = _covered(image, upright, points, moved, matte)
    checks = (
        Check("size", round(size), "px", _grade(size < GOOD_FACE, size < MIN_FACE)),
        Check("yaw", round(yaw, 1), "°", _grade(abs(yaw) > np.degrees(GOOD_YAW), abs(yaw) > np.degrees(MAX_YAW))),
        Check("pitch", round(pitch, 1), "°", _grade(abs(pitch) > np.degrees(GOOD_PITCH))),
        Check("roll", round(roll, 1), "°", _grade(abs(roll) > np.degrees(GOOD_ROLL), abs(roll) > np.degrees(MAX_ROLL))),
        Check("sharpness", round(sharp, 2), "", _grade(sharp < _SHARP)),
        Check("exposure", exposure, "", _grade(exposure != "good")),
        Check("contrast", round(contrast, 2), "", _grade(contrast < 0.12)),
        Check("side_light", round(side, 2), "", _grade(abs(side) > 0.35)),
        Check("lips", lips, "", _grade(lips != "closed")),
        Check("glasses", "suspected" if glasses else "none", "", _grade(glasses)),
        Check("occlusion", "suspected" if covered else "none", "", _grade(covered)),
    )
    return Readiness(size, yaw, pitch, roll, sharp, lips, glasses, covered, checks)


def _grade(doubtful: bool | np.bool_, impossible: bool | np.bool_ = False) -> Grade:
    return "refuse" if impossible else "warn" if doubtful else "ok"


_SHARP: Final = 0.35
_GLASSES: Final = 0.10


def sharpness(image: ByteArray, points: Points) -> float:
    """0 (blurred) … 1 (crisp): how much detail a face loses when it is blurred again.

    After Crété et al. 2007, "The blur effect", on the eyes and brows, at an eye distance of at most 180 pixels.
    """
    scale = min(1.0, 180 / eye_distance(points))
    eyes = points[[*RIGHT_EYE, *LEFT_EYE, 70, 300, 168], :2]
    low = np.maximum(np.floor(eyes.min(0)).astype(int), 0)
    high = np.ceil(eyes.max(0)).astype(int) + 1
    part = image[low[1] : high[1], low[0] : high[0]]
    if min(part.shape[:2]) < 4:
        return 0.0
    if scale < 1:
        part = np.asarray(cv2.resize(part, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
    grey = np.asarray(cv2.cvtColor(part, cv2.COLOR_RGB2GRAY), np.float32)
    kept = []
    for axis, kernel in ((1, (9, 1)), (0, (1, 9))):
        before = np.abs(np.diff(grey, axis=axis))
        after = np.abs(np.diff(cv2.blur(grey, kernel), axis=axis))
        lost = float(np.maximum(0, before - after).sum())
        kept.append(lost / max(float(before.sum()), 1e-6))
    return float(np.clip(min(kept), 0, 1))


def _upright(image: ByteArray, points: Points) -> tuple[ByteArray, NDArray[np.float64]]:
    """The face turned upright at a fixed eye distance, and its points there (xy only)."""
    right, left = (eye[:2] for eye in eye_centres(points))
    axis = left - right
    angle, scale = np.arctan2(axis[1], axis[0]), _UNIT / eye_distance(points)
    c, s = np.cos(angle) * scale, np.sin(angle) * scale
    linear = np.array([[c, s], [-s, c]])
    matrix = np.column_stack([linear, np.array(_EYES_AT) - linear @ ((right + left) / 2)])
    source = image if scale > 0.5 else np.asarray(cv2.GaussianBlur(image, (0, 0), 0.35 / scale), np.uint8)
    crop = cv2.warpAffine(source, matrix, _CROP, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(crop, np.uint8), points[:, :2] @ linear.T + matrix[:, 2]


def _polygon(outline: NDArray[np.floating[Any]]) -> NDArray[np.bool_]:
    mask = np.zeros(_CROP[::-1], np.uint8)
    cv2.fillPoly(mask, [np.rint(outline).astype(np.int32)], 1)
    return mask.astype(np.bool_)


def _light(upright: ByteArray, points: NDArray[np.float64]) -> tuple[str, float, float]:
    """Exposure in a word; contrast 0…1; side light −1…1 (> 0: brighter on the viewer's right)."""
    grey = np.asarray(cv2.cvtColor(upright, cv2.COLOR_RGB2GRAY), np.float32) / 255
    face = grey[_polygon(points[list(OVAL)])]
    low, high = (float(v) for v in np.percentile(face, (5, 95)))
    burnt = float((face > 0.985).mean())
    exposure = "dark" if high < 0.3 else "bright" if burnt > 0.15 or low > 0.75 else "good"
    cheeks = [float(np.median(grey[_polygon(points[list(ids)])])) for ids in _CHEEKS]
    return exposure, high - low, (cheeks[1] - cheeks[0]) / max(sum(cheeks), 1e-3)


_CHEEKS: Final = ((116, 118, 101, 205, 187, 147), (345, 347, 330, 425, 411, 376))


def _lips(upright: ByteArray, points: NDArray[np.float64]) -> str:
    """Parted lips, or lips that show teeth: bright and hardly coloured pixels between the lips."""
    upper, lower = points[list(UPPER_INNER_LIP)], points[list(LOWER_INNER_LIP)]
    inside = _polygon(np.vstack([upper, lower[::-1]]))
    hsv = cv2.cvtColor(upright, cv2.COLOR_RGB2HSV)[inside].astype(np.float32)
    skin = float(np.median(cv2.cvtColor(upright, cv2.COLOR_RGB2HSV)[_polygon(points[list(_CHEEKS[0])])][:, 2]))
    teeth = (hsv[:, 1] < 110) & (hsv[:, 2] > 0.75 * skin)
    return "teeth" if float(teeth.mean()) > 0.25 else "parted"


def _glasses(upright: ByteArray) -> float:
    """Strength of the strongest horizontal edge that crosses the bridge of the nose, over the skin's brightness."""
    grey = np.asarray(cv2.cvtColor(upright, cv2.COLOR_RGB2GRAY), np.float32)
    edges = np.abs(cv2.Sobel(cv2.GaussianBlur(grey, (0, 0), 1), cv2.CV_32F, 0, 1, ksize=3)) / 8
    return float(edges[108:160, 150:171].mean(1).max() / (np.median(grey[150:230, 110:210]) + 10))


def _covered(
    image: ByteArray,
    upright: ByteArray,
    points: Points,
    moved: NDArray[np.float64],
    matte: FloatArray | None,
) -> bool:
    """Whether something seems to lie over the face: one cheek or half of the chin unlike the other in colour, or a
    part of the face that is not person in the matte."""
    lab = cv2.cvtColor(upright, cv2.COLOR_RGB2LAB).astype(np.float32)
    skin = np.median(lab[_polygon(moved[list(_SKIN)])], axis=0)
    far = (np.abs(lab - skin) / (90.0, 18.0, 18.0)).max(-1) > 1
    halves = [float(far[_polygon(moved[list(ids)])].mean()) for ids in _LOWER_HALVES]
    uneven = abs(halves[0] - halves[1]) > 0.45
    if matte is None:
        return uneven
    inside = np.zeros(image.shape[:2], np.uint8)
    cv2.fillPoly(inside, [np.rint(points[list(OVAL), :2]).astype(np.int32)], 1)
    return uneven or float((matte[inside > 0] < 0.5).mean()) > 0.06


_SKIN: Final = (50, 205, 187, 123, 117, 118, 101, 36, 4, 266, 330, 347, 346, 352, 411, 425, 280)
_LOWER_HALVES: Final = (
    (123, 50, 36, 2, 17, 152, 176, 150, 172, 58, 132),
    (352, 280, 266, 2, 17, 152, 400, 379, 397, 288, 361),
)
