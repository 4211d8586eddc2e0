"""A driving video whose motion is known: the demo portrait, drawn by our own renderer."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np

from mien.avatar import Avatar
from mien.engine import place
from mien.render.mesh import MeshRenderer
from mien.types import ARKIT_SHAPES, SHAPE_INDEX, FloatArray

FPS = 25
SIDE = 320
STEPS: tuple[tuple[str, dict[str, float], tuple[float, ...]], ...] = (
    ("jaw", {"jawOpen": 0.6}, ()),
    ("blink", {"eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0}, ()),
    ("smile", {"mouthSmileLeft": 0.9, "mouthSmileRight": 0.9}, ()),
    ("brows", {"browInnerUp": 1.0, "browOuterUpLeft": 1.0, "browOuterUpRight": 1.0}, ()),
    ("look", {"eyeLookOutLeft": 0.9, "eyeLookInRight": 0.9}, ()),
    ("pucker", {"mouthPucker": 0.9}, ()),
    ("yaw", {}, (0.14, 0, 0, 0, 0, 0)),
    ("pitch", {}, (0, 0.1, 0, 0, 0, 0)),
    ("roll", {}, (0, 0, 0.08, 0, 0, 0)),
)
REST, MOVE = 5, 9


def motion() -> tuple[FloatArray, FloatArray]:
    """Shapes (n, 52) and head (n, 6) of every frame: each step rises and falls by itself, with rest between."""
    shapes, head = [], []
    bump = np.r_[np.zeros(REST), np.sin(np.linspace(0, np.pi, MOVE))]
    for _, named, turn in STEPS:
        row = np.zeros(len(ARKIT_SHAPES))
        for name, value in named.items():
            row[SHAPE_INDEX[name]] = value
        shapes.append(bump[:, None] * row)
        head.append(bump[:, None] * np.array(turn or (0.0,) * 6))
    return np.concatenate(shapes).astype(np.float32), np.concatenate(head).astype(np.float32)


def peak(step: str) -> int:
    """The frame at which a step is at its top."""
    return [name for name, _, _ in STEPS].index(step) * (REST + MOVE) + REST + MOVE // 2


def film(avatar: Avatar, path: Path, *, sound: bool = False, frames: int | None = None, empty: bool = False) -> Path:
    """The video as a file. empty: nobody is in it."""
    shapes, head = motion()
    canvas = MeshRenderer().prepare(avatar, place(avatar, SIDE, SIDE))
    with av.open(str(path), "w") as file:
        stream = file.add_stream("libx264", rate=FPS, options={"crf": "16"})
        stream.width = stream.height = SIDE
        stream.pix_fmt = "yuv420p"
        tone = file.add_stream("aac", rate=48000) if sound else None
        count = frames or len(shapes)
        for k in range(count):
            pixels = canvas.draw(shapes[k % len(shapes)], head[k % len(head)])
            if empty:
                pixels = np.full_like(pixels, 90)
            file.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        file.mux(stream.encode(None))
        if tone is not None:
            wave = 0.2 * np.sin(np.arange(count * 48000 // FPS) * 2 * np.pi * 440 / 48000)
            frame = av.AudioFrame.from_ndarray(wave.astype(np.float32)[None], format="fltp", layout="mono")
            frame.sample_rate = 48000
            file.mux(tone.encode(frame))
            file.mux(tone.encode(None))
    return path
