"""Which of MediaPipe's 468 mesh points is what: lips, lids, brows, oval, and the triangles between them.

"right" and "left" are the person's own; on a face that looks at us the right eye is on the viewer's left. Lip and lid
rows run from the viewer's left to the viewer's right.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Final

import numpy as np

from mien.types import IntArray

FACE_POINTS: Final = 468
IRIS_RIGHT: Final = (468, 469, 470, 471, 472)
IRIS_LEFT: Final = (473, 474, 475, 476, 477)

UPPER_LIP: Final = (  # outer contour to inner rim
    (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291),
    (76, 184, 74, 73, 72, 11, 302, 303, 304, 408, 306),
    (62, 183, 42, 41, 38, 12, 268, 271, 272, 407, 292),
    (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308),
)
LOWER_LIP: Final = (
    (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291),
    (76, 77, 90, 180, 85, 16, 315, 404, 320, 307, 306),
    (62, 96, 89, 179, 86, 15, 316, 403, 319, 325, 292),
    (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308),
)
UPPER_LID: Final = {  # lid rim, then two rows further from the eye
    "Right": (
        (33, 246, 161, 160, 159, 158, 157, 173, 133),
        (130, 247, 30, 29, 27, 28, 56, 190, 243),
        (226, 113, 225, 224, 223, 222, 221, 189, 244),
    ),
    "Left": (
        (362, 398, 384, 385, 386, 387, 388, 466, 263),
        (463, 414, 286, 258, 257, 259, 260, 467, 359),
        (464, 413, 441, 442, 443, 444, 445, 342, 446),
    ),
}
LOWER_LID: Final = {
    "Right": (
        (33, 7, 163, 144, 145, 153, 154, 155, 133),
        (130, 25, 110, 24, 23, 22, 26, 112, 243),
        (226, 31, 228, 229, 230, 231, 232, 233, 244),
    ),
    "Left": (
        (362, 382, 381, 380, 374, 373, 390, 249, 263),
        (463, 341, 256, 252, 253, 254, 339, 255, 359),
        (464, 453, 452, 451, 450, 449, 448, 261, 446),
    ),
}
IRIS: Final = {"Right": IRIS_RIGHT, "Left": IRIS_LEFT}
BROW: Final = {  # upper row outer to inner, then lower row outer to inner
    "Right": (70, 63, 105, 66, 107, 46, 53, 52, 65, 55),
    "Left": (300, 293, 334, 296, 336, 276, 283, 282, 295, 285),
}
OVAL: Final = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152, 148, 176, 149, 150,
    136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)  # fmt: skip
UPPER_OVAL: Final = OVAL[:9] + OVAL[28:]
NOSE: Final = (
    1, 2, 4, 5, 6, 19, 94, 98, 327, 97, 326, 168, 197, 195, 48, 278, 64, 294, 129, 358, 49, 279, 102, 331, 240, 460,
)  # fmt: skip
FOREHEAD: Final = (10, 151, 9, 8, 168)
CHIN: Final = (152, 148, 377, 176, 400)
SIDES: Final = ("Left", "Right")


@cache
def triangles() -> IntArray:
    """The 852 triangles of the face, (852, 3); mouth and eyes are holes."""
    text = (files("mien.portrait") / "data" / "face_mesh.json").read_text(encoding="utf-8")
    return np.array(json.loads(text), dtype=np.int32)


@cache
def hole_triangles() -> IntArray:
    """The 46 triangles that fill mouth and eyes, so that what shows through a closed rim is never empty."""
    pairs = [(UPPER_LIP[3], LOWER_LIP[3])] + [(UPPER_LID[s][0], LOWER_LID[s][0]) for s in SIDES]
    fill: list[tuple[int, int, int]] = []
    for top, low in pairs:
        for a, b, c, d in zip(top[:-1], top[1:], low[:-1], low[1:], strict=True):
            fill += [(a, b, c)] * (a != c) + [(b, d, c)] * (b != d)
    return np.array(fill, dtype=np.int32)
