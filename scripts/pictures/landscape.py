"""Mountains at dusk, and the tea garden in the morning that the short begins with."""

from __future__ import annotations

from pictures.paper import (
    BARK,
    CREAM,
    DEEP,
    LEAF,
    PINE,
    Point,
    beads,
    between,
    birds,
    branch,
    circle,
    cloud,
    glow,
    gradient,
    group,
    hills,
    leaf,
    path,
    picture,
    rect,
    ridge,
    shifted,
    smooth,
)  # fmt: skip

WIDTH, HEIGHT = 1080, 1920


_SLOPES: list[tuple[list[Point], list[Point], int, float, tuple[str, str, str]]] = [
    (
        [(-40, 1180), (240, 1050), (560, 1075), (840, 1150), (1120, 1090)],
        [(-40, 1560), (240, 1400), (560, 1440), (840, 1540), (1120, 1470)], 9, 21, ("soil1", "#4d9268", "#79b47c"),
    ),
    (
        [(-40, 1250), (240, 1330), (560, 1430), (840, 1370), (1120, 1240)],
        [(-40, 1700), (240, 1800), (560, 1900), (840, 1850), (1120, 1690)], 8, 30, ("soil2", "#3c8160", "#64a571"),
    ),
    (
        [(-40, 1640), (240, 1590), (560, 1660), (840, 1600), (1120, 1560)],
        [(-40, 2100), (240, 2060), (560, 2140), (840, 2090), (1120, 2040)], 7, 42, ("soil3", "#2b6a55", "#4a8d66"),
    ),
]  # fmt: skip
"""Slopes of the garden, from afar: where the first row is, where the last one, how many, how wide they are, colours."""


def dusk(left: float, top: float, width: float, height: float, name: str) -> str:
    """Mountains behind mountains in the last light, for a window. name: of its colours in the drawing."""
    right, bottom = left + width, top + height

    def x(share: float) -> float:
        return left + share * width

    def y(share: float) -> float:
        return top + share * height

    colours = (
        gradient(
            f"{name}-sky", (0, "#174851"), (0.3, "#37706f"), (0.47, "#b9ad84"), (0.55, "#e6bd8a"), (0.68, "#f2b07a")
        )
        + glow(f"{name}-sun", (0, "#fff3d2", 1), (0.22, "#ffe3a8", 0.75), (1, "#ffd08a", 0))
        + gradient(f"{name}-1", (0, "#c99a80"), (1, "#efc59a"))
        + gradient(f"{name}-2", (0, "#8f8a7c"), (1, "#d8b48f"))
        + gradient(f"{name}-3", (0, "#547a73"), (1, "#9aa68b"))
        + gradient(f"{name}-4", (0, "#2c615d"), (1, "#4d8074"))
        + gradient(f"{name}-5", (0, "#17474a"), (1, "#12383c"))
    )
    ranges = [
        (0.56, ((x(0.22), 0.16 * height, 0.14 * width), (x(0.72), 0.2 * height, 0.16 * width)), 3),
        (0.63, ((x(0.05), 0.16 * height, 0.16 * width), (x(0.5), 0.1 * height, 0.16 * width),
                (x(0.9), 0.17 * height, 0.13 * width)), 5),
        (0.71, ((x(0.3), 0.15 * height, 0.17 * width), (x(0.78), 0.09 * height, 0.2 * width)), 8),
        (0.8, ((x(0.0), 0.14 * height, 0.22 * width), (x(0.98), 0.17 * height, 0.24 * width)), 11),
        (0.86, ((x(0.42), 0.08 * height, 0.4 * width),), 17),
    ]  # fmt: skip
    body = rect(left, top, width, height, f"url(#{name}-sky)")
    body += circle(x(0.63), y(0.47), 0.3 * width, f"url(#{name}-sun)") + circle(
        x(0.63), y(0.47), 0.066 * width, "#fff1cf"
    )
    body += cloud(x(0.25), y(0.3), 0.055 * width, "#f7dfb8", 0.5) + cloud(
        x(0.86), y(0.24), 0.042 * width, "#cfd9c4", 0.42
    )
    body += birds(x(0.38), y(0.38), 0.034 * width, "#2c4f50")
    for number, (base, bumps, seed) in enumerate(ranges, 1):
        edge = hills(left, right, y(base), bumps, seed, 0.006 * height)
        body += ridge(edge, bottom, f"url(#{name}-{number})", filter="url(#near)")
        if number == 3:
            body += pavilion(x(0.3), y(0.555), 0.075 * width, "#214f4e")
    return f"<defs>{colours}</defs>{body}"


def pavilion(x: float, y: float, size: float, fill: str) -> str:
    """A small roof on four posts, on a hill far away. x, y: the middle of its floor."""
    roof = (
        f"M{x - size * 0.62:.1f},{y - size * 0.48:.1f}"
        f"Q{x - size * 0.3:.1f},{y - size * 0.56:.1f} {x:.1f},{y - size:.1f}"
        f"Q{x + size * 0.3:.1f},{y - size * 0.56:.1f} {x + size * 0.62:.1f},{y - size * 0.48:.1f}"
        f"Q{x:.1f},{y - size * 0.36:.1f} {x - size * 0.62:.1f},{y - size * 0.48:.1f}Z"
    )
    posts = "".join(rect(x + dx * size - size * 0.025, y - size * 0.46, size * 0.05, size * 0.5, fill) for dx in
                    (-0.36, -0.13, 0.13, 0.36))  # fmt: skip
    return path(roof, fill) + posts + rect(x - size * 0.48, y, size * 0.96, size * 0.09, fill)


def tea_garden() -> str:
    """Upright: rows of tea on hills in the first light; quiet in the middle, where somebody stands."""
    colours = (
        gradient("sky", (0, "#2f6f76"), (0.24, "#6fa39a"), (0.42, "#cfd3ad"), (0.52, "#f3d7a4"))
        + glow("sun", (0, "#fff8e0", 1), (0.2, "#ffeec0", 0.75), (0.5, "#ffe6b0", 0.28), (1, "#ffe2a8", 0))
        + gradient("far1", (0, "#9db8a4"), (1, "#dfdcb8")) + gradient("far2", (0, "#6f9c8e"), (1, "#b9caa8"))
        + gradient("far3", (0, "#437a70"), (1, "#83a98f")) + gradient("far4", (0, "#2a5f58"), (1, "#467f6c"))
        + gradient("soil1", (0, "#2f6a57"), (1, "#24574b")) + gradient("soil2", (0, "#255a4a"), (1, "#1a4640"))
        + gradient("soil3", (0, "#1c4a41"), (1, "#133634")) + gradient("veil", (0, "#0d2527", 0), (1, "#0d2527", 0.72))
    )  # fmt: skip
    body = rect(0, 0, WIDTH, HEIGHT, "url(#sky)")
    body += circle(815, 640, 620, "url(#sun)") + circle(815, 640, 84, "#fff6da")
    body += cloud(250, 330, 74, CREAM, 0.34) + cloud(900, 420, 56, CREAM, 0.4) + cloud(420, 560, 44, CREAM, 0.34)
    body += birds(300, 470, 44, "#24514f")
    far = [
        (820, ((210, 230, 120), (420, 120, 150), (890, 160, 130)), 4, "far1"),
        (880, ((60, 180, 150), (560, 190, 110), (700, 90, 120), (1040, 220, 140)), 9, "far2"),
        (950, ((300, 130, 170), (860, 120, 190)), 14, "far3"),
        (1040, ((40, 120, 240), (1060, 130, 250)), 21, "far4"),
    ]
    for base, bumps, seed, fill in far:
        body += ridge(hills(-20, 1100, base, bumps, seed, 6), HEIGHT, f"url(#{fill})", filter="url(#near)")
    body += pavilion(850, 832, 92, "#2b605a")
    for top, low, rows, wide, fills in _SLOPES:
        body += _slope(top, low, rows, wide, fills)
    body += rect(0, 1050, WIDTH, HEIGHT - 1050, "url(#veil)")
    body += _twig("translate(-30 1330) rotate(14)") + _twig("translate(1112 1420) scale(-1 1) rotate(8)")
    return picture(WIDTH, HEIGHT, f"<defs>{colours}</defs>{body}", grain=0.26)


def _slope(top: list[Point], low: list[Point], rows: int, wide: float, fills: tuple[str, str, str]) -> str:
    """A slope with rows of tea that come nearer. fills: of the soil, of the bushes, of the light on them."""
    soil, bush, light = fills
    body = path(f"{smooth(top)}L1120,1920L-40,1920Z", f"url(#{soil})", filter="url(#cut)")
    for k in range(rows):
        part = (k / rows) ** 1.25
        line, size = between(top, low, part + 0.03), wide * (0.62 + 0.75 * part)
        body += beads(smooth(shifted(line, size * 0.5)), size * 1.1, "#0c2b2a55", size * 0.72)
        body += beads(smooth(line), size, bush, size * 0.72)
        body += beads(smooth(shifted(line, -size * 0.2, -size * 0.12)), size * 0.46, light, size * 0.72)
    edge = path(f"{smooth(top)}L1120,1920L-40,1920Z")
    return f'<g clip-path="url(#{soil}-c)">{body}</g><clipPath id="{soil}-c">{edge}</clipPath>'


def _twig(at: str) -> str:
    """A twig of tea near the camera: leaves in pairs, a bud at its end."""
    line = [(0, 620), (30, 470), (75, 320), (110, 170), (128, 30)]
    body = branch(line, 17, 6, BARK)
    spots = [(18, 540, 190, 62), (45, 430, 176, -48), (76, 318, 166, 58), (98, 226, 148, -42), (114, 150, 128, 50)]
    for x, y, length, angle in spots:
        body += group(leaf(x, y, length, angle, "#2f7355", DEEP, vein="#8fc08a"), filter="url(#near)")
    young = leaf(124, 66, 118, -30, LEAF, PINE, vein="#b5d89a") + leaf(
        126, 60, 112, 32, "#6aa763", PINE, vein="#c9e3a4"
    )
    body += group(young, filter="url(#near)")
    body += leaf(128, 40, 92, 3, "#b9d27c", LEAF, wide=0.2)
    return group(body, at, filter="url(#cut)")
