"""The words of the readiness report, English and Chinese."""

from __future__ import annotations

from typing import Final

_LABELS: Final = {
    "size": ("Face size", "人脸大小"),
    "yaw": ("Turned aside", "左右转角"),
    "pitch": ("Raised or lowered", "俯仰角"),
    "roll": ("Tilted", "倾斜角"),
    "sharpness": ("Sharpness", "清晰度"),
    "exposure": ("Exposure", "曝光"),
    "contrast": ("Contrast", "对比度"),
    "side_light": ("Side light", "侧光"),
    "lips": ("Lips", "嘴唇"),
    "glasses": ("Glasses", "眼镜"),
    "occlusion": ("Occlusion", "遮挡"),
}

_ADVICE: Final = {
    ("size", "warn"): (
        "The face is small: a film larger than it will look soft; use a picture where the face is at least 160 pixels.",
        "人脸较小，放大后会模糊；请使用人脸不小于 160 像素的图片。",
    ),
    ("size", "refuse"): (
        "Use a larger picture, or crop closer before scaling down.",
        "请使用更大的图片，或在缩小之前先裁剪到人脸附近。",
    ),
    ("yaw", "warn"): (
        "The head is turned: it can move less before the far side smears; a frontal picture works best.",
        "头部有转动，可活动的范围较小；正面照片效果最好。",
    ),
    ("yaw", "refuse"): (
        "Use a picture that looks towards the camera (up to 45°), or another face with --face N.",
        "请使用面向镜头的图片（不超过 45°），或用 --face N 选择另一张脸。",
    ),
    ("pitch", "warn"): (
        "The head is raised or lowered; a picture taken at eye level works best.",
        "头部上仰或下低；与眼睛同高拍摄的照片效果最好。",
    ),
    ("roll", "warn"): (
        "The head is tilted; turn the picture upright for calmer motion.",
        "头部倾斜；将图片转正后动作会更自然。",
    ),
    ("roll", "refuse"): (
        "Turn the picture upright and try again.",
        "请将图片转正后再试。",
    ),
    ("sharpness", "warn"): (
        "The picture is soft around the eyes; use a sharper one if there is one.",
        "眼睛附近不够清晰；如有更清晰的图片请更换。",
    ),
    ("exposure", "warn"): (
        "Parts of the face are too dark or too bright to show detail; use softer, even light.",
        "脸部过暗或过亮，细节丢失；请使用柔和均匀的光线。",
    ),
    ("contrast", "warn"): (
        "The face has little contrast; fog, flash or a filter may be the reason.",
        "脸部对比度低，可能是雾、闪光灯或滤镜所致。",
    ),
    ("side_light", "warn"): (
        "The light comes from one side; turning the head will not move its shadows.",
        "光线来自一侧；头部转动时阴影不会随之变化。",
    ),
    ("lips", "parted"): (
        "The lips are parted; they will be closed for silence, which works best from closed lips.",
        "嘴唇微张；静默时会被合上，闭唇的照片效果最好。",
    ),
    ("lips", "teeth"): (
        "Teeth are showing; closing such a smile looks less natural than a picture with closed lips.",
        "露出牙齿；合上这样的笑容不如闭唇照片自然。",
    ),
    ("glasses", "warn"): (
        "Glasses are suspected; they work, but eyes move more freely without them.",
        "疑似戴眼镜；可以使用，但不戴眼镜时眼部动作更自然。",
    ),
    ("occlusion", "warn"): (
        "Something may cover part of the face (hair, a hand, a microphone); it would move with the skin.",
        "脸部可能被遮挡（头发、手、话筒等），遮挡物会随皮肤一起移动。",
    ),
}


def label(key: str, language: str = "en") -> str:
    """What a check is called, in English ("en") or Chinese ("zh", "zh-CN" …)."""
    names = _LABELS.get(key, (key, key))
    return names[_column(language)]


def advice(key: str, value: object, grade: str, language: str = "en") -> str:
    """One sentence on what to do about a finding; empty when all is well."""
    if grade == "ok":
        return ""
    texts = _ADVICE.get((key, str(value))) or _ADVICE.get((key, grade)) or ("", "")
    return texts[_column(language)]


def word(value: str, language: str = "en") -> str:
    """A value or grade of the report in the reader's language."""
    return _WORDS.get(value, value) if _column(language) else value


_WORDS: Final = {
    "ok": "合格", "warn": "注意", "refuse": "拒绝", "good": "正常", "dark": "过暗", "bright": "过亮",
    "closed": "闭合", "parted": "微张", "teeth": "露齿", "none": "无", "suspected": "疑似",
}  # fmt: skip


def _column(language: str) -> int:
    return 1 if language.lower().startswith("zh") else 0
