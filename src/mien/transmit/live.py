"""The role of showing live: paced pictures and sound out to whoever watches, their microphone in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, Protocol, runtime_checkable

from mien.types import AudioChunk, FaceClip, VideoFrame

CLOSE_SECONDS: Final = 3.0
"""Longest time that :meth:`Viewer.close` takes, in seconds, whatever the receiver does."""

State = Literal["opening", "live", "retrying", "failed", "closed"]
"""opening: not there yet. live: going out. retrying: lost, being opened again. failed: given up. closed: over."""


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of what a viewer was given since it was opened; the same for all viewers, for metrics and the page.

    frames, ticks, rows: pictures, ticks of sound and rows of motion that went out. lost_frames, lost_ticks, lost_rows:
    those that were dropped by the viewer's rule, or could not go anywhere. cut_frames: those that an interrupt made
    needless. waiting: how many moments or clips wait in its queue now. sent_bytes: handed to the network or disk.
    connects: how often the receiver was reached. state: as in :data:`State`. reason: one sentence on why it is not
    live, "" when it is; never holds a key.
    """

    frames: int = 0
    ticks: int = 0
    rows: int = 0
    lost_frames: int = 0
    lost_ticks: int = 0
    lost_rows: int = 0
    cut_frames: int = 0
    waiting: int = 0
    sent_bytes: int = 0
    connects: int = 0
    state: State = "opening"
    reason: str = ""


@runtime_checkable
class Viewer(Protocol):
    """Somebody who watches a session: a WebRTC peer, a WebSocket, an RTMP push, a recording, a motion receiver.

    The session calls it from its one pacing thread, each moment when it is due; nothing but close may block, and
    nothing may raise. What a viewer cannot take in time it drops by its own stated rule. Times are ticks since the
    session began, without gaps. A viewer may come and go in the middle. Pictures and arrays are never changed, neither
    by a viewer nor by the session after the call.
    """

    @property
    def tally(self) -> Tally:
        """What became of what it was given. From any thread."""
        ...

    def show(self, frame: VideoFrame, sound: AudioChunk) -> None:
        """One frame and the sound that lasts as long as it is shown; both start at ``frame.tick``."""
        ...

    def move(self, clip: FaceClip) -> None:
        """The motion behind the frame, for who draws by himself; comes just before it."""
        ...

    def cut(self, tick: int) -> None:
        """The speech was cut: what was shown before ``tick`` and is still waiting in a buffer need not be played."""
        ...

    def close(self) -> None:
        """The session is over. Idempotent; takes :data:`CLOSE_SECONDS` at most, its thread ends."""
        ...
