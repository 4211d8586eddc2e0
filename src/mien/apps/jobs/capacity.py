"""How many workers help on this machine: by the cores and the memory that are really ours."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from mien.machine import cores

WORKER_BYTES: Final = 650_000_000
"""What a worker takes at most for films up to 1080p, measured."""
_RESERVE: Final = 500_000_000  # for everybody else on the machine


def workers(jobs: int) -> int:
    """One a core, as far as the memory that is free now allows, and no more than there are jobs; at least one."""
    by_memory = (memory() - _RESERVE) // WORKER_BYTES
    return max(1, min(cores(), by_memory, jobs))


def memory() -> int:
    """Bytes that are free: what the system calls available, less where a container has a limit."""
    free = [_available()]
    with suppress(OSError, ValueError):
        group = Path("/sys/fs/cgroup")
        limit = (group / "memory.max").read_text(encoding="ascii").strip()
        if limit != "max":
            free.append(int(limit) - int((group / "memory.current").read_text(encoding="ascii")))
    return min(free)


def _available() -> int:
    with suppress(OSError, ValueError):
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    with suppress(OSError, ValueError, AttributeError):  # macOS: half of what there is
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    return 4_000_000_000
