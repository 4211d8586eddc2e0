"""An avatar is made once and speaks often: python examples/one_avatar_many_films.py me.jpg folder"""

import sys
from pathlib import Path

import mien

portrait, folder = sys.argv[1], Path(sys.argv[2])
folder.mkdir(parents=True, exist_ok=True)
avatar = mien.create_avatar(portrait)
for feeling in ("happy", "serious", "surprised"):
    mien.make(avatar, text="This is how I feel.", emotion=feeling, size="512").save(folder / f"{feeling}.mp4")
