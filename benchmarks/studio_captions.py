"""What captions, a logo and a moving background cost: ``python -m benchmarks.studio_captions [SECONDS]``.

A film of 1080 x 1920 at 25 frames a second is composed frame by frame, as a render does, with a still background alone
and once with captions and a logo over it; words come at the pace of speech. Every style of captions, Chinese and
English. Printed: milliseconds of one core a frame more than without, on average, and the slowest frame. Both together
stay under 4 ms. Then the same for backgrounds that move: a picture under a camera, and a video of the canvas's size.
Encoding is not in it.
"""

from __future__ import annotations

import re
import sys
import tempfile
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from mien.captions import make_captions
from mien.stage.layer import Layer, Patch, Stack
from mien.stage.layers.footage import Footage
from mien.stage.layers.panning import Panning, Shot
from mien.stage.layers.still import Still
from mien.stage.type.burned import BurnedCaptions, CaptionStyle, caption_room
from mien.stage.type.looks import LOOKS
from mien.timeline import frame_tick, to_ticks
from mien.transmit.film import FilmSink, FilmSpec
from mien.types import VideoFrame, Word

CANVAS = (1080, 1920)
FPS = Fraction(25)
TEXTS = {
    "zh": "大家好！今天教你三步泡好一杯茶，水温要控制在九十度左右。第一步，先温杯，把开水倒进茶壶里。",
    "en": "Hello everyone! Today I’ll show you how to make a cup of tea in three easy steps. First, warm the pot. ",
}


def main(seconds: float) -> None:
    rng = np.random.default_rng(0)
    background = Still(Patch(0, 0, rng.integers(0, 256, (*CANVAS[::-1], 3), np.uint8), 1))
    logo = Still(Patch(900, 40, rng.integers(0, 256, (130, 130, 4), np.uint8), 1))
    bare, _ = composed([background], seconds)
    print(f"background alone: {bare:.2f} ms a frame")
    for language, text in TEXTS.items():
        for look in LOOKS:
            style = CaptionStyle(look, "tiktok", language=language)
            source = text * (1 + int(seconds / 8))
            captions = make_captions(spoken(source), source, room=caption_room(style, CANVAS))
            layers: list[Layer] = [background, BurnedCaptions(captions, CANVAS, style), logo]
            mean, worst = composed(layers, seconds)
            print(f"{language} {look:9} {mean - bare:6.2f} ms a frame; slowest {worst:.0f} ms")
    with tempfile.TemporaryDirectory(prefix="mien-captions-") as folder:
        for what, moving in backgrounds(Path(folder), seconds):
            mean, worst = composed([moving, logo], seconds)
            print(f"{what:12} {mean - bare:6.2f} ms a frame; slowest {worst:.0f} ms")


def backgrounds(folder: Path, seconds: float) -> Iterator[tuple[str, Layer]]:
    """Backgrounds that move, of soft colours, as photographs have them."""
    rough = np.random.default_rng(1).integers(0, 256, (12, 8, 3), np.uint8)
    picture = np.asarray(cv2.resize(rough, (1620, 2880), interpolation=cv2.INTER_CUBIC), np.uint8)
    shots = Shot(1.0, (0.0, 0.5)), Shot(1.15, (1.0, 0.5))
    camera = Panning(picture, (0, 0, *CANVAS), shots, (0, to_ticks(seconds)))
    yield "camera", camera
    film = FilmSink(FilmSpec(folder / "video.mp4", *CANVAS, FPS, "balanced", "software", sound=False))
    for k in range(75):
        film.video(VideoFrame(frame_tick(k, FPS), camera.at(frame_tick(k, FPS)).pixels))
    film.close()
    yield "video", Footage(folder / "video.mp4", (0, 0, *CANVAS), loop=True)


def composed(layers: list[Layer], seconds: float) -> tuple[float, float]:
    """Milliseconds of a frame, mean and most."""
    stack = Stack(layers, *CANVAS)
    stack.at(0)  # compiled, first painted
    laps = []
    for k in range(int(seconds * FPS)):
        begin = time.thread_time()
        stack.at(frame_tick(k, FPS))
        laps.append(1000 * (time.thread_time() - begin))
    return float(np.mean(laps)), max(laps)


def spoken(text: str) -> list[Word]:
    """Words at the pace of speech."""
    words, at = list[Word](), 0.0
    for match in re.finditer(r"[\u4e00-\u9fff]|[^\W\u4e00-\u9fff]+(?:[’'-][^\W\u4e00-\u9fff]+)*", text):
        lasts = 0.2 if len(match[0]) == 1 else 0.34
        words.append(Word(to_ticks(at), to_ticks(at + lasts), match.start(), match.end()))
        at += lasts + (0.3 if text[match.end() : match.end() + 1] in tuple("。！.!") else 0)
    return words


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 20.0)
