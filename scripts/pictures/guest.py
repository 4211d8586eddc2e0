"""The other one in a dialogue: a portrait of nobody, painted, for whoever has only one picture."""

from __future__ import annotations

from pictures.paper import glow, gradient, group, path, picture


def guest() -> str:
    """A man in a linen shirt with a stand-up collar, 820 x 1000, his lips shut, in soft light."""
    man = _body() + _ears() + _face() + _features() + _hair()
    body = '<rect width="820" height="1000" fill="url(#ground)"/>' + group(man, "translate(50 24)")
    return picture(820, 1000, f"<defs>{_colours()}</defs>{body}", grain=0.12, fine=0.9)


def _colours() -> str:
    blur = "".join(
        f'<filter id="soft{k}" x="-60%" y="-60%" width="220%" height="220%"><feGaussianBlur stdDeviation="{k}"/>'
        "</filter>"
        for k in (2, 5, 10, 18)
    )
    return (
        gradient("ground", (0, "#cfdccf"), (1, "#a9bfae"))
        + gradient("skin", (0, "#f3cda6"), (0.45, "#efc19a"), (1, "#dda27b"))
        + gradient("neck", (0, "#b97a57"), (0.5, "#d9a07a"), (1, "#e0aa83"))
        + gradient("shirt", (0, "#3f7f7d"), (1, "#255357"))
        + gradient("hair", (0, "#3b2d28"), (0.6, "#241a17"), (1, "#191210"))
        + gradient("upper", (0, "#b9655a"), (1, "#a9554c")) + gradient("lower", (0, "#c97a6c"), (1, "#bb6a5d"))
        + glow("iris", (0, "#2a170e"), (0.38, "#2a170e"), (0.42, "#6b4326"), (0.85, "#4a2c18"), (1, "#2b190e"))
        + blur
    )  # fmt: skip


def _body() -> str:
    """Shoulders, collar and neck."""
    shirt = "M4,990C8,760 60,660 238,606L300,578L420,578L482,606C660,660 712,760 716,990Z"
    body = path(shirt, "url(#shirt)")
    body += path(
        "M4,990C8,760 60,660 238,606L262,600C150,660 122,780 128,990Z", "#1d484c", opacity=0.5, filter="url(#soft5)"
    )
    body += path(
        "M716,990C712,760 660,660 482,606L458,600C570,660 598,780 592,990Z",
        "#1d484c",
        opacity=0.6,
        filter="url(#soft5)",
    )
    body += path("M276,470L276,588C290,640 430,640 444,588L444,470Z", "url(#neck)")
    body += path("M276,500C300,560 420,560 444,500L444,470L276,470Z", "#8a5238", opacity=0.5, filter="url(#soft10)")
    body += path("M277,548C270,596 304,646 354,666L352,692C296,674 238,640 246,580Z", "#5b9a94")
    body += path("M443,548C450,596 416,646 366,666L368,692C424,674 482,640 474,580Z", "#4b8a86")
    body += path("M360,672L360,990", stroke="#1d484c", stroke_width=4, opacity=0.7)
    for y in (720, 790, 860, 930):
        body += (
            f'<circle cx="372" cy="{y}" r="7" fill="#dcc9a4"/><circle cx="371" cy="{y - 1}" r="2.5" fill="#8a7350"/>'
        )
    return body


def _ears() -> str:
    out = ""
    for at in ("", "translate(720 0) scale(-1 1)"):
        ear = path("M222,330C196,312 186,336 194,372C200,402 214,424 232,416Z", "#dda27b")
        ear += path(
            "M218,346C204,342 202,360 208,380C212,394 220,400 224,396",
            stroke="#b97a57",
            stroke_width=5,
            opacity=0.7,
            stroke_linecap="round",
        )
        out += group(ear, at)
    return out


def _face() -> str:
    face = (
        "M222,300C220,190 290,150 360,150C430,150 500,190 498,300C500,376 492,434 462,486"
        "C436,526 398,546 360,546C322,546 284,526 258,486C228,434 220,376 222,300Z"
    )
    clip = f'<clipPath id="face">{path(face)}</clipPath>'
    shade = path(
        "M498,250C506,380 486,470 440,520C410,548 380,552 360,550C410,520 452,470 458,380C462,320 458,280 448,240Z",
        "#b9744f",
        opacity=0.42,
        filter="url(#soft18)",
    )
    shade += path(
        "M222,270C216,380 234,470 280,520C300,540 330,550 350,550C300,520 262,460 254,380C250,330 252,290 262,250Z",
        "#c98a63",
        opacity=0.35,
        filter="url(#soft18)",
    )
    shade += '<ellipse cx="290" cy="410" rx="36" ry="26" fill="#e58f78" opacity=".32" filter="url(#soft10)"/>'
    shade += '<ellipse cx="430" cy="410" rx="36" ry="26" fill="#d97f68" opacity=".34" filter="url(#soft10)"/>'
    shade += '<ellipse cx="346" cy="230" rx="70" ry="40" fill="#ffe6c6" opacity=".45" filter="url(#soft18)"/>'
    shade += path(
        "M300,506C330,530 390,530 420,506C400,540 320,540 300,506Z", "#b9744f", opacity=0.35, filter="url(#soft5)"
    )
    return clip + path(face, "url(#skin)") + f'<g clip-path="url(#face)">{shade}</g>'


def _features() -> str:
    """Eyes, brows, nose and mouth."""
    out = ""
    for x, mirror in ((300, ""), (420, "translate(720 0) scale(-1 1)")):
        out += group(_eye(), mirror) if mirror else _eye()
        out += f'<circle cx="{x - 4}" cy="330" r="3.4" fill="#fff"/>'
    nose = path(
        "M372,318C378,356 392,382 398,398C392,412 372,416 360,416C374,398 372,350 372,318Z",
        "#b9744f",
        opacity=0.4,
        filter="url(#soft5)",
    )
    nose += path(
        "M352,300C350,350 348,380 350,400",
        stroke="#ffe2c0",
        stroke_width=12,
        opacity=0.5,
        filter="url(#soft5)",
        stroke_linecap="round",
    )
    nose += path(
        "M326,402C322,390 332,382 340,388C348,410 372,410 380,388C388,382 398,390 394,402"
        "C390,412 378,408 372,412C366,418 354,418 348,412C342,408 330,412 326,402Z",
        "#cf8e67",
    )
    nose += path("M336,405C340,400 348,402 350,409Z", "#7a4128") + path("M384,405C380,400 372,402 370,409Z", "#7a4128")
    mouth = path(
        "M308,458C328,448 346,446 360,452C374,446 392,448 412,458C394,464 376,462 360,463C344,462 326,464 308,458Z",
        "url(#upper)",
    )
    mouth += path(
        "M308,458C326,464 344,462 360,463C376,462 394,464 412,458C400,478 380,486 360,486C340,486 320,478 308,458Z",
        "url(#lower)",
    )
    mouth += path(
        "M303,454C322,463 344,462 360,464C376,462 398,463 417,454",
        stroke="#7a362f",
        stroke_width=3.4,
        stroke_linecap="round",
    )
    mouth += path(
        "M340,474C352,478 368,478 380,474",
        stroke="#eab0a2",
        stroke_width=5,
        opacity=0.6,
        filter="url(#soft2)",
        stroke_linecap="round",
    )
    mouth += path(
        "M336,496C350,502 370,502 384,496",
        stroke="#a9673f",
        stroke_width=7,
        opacity=0.4,
        filter="url(#soft5)",
        stroke_linecap="round",
    )
    return out + nose + mouth


def _eye() -> str:
    """His right one."""
    shape = "M264,338C276,318 318,314 336,340C320,352 282,352 264,338Z"
    eye = path(
        "M258,330C276,304 322,302 342,334C322,350 282,356 258,330Z", "#b9744f", opacity=0.35, filter="url(#soft5)"
    )
    eye += f'<clipPath id="eye">{path(shape)}</clipPath>' + path(shape, "#f7f3ec")
    eye += '<g clip-path="url(#eye)"><circle cx="301" cy="334" r="15.5" fill="url(#iris)"/>'
    eye += '<rect x="255" y="312" width="90" height="11" fill="#5a3a28" opacity=".35" filter="url(#soft2)"/></g>'
    eye += path("M262,339C276,317 318,312 338,341", stroke="#221512", stroke_width=5.5, stroke_linecap="round")
    eye += path(
        "M268,342C286,354 318,354 334,343", stroke="#8a5238", stroke_width=2.2, opacity=0.8, stroke_linecap="round"
    )
    eye += path(
        "M266,322C282,305 318,303 336,324", stroke="#a8683f", stroke_width=3, opacity=0.7, stroke_linecap="round"
    )
    return eye + path(
        "M254,299C270,281 310,277 341,289C343,294 341,297 337,296C312,288 280,290 259,302C254,304 252,302 254,299Z",
        "#2a1d18",
    )


def _hair() -> str:
    """Short at the sides, combed over from a parting at his left."""
    sides = (
        "M216,322C204,250 214,170 262,128C320,84 420,86 466,132C510,172 516,250 504,322C498,306 494,280 488,258"
        "C480,214 440,196 360,196C282,196 244,214 232,256C226,280 222,306 216,322Z"
    )
    top = (
        "M230,262C216,190 244,118 316,92C398,64 478,98 500,160C512,196 506,236 490,262C488,232 476,212 452,196"
        "C440,206 424,212 404,214C420,206 428,198 432,190C388,212 330,220 284,208C256,214 238,236 230,262Z"
    )
    out = path("M236,280C244,236 262,220 290,214C350,224 420,222 452,204C474,218 484,248 486,290L500,240L440,180"
               "L260,180Z",
               "#6b3f28", opacity=0.4, filter="url(#soft5)")  # fmt: skip
    out += path(sides, "#241a17") + path(top, "url(#hair)")
    strands = (
        "M248,214C252,160 288,120 340,106", "M270,206C276,166 316,132 372,122", "M300,210C320,176 360,152 412,146",
        "M344,212C376,196 410,182 440,178", "M462,190C486,170 484,140 462,120", "M474,206C496,188 496,160 484,144",
    )  # fmt: skip
    for k, d in enumerate(strands):
        light = "#7a5d4c" if k % 2 else "#5d463b"
        out += path(d, stroke=light, stroke_width=6, opacity=0.55, stroke_linecap="round", filter="url(#soft2)")
    return out
