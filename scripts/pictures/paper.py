"""What all drawings share: a palette, shapes cut from paper, the shadows between them, and the paper's grain."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from itertools import pairwise

INK, DEEP, PINE, SAGE, MIST = "#12282a", "#17393a", "#25574f", "#7fa08a", "#c9d6bf"
CREAM, PAPER, SAND, HONEY, APRICOT = "#f6ecd6", "#efe0c2", "#dcc299", "#e3a94f", "#f0b57c"
CORAL, CLAY, WALNUT, BARK, LEAF = "#d9714d", "#a9502f", "#4a2f22", "#2c1c16", "#4f8a5b"

Point = tuple[float, float]

_SHADOWS = "".join(
    f'<filter id="{name}" x="-30%" y="-30%" width="160%" height="160%" color-interpolation-filters="sRGB">'
    f'<feDropShadow dx="0" dy="{down}" stdDeviation="{soft}" flood-color="#07191b" flood-opacity="{dark}"/></filter>'
    for name, down, soft, dark in (("near", 3, 4, 0.35), ("cut", 7, 9, 0.38), ("high", 16, 18, 0.42))
)
_GRAIN = (
    '<filter id="grain" x="0" y="0" width="100%" height="100%">'
    '<feTurbulence type="fractalNoise" baseFrequency="{fine}" numOctaves="3" seed="7"/>'
    '<feColorMatrix type="saturate" values="0"/><feComponentTransfer><feFuncA type="linear" slope="0" '
    'intercept="1"/></feComponentTransfer></filter>'
)


def picture(width: int, height: int, body: str, *, grain: float = 0.3, fine: float = 0.55) -> str:
    """A drawing. grain: how strong the paper is seen, 0…1. fine: how fine it is."""
    paper = f'<rect width="{width}" height="{height}" filter="url(#grain)" opacity="{grain}" class="grain"/>'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">'
        f"<style>.grain{{mix-blend-mode:soft-light}}text{{font-family:'Mien Sans Latin','Noto Sans',sans-serif;"
        f"font-weight:700}}</style><defs>{_SHADOWS}{_GRAIN.replace('{fine}', str(fine))}</defs>"
        f"{body}{paper if grain else ''}</svg>"
    )


def gradient(name: str, *stops: tuple[float, str] | tuple[float, str, float], across: bool = False) -> str:
    """Colours from top to bottom, or from left to right; a third value is how opaque."""
    way = 'x1="0" y1="0" x2="1" y2="0"' if across else 'x1="0" y1="0" x2="0" y2="1"'
    return f'<linearGradient id="{name}" {way}>{_stops(stops)}</linearGradient>'


def glow(name: str, *stops: tuple[float, str] | tuple[float, str, float]) -> str:
    """Colours from the middle outwards."""
    return f'<radialGradient id="{name}">{_stops(stops)}</radialGradient>'


def _stops(stops: Sequence[tuple[float, str] | tuple[float, str, float]]) -> str:
    return "".join(
        f'<stop offset="{s[0]}" stop-color="{s[1]}" stop-opacity="{s[2] if len(s) > 2 else 1}"/>' for s in stops
    )


def path(d: str, fill: str = "none", **more: object) -> str:
    """A path; further attributes with ``_`` for ``-``."""
    extra = "".join(f' {key.replace("_", "-")}="{value}"' for key, value in more.items())
    return f'<path d="{d}" fill="{fill}"{extra}/>'


def circle(x: float, y: float, r: float, fill: str = "none", **more: object) -> str:
    """A circle."""
    extra = "".join(f' {key.replace("_", "-")}="{value}"' for key, value in more.items())
    return f'<circle cx="{x:g}" cy="{y:g}" r="{r:g}" fill="{fill}"{extra}/>'


def rect(x: float, y: float, w: float, h: float, fill: str = "none", r: float = 0, **more: object) -> str:
    """A box with round corners."""
    extra = "".join(f' {key.replace("_", "-")}="{value}"' for key, value in more.items())
    return f'<rect x="{x:g}" y="{y:g}" width="{w:g}" height="{h:g}" rx="{r:g}" fill="{fill}"{extra}/>'


def group(body: str, at: str = "", **more: object) -> str:
    """Several things together. at: where, as SVG's transform has it."""
    extra = "".join(f' {key.replace("_", "-")}="{value}"' for key, value in more.items())
    return f"<g{f' transform={chr(34)}{at}{chr(34)}' if at else ''}{extra}>{body}</g>"


def smooth(points: Sequence[Point]) -> str:
    """A soft line through points (Catmull-Rom, as Bézier curves)."""
    ends = [points[0], *points, points[-1]]
    d = f"M{points[0][0]:.1f},{points[0][1]:.1f}"
    for k in range(1, len(ends) - 2):
        (x0, y0), (x1, y1), (x2, y2), (x3, y3) = ends[k - 1 : k + 3]
        d += (
            f"C{x1 + (x2 - x0) / 6:.1f},{y1 + (y2 - y0) / 6:.1f} {x2 - (x3 - x1) / 6:.1f},{y2 - (y3 - y1) / 6:.1f} "
            f"{x2:.1f},{y2:.1f}"
        )
    return d


def hills(
    left: float, right: float, base: float, bumps: Sequence[tuple[float, float, float]], seed: int, rough: float = 5
) -> list[Point]:
    """The upper edge of a range. bumps: where, how high, how wide each hill is. rough: how uneven it is."""
    dice = random.Random(seed)  # noqa: S311 - a drawing
    waves = [(dice.uniform(25, 110), dice.uniform(0, 6.3), dice.uniform(0.3, 1)) for _ in range(4)]
    points = []
    steps = max(8, round((right - left) / 16))
    for k in range(steps + 1):
        x = left + (right - left) * k / steps
        lifted = sum((h * math.exp(-(((x - at) / w) ** 2))) ** 2 for at, h, w in bumps) ** 0.5
        uneven = sum(rough * a * math.sin(x / length + phase) for length, phase, a in waves)
        points.append((x, base - lifted - uneven))
    return points


def ridge(points: Sequence[Point], bottom: float, fill: str, **more: object) -> str:
    """Everything under the edge of a range."""
    return path(f"{smooth(points)}L{points[-1][0]:.1f},{bottom:g}L{points[0][0]:.1f},{bottom:g}Z", fill, **more)


def leaf(
    x: float, y: float, length: float, angle: float, fill: str, dark: str, *, wide: float = 0.36, vein: str = ""
) -> str:
    """A tea leaf from its stalk outwards, folded along its middle. angle: degrees, 0 = upwards, clockwise."""
    w, n = wide * length, length
    half = f"M0,0C{w * 1.05:.1f},{-n * 0.2:.1f} {w:.1f},{-n * 0.7:.1f} 0,{-n:.1f}"
    whole = f"{half}C{-w:.1f},{-n * 0.7:.1f} {-w * 1.05:.1f},{-n * 0.2:.1f} 0,0Z"
    ribs = "".join(
        f"M0,{-n * t:.1f}Q{s * w * r * 0.5:.1f},{-n * (t + 0.04):.1f} {s * w * r:.1f},{-n * (t + 0.15):.1f}"
        for t, r in ((0.16, 0.56), (0.31, 0.62), (0.46, 0.55), (0.61, 0.38)) for s in (-1, 1)
    )  # fmt: skip
    line = vein or dark
    return group(
        path(whole, fill) + path(f"{half}L0,0Z", dark, opacity=0.45)
        + path(f"M0,{n * 0.06:.1f}L0,{-n * 0.93:.1f}", stroke=line, stroke_width=f"{max(1.2, n * 0.022):.1f}",
               stroke_linecap="round")
        + path(ribs, stroke=line, stroke_width=f"{max(0.8, n * 0.011):.1f}", stroke_linecap="round", opacity=0.55),
        f"translate({x:.1f} {y:.1f}) rotate({angle:.1f})",
    )  # fmt: skip


def beads(d: str, wide: float, fill: str, step: float) -> str:
    """A line of round bushes."""
    return path(d, stroke=fill, stroke_width=f"{wide:.1f}", stroke_linecap="round", stroke_dasharray=f"0.1 {step:.1f}")


def shifted(points: Sequence[Point], down: float, right: float = 0.0) -> list[Point]:
    """The same line elsewhere."""
    return [(x + right, y + down) for x, y in points]


def between(low: Sequence[Point], high: Sequence[Point], part: float) -> list[Point]:
    """A line between two of as many points."""
    return [(a + (c - a) * part, b + (d - b) * part) for (a, b), (c, d) in zip(low, high, strict=True)]


def cloud(x: float, y: float, size: float, fill: str, opacity: float = 1.0) -> str:
    """A flat cloud as old prints have it: bars with round ends."""
    bars = ((0.1, 0, 3.0), (-0.85, 0.36, 3.3), (0.9, 0.72, 2.6), (0.55, -0.36, 1.5))
    boxes = "".join(
        rect(x + (a - w / 2) * size, y + b * size, w * size, 0.37 * size, fill, 0.185 * size) for a, b, w in bars
    )
    return group(boxes, opacity=opacity)


def birds(x: float, y: float, size: float, colour: str) -> str:
    """Three birds far away."""
    out = ""
    for dx, dy, s in ((0, 0, 1.0), (1.7, -0.7, 0.75), (2.6, 0.35, 0.6)):
        a, b, w = x + dx * size, y + dy * size, s * size
        out += f"M{a - w / 2:.1f},{b - w * 0.12:.1f}Q{a - w * 0.2:.1f},{b - w * 0.3:.1f} {a:.1f},{b:.1f}"
        out += f"Q{a + w * 0.2:.1f},{b - w * 0.3:.1f} {a + w / 2:.1f},{b - w * 0.16:.1f}"
    return path(out, stroke=colour, stroke_width=f"{size * 0.09:.1f}", stroke_linecap="round", stroke_linejoin="round")


def steam(x: float, y: float, size: float, colour: str = CREAM, opacity: float = 0.75) -> str:
    """Three threads of steam that rise from a place."""
    out = ""
    for dx, high, side in ((-0.34, 0.8, 1), (0.0, 1.1, -1), (0.34, 0.75, 1)):
        points = [
            (x + size * (dx + side * 0.1 * math.sin(t * 5.2) * (0.4 + t)), y - size * high * t)
            for t in (k / 10 for k in range(11))
        ]
        out += path(
            smooth(points), stroke=colour, stroke_width=f"{size * 0.055:.1f}", stroke_linecap="round",
            opacity=opacity * (1 if dx == 0 else 0.75),
        )  # fmt: skip
    return out


def branch(points: Sequence[Point], start: float, end: float, fill: str) -> str:
    """A branch that becomes thinner along points. start, end: its width there."""
    left, right = [], []
    ways = [(x1 - x0, y1 - y0) for (x0, y0), (x1, y1) in pairwise(points)]
    for k, ((x, y), (along, down)) in enumerate(zip(points, [*ways, ways[-1]], strict=True)):
        wide = (start + (end - start) * k / (len(points) - 1)) / 2 / math.hypot(along, down)
        left.append((x - down * wide, y + along * wide))
        right.append((x + down * wide, y - along * wide))
    back = smooth(right[::-1]).replace("M", "L", 1)
    return path(f"{smooth(left)}{back}Z", fill)
