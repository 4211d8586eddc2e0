"""A microphone that moves the face directly, for people who speak through an avatar: no words are understood.

The voice passes through, delayed by as much as the face needs. Motion and sound are made at once, frame by frame, so
that both are late by the same: a cushion against uneven arrival and the frame that is being made.
"""

from __future__ import annotations

import threading
from typing import Final

from mien.face.base import FaceDriver, FaceSettings
from mien.face.listen.driver import ListenDriver
from mien.live.session import Session
from mien.timeline import to_ticks
from mien.types import AudioChunk

CUSHION: Final = to_ticks(0.04)
"""Ticks that are gathered before the voice begins: one frame. Where that is not enough it runs dry once, and what is
gathered anew then comes on top.
"""
MOST: Final = to_ticks(0.14)
"""Ticks that may wait; more is left out, for a delay that has grown would stay."""


class Puppet:
    """Moves one session's face. ``hear`` returns at once; call it from one thread at a time."""

    def __init__(self, session: Session, settings: FaceSettings) -> None:
        self.settings = settings
        self.dropped = 0
        self._session = session
        self._lock = threading.Lock()
        self._gathered: list[AudioChunk] = []
        self._flowing = False
        self._ready: FaceDriver | None = self._made()  # the first one takes a while

    def hear(self, chunk: AudioChunk) -> None:
        """The microphone's next sound, 48 kHz."""
        with self._lock:
            waiting = self._session.waiting
            if self._flowing and waiting == 0:
                self._flowing = False  # it ran dry: begin anew with a cushion
            if waiting > MOST:
                self.dropped += len(chunk.samples)
                return
            self._gathered.append(chunk)
            if not self._flowing and sum(len(c.samples) for c in self._gathered) < CUSHION:
                return
            self._flowing = True
            gathered, self._gathered = self._gathered, []
        for piece in gathered:
            self._session.follow(piece, self._driver)

    def close(self) -> None:
        """The voice ends."""
        self._session.interrupt()

    def _driver(self) -> FaceDriver:
        ready, self._ready = self._ready, None
        return ready or self._made()

    def _made(self) -> FaceDriver:
        return ListenDriver(self.settings, prompt=True, look_ahead=0)
