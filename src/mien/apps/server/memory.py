"""Memory that sessions have freed, handed back to the system. All of it is about glibc; elsewhere nothing is done."""

from __future__ import annotations

import ctypes
import gc
import os
import sys
from contextlib import suppress
from typing import Final

from mien.machine import cores

_ARENAS: Final = -8
_MAPPED: Final = -3
"""Numbers of glibc's mallopt: M_ARENA_MAX and M_MMAP_THRESHOLD."""
_LARGE: Final = 1 << 20


def settle() -> None:
    """Have a process that is meant to run for weeks stay as large as it needs to be; call it before threads are made.

    By itself glibc keeps eight heaps a core, which threads that come and go leave half empty, and large arrays among
    small ones in them. Here it is one a core (two at least), and arrays of 1 MB and more are mapped and unmapped each
    by itself. What the owner says in the environment (MALLOC_…, GLIBC_TUNABLES) holds.
    """
    told = any(name.startswith("MALLOC_") for name in os.environ) or "GLIBC_TUNABLES" in os.environ
    if sys.platform == "linux" and not told:
        with suppress(OSError, AttributeError):  # another C library
            mallopt = ctypes.CDLL(None).mallopt
            mallopt(_ARENAS, max(2, cores()))
            mallopt(_MAPPED, _LARGE)


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
