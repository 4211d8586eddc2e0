"""Avatars without a rig: what stage 6 looks at."""

from __future__ import annotations

import numpy as np

from mien.avatar import Avatar, Head, Manifest, Source


def figure(width: int, height: int, eye_x: float, eye_y: float, s: float, hair: float = 1.9) -> Avatar:
    """A grey picture with a head (an ellipse from ``hair`` above the eyes to the chin) and shoulders as its matte."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    top, chin = eye_y - hair * s, eye_y + 1.75 * s
    middle, half = (top + chin) / 2, (chin - top) / 2
    head = ((x - eye_x) / (1.3 * s)) ** 2 + ((y - middle) / half) ** 2 <= 1
    body = (y > chin) & (np.abs(x - eye_x) < 2.6 * s)
    matte = (255 * (head | body)).astype(np.uint8)
    color = np.where(matte[..., None] > 0, (220, 40, 40), (40, 120, 60)).astype(np.uint8)
    manifest = Manifest(
        name="figure",
        source=Source("0" * 64, "figure.png", width, height, 0, "bust", (0, 0, width, height)),
        head=Head(s, (eye_x, eye_y, 0.0), ((1, 0, 0), (0, 1, 0), (0, 0, 1)), 0.0, 0.0, 0.0),
    )
    return Avatar(manifest, {}, {"color": color, "matte": matte})
