"""The realtime API's input buffer: sound comes as fast as the client likes, and is heard as it would be said."""

from __future__ import annotations

import base64
import binascii
import time
from collections import deque
from collections.abc import Callable
from typing import Final

import numpy as np

from mien.apps.server.speech_file import RATE
from mien.audio.resample import Resampler
from mien.errors import InputError
from mien.transmit.rtc_microphone import SteadySound
from mien.types import AudioChunk, FloatArray

_LONGEST: Final = 120 * RATE
"""Most samples that wait."""
_AHEAD: Final = 0.1
_PIECE: Final = RATE // 25


class InputBuffer:
    """PCM of 16 bits at 24 kHz in, 48 kHz out. Not thread-safe. hear: takes the sound as a microphone gives it."""

    def __init__(self, hear: Callable[[AudioChunk], None]) -> None:
        self._waiting: deque[FloatArray] = deque()
        self._count = 0
        self._given = 0
        self._began = 0.0
        self._sent = 0
        self._up = Resampler(RATE)
        self._steady = SteadySound(hear)

    def append(self, text: str) -> None:
        """The next sound, base64. Raises InputError."""
        try:
            data = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            raise InputError("The audio is not base64.", code="invalid_audio") from None
        if len(data) % 2:
            raise InputError("The audio is not made of whole samples of 16 bits.", code="invalid_audio")
        samples = np.frombuffer(data, "<i2").astype(np.float32) * np.float32(1 / 32768)
        if self._count + len(samples) > _LONGEST:
            raise InputError("More than 120 seconds of sound wait.", code="input.too_large")
        self._waiting.append(samples)
        self._count += len(samples)

    def take(self) -> FloatArray:
        """All that waits."""
        samples = np.concatenate(self._waiting) if self._waiting else np.zeros(0, np.float32)
        self._waiting.clear()
        self._count = 0
        return samples

    def pace(self) -> None:
        """Give what is due to who listens, silence where nothing waits; call it now and then."""
        now = time.monotonic()
        if self._waiting and now - self._began > self._given / RATE:  # it had paused
            self._began = now - self._given / RATE
        while self._waiting and self._given / RATE < now - self._began + _AHEAD:
            samples = self._waiting.popleft()
            if len(samples) > _PIECE:
                self._waiting.appendleft(samples[_PIECE:])
                samples = samples[:_PIECE]
            self._count -= len(samples)
            self._given += len(samples)
            made = self._up.push(samples)
            if len(made):
                self._steady.push(self._sent, made, now)
                self._sent += len(made)
        self._steady.idle(now)
