"""What failed, as a visitor is told: one sentence and what mends it; the rest stands in the log."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any, Final

from mien.errors import MienError

_log = logging.getLogger(__name__)

QUIET: Final = 10.0
"""Seconds between two complaints of what fails again and again."""


class Complaints:
    """Tells ``error`` events.

    tell: takes an event's kind and fields. code, message, hint: of errors that have no words of their own.
    """

    def __init__(self, tell: Callable[..., None], code: str, message: str, hint: str) -> None:
        self._tell, self._usual = tell, (code, message, hint)
        self._last = -QUIET

    def tell(self, error: Exception, **more: Any) -> None:
        """Tell of it now. more: fields of the event."""
        if isinstance(error, MienError):
            code, message, hint = error.code, error.message, error.hint
        else:
            code, message, hint = self._usual
            _log.error("%s", message, exc_info=error)
        self._tell("error", code=code, message=message, hint=hint, **more)

    def repeat(self, error: Exception) -> None:
        """The same for what may fail at every moment: told now and then."""
        if time.monotonic() - self._last >= QUIET:
            self._last = time.monotonic()
            self.tell(error)


def quietly(end: Callable[[], object], what: str) -> None:
    """End something; that it fails stands in the log, and keeps nothing else from ending."""
    try:
        end()
    except Exception:
        _log.exception("%s failed to end.", what)
