"""一张照片说中文：python examples/chinese.py me.jpg chinese.mp4"""

import sys

import mien

portrait, film = sys.argv[1:]
mien.make(portrait, text="大家好。刚才我还是一张照片，[happy]现在我会说话了。[/happy]", language="zh").save(film)
