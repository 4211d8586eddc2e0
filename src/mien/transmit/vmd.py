"""VMD, the motion files of MikuMikuDance (MMD): the 52 shapes as the morphs that MMD models share, head and eye bones.

The format has no published specification; its layout is common knowledge: a header of 30 bytes, the model's name in
20, then counted lists of bone keys (111 bytes each), morph keys (23), camera, light, shadow and visibility keys; names
are Shift-JIS, numbers little-endian. MMD counts 30 frames a second and goes linearly from key to key, so keys that lie
on the line between equal neighbours are left out.

**Axes.** MMD's are left-handed: x to the model's left, y up, z *into* the picture, the model looks at -z. A turn of
ours, (x, y, z, w), is (-x, -y, z, w) there.

**Bones.** A third of the head's turn goes to 首 (neck) and two thirds to 頭 (head), about the same axis; 両目 (both
eyes) takes the mean of the two gazes. The head's translation has no bone and is left out.

**Morphs** (:func:`morphs` has the numbers). The mouth's opening, rounding and spreading are shared out over あいうえお;
ん is pressed lips, にやり a smile, ∧ corners that go down, ぺろっ the tongue. まばたき are lids that close together,
ウィンク２ and ｳｨﾝｸ２右 what the left and the right one close beyond that; raised cheeks turn them into 笑い,
ウィンク and ウィンク右. じと目 narrows and びっくり widens the eyes. Brows: 上 up, 困る inner ends up, 怒り and 真面目
down (怒り the more the nose wrinkles), にこり with a smile. A model without a morph ignores it.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.timeline import TICKS_PER_SECOND
from mien.transmit.motion_rate import gaze, quaternions
from mien.types import SHAPE_INDEX, FaceClip, FloatArray

Values = NDArray[np.float64]

RATE: Final = 30
NECK_SHARE: Final = 1 / 3
"""Part of the head's turn that the neck makes."""
BONES: Final = ("首", "頭", "両目")
MORPHS: Final = (
    "あ", "い", "う", "え", "お", "ん", "にやり", "∧", "ぺろっ", "まばたき", "笑い", "ウィンク２", "ｳｨﾝｸ２右",
    "ウィンク", "ウィンク右", "じと目", "びっくり", "上", "困る", "怒り", "真面目", "にこり",
)  # fmt: skip
"""Names of the morphs, in the order of :func:`morphs`."""

_MODEL: Final = "Mien"
_LINEAR: Final = bytes([20] * 8 + [107] * 8)
_CURVES: Final = b"".join(_LINEAR[i:] + bytes([1, 0, 0][:i]) for i in range(4))  # MMD's own form of straight lines
_BONE: Final = np.dtype([("name", "S15"), ("frame", "<u4"), ("at", "<f4", 3), ("turn", "<f4", 4), ("curve", "V64")])
_MORPH: Final = np.dtype([("name", "S15"), ("frame", "<u4"), ("weight", "<f4")])


class VmdMotion:
    """Collects rows at 30 a second; 120 bytes for each."""

    def __init__(self) -> None:
        self._first = 0
        self._weights: list[FloatArray] = []
        self._turns: list[FloatArray] = []

    def add(self, clip: FaceClip) -> bytes:
        """Take a clip at 30 rows a second."""
        if not self._weights:
            self._first = round(clip.start * RATE / TICKS_PER_SECOND)
        self._weights.append(morphs(clip.shapes).astype(np.float32))
        self._turns.append(np.concatenate([*bones(clip).values()], axis=1).astype(np.float32))
        return b""

    def end(self) -> Iterator[bytes]:
        """The whole file."""
        weights = np.round(np.concatenate(self._weights or [np.zeros((0, len(MORPHS)), np.float32)]), 4)
        turns = np.concatenate(self._turns or [np.zeros((0, 4 * len(BONES)), np.float32)])
        yield struct.pack("<30s20s", b"Vocaloid Motion Data 0002", _MODEL.encode("cp932"))
        yield from _lists(_bone_keys, dict(zip(BONES, np.split(turns, len(BONES), axis=1), strict=True)), self._first)
        yield from _lists(
            _morph_keys, dict(zip(MORPHS, np.split(weights, len(MORPHS), axis=1), strict=True)), self._first
        )
        yield struct.pack("<4I", 0, 0, 0, 0)  # camera, light, shadow, visibility


def bones(clip: FaceClip) -> dict[str, Values]:
    """Turns of 首, 頭 and 両目, quaternions x, y, z, w in MMD's axes, (n, 4) each."""
    yaw, pitch, roll = clip.head[:, :3].astype(np.float64).T
    eyes = gaze(clip.shapes).mean(axis=1)
    flip = np.array([-1.0, -1.0, 1.0, 1.0])
    return {
        "首": quaternions(yaw, pitch, roll, NECK_SHARE) * flip,
        "頭": quaternions(yaw, pitch, roll, 1 - NECK_SHARE) * flip,
        "両目": quaternions(eyes[:, 0], eyes[:, 1], np.zeros(len(eyes))) * flip,
    }


def morphs(shapes: FloatArray) -> Values:
    """Weights 0…1 of :data:`MORPHS`, (n, 22), from shapes (n, 52)."""
    made = {**_mouth(shapes), **_eyes(shapes), **_brows(shapes)}
    return np.clip(np.stack([made[name] for name in MORPHS], axis=1), 0, 1)


def _mouth(shapes: FloatArray) -> dict[str, Values]:
    v = {n: _mean(shapes, f"mouth{n}") for n in ("Smile", "Frown", "Stretch", "Press", "LowerDown", "UpperUp")}
    pucker, funnel = _mean(shapes, "mouthPucker"), _mean(shapes, "mouthFunnel")
    jaw = _mean(shapes, "jawOpen") - _mean(shapes, "mouthClose")
    # millimetres between the lips, as far as the shapes open them on a face with 63 mm between the eyes
    gap = np.maximum(25 * jaw + 5.4 * (v["LowerDown"] + v["UpperUp"]) + 8.4 * funnel, 0)
    parted = np.clip(gap / 1.5, 0, 1)
    rounded = np.clip(1.5 * pucker + 1.1 * funnel, 0, 1) * parted
    spread = np.clip(6 * (v["Stretch"] - 0.05) + 0.8 * v["Smile"], 0, 1) * (1 - rounded)
    plain = (1 - rounded) * (1 - spread)
    size, narrow = np.clip(gap / 10, 0, 1), np.clip((7.5 - gap) / 3, 0, 1)
    low = np.clip((jaw - 0.17) / 0.16, 0, 1)  # the jaw tells え from い, the lips' funnel お from う
    back = np.clip(2.2 * funnel / (funnel + pucker + 0.05) - 0.2 + low, 0, 1)
    rolled = (_mean(shapes, "mouthRollLower") + _mean(shapes, "mouthRollUpper")) / 2
    return {
        "あ": plain * size * (1 - narrow),
        "い": spread * size * (1 - low),
        "う": rounded * (1 - back) + 0.6 * plain * size * narrow,
        "え": spread * size * low,
        "お": rounded * back,
        "ん": (2.5 * v["Press"] + 1.5 * rolled) * np.clip(1 - gap / 4, 0, 1),
        "にやり": 1.2 * v["Smile"],
        "∧": v["Frown"],
        "ぺろっ": (_mean(shapes, "tongueOut") - 0.3) / 0.7,
    }


def _eyes(shapes: FloatArray) -> dict[str, Values]:
    left, right = (_mean(shapes, f"eyeBlink{side}") for side in ("Left", "Right"))
    both = np.minimum(left, right)
    cheer = np.clip(2 * _mean(shapes, "cheekSquint") - 0.3, 0, 1)
    return {
        "まばたき": both * (1 - cheer),
        "笑い": both * cheer,
        "ウィンク２": (left - both) * (1 - cheer),
        "ｳｨﾝｸ２右": (right - both) * (1 - cheer),
        "ウィンク": (left - both) * cheer,
        "ウィンク右": (right - both) * cheer,
        "じと目": _mean(shapes, "eyeSquint") * (1 - cheer) * (1 - both),
        "びっくり": _mean(shapes, "eyeWide") * (1 - both),
    }


def _brows(shapes: FloatArray) -> dict[str, Values]:
    inner, outer, down = (_mean(shapes, name) for name in ("browInnerUp", "browOuterUp", "browDown"))
    up = np.minimum(inner, outer)
    angry = np.clip(0.4 + 1.5 * _mean(shapes, "noseSneer"), 0, 1)
    return {
        "上": up + 0.5 * (outer - up),
        "困る": inner - up,
        "怒り": down * angry,
        "真面目": down * (1 - angry),
        "にこり": 0.6 * _mean(shapes, "mouthSmile") * (1 - np.clip(down, 0, 1)),
    }


def _mean(shapes: FloatArray, name: str) -> Values:
    """A shape, or the mean of its left and right."""
    columns = [SHAPE_INDEX[n] for n in (name, f"{name}Left", f"{name}Right") if n in SHAPE_INDEX]
    return np.asarray(shapes[:, columns].astype(np.float64).mean(axis=1))


def _lists(
    make: Callable[[FloatArray], NDArray[np.void]], tracks: dict[str, FloatArray], first: int
) -> Iterator[bytes]:
    """The number of keys of some tracks, then the keys. tracks: rows by name. first: frame of row 0."""
    needed = {name: _needed(rows) for name, rows in tracks.items()}
    yield struct.pack("<I", sum(int(np.count_nonzero(keep)) for keep in needed.values()))
    for name, rows in tracks.items():
        at = np.flatnonzero(needed[name])
        keys = make(rows[at])
        keys["name"], keys["frame"] = name.encode("cp932"), at + first
        yield keys.tobytes()


def _bone_keys(turns: FloatArray) -> NDArray[np.void]:
    keys = np.zeros(len(turns), _BONE)
    keys["turn"], keys["curve"] = turns, np.void(_CURVES)
    return keys


def _morph_keys(weights: FloatArray) -> NDArray[np.void]:
    keys = np.zeros(len(weights), _MORPH)
    keys["weight"] = weights[:, 0]
    return keys


def _needed(rows: FloatArray) -> NDArray[np.bool_]:
    """Which rows differ from one of their neighbours; also the first and the last."""
    keep = np.ones(len(rows), bool)
    if len(rows) > 2:
        change = (rows[1:] != rows[:-1]).any(axis=1)
        keep[1:-1] = change[1:] | change[:-1]
    return keep
