"""Pushing that does not give up at once: a lost connection is opened again after longer and longer pauses."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from typing import Final

from mien.errors import InputError, NetworkError
from mien.transmit.feed import Feed

_FIRST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 15.0
_STEADY: Final = 10.0
"""Seconds after which a connection counts as good, and the next loss begins with the shortest pause again."""


def persist(feed: Feed, push: Callable[[], None], *, patience: float, lost: str) -> None:
    """Call ``push`` until it returns, or the feed is over. It raises NetworkError, InputError or OSError for a loss.

    patience: seconds without any connection after which it is given up; the feed's state is "failed" then. lost: the
    sentence to tell where the error has none. Pauses are 0.5, 1, 2 … 15 seconds.
    """
    pauses = _pauses()
    last_good = time.monotonic()
    while not feed.over:
        began, connects = time.monotonic(), feed.tally.connects
        try:
            push()
            return
        except (NetworkError, InputError) as error:
            reason = str(error)
        except OSError:
            reason = lost
        now = time.monotonic()
        if feed.tally.connects > connects:
            last_good = now
            if now - began > _STEADY:
                pauses = _pauses()
        if now - last_good > patience:
            feed.tell("failed", f"{reason} It was given up.")
            return
        feed.tell("retrying", reason)
        feed.pause(next(pauses))


def _pauses() -> Iterator[float]:
    """Seconds to wait before each new try; a little by chance, so that many do not come back at once."""
    pause = _FIRST_PAUSE
    while True:
        yield pause * random.uniform(0.8, 1.2)  # noqa: S311, not for secrets
        pause = min(2 * pause, _LONGEST_PAUSE)
