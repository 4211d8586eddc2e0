"""Memory that sessions have freed, handed back to the system."""

from __future__ import annotations

import ctypes
import sys
from contextlib import suppress


def give_back() -> None:
    """Have the C library let go of what is free. glibc keeps it for each thread that ever ran: a server whose sessions
    come and go would seem to grow. Elsewhere nothing is done.
    """
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):  # another C library
            ctypes.CDLL(None).malloc_trim(0)
