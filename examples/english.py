"""A portrait says a sentence in English: python examples/english.py me.jpg english.mp4"""

import sys

import mien

portrait, film = sys.argv[1:]
mien.make(portrait, text="Hello. I was only a photograph, and now I can speak.", language="en").save(film)
