"""How many workers help on this machine: by the cores and the memory that are really ours."""

from __future__ import annotations

from typing import Final

from mien.machine import cores, free_memory

WORKER_BYTES: Final = 650_000_000
"""What a worker takes at most for films up to 1080p, measured."""
_RESERVE: Final = 500_000_000  # for everybody else on the machine


def workers(jobs: int) -> int:
    """One a core, as far as the memory that is free now allows, and no more than there are jobs; at least one."""
    by_memory = (free_memory() - _RESERVE) // WORKER_BYTES
    return max(1, min(cores(), by_memory, jobs))
