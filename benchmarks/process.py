"""Runs a command and watches the memory of it and everything it starts."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_EVERY = 0.1  # seconds between looks: a look at PSS costs a few milliseconds of the watched process's time


@dataclass(frozen=True)
class Run:
    """wall: seconds from start to end of the process. work: seconds of processor time of it and all it started, which
    other work on the machine hardly changes. peak: most bytes at one look, summed over its tree.

    PSS where the system tells it (shared pages are divided among those who share them), else RSS. out: what it printed.
    """

    wall: float
    work: float
    peak: int
    out: str


def mien(*arguments: str, watch: bool = False) -> Run:
    """Run a mien command. Raises RuntimeError with what it said when it fails."""
    return run([sys.executable, "-m", "mien", *arguments], watch=watch)


def run(command: Sequence[str], *, watch: bool = False) -> Run:
    """Run a command to its end. watch: sample its memory, which slows it by a few percent."""
    begin, before = time.perf_counter(), _worked()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    watcher = _Watcher(process.pid)
    if watch:
        watcher.start()
    out, err = process.communicate()
    wall = time.perf_counter() - begin
    watcher.over.set()
    if process.returncode:
        raise RuntimeError(f"{' '.join(command[:4])} …: {err.strip()[-400:]}")
    return Run(wall, _worked() - before, watcher.peak, out)


class _Watcher(threading.Thread):
    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid = pid
        self.peak = 0
        self.over = threading.Event()

    def run(self) -> None:
        while not self.over.wait(_EVERY):
            self.peak = max(self.peak, sum(memory(pid) for pid in tree(self._pid)))


def _worked() -> float:
    """Processor time of all processes that were started here and have ended, seconds."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def tree(pid: int) -> list[int]:
    """A process and all that descend from it (Linux)."""
    found, waiting = [], [pid]
    while waiting:
        here = waiting.pop()
        found.append(here)
        for task in _listed(Path(f"/proc/{here}/task")):
            try:
                children = (task / "children").read_text(encoding="ascii").split()
            except OSError:
                continue
            waiting += [int(child) for child in children]
    return found


def memory(pid: int) -> int:
    """Proportional set size of a process in bytes; resident set size where that is hidden; 0 when it is gone."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    try:
        return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def _listed(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []
