"""A worker process: reads tasks as JSON lines from standard input, tells what happens as JSON lines on standard output.

It never outlives whoever started it: when its input ends, it ends, with everything it started. Python modules, model
sessions and avatars stay loaded from one task to the next.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from queue import Queue
from typing import Any, Final, TextIO

from mien.apps.jobs import artefacts
from mien.apps.jobs.work import as_fault, check_unchanged, kind
from mien.apps.studio.workshops import Inputs
from mien.errors import MienError

_TELL_EVERY: Final = 0.2  # seconds
_PULSE: Final = 1.0  # seconds between two signs of life


def main() -> None:
    """Run until standard input ends."""
    tell = _Voice()
    _die_with_parent()
    tasks: Queue[dict[str, Any]] = Queue()
    threading.Thread(target=_listen, args=(tasks,), daemon=True).start()
    threading.Thread(target=_pulse, args=(tell,), daemon=True).start()
    while True:
        _do(tasks.get(), tell)


def perform(task: Mapping[str, Any], tell: Any) -> dict[str, Any]:
    """Do a task and seal what it made. Returns its report. Raises any MienError.

    task: kind, arguments, folder (to work in), place (to seal it in), digests (of the files it reads).
    """
    folder, begun, last = Path(task["folder"]), time.monotonic(), [0.0]

    def observe(done: int, total: int) -> None:
        now = time.monotonic()
        if now - last[0] >= _TELL_EVERY:
            last[0] = now
            tell("progress", done=done, total=total)

    folder.mkdir(parents=True, exist_ok=True)
    inputs = Inputs.of(map(Path, task["digests"]))
    try:
        made = kind(task["kind"]).perform(
            task["arguments"], folder, lambda line: tell("note", message=line), observe
        )  # fmt: skip
    except Exception:
        check_unchanged(task["digests"], inputs)  # then that is why
        raise
    check_unchanged(task["digests"], inputs)
    artefacts.seal(made, folder, Path(task["place"]))
    return {**made.report, "seconds": round(time.monotonic() - begun, 3), "peak": _peak()}


class _Voice:
    """Events to whoever started this process. What libraries print goes to standard error instead."""

    def __init__(self) -> None:
        self._out: TextIO = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)
        self._lock = threading.Lock()

    def __call__(self, event: str, **fields: Any) -> None:
        with self._lock, suppress(BrokenPipeError):
            self._out.write(json.dumps({"event": event, **fields}) + "\n")
            self._out.flush()


def _do(task: dict[str, Any], tell: _Voice) -> None:
    try:
        report = perform(task, tell)
    except BaseException as error:
        artefacts.discard(Path(task["folder"]))
        fault = as_fault(error)
        if not isinstance(error, MienError):  # for the job's log: nobody foresaw it
            tell("note", message="".join(traceback.format_exception(error))[-1500:])
        tell(
            "failed", code=fault.code, message=fault.message, hint=fault.hint, retryable=fault.retryable
        )  # fmt: skip
        if isinstance(error, KeyboardInterrupt | SystemExit):
            _end()
    else:
        tell("done", report=report)


def _pulse(tell: _Voice) -> None:
    while True:
        tell("alive")
        time.sleep(_PULSE)


def _listen(tasks: Queue[dict[str, Any]]) -> None:
    for line in sys.stdin:
        tasks.put(json.loads(line))
    _end()


def _end() -> None:
    """Leave at once, with all children: this process leads a group of its own."""
    if os.name == "posix" and os.getpgid(0) == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(0)


def _die_with_parent() -> None:
    """On Linux the kernel sees to it as well, also while this process is stuck in compiled code."""
    if sys.platform != "linux":
        return
    import ctypes

    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def _peak() -> int:
    """The most memory this process ever had, bytes; 0 where the system does not tell."""
    if sys.platform == "win32":
        return 0
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


if __name__ == "__main__":
    main()
