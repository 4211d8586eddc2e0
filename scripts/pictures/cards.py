"""The pictures that are shown while something is spoken of: cards of paper with round corners and a shadow."""

from __future__ import annotations

import math
import random

from pictures.paper import (
    BARK,
    CLAY,
    CORAL,
    CREAM,
    DEEP,
    HONEY,
    INK,
    LEAF,
    PINE,
    SAGE,
    WALNUT,
    branch,
    circle,
    glow,
    gradient,
    group,
    hills,
    leaf,
    path,
    picture,
    rect,
    ridge,
    smooth,
    steam,
)  # fmt: skip

WIDTH, HEIGHT = 840, 520
_LEFT, _TOP, _WIDE, _HIGH, _ROUND = 30, 22, 780, 460, 44


def _card(colours: str, body: str) -> str:
    """A card with what is on it, within its edges; its shadow lies around it."""
    edge = rect(_LEFT, _TOP, _WIDE, _HIGH, "#fff", _ROUND)
    return picture(
        WIDTH, HEIGHT,
        f'<defs>{colours}<clipPath id="card">{edge}</clipPath></defs>'
        + rect(_LEFT, _TOP, _WIDE, _HIGH, DEEP, _ROUND, filter="url(#lift)")
        + f'<g clip-path="url(#card)">{group(body, "translate(0 -34)")}</g>'
        + rect(_LEFT + 3, _TOP + 3, _WIDE - 6, _HIGH - 6, "none", _ROUND - 3, stroke="#fff8e6", stroke_width=6),
        grain=0,
    ).replace(
        "</defs>",
        '<filter id="lift" x="-20%" y="-20%" width="140%" height="150%"><feDropShadow dx="0" dy="10" '
        'stdDeviation="9" flood-color="#051314" flood-opacity=".55"/></filter></defs>',
        1,
    )  # fmt: skip


def _table(y: float, colour: str, edge: str) -> str:
    return rect(0, y, WIDTH, 560 - y, colour) + rect(0, y, WIDTH, 7, edge)


def kettle() -> str:
    """A kettle on its stand, steam, and a thermometer that says 80 °C."""
    colours = (
        gradient("ground", (0, "#8fb5a0"), (1, "#d8dfbd")) + gradient("table", (0, "#6d4a34"), (1, "#3f2a20"))
        + gradient("steel", (0, "#12393c"), (0.28, "#3f7f7d"), (0.55, "#235a5a"), (1, "#0e2c30"), across=True)
        + gradient("mercury", (0, "#e8875c"), (1, "#b9472c")) + glow("sun", (0, "#fff6d8", 0.95), (1, "#fff6d8", 0))
    )  # fmt: skip
    body = rect(0, 0, WIDTH, 560, "url(#ground)") + circle(300, 250, 330, "url(#sun)")
    body += circle(300, 262, 178, "#f3e6c4", opacity=0.75)
    body += _table(428, "url(#table)", "#a9744c")
    body += steam(154, 206, 100, "#fffaf0", 0.85)
    body += group(_pot(), "translate(310 432)", filter="url(#cut)")
    return _card(colours, body + group(_thermometer(), "translate(596 74) scale(.92)", filter="url(#cut)"))


def _pot() -> str:
    """A kettle with a long thin spout. 0, 0: the middle of its foot."""
    spout = "M-92,-46C-150,-52 -138,-150 -160,-196L-176,-206L-184,-194L-172,-184C-158,-130 -168,-18 -88,-14Z"
    body = path(spout, "#1a484a") + path(
        "M-174,-196C-152,-140 -166,-40 -96,-30", stroke="#5b9a94", stroke_width=4, opacity=0.7
    )
    body += path("M-104,0C-112,-70 -84,-150 -58,-172L58,-172C84,-150 112,-70 104,0Z", "url(#steel)")
    body += path("M62,-156C150,-176 176,-60 118,-40L112,-56C148,-72 124,-146 66,-138Z", BARK)
    body += rect(-64, -184, 128, 16, "#0e2c30", 8) + path("M-50,-184C-44,-206 44,-206 50,-184Z", "#235a5a")
    body += rect(-9, -222, 18, 22, BARK, 6) + circle(0, -226, 13, WALNUT)
    body += rect(-112, -6, 224, 18, "#0b2427", 9) + circle(0, 3, 4, CORAL)
    return body + path(
        "M-66,-24C-70,-80 -54,-126 -38,-150", stroke="#a5d4c6", stroke_width=7, stroke_linecap="round", opacity=0.55
    )


def _thermometer() -> str:
    """From 60 to 100 degrees; 80 is marked."""
    body = rect(-78, 0, 244, 400, CREAM, 30) + rect(-78, 0, 244, 400, "none", 30, stroke="#e2cfa4", stroke_width=3)
    body += rect(-34, 34, 36, 268, "#fffdf6", 18, stroke="#b9a27a", stroke_width=4) + circle(
        -16, 330, 34, "#fffdf6", stroke="#b9a27a", stroke_width=4
    )
    body += circle(-16, 330, 25, "url(#mercury)") + rect(-25, 168, 18, 160, "url(#mercury)", 9)
    body += circle(-24, 322, 7, "#f7c1a2", opacity=0.9)
    for k, degrees in enumerate((100, 90, 80, 70, 60)):
        y = 68 + k * 50
        hot = degrees == 80
        body += rect(14, y - (4 if hot else 2), 34 if hot else 22, 8 if hot else 4, CORAL if hot else "#a58d68", 3)
        if hot:
            body += f'<text x="58" y="{y + 21}" font-size="58" fill="{CLAY}">80°</text>'
        else:
            body += f'<text x="46" y="{y + 9}" font-size="25" fill="#9c8460">{degrees}</text>'
    return body + f'<text x="56" y="352" font-size="40" fill="{WALNUT}">°C</text>'


def scales() -> str:
    """Leaves in a dish on scales that say 3.0 g."""
    colours = (
        gradient("ground", (0, "#e8a268"), (1, "#f5d8a2")) + gradient("table", (0, "#2f5f57"), (1, "#17393a"))
        + gradient("body", (0, "#fbf4e2"), (0.7, "#ecdfc2"), (1, "#c9b48d"))
        + gradient("plate", (0, "#f8f5ec"), (1, "#b8c5bd"))
        + gradient("dish", (0, "#b5dcd0"), (0.4, "#e4f3ea"), (1, "#6ea697"), across=True)
        + glow("sun", (0, "#fff3cf", 0.9), (1, "#fff3cf", 0)) + gradient("screen", (0, "#0e2a2c"), (1, "#173d3d"))
    )  # fmt: skip
    body = rect(0, 0, WIDTH, 560, "url(#ground)") + circle(420, 210, 360, "url(#sun)")
    body += circle(420, 250, 205, "#f9e6bb", opacity=0.6) + _table(438, "url(#table)", "#6aa08c")
    device = rect(-210, -112, 420, 112, "url(#body)", 30) + rect(-186, -132, 372, 26, "url(#plate)", 12)
    device += (
        rect(-104, -86, 208, 66, "url(#screen)", 12)
        + '<text x="0" y="-36" font-size="54" text-anchor="middle" fill="#a8f0d2" letter-spacing="2">3.0 g</text>'
    )
    device += (
        circle(-152, -53, 20, SAGE)
        + circle(152, -53, 20, CORAL)
        + rect(144, -55, 16, 4, CREAM, 2)
        + rect(-160, -55, 16, 4, CREAM, 2)
        + rect(-154, -61, 4, 16, CREAM, 2)
    )
    body += group(device, "translate(420 452)", filter="url(#cut)")
    body += group(_heap(), "translate(420 322)", filter="url(#near)")
    for x, y, angle in ((116, 470, 70), (176, 496, -30), (700, 480, -70), (744, 456, 20), (652, 502, 100)):
        body += group(leaf(x, y, 46, angle, "#79b47c", PINE), filter="url(#near)")
    return _card(colours, body)


def _heap() -> str:
    """A dish with a small heap of leaves. 0, 0: the middle of its foot."""
    dice = random.Random(12)  # noqa: S311 - a drawing
    heap = ""
    for k in range(70):
        high = 1 - k / 70
        x = dice.uniform(-118, 118) * (1 - 0.75 * (1 - high)) ** 0.7
        y = -58 - 68 * (1 - high) * (1 - (abs(x) / 130) ** 2) - dice.uniform(0, 8)
        fill = dice.choice(["#3c7a57", "#2f6a4f", "#5a9a63", "#4f8a5b", "#7bb06d"])
        heap += leaf(x, y, dice.uniform(34, 50), dice.uniform(-95, 95), fill, DEEP, wide=0.24)
    bowl = path("M-158,-62C-140,-8 -70,0 0,0C70,0 140,-8 158,-62Z", "url(#dish)") + rect(
        -164, -70, 328, 13, "#eef8f1", 6
    )
    return (
        heap
        + bowl
        + path(
            "M-120,-44C-104,-22 -80,-14 -56,-11", stroke="#ffffff", stroke_width=6, stroke_linecap="round", opacity=0.6
        )
    )


def hourglass() -> str:
    """A sand-glass before a dial of which two minutes are marked."""
    colours = (
        gradient("ground", (0, "#1d4a4c"), (1, "#3d7568")) + gradient("table", (0, "#7a5038"), (1, "#452d22"))
        + gradient("wood", (0, "#5a3a2a"), (0.3, "#a06b47"), (1, "#40291e"), across=True)
        + gradient("glass", (0, "#ffffff", 0.5), (0.35, "#ffffff", 0.14), (1, "#ffffff", 0.34), across=True)
        + gradient("sand", (0, "#f3c36b"), (1, "#d8924a")) + glow("light", (0, "#ffdf9d", 0.55), (1, "#ffdf9d", 0))
    )  # fmt: skip
    body = rect(0, 0, WIDTH, 560, "url(#ground)") + circle(560, 240, 380, "url(#light)")
    body += group(_dial(), "translate(560 246)", filter="url(#cut)")
    body += _table(446, "url(#table)", "#c08a5c")
    return _card(colours, body + group(_sandglass(), "translate(232 452)", filter="url(#cut)"))


def _dial() -> str:
    """A clock's face; a sector shows how far two minutes go, in fifths of a full turn."""
    r = 172
    body = circle(0, 0, r, CREAM) + circle(0, 0, r - 8, stroke="#d9c396", stroke_width=4)
    angle = math.radians(144)  # 2 of 5 minutes
    x, y = (r - 40) * math.sin(angle), -(r - 40) * math.cos(angle)
    body += path(f"M0,{-(r - 40)}A{r - 40},{r - 40} 0 0 1 {x:.1f},{y:.1f}L0,0Z", CORAL, opacity=0.92)
    for k in range(25):
        sine, cosine = math.sin(math.tau * k / 25), math.cos(math.tau * k / 25)
        long = k % 5 == 0
        inner = r - (34 if long else 26)
        body += path(
            f"M{(r - 18) * sine:.1f},{-(r - 18) * cosine:.1f}L{inner * sine:.1f},{-inner * cosine:.1f}",
            stroke=WALNUT if long else "#b09a72", stroke_width=7 if long else 3.5, stroke_linecap="round",
        )  # fmt: skip
    hand = group(rect(-5, -(r - 34), 10, r - 14, WALNUT, 5), "rotate(144)")
    label = f'<text x="-76" y="18" font-size="50" text-anchor="middle" fill="{INK}">2:00</text>'
    return body + hand + circle(0, 0, 15, WALNUT) + circle(0, 0, 6, HONEY) + label


def _sandglass() -> str:
    """0, 0: the middle of its foot."""
    glass = (
        "M-84,-330C-84,-230 -14,-214 -11,-172C-14,-130 -84,-114 -84,-22"
        "L84,-22C84,-114 14,-130 11,-172C14,-214 84,-230 84,-330Z"
    )
    body = path(glass, "#dff0e6", opacity=0.28)
    body += path(
        "M-60,-262C-34,-226 -10,-206 -6,-176L6,-176C10,-206 34,-226 60,-262C30,-252 -30,-252 -60,-262Z", "url(#sand)"
    )
    body += rect(-3, -178, 6, 120, "#f3c36b") + path(
        "M-78,-24C-70,-58 -26,-92 0,-96C26,-92 70,-58 78,-24Z", "url(#sand)"
    )
    body += path(glass, "url(#glass)", stroke="#eaf6ee", stroke_width=4, stroke_opacity=0.75)
    body += path(
        "M-66,-312C-64,-262 -44,-236 -28,-214", stroke="#fff", stroke_width=7, stroke_linecap="round", opacity=0.7
    )
    for x in (-104, 92):
        body += rect(x, -334, 12, 316, "url(#wood)", 6)
    return body + rect(-122, -362, 244, 34, "url(#wood)", 12) + rect(-122, -26, 244, 34, "url(#wood)", 12)


def cup() -> str:
    """A cup of green tea that steams, before the evening sun."""
    colours = (
        gradient("ground", (0, "#235a60"), (0.55, "#6f9f90"), (1, "#f0c48d"))
        + gradient("table", (0, "#8a5c3d"), (1, "#4a2f22"))
        + gradient("china", (0, "#cfe0d8"), (0.3, "#fdfaf0"), (0.65, "#eef0e4"), (1, "#93b0a8"), across=True)
        + gradient("tea", (0, "#c9d872"), (1, "#8fb150"))
        + glow("sun", (0, "#fff4d2", 1), (0.3, "#ffe0a0", 0.6), (1, "#ffdf9d", 0))
        + gradient("m1", (0, "#5d9486"), (1, "#b9c6a0")) + gradient("m2", (0, "#2f6a64"), (1, "#5d9480"))
    )  # fmt: skip
    body = (
        rect(0, 0, WIDTH, 560, "url(#ground)") + circle(420, 230, 420, "url(#sun)") + circle(420, 224, 150, "#ffedc2")
    )
    body += ridge(hills(0, 840, 420, ((130, 120, 120), (700, 150, 140)), 4, 3), 560, "url(#m1)", filter="url(#near)")
    body += ridge(hills(0, 840, 440, ((0, 90, 180), (840, 70, 170)), 9, 3), 560, "url(#m2)", filter="url(#near)")
    body += _table(440, "url(#table)", "#c98f5f") + steam(420, 240, 150, "#fffdf4", 0.9)
    body += group(_teacup(), "translate(420 470)", filter="url(#cut)")
    twig = (
        branch([(150, 520), (190, 492), (240, 486)], 8, 4, BARK)
        + leaf(186, 494, 62, -20, "#5a9a63", PINE)
        + leaf(214, 490, 62, 128, "#4f8a5b", PINE)
        + leaf(240, 486, 64, 80, "#9cc46f", LEAF, wide=0.26)
    )
    return _card(colours, body + group(twig, filter="url(#near)"))


def _teacup() -> str:
    """A cup with a saucer. 0, 0: the middle of the saucer's foot."""
    body = (
        path("M-190,-38C-150,0 -80,6 0,6C80,6 150,0 190,-38Z", "url(#china)")
        + '<ellipse cx="0" cy="-38" rx="192" ry="20" fill="#f6f4e8"/>'
        + '<ellipse cx="0" cy="-36" rx="120" ry="11" fill="#b9cfc4"/>'
    )
    body += path("M96,-168C176,-178 184,-84 92,-70L90,-90C150,-98 142,-152 98,-146Z", "#dfe9df")
    body += path("M-128,-196C-124,-110 -92,-48 -46,-40L46,-40C92,-48 124,-110 128,-196Z", "url(#china)")
    body += path("M-96,-128C-40,-104 40,-104 96,-128L89,-112C38,-90 -38,-90 -89,-112Z", PINE, opacity=0.8)
    body += '<ellipse cx="0" cy="-196" rx="128" ry="26" fill="#f8f6ea"/>'
    body += '<ellipse cx="0" cy="-193" rx="114" ry="20" fill="url(#tea)"/>'
    return (
        body
        + leaf(-18, -190, 54, 74, "#5a9a63", PINE, wide=0.2)
        + path(
            "M-104,-150C-98,-116 -84,-88 -66,-70", stroke="#fff", stroke_width=7, stroke_linecap="round", opacity=0.8
        )
    )


def plant() -> str:
    """One bud and two leaves in the morning, with dew on them."""
    colours = (
        gradient("ground", (0, "#bcd3b4"), (0.6, "#eadfb2"), (1, "#f3cf97"))
        + glow("sun", (0, "#fffbe9", 1), (0.3, "#fff2c9", 0.7), (1, "#fff2c9", 0))
        + gradient("g1", (0, "#9dbf9b"), (1, "#d5d9a8")) + gradient("g2", (0, "#6da183"), (1, "#a3c08f"))
        + gradient("g3", (0, "#3f7f66"), (1, "#2a5f50"))
    )  # fmt: skip
    body = rect(0, 0, WIDTH, 560, "url(#ground)") + circle(640, 150, 330, "url(#sun)") + circle(640, 150, 62, "#fffdf0")
    body += ridge(hills(0, 840, 330, ((170, 110, 120), (560, 80, 120)), 5, 4), 560, "url(#g1)", filter="url(#near)")
    body += ridge(hills(0, 840, 400, ((40, 90, 160), (740, 110, 150)), 8, 4), 560, "url(#g2)", filter="url(#near)")
    body += ridge(hills(0, 840, 478, ((420, 40, 300),), 3, 3), 560, "url(#g3)", filter="url(#near)")
    body += group(_shoot(), "translate(400 560)", filter="url(#cut)")
    body += group(_shoot(), "translate(150 600) scale(.62) rotate(-10)", filter="url(#near)", opacity=0.95)
    return _card(
        colours, body + group(_shoot(), "translate(690 610) scale(.66) rotate(12)", filter="url(#near)", opacity=0.95)
    )


def _shoot() -> str:
    """0, 0: where it grows from."""
    body = path(
        smooth([(0, 10), (-8, -90), (4, -190), (0, -292)]), stroke="#557d45", stroke_width=12, stroke_linecap="round"
    )
    body += leaf(-6, -84, 236, -66, "#2f7355", DEEP, vein="#8fc08a") + leaf(
        0, -130, 224, 64, "#3a8059", DEEP, vein="#9ccb93"
    )
    body += leaf(2, -206, 214, -34, "#5a9f63", PINE, vein="#c4e2a0") + leaf(
        2, -222, 206, 36, "#6cad68", PINE, vein="#d3e9a8"
    )
    body += leaf(0, -280, 190, 3, "#b7d477", LEAF, wide=0.17, vein="#e9f3b9")
    for x, y, r in ((-118, -170, 8), (108, -228, 7), (72, -330, 6), (-78, -318, 7)):
        body += circle(x, y, r, "#f2fbf4", opacity=0.85) + circle(x - r * 0.3, y - r * 0.35, r * 0.32, "#fff")
    return body


__all__ = ["cup", "hourglass", "kettle", "plant", "scales"]
