"""Frames with their sound, as they are made: python examples/stream_frames.py me.jpg"""

import sys

import mien

for frame, sound in mien.make(sys.argv[1], text="One, two, three.", size="512").frames():
    height, width, _ = frame.pixels.shape
    print(f"{frame.tick / 48000:.2f} s: {width}x{height} pixels, {len(sound.samples)} samples")
