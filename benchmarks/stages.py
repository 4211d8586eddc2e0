"""Milliseconds per frame, stage by stage, of one speaking head on one core."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np


@dataclass
class Lap:
    """One stage: how often it ran and how long that took."""

    name: str
    seconds: float = 0.0
    calls: int = 0

    def around(self, work: Callable[..., Any]) -> Callable[..., Any]:
        """The same function, timed."""

        def timed(*arguments: Any, **options: Any) -> Any:
            begin = time.perf_counter()
            try:
                return work(*arguments, **options)
            finally:
                self.seconds += time.perf_counter() - begin
                self.calls += 1

        return timed


def stages(portrait: Path, width: int, height: int, frames: int = 250) -> list[tuple[str, float]]:
    """(stage, milliseconds per frame): the parts of drawing, then drawing as a whole, colour conversion, encoding."""
    import cv2

    from mien.engine import place
    from mien.portrait.build import cached_avatar
    from mien.render.mesh import MeshRenderer

    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        avatar = cached_avatar(portrait)
        canvas: Any = MeshRenderer().prepare(avatar, place(avatar, width, height))
        shapes, head = _motion(frames)
        pictures = [canvas.draw(s, h) for s, h in zip(shapes[:100], head[:100], strict=True)]
        laps = _instrument(canvas)
        whole = Lap("draw, whole")
        draw = whole.around(canvas.draw)
        for s, h in zip(shapes, head, strict=True):
            draw(s, h)  # not kept: a film does not keep its pictures either, and fresh memory is slow
        convert, encode = _encoding(pictures, width, height)
    finally:
        cv2.setNumThreads(before)
    rest = whole.seconds - sum(lap.seconds for lap in laps)
    per_frame = [(lap.name, 1000 * lap.seconds / frames) for lap in laps]
    per_frame += [("draw: the rest", 1000 * rest / frames), (whole.name, 1000 * whole.seconds / frames)]
    return [*per_frame, ("RGB to YUV", convert), ("x264, two threads", encode)]


def _motion(frames: int) -> tuple[Any, Any]:
    """Rows of real speech: the face driver's own."""
    from mien import plugins
    from mien.dialogue.perform import perform
    from mien.dialogue.script import parse
    from mien.face.base import FaceSettings
    from mien.timeline import frame_tick

    text = (Path(__file__).parent / "english.txt").read_text(encoding="utf-8")
    speaker = plugins.load("speak", "espeak")()
    driver = plugins.load("face", "phones")(FaceSettings())
    try:
        for part in perform(parse(text), speaker, language="en"):
            driver.push(part)
        driver.close()
        clip = driver.read()
    finally:
        speaker.close()
    at = [round(frame_tick(k, Fraction(25)) * 50 / 48000) for k in range(25, 25 + frames)]
    return np.asarray(clip.shapes)[at], np.asarray(clip.head)[at]


_PARTS = {
    "_deform": "draw: deform the mesh",
    "_warp": "draw: rasterise and remap",
    "_sharpen_lips": "draw: lips, twice as fine",
    "_compose": "draw: compose over the plate",
}
_LAYERS = {"_shading": "apply", "_mouth": "draw"}


def _instrument(canvas: Any) -> list[Lap]:
    """Time the parts of a mesh canvas, by name; a part that is no longer there is left out."""
    laps = []
    for name, label in _PARTS.items():
        if hasattr(canvas, name):
            laps.append(Lap(label))
            setattr(canvas, name, laps[-1].around(getattr(canvas, name)))
    for name, method in _LAYERS.items():
        layer = getattr(canvas, name, None)
        if hasattr(layer, method):
            laps.append(Lap(f"draw: {name.strip('_')}"))
            setattr(layer, method, laps[-1].around(getattr(layer, method)))
    eyes = Lap("draw: eyes")
    for eye in getattr(canvas, "_eyes", []):
        eye.draw = eyes.around(eye.draw)
    return [*laps, eyes]


def _encoding(pictures: list[Any], width: int, height: int) -> tuple[float, float]:
    """Milliseconds per frame of the colour conversion, and of the encoder without it."""
    import tempfile

    from mien.timeline import frame_tick
    from mien.transmit.film import FilmSink, FilmSpec
    from mien.types import VideoFrame

    with tempfile.TemporaryDirectory() as folder:
        spec = FilmSpec(Path(folder) / "out.mp4", width, height, Fraction(25), "balanced", "software", sound=False)
        sink: Any = FilmSink(spec)
        lap = Lap("convert")
        sink._painter.paint = lap.around(sink._painter.paint)
        begin = time.perf_counter()
        for k, pixels in enumerate(pictures):
            sink.video(VideoFrame(frame_tick(k, Fraction(25)), pixels))
        sink.close()
        whole = time.perf_counter() - begin
    return 1000 * lap.seconds / len(pictures), 1000 * (whole - lap.seconds) / len(pictures)
