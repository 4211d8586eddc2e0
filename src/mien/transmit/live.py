"""The role of showing live: paced pictures and sound out to whoever watches, their microphone in."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from mien.types import AudioChunk, FaceClip, VideoFrame


@runtime_checkable
class Viewer(Protocol):
    """Somebody who watches a session: a WebRTC peer, a WebSocket, an RTMP push, a recording, a motion receiver.

    The session calls it from its one pacing thread, each moment when it is due; nothing here may block or raise. What
    a viewer cannot take in time it drops by its own stated rule. Times are ticks since the session began, without gaps.
    """

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
        """The session is over. Idempotent."""
        ...
