"""The face driver for speech whose phones and their times are known: no listening, no guessing.

Streams in rows at 50 Hz. Speech goes in by :meth:`PhoneDriver.push`; a row comes out once the speech
:data:`LOOK_AHEAD` after it is known. What is kept is bounded by that look-ahead, so hours cost no more than minutes.
Lips lead the sound by 30 ms (:data:`mien.face.lips.LEAD`), contacts by 5 ms.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from mien.errors import MissingError, UsageError
from mien.face.base import FaceDriverInfo, FaceSettings
from mien.face.lips import Articulation
from mien.face.motion import Motion
from mien.face.prosody import Prosody
from mien.face.styles import resolve
from mien.types import ARKIT_SHAPES, FaceClip, SpeechPart

LOOK_AHEAD: Final = 11 * 960
"""Ticks between a row and the speech that can still change it: 220 ms."""

_ROW: Final = 960
_BLOCK: Final = 256


class PhoneDriver:
    """Moves a face by phones: lips, expression, head, gaze and blinks. See :class:`mien.face.base.FaceDriver`.

    Raises UsageError for settings that make no sense.
    """

    def __init__(self, settings: FaceSettings) -> None:
        self._settings = settings
        self._style = resolve(settings)
        self._start = 0
        self._end: int | None = None
        self._done = 0
        self._closed = False
        self._prosody = Prosody()
        self._articulation: Articulation | None = None
        self._motion: Motion | None = None

    @property
    def info(self) -> FaceDriverInfo:
        """Needs phones; waits for :data:`LOOK_AHEAD`."""
        return FaceDriverInfo(name="phones", needs_phones=True, look_ahead=LOOK_AHEAD)

    def push(self, part: SpeechPart) -> None:
        """Take the next part of speech.

        Raises MissingError for a part without phones, UsageError for a gap before it or after :meth:`close`.
        """
        if part.phones is None:
            raise MissingError(
                "This face driver needs to know when each sound is spoken, and this voice does not tell.",
                hint="Use a voice that gives phone times, such as espeak, or another face driver.",
                code="missing.phones",
            )
        articulation, motion = self._open(part)
        for span in part.emotions:
            motion.feel(span)
        for phone in part.phones:
            articulation.add(phone)
        for event in self._prosody.push(part.audio.samples):
            motion.stress(event)
        self._end = part.audio.end

    def close(self) -> None:
        """No more speech: the rest of the rows becomes readable. Idempotent."""
        if not self._closed and self._motion:
            for event in self._prosody.close():
                self._motion.stress(event)
        self._closed = True

    def read(self) -> FaceClip:
        """All rows that are final and were not read yet."""
        shapes, head = [np.zeros((0, len(ARKIT_SHAPES)), np.float32)], [np.zeros((0, 6), np.float32)]
        start = self._start + self._done * _ROW
        while self._articulation and self._motion and (rows := min(_BLOCK, self._final() - self._done)) > 0:
            mouth = self._articulation.take(rows)
            s, h = self._motion.rows(mouth, self._prosody.gains(rows))
            shapes.append(s)
            head.append(h)
            self._done += rows
        return FaceClip(start, np.concatenate(shapes), np.concatenate(head))

    def _open(self, part: SpeechPart) -> tuple[Articulation, Motion]:
        if self._closed:
            raise UsageError("This face driver was closed.", hint="Make a new one for more speech.")
        if self._end is not None and part.audio.start != self._end:
            raise UsageError(
                f"Speech goes on at tick {part.audio.start}, but it ended at {self._end}.",
                hint="Push the parts in order, with silence where nothing is said.",
            )
        if self._articulation is None or self._motion is None:
            self._start = part.audio.start
            self._articulation = Articulation(self._start, self._style.smoothing)
            self._motion = Motion(self._start, self._settings, self._style)
        return self._articulation, self._motion

    def _final(self) -> int:
        """How many rows are final."""
        length = (self._end or self._start) - self._start
        return -(-length // _ROW) if self._closed else max(0, (length - LOOK_AHEAD) // _ROW + 1)
