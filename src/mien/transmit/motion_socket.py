"""Motion out as JSON text, one message per row, for a WebSocket or anything else that carries text.

Messages (docs/sending.md has the table): first ``{"type": "motion.begin", "format": "mien.motion", "schema_version": 1,
"rate": "50/1", "shapes": [52 names], "head": [6 names]}``; then for each row ``{"type": "motion.row", "tick": …,
"shapes": [52 numbers], "head": [6 numbers]}``, rounded to five digits behind the point; ``{"type": "motion.cut",
"tick": …}`` after an interrupt: rows from before that tick need not be played; at the end ``{"type": "motion.end"}``.
A new "motion.begin" comes where the rate changes.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction

from mien.transmit.feed import Feed
from mien.transmit.motion_text import HEAD, SCHEMA_VERSION
from mien.transmit.rows import Row, RowViewer
from mien.types import ARKIT_SHAPES, FaceClip


class MotionSocket(RowViewer):
    """Sends rows as text as they are due. Clips older than 0.4 s are dropped.

    deliver: sends one text; may block, is called from one thread; what it raises ends the viewer. hang_up: called from
    another thread when ``deliver`` still blocks after :meth:`close`; should make it return.
    """

    def __init__(self, deliver: Callable[[str], object], hang_up: Callable[[], object] = lambda: None) -> None:
        self._deliver, self._hang_up = deliver, hang_up
        self._rate: Fraction | None = None
        self._cut: int | None = None
        super().__init__("motion-socket")

    def cut(self, tick: int) -> None:
        """What waits from before ``tick`` is dropped, and the receiver is told to do the same."""
        super().cut(tick)
        self._cut = tick

    def _send(self, row: Row, clip: FaceClip) -> int:
        size = 0
        cut, self._cut = self._cut, None
        if cut is not None and self._rate is not None:
            size += self._say({"type": "motion.cut", "tick": cut})
        if clip.rate != self._rate:
            self._rate = clip.rate
            size += self._say(begin_message(clip.rate))
        return size + self._say(row_message(row))

    def _say(self, message: dict[str, object]) -> int:
        text = json.dumps(message, separators=(",", ":"))
        self._deliver(text)
        return len(text)

    def _end(self, last: Row | None) -> None:
        if last is not None:
            self._say({"type": "motion.end"})

    def _interrupt(self) -> None:
        self._hang_up()

    def _begin(self, feed: Feed) -> None:
        feed.tell("live")


def begin_message(rate: Fraction) -> dict[str, object]:
    """What the numbers of the rows mean."""
    return {
        "type": "motion.begin",
        "format": "mien.motion",
        "schema_version": SCHEMA_VERSION,
        "rate": f"{rate.numerator}/{rate.denominator}",
        "shapes": ARKIT_SHAPES,
        "head": HEAD,
    }


def row_message(row: Row) -> dict[str, object]:
    """One row."""
    return {
        "type": "motion.row",
        "tick": row.tick,
        "shapes": [round(v, 5) for v in row.shapes.tolist()],
        "head": [round(v, 5) for v in row.head.tolist()],
    }
