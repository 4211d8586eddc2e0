"""The tea room with its moon window, upright; and a wide room for a talk."""

from __future__ import annotations

from itertools import pairwise

from pictures.landscape import dusk
from pictures.paper import (
    BARK,
    CLAY,
    CORAL,
    CREAM,
    DEEP,
    HONEY,
    LEAF,
    PINE,
    SAGE,
    SAND,
    WALNUT,
    birds,
    branch,
    circle,
    glow,
    gradient,
    group,
    leaf,
    path,
    picture,
    rect,
    smooth,
)  # fmt: skip


def upright() -> str:
    """1080 x 1920: a dusky wall, mountains in a round window, a bench on which things stand left and right."""
    body = rect(0, 0, 1080, 1920, "url(#wall)") + _slats(0, 1080, 0, 1230, 54)
    body += circle(540, 560, 900, "url(#light)")
    body += window(540, 560, 432)
    body += group(_plum(), "translate(1092 90)", filter="url(#cut)")
    body += _bench(1230, 1080, 1920)
    body += group(vase(132, 1232, 1.0), filter="url(#cut)") + group(pots(955, 1232, 1.0), filter="url(#cut)")
    body += rect(0, 1180, 1080, 740, "url(#floor)") + rect(0, 0, 1080, 1920, "url(#edge)")
    return picture(1080, 1920, f"<defs>{_colours()}</defs>{body}", grain=0.3)


def wide() -> str:
    """1920 x 1080: the window at the left, a shelf at the right, nothing behind whoever sits between."""
    body = rect(0, 0, 1920, 1080, "url(#wall)") + _slats(0, 1920, 0, 830, 54)
    body += group(circle(0, 0, 900, "url(#light)"), "translate(430 440)")
    body += window(430, 430, 330)
    body += group(_lamp(), "translate(1150 -70) scale(.86)")
    body += group(_shelf(), "translate(1290 250)", filter="url(#cut)")
    body += _bench(830, 1920, 1080)
    body += group(vase(80, 832, 0.72), filter="url(#cut)") + group(
        _plant(), "translate(1800 842) scale(.66)", filter="url(#cut)"
    )
    body += rect(0, 800, 1920, 280, "url(#floor)") + rect(0, 0, 1920, 1080, "url(#edge)")
    return picture(1920, 1080, f"<defs>{_colours()}</defs>{body}", grain=0.3)


def window(x: float, y: float, r: float) -> str:
    """A round window of dark wood, and what is seen through it."""
    hole = f"M{x - r},{y}a{r},{r} 0 1 0 {2 * r},0a{r},{r} 0 1 0 {-2 * r},0Z"
    outer = r * 1.085
    ring = f"M{x - outer},{y}a{outer},{outer} 0 1 0 {2 * outer},0a{outer},{outer} 0 1 0 {-2 * outer},0Z"
    return (
        f'<clipPath id="hole">{path(hole)}</clipPath>'
        + circle(x, y, outer * 1.02, "#0a1f20", filter="url(#high)")
        + f'<g clip-path="url(#hole)">{dusk(x - r, y - r, 2 * r, 2 * r, "w")}</g>'
        + path(ring + hole, "url(#wood)", fill_rule="evenodd", filter="url(#high)")
        + circle(x, y, outer - 3, stroke="#8a6546", stroke_width=2.5, opacity=0.8)
        + circle(x, y, r + 5, stroke="#c48d5a", stroke_width=4, opacity=0.85)
        + circle(x, y, r * 1.045, stroke="#241611", stroke_width=2, opacity=0.6)
    )


def _colours() -> str:
    return (
        gradient("wall", (0, "#14302f"), (0.45, "#234d47"), (1, "#16322f"))
        + glow("light", (0, "#ffcf8a", 0.42), (0.45, "#f3b777", 0.18), (1, "#f3b777", 0))
        + gradient("wood", (0, "#6d4a34"), (0.5, "#4a2f22"), (1, "#33211a"))
        + gradient("bench", (0, "#8a5c3d"), (0.12, "#6b452f"), (1, "#3d281d"))
        + gradient("panel", (0, "#2a1b15"), (1, "#1a1210"))
        + gradient("floor", (0, "#0b1717", 0), (0.35, "#0b1717", 0.15), (1, "#0b1717", 0.6))
        + gradient("china", (0, "#d8e4dc"), (0.35, "#f7f3e6"), (1, "#9db4ae"), across=True)
        + gradient("celadon", (0, "#6e9c8c"), (0.3, "#a9cdb9"), (1, "#4c7a70"), across=True)
        + gradient("clay", (0, "#7f3a25"), (0.32, "#c96a45"), (1, "#6d2f20"), across=True)
        + gradient("caddy", (0, "#1c3f43"), (0.3, "#3b7073"), (1, "#15313a"), across=True)
        + glow("edge", (0, "#041010", 0), (0.72, "#041010", 0), (1, "#041010", 0.5))
        + glow("lamp", (0, "#fff0c4", 0.9), (0.4, "#ffd693", 0.4), (1, "#ffc876", 0))
    )


def _slats(left: float, right: float, top: float, bottom: float, step: float) -> str:
    """Thin uprights on the wall."""
    out = ""
    x = left + step / 2
    while x < right:
        out += rect(x, top, 2, bottom - top, "#0c2223", opacity=0.34) + rect(
            x + 2, top, 1.5, bottom - top, "#5b8a7c", opacity=0.14
        )
        x += step
    return out


def _bench(y: float, width: float, bottom: float) -> str:
    """A long bench and the wood under it."""
    body = rect(0, y + 30, width, bottom - y - 30, "url(#panel)")
    x = 0.0
    while x < width:
        body += rect(x, y + 44, 3, bottom - y, "#0d0807", opacity=0.5) + rect(
            x + 3, y + 44, 2, bottom - y, "#4b3226", opacity=0.45
        )
        x += 90
    return (
        body
        + rect(-20, y, width + 40, 46, "url(#bench)", filter="url(#cut)")
        + rect(0, y, width, 3, "#c08a5c", opacity=0.7)
    )


def _plum() -> str:
    """A branch in blossom that reaches in from the upper right."""
    main = [(40, 20), (-60, 60), (-150, 66), (-235, 110), (-330, 112), (-420, 150)]
    side = [(-150, 66), (-200, 30), (-262, 12), (-330, -24)]
    low = [(-235, 110), (-270, 170), (-282, 236)]
    body = branch(main, 26, 4, BARK) + branch(side, 12, 3, BARK) + branch(low, 9, 3, BARK)
    for x, y, r in (
        (-118, 60, 25), (-196, 94, 21), (-300, 108, 24), (-378, 134, 19), (-248, 14, 22), (-322, -20, 17),
        (-276, 196, 20), (-62, 66, 17),
    ):  # fmt: skip
        body += _blossom(x, y, r)
    for x, y in ((-424, 152), (-346, -28), (-284, 244), (-214, 26), (-160, 84), (-342, 116)):
        body += circle(x, y, 8, CORAL) + circle(x - 2, y - 2, 3.5, "#f0a184")
    return body


def _blossom(x: float, y: float, r: float) -> str:
    petals = "".join(
        group(
            circle(0, -r * 0.62, r * 0.5, "#f6d3c0") + circle(0, -r * 0.5, r * 0.34, "#eda58c", opacity=0.55),
            f"rotate({k * 72 + x % 40})",
        )
        for k in range(5)
    )
    return group(
        petals + circle(0, 0, r * 0.24, "#c9543f") + circle(0, 0, r * 0.1, "#ffe2a0"),
        f"translate({x} {y})",
        filter="url(#near)",
    )


def vase(x: float, y: float, size: float) -> str:
    """A celadon vase with eucalyptus in it. x, y: the middle of its foot."""
    half = "M-34,0C-78,-40 -84,-120 -42,-170C-24,-192 -22,-214 -26,-240"
    body = f"{half}L26,-240C22,-214 24,-192 42,-170C84,-120 78,-40 34,0Z"
    stems = ""
    for points, seed in (
        ([(0, -235), (-18, -330), (-52, -420), (-70, -500)], -1), ([(4, -235), (16, -340), (44, -430)], 1),
        ([(0, -235), (-4, -350), (-2, -470), (14, -570)], 1),
    ):  # fmt: skip
        stems += path(smooth(points), stroke="#3c5a48", stroke_width=5, stroke_linecap="round")
        for (ax, ay), (bx, by) in pairwise(points[1:]):
            for part in (0.0, 0.5, 1.0):
                px, py = ax + (bx - ax) * part, ay + (by - ay) * part
                for side in (-1, 1):
                    stems += leaf(
                        px, py, 52, side * 62 + seed * 8, "#5d9078" if side > 0 else "#477a66", PINE, wide=0.34
                    )
        stems += leaf(*points[-1], 50, seed * 10, "#8ab592", PINE, wide=0.3)
    shine = path(
        "M-52,-60C-60,-105 -48,-140 -30,-164", stroke="#eaf5e6", stroke_width=7, stroke_linecap="round", opacity=0.6
    )
    return group(
        stems + path(body, "url(#celadon)") + shine + rect(-30, -246, 60, 12, "#bcd8c4", 6),
        f"translate({x} {y}) scale({size})",
    )


def pots(x: float, y: float, size: float) -> str:
    """Two tea caddies, one on the other, and a clay teapot before them. x, y: the middle of the foot."""
    body = _caddy(44, -128, 118, 116, "url(#caddy)") + _caddy(48, 0, 134, 124, "url(#china)")
    body += path("M-60,-6C-104,-14 -112,-76 -60,-86L10,-86C62,-76 56,-14 12,-6Z", "url(#clay)", filter="url(#near)")
    body += path("M-92,-58C-118,-62 -128,-84 -146,-90L-138,-98C-112,-92 -104,-78 -86,-76Z", "#8e4129")
    body += path("M40,-72C76,-82 80,-24 38,-24", stroke="#8e4129", stroke_width=11, stroke_linecap="round")
    body += (
        rect(-54, -94, 58, 10, "#8e4129", 5)
        + path("M-46,-94C-40,-112 -10,-112 -4,-94Z", "#b9583a")
        + circle(-25, -114, 8, "#8e4129")
    )
    body += path(
        "M-78,-64C-72,-74 -60,-78 -46,-78", stroke="#f0a583", stroke_width=6, stroke_linecap="round", opacity=0.7
    )
    return group(body, f"translate({x} {y}) scale({size})")


def _caddy(x: float, y: float, w: float, h: float, fill: str) -> str:
    label = rect(x - w * 0.2, y - h * 0.62, w * 0.4, w * 0.42, CREAM, 6) + leaf(
        x, y - h * 0.62 + w * 0.38, w * 0.32, 12, LEAF, PINE
    )
    return (
        rect(x - w / 2, y - h, w, h, fill, 14, filter="url(#near)") + label
        + rect(x - w * 0.44, y - h - 16, w * 0.88, 26, "#31241d", 8)
        + rect(x - w * 0.44, y - h - 16, w * 0.88, 4, "#8a6546", 2)
    )  # fmt: skip


def _lamp() -> str:
    """A paper lamp that hangs from above."""
    body = circle(0, 210, 330, "url(#lamp)") + rect(-1.5, 0, 3, 130, BARK) + rect(-30, 124, 60, 12, WALNUT, 5)
    body += path("M-30,136C-150,150 -150,262 -30,276L30,276C150,262 150,150 30,136Z", "#f8dfae", filter="url(#near)")
    for k in (-0.66, -0.33, 0, 0.33, 0.66):
        body += path(
            f"M{26 * k:.0f},136C{150 * k:.0f},170 {150 * k:.0f},242 {26 * k:.0f},276",
            stroke="#d2a368",
            stroke_width=2,
            opacity=0.7,
        )
    return body + rect(-30, 274, 60, 10, WALNUT, 5)


def _shelf() -> str:
    """Two boards with books, pots and a small mountain in a frame."""
    body = ""
    for y in (150, 380):
        body += rect(0, y, 470, 18, "url(#bench)", 4, filter="url(#near)")
    x = 20.0
    for w, h, fill in (
        (30, 110, CORAL),
        (24, 126, SAND),
        (36, 104, "#3b7073"),
        (22, 120, CREAM),
        (30, 96, HONEY),
        (26, 118, SAGE),
    ):
        body += rect(x, 150 - h, w, h, fill, 4) + rect(x + 5, 150 - h + 16, w - 10, 4, DEEP, 2, opacity=0.5)
        x += w + 3
    body += rect(300, 26, 130, 124, BARK, 6) + rect(310, 36, 110, 104, "#e9c795")
    body += path("M310,140L310,110C336,70 352,96 372,84C392,66 404,84 420,92L420,140Z", PINE) + circle(
        386, 62, 11, CREAM
    )
    body += birds(334, 66, 14, CLAY)
    return body + group(pots(100, 380, 0.76)) + group(vase(370, 380, 0.36)) + _caddy(240, 380, 84, 84, "url(#celadon)")


def _plant() -> str:
    """A large plant in a clay pot."""
    leaves = ""
    for angle, length, fill in (
        (-64, 300, "#2c6a56"), (62, 290, "#2c6a56"), (-40, 380, "#3a7d62"), (38, 370, "#35755e"), (-16, 440, "#4b916b"),
        (16, 420, "#438766"), (0, 300, "#5ea678"),
    ):  # fmt: skip
        leaves += group(leaf(0, -100, length, angle, fill, DEEP, wide=0.22, vein="#8fc08a"), filter="url(#near)")
    return leaves + path("M-74,-130L74,-130L56,6L-56,6Z", "url(#clay)") + rect(-82, -142, 164, 30, "#b9583a", 8)
