"""What all tests stand on."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.schedule import Schedule
    from xdist.remote import Producer

# Shells start jobs in the background with Ctrl-C ignored, nohup with the terminal's end ignored, and children inherit
# that: tests that press the one or do the other would wait.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Schedule:
    """Tests in more than one process: who runs when."""
    from tests.schedule import Schedule

    return Schedule(config, log)
