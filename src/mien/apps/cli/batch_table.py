"""The live table of ``mien batch``: how many jobs stand how, and what is being rendered."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from mien.apps.jobs.run import Run


class Screen:
    """A context: it is shown while it lasts."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._begun = time.monotonic()
        self._live = Live(console=Console(stderr=True), refresh_per_second=4, transient=True)

    def __enter__(self) -> Screen:
        self._live.start()
        return self

    def __exit__(self, *failure: Any) -> None:
        self._live.stop()

    def say(self, line: str) -> None:
        """A line above the table."""
        self._live.console.print(Text(line))

    def show(self, run: Run, counts: Mapping[Any, int]) -> None:
        """The table as it is now."""
        told = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
        head = Text(f"{self._title}: {told} ({time.monotonic() - self._begun:.0f} s)", style="bold")
        self._live.update(Group(head, films(run)))


def films(run: Run) -> Table:
    """What is being rendered, a line each."""
    table = Table.grid(padding=(0, 2))
    for running in run.running.values():
        total = running.total or None
        share = f"{100 * running.done // running.total} %" if total else "…"
        seconds = f"{time.monotonic() - running.begun:.0f} s"
        table.add_row(Text(running.job.id), ProgressBar(total=total, completed=running.done, width=30), share, seconds)
    return table
