"""The mark of a tea house that there is not: a leaf that is also a cup's steam, in a ring."""

from __future__ import annotations

from pictures.paper import CREAM, DEEP, path, picture


def logo() -> str:
    """Round, 320 x 320, transparent around it."""
    half = "M160,258C92,222 92,130 160,62"
    whole = f"{half}C228,130 228,222 160,258Z"
    body = (
        f'<circle cx="160" cy="160" r="150" fill="{DEEP}" fill-opacity=".92"/>'
        f'<circle cx="160" cy="160" r="136" fill="none" stroke="{CREAM}" stroke-width="6"/>'
        + path(whole, "#7fbf7a") + path(f"{half}L160,258Z", "#b7dc8f")
        + path("M160,276C150,220 176,190 158,150C148,126 166,112 160,92", stroke=DEEP, stroke_width=9,
               stroke_linecap="round")
        + path("M160,258L160,282", stroke="#7fbf7a", stroke_width=9, stroke_linecap="round")
    )  # fmt: skip
    return picture(320, 320, body, grain=0)
