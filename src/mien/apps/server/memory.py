"""Memory that sessions have freed, handed back to the system."""

from __future__ import annotations

import ctypes
import gc
import sys
from contextlib import suppress


def give_back(*, unused: bool) -> None:
    """Have the C library let go of what is free: glibc keeps it for each thread that ever ran, and a server whose
    sessions come and go would seem to grow. unused: nobody is there whom it would disturb, so that cycles of objects
    are looked for as well.
    """
    if unused:
        gc.collect()
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):  # another C library
            ctypes.CDLL(None).malloc_trim(0)
