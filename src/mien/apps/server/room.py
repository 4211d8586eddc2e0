"""One visitor's session with everything that hangs on it: who watches, who is told, where it is sent."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from mien.apps.server.hub import Hub
from mien.apps.server.metrics import Labels
from mien.errors import InputError
from mien.live.complaints import quietly
from mien.live.house import Guest
from mien.live.session import Session
from mien.live.troupe import Wish
from mien.transmit.broadcast import Broadcast
from mien.transmit.live import Tally, Viewer
from mien.types import AudioChunk

Total = tuple[str, Labels]
"""Name and labels of a metric."""
BLIND: Final = frozenset({"vmc", "livelink", "motion"})
"""Kinds that take no pictures."""
MOST_OUTPUTS: Final = 4
"""Recordings, pushes and receivers of motion that a session may have at once, of each kind."""


@dataclass(frozen=True)
class Output:
    """Something that a session is sent to. kind: "recording", "rtmp", "whip", "vmc", "livelink". about: for the API."""

    id: str
    kind: str
    viewer: Viewer
    about: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Hearing:
    """Who listens here. backend: "" = nobody understands words. note: why not, or what is limited."""

    backend: str = ""
    languages: tuple[str, ...] = ()
    note: str = ""


class Room(Guest):
    """A session, its visitors and its outputs. Methods are safe from any thread; those that may take long say so."""

    def __init__(
        self,
        session: Session,
        broadcast: Broadcast,
        hub: Hub,
        wish: Wish,
        gone: Callable[[Room], None] = lambda _: None,
    ) -> None:
        """wish: what its visitor chose. gone: told when it is closed, before its counts are."""
        super().__init__(id="", session=session)
        self.broadcast, self.hub, self.wish = broadcast, hub, wish
        self._told_gone = gone
        self.hearing = Hearing()
        self.puppet: Any = None
        self.microphone: Callable[[AudioChunk], None] = lambda _: None
        self._lock = threading.Lock()
        self._seats = 0
        self._outputs: dict[str, Output] = {}
        self._leaving: list[Callable[[], object]] = []
        self._gone = False
        self._sent: dict[Total, float] = {}

    def sit(self) -> None:
        """Somebody watches the broadcast."""
        with self._lock:
            self._seats += 1
            if self._seats == 1 and not self._gone:
                self.session.watch(self.broadcast)

    def stand(self) -> None:
        """Somebody watches it no more."""
        self.seen = time.monotonic()
        with self._lock:
            self._seats -= 1
            if not self._seats:
                self.session.leave(self.broadcast)

    def seen_now(self) -> None:
        """Its visitor is there."""
        self.seen = time.monotonic()

    def hear(self, chunk: AudioChunk) -> None:
        """The microphone's next sound; returns at once."""
        self.microphone(chunk)

    @property
    def seats(self) -> int:
        """How many watch the broadcast."""
        return self._seats

    def add(self, kind: str, viewer: Viewer, about: dict[str, Any]) -> Output:
        """Send the session somewhere. Raises InputError when it goes to too many places already; may take long then."""
        output = Output(secrets.token_urlsafe(6), kind, viewer, about)
        with self._lock:
            full = self._gone or sum(o.kind == kind for o in self._outputs.values()) >= MOST_OUTPUTS
            if not full:
                self._outputs[output.id] = output
        if full:
            viewer.close()
            raise InputError(
                f"This session has {MOST_OUTPUTS} of these already.", hint="End one first.", code="input.conflict"
            )
        self.session.watch(viewer, pictures=kind not in BLIND)
        return output

    def remove(self, name: str, *kinds: str) -> Output:
        """End an output; takes seconds at most. Raises InputError for one that is not there."""
        with self._lock:
            found = self._outputs.get(name)
            if found is not None and found.kind in kinds:
                del self._outputs[name]
        if found is None or found.kind not in kinds:
            raise InputError("There is no such output (any more).", code="output.unknown")
        self.session.leave(found.viewer)
        found.viewer.close()
        self._keep(found)
        return found

    def outputs(self, *kinds: str) -> tuple[Output, ...]:
        """Those there are, of some kinds or all."""
        with self._lock:
            return tuple(o for o in self._outputs.values() if not kinds or o.kind in kinds)

    def tallies(self) -> dict[str, list[Tally]]:
        """What became of what was sent, by kind."""
        told: dict[str, list[Tally]] = {"broadcast": [self.broadcast.tally]}
        for output in self.outputs():
            told.setdefault(output.kind, []).append(output.viewer.tally)
        return told

    def totals(self) -> dict[Total, float]:
        """What is counted of this session, by the metric's name and labels; only rises."""
        counts = self.session.counts
        told: dict[Total, float] = {
            ("mien_frames_total", ()): counts.frames,
            ("mien_frames_repeated_total", ()): counts.repeated,
            ("mien_turns_total", ()): counts.turns,
            ("mien_cuts_total", ()): counts.cuts,
            ("mien_clock_jumps_total", ()): counts.jumps,
            ("mien_events_missed_total", ()): self.hub.lost,
            ("mien_microphone_lost_total", ()): self.ears.lost if self.ears is not None else 0,
        }
        with self._lock:
            sent = dict(self._sent)
        for kind, tallies in self.tallies().items():
            for tally in tallies:
                _add(sent, kind, tally)
        return told | sent

    def _keep(self, output: Output) -> None:
        """The tally of an output that has ended stays in the totals."""
        tally = output.viewer.tally
        with self._lock:
            _add(self._sent, output.kind, tally)

    def on_leaving(self, end: Callable[[], object]) -> Callable[[], None]:
        """Have something ended with the session, quickly. Returns what takes it off again."""
        with self._lock:
            gone = self._gone
            self._leaving.append(end)
        if gone:
            end()

        def off() -> None:
            with self._lock:
                if end in self._leaving:
                    self._leaving.remove(end)

        return off

    def close(self) -> None:
        """End everything of it; takes seconds at most."""
        with self._lock:
            again, self._gone = self._gone, True
            leaving, self._leaving = self._leaving, []
        if again:
            return
        ends = (
            *leaving, super().close, *(output.viewer.close for output in self.outputs()), self.broadcast.close,
            lambda: self._told_gone(self), self.hub.close,
        )  # fmt: skip
        for end in ends:  # all of them, whatever one of them does
            quietly(end, "Something of a session")


def _add(totals: dict[Total, float], kind: str, tally: Tally) -> None:
    labels = (("kind", kind),)
    for name, value in (
        ("mien_viewer_frames_total", tally.frames),
        ("mien_viewer_lost_frames_total", tally.lost_frames),
        ("mien_viewer_sent_bytes_total", tally.sent_bytes),
    ):
        totals[name, labels] = totals.get((name, labels), 0) + value
