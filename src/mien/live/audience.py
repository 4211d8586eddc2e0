"""Those who watch a session. One that breaks is shown nothing more; the others go on."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Final

import numpy as np

from mien.live.complaints import quietly
from mien.transmit.live import Viewer
from mien.types import AudioChunk, ByteArray, FaceClip, VideoFrame

_log = logging.getLogger(__name__)

_NO_PICTURE: Final = np.zeros((0, 0, 3), np.uint8)


class Audience:
    """Viewers that come and go. Safe from any thread. on_fault: told when a viewer broke; it has left then."""

    def __init__(self, on_fault: Callable[[], None]) -> None:
        self._on_fault = on_fault
        self._lock = threading.Lock()
        self._viewers: tuple[Viewer, ...] = ()
        self._blind: tuple[Viewer, ...] = ()

    def __bool__(self) -> bool:
        return bool(self._viewers)

    @property
    def sees(self) -> bool:
        """Whether anybody wants pictures."""
        return len(self._viewers) > len(self._blind)

    def come(self, viewer: Viewer, *, pictures: bool) -> None:
        """From the next moment on. pictures: False = its frames are empty."""
        with self._lock:
            self._viewers = (*self._viewers, viewer)
            self._blind = self._blind if pictures else (*self._blind, viewer)

    def leave(self, viewer: Viewer) -> None:
        """No more moments for this viewer; it is not closed."""
        with self._lock:
            self._viewers = tuple(v for v in self._viewers if v is not viewer)
            self._blind = tuple(v for v in self._blind if v is not viewer)

    def show(self, clip: FaceClip, picture: ByteArray | None, sound: AudioChunk) -> None:
        """A moment, to everybody; those who want pictures wait where none was drawn before they came."""
        viewers, blind = self._viewers, self._blind
        empty = VideoFrame(clip.start, _NO_PICTURE)
        drawn = None if picture is None else VideoFrame(clip.start, picture)
        for viewer in viewers:
            frame = empty if viewer in blind else drawn
            if frame is None:
                continue
            try:
                viewer.move(clip)
                viewer.show(frame, sound)
            except Exception:
                self._dismiss(viewer)

    def cut(self, tick: int) -> None:
        """What was shown before a tick and still waits need not be played."""
        for viewer in self._viewers:
            try:
                viewer.cut(tick)
            except Exception:
                self._dismiss(viewer)

    def close(self) -> None:
        """The session is over for everybody."""
        viewers = self._viewers
        self.empty()
        for viewer in viewers:
            quietly(viewer.close, "A viewer")

    def empty(self) -> None:
        """Nobody watches any more."""
        with self._lock:
            self._viewers = self._blind = ()

    def _dismiss(self, viewer: Viewer) -> None:
        _log.exception("A viewer broke.")
        self.leave(viewer)
        self._on_fault()
