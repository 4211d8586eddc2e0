"""How the tests share a machine when they run in more than one process (``pytest -n 2``).

Whole files go to whichever process is free. Files that judge what happens in time wait until the others are done, and
run one after the other with nothing beside them; then, just as much alone and once, whatever failed. What passes at
last is counted as passed and as run again, and why it was is shown.
"""

from __future__ import annotations

from typing import Final

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling
from xdist.workermanage import WorkerController

ALONE: Final = (
    "tests/live/", "tests/server/test_faults", "tests/server/test_malformed", "tests/server/test_slow_clients",
    "tests/server/test_sessions", "tests/e2e/page/test_page", "tests/e2e/page/test_voice",
    "tests/transmit/test_rtmp", "tests/transmit/test_webrtc",
)  # fmt: skip
"""How the paths of files begin that run with nothing beside them: they count pictures a second, or time an answer."""


class Schedule(LoadFileScheduling):
    """Nodes, as xdist calls its processes, get units: files, or single tests that are run again."""

    def __init__(self, config: pytest.Config, log: Producer | None = None) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False  # files with many tests are not those that take long
        self._again: dict[str, pytest.TestReport] = {}
        """What failed first, of every test that gets a second chance."""
        self._due: set[str] = set()
        """Those whose first run has not ended."""
        config.pluginmanager.register(self, "schedule")

    # What pytest asks.

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and report.nodeid not in self._again and self._chances(report):
            self._again[report.nodeid] = report
            self._due.add(report.nodeid)
        if report.failed and report.nodeid in self._due:
            report.outcome = "rerun"  # type: ignore[assignment]

    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        return ("rerun", "R", "RERUN") if str(report.outcome) == "rerun" else None

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for nodeid, report in self._again.items():
            terminalreporter.write_sep("_", f"failed at first: {nodeid}")
            terminalreporter.write_line("\n".join(report.longreprtext.splitlines()[-20:]))

    # What xdist asks.

    def mark_test_complete(self, node: WorkerController, item_index: int, duration: float = 0) -> None:
        nodeid = self.registered_collections[node][item_index]
        if nodeid in self._due:
            self.workqueue[nodeid] = {nodeid: False}
        super().mark_test_complete(node, item_index, duration)
        self._due.discard(nodeid)
        self._wake()

    def remove_node(self, node: WorkerController) -> str | None:
        crashed: str | None = super().remove_node(node)
        self._wake()
        return crashed

    def _split_scope(self, nodeid: str) -> str:
        again = nodeid in self._again and nodeid not in self._due
        return nodeid if again else super()._split_scope(nodeid)

    def _assign_work_unit(self, node: WorkerController) -> None:
        beside = next((unit for unit in self.workqueue if not alone(unit)), None)
        if beside is not None:
            self.workqueue.move_to_end(beside, last=False)
        elif node is not self._last() or self._busy_beside(node):
            return
        super()._assign_work_unit(node)

    def _reschedule(self, node: WorkerController) -> None:
        if all(alone(unit) for unit in self.workqueue) and not node.shutting_down:
            if node is not self._last():
                node.shutdown()
            elif self._busy_beside(node) or (not self.workqueue and self._pending_of(self.assigned_work[node]) > 1):
                return  # it is woken when they are done; what it does itself may fail and come back
        super()._reschedule(node)

    # The one process that is left in the end.

    def _chances(self, report: pytest.TestReport) -> bool:
        """Whether there is a second one: not after a crash, for the very last test, nor where one failure is enough."""
        return report.when is not None and self._last() is not None and not self.config.getoption("maxfail")

    def _last(self) -> WorkerController | None:
        ready = (node for node in self.nodes if node in self.registered_collections)
        return next((node for node in ready if not node.shutting_down), None)

    def _busy_beside(self, node: WorkerController) -> bool:
        return any(self._pending_of(work) for other, work in self.assigned_work.items() if other is not node)

    def _wake(self) -> None:
        last = self._last()
        if last and self.collection:
            self._reschedule(last)


def alone(unit: str) -> bool:
    """Whether nothing may run beside it."""
    return unit.startswith(ALONE) or "::" in unit
