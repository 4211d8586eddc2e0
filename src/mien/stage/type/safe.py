"""Where a platform's own buttons and words lie over a film, and what is left for ours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from mien.errors import UsageError

_TALL: Final = 0.7  # width to height below which a film fills the screen of a phone held upright


@dataclass(frozen=True, slots=True)
class Margins:
    """Shares of the film's height (top, bottom) and width (left, right) that are covered. source: who says so."""

    top: float
    bottom: float
    left: float
    right: float
    source: str


_TITLES: Final = Margins(0.05, 0.05, 0.05, 0.05, "EBU R 95: graphics stay 5 % away from every edge")

PLATFORMS: Final[dict[str, Margins]] = {
    "tiktok": Margins(
        0.08, 0.23, 0.06, 0.14,
        "TikTok's guides for advertisers as agencies pass them on, for 1080 x 1920: 150 pixels at the top, 440 at the "
        "bottom, 150 at the right, 60 at the left",
    ),
    "douyin": Margins(
        0.09, 0.23, 0.06, 0.14,
        "no figures are published; TikTok's, whose screen it shares, and the row of tabs at the top",
    ),
    "reels": Margins(
        0.14, 0.35, 0.06, 0.06, "Meta's guide for advertisers: 14 % at the top, 35 % at the bottom, 6 % at the sides"
    ),
    "shorts": Margins(
        0.10, 0.25, 0.05, 0.13,
        "YouTube publishes none for films; creators measure a quarter at the bottom, 140 of 1080 pixels right",
    ),
    "bilibili": Margins(
        0.10, 0.20, 0.05, 0.13, "no figures are published; upright films in its app, measured by eye with room to spare"
    ),
    "none": _TITLES,
}  # fmt: skip
"""What upright films lose. Films of other shapes are shown with bars and lose nothing but a player's edges."""

_LYING: Final[dict[str, Margins]] = {
    "bilibili": Margins(0.08, 0.10, 0.05, 0.05, "comments fly at the top, the player's bar lies at the bottom; by eye"),
}


@dataclass(frozen=True, slots=True)
class Area:
    """What is free, pixels; right and bottom not included."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def height(self) -> int:
        return self.bottom - self.top


def safe_area(platform: str, width: int, height: int) -> Area:
    """The part of a film that a platform leaves free. Raises UsageError for an unknown platform."""
    if platform not in PLATFORMS:
        known = ", ".join(PLATFORMS)
        raise UsageError(f"'{platform}' is not a platform whose edges are known.", hint=f"Use one of {known}.")
    tall = width <= _TALL * height
    margins = PLATFORMS[platform] if tall else _LYING.get(platform, _TITLES)
    return Area(
        round(margins.left * width), round(margins.top * height),
        round((1 - margins.right) * width), round((1 - margins.bottom) * height),
    )  # fmt: skip
