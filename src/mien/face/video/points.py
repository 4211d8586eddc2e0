"""Which of the 478 mesh points the fit looks at. Left and right are the person's own."""

from __future__ import annotations

from typing import Final

COUNT: Final = 478
SIDES: Final = ("Left", "Right")

RIGID: Final = (
    10, 67, 297, 109, 338, 54, 284, 21, 251, 162, 389, 127, 356, 234, 454, 168, 6, 197, 195, 5, 4, 1, 19, 94, 2, 98,
    327, 129, 358, 33, 133, 362, 263, 143, 372, 34, 264, 227, 447,
)  # fmt: skip
"""Forehead at the hair, temples, nose, corners of the eyes: what bone carries and no expression moves far."""
MIRRORED: Final = ((33, 263), (133, 362), (234, 454), (127, 356), (162, 389), (21, 251), (54, 284))
"""Points and their partners on the other half of the face, right then left: they say where across is."""
TOP: Final = 10
CHIN: Final = 152

EYE_CORNERS: Final = {"Right": (33, 133), "Left": (362, 263)}
UPPER_LID: Final = {"Right": (161, 160, 159, 158, 157), "Left": (384, 385, 386, 387, 388)}
LOWER_LID: Final = {"Right": (163, 144, 145, 153, 154), "Left": (381, 380, 374, 373, 390)}
IRIS: Final = {"Right": 468, "Left": 473}
EYE_POINTS: Final = (
    *range(468, 478), 33, 246, 161, 160, 159, 158, 157, 173, 133, 7, 163, 144, 145, 153, 154, 155,
    362, 398, 384, 385, 386, 387, 388, 466, 263, 382, 381, 380, 374, 373, 390, 249,
)  # fmt: skip

UPPER_RIM: Final = (81, 82, 13, 312, 311)
LOWER_RIM: Final = (178, 87, 14, 317, 402)
"""The middle of the inner lips."""
MOUTH_CORNERS: Final = (61, 291)
LIPS: Final = (
    61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 76, 184, 74, 73, 72, 11, 302, 303, 304, 408, 306, 62, 183, 42, 41,
    38, 12, 268, 271, 272, 407, 292, 78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308, 146, 91, 181, 84, 17, 314, 405,
    321, 375, 77, 90, 180, 85, 16, 315, 404, 320, 307, 96, 89, 179, 86, 15, 316, 403, 319, 325, 95, 88, 178, 87, 14,
    317, 402, 318, 324,
)  # fmt: skip
BROWS: Final = (70, 63, 105, 66, 107, 46, 53, 52, 65, 55, 300, 293, 334, 296, 336, 276, 283, 282, 295, 285)
JAW: Final = (152, 148, 377, 176, 400, 149, 378, 150, 379, 136, 365, 172, 397, 18, 200, 199, 175, 83, 313)
CHEEKS: Final = (50, 205, 36, 101, 187, 207, 280, 425, 266, 330, 411, 427, 203, 423, 206, 426)
