"""The looks of burned-in captions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from mien.stage.type.style import Box, Shadow, TextStyle


@dataclass(frozen=True, slots=True)
class Look:
    """text: the lettering; its size does not count.

    of_width, of_height: an em, as shares of the film; the smaller holds. accent: colour of the word that is said.
    follows: whether it is shown. lines: at most. place, middle: where in what is free. big: a word or a few at a time.
    """

    text: TextStyle
    of_width: float
    of_height: float
    accent: str = "#ffd23f"
    follows: bool = False
    lines: int = 2
    place: str = "bottom"
    middle: float = 0.82
    big: bool = False


_DARK: Final = "#0d0f14"

LOOKS: Final[dict[str, Look]] = {
    "plain": Look(
        TextStyle(40, outline=0.045, outline_colour=f"{_DARK}d0", shadow=Shadow(0, 0.05, 0.1, "#00000090")),
        0.060, 0.058,
    ),
    "box": Look(
        TextStyle(40, weight=700, box=Box("#0f1116cc", 0.42, 0.19, 0.26, by_line=True), leading=1.38), 0.056, 0.052
    ),
    "karaoke": Look(
        TextStyle(40, outline=0.085, outline_colour=_DARK, shadow=Shadow(0, 0.06, 0.08, "#00000080")),
        0.066, 0.062, follows=True,
    ),
    "big-word": Look(
        TextStyle(40, outline=0.075, outline_colour=_DARK, shadow=Shadow(0, 0.05, 0.07, "#000000a0"), leading=1.16),
        0.150, 0.140, place="middle", big=True,
    ),
}  # fmt: skip
