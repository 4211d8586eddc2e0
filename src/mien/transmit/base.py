"""The role of sending out (films, streams): frames and sound in, bytes to the world out."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from mien.types import AudioChunk, VideoFrame


@runtime_checkable
class Sink(Protocol):
    """Takes pictures and sound in order of time. Exactly one of close and abort ends it."""

    def video(self, frame: VideoFrame) -> None:
        """The next frame; ticks rise by one frame each."""
        ...

    def audio(self, chunk: AudioChunk) -> None:
        """The next sound; chunks follow each other without a gap."""
        ...

    def close(self) -> None:
        """Finish: the result appears under its final name, whole. Raises OutputError and leaves nothing otherwise."""
        ...

    def abort(self) -> None:
        """Throw everything away; no file is left. Idempotent, never raises."""
        ...
