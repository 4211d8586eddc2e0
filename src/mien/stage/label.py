"""The visible mark: a few small words in a corner that say what a picture is."""

from __future__ import annotations

from typing import Final

import numpy as np

from mien.errors import UsageError
from mien.types import ByteArray

AUTO: Final = {
    "en": "AI-generated",
    "zh": "AI 生成",
    "ja": "AI生成",
    "ko": "AI 생성",
    "de": "KI-generiert",
    "fr": "Généré par IA",
}
"""What "auto" says, by language; English elsewhere."""
_LONGEST: Final = 60
_SIZE: Final = 0.056  # em, share of the shorter side: letters of 5 %, which GB 45438-2025 asks for in China
_MARGIN: Final = 0.02
_SMALLEST: Final = 11.0  # pixels


def words_of(label: str, language: str = "") -> str:
    """What a label says. label: the words, or "auto". language: BCP 47. Raises UsageError when it is too long."""
    text = AUTO.get(language.partition("-")[0].lower(), AUTO["en"]) if label == "auto" else label.strip()
    if len(text) > _LONGEST or "\n" in text:
        raise UsageError(f"A label is one line of up to {_LONGEST} characters.", hint="Shorten --label.")
    return text


def paint(text: str, width: int, height: int) -> ByteArray:
    """The words on a dark pill, uint8 (h, w, 4), for a canvas of that size. Raises MissingError for missing letters."""
    from mien.stage.type.style import Box, TextStyle
    from mien.stage.type.text import set_text

    size = max(_SMALLEST, _SIZE * min(width, height))
    style = TextStyle(size, weight=400, colour="#ffffffe6", box=Box("#10121690", 0.5, 0.22, 0.4))
    return set_text(text, style, 0.9 * width).pixels


class Label:
    """Lays words into the bottom right corner. Pictures are changed in place: hand over your own."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._painted: dict[tuple[int, int], ByteArray] = {}

    def draw(self, pixels: ByteArray) -> None:
        """pixels: uint8 (h, w, 3), or (h, w, 4) with straight alpha."""
        height, width = pixels.shape[:2]
        if (width, height) not in self._painted:
            self._painted[width, height] = paint(self._text, width, height)
        over = self._painted[width, height]
        margin = round(_MARGIN * min(width, height))
        bottom, right = height - margin, width - margin
        over = over[max(0, over.shape[0] - bottom) :, max(0, over.shape[1] - right) :]
        _lay(over, pixels[bottom - over.shape[0] : bottom, right - over.shape[1] : right])


def _lay(over: ByteArray, under: ByteArray) -> None:
    """Porter and Duff's over, straight alpha, in place."""
    a = over[..., 3:].astype(np.float32) / 255
    b = under[..., 3:].astype(np.float32) / 255 if under.shape[2] == 4 else np.float32(1)
    whole = a + b * (1 - a)
    mixed = (over[..., :3] * a + under[..., :3] * b * (1 - a)) / np.maximum(whole, 1e-6)
    under[..., :3] = np.rint(mixed)
    if under.shape[2] == 4:
        under[..., 3:] = np.rint(whole * 255)
