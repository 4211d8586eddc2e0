"""Voice activity by Silero's network (MIT), run with ONNX Runtime on one thread.

It hears 16 kHz in windows of 512 samples (32 ms), each with the 64 samples before it, and carries its state. About
0.1 ms a window: 11 s for an hour of sound.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final

import numpy as np

from mien.audio.base import ROW, DetectorInfo
from mien.audio.resample import Resampler
from mien.audio.rows import Rows
from mien.types import Activity, AudioChunk, FloatArray

_RATE: Final = 16_000
_WINDOW: Final = 512
_CONTEXT: Final = 64
_WINDOW_TICKS: Final = _WINDOW * 3
_MODEL: Final = "silero_vad"


class SileroDetector:
    """See :class:`mien.audio.base.VoiceDetector`. Raises MissingError or NetworkError when its file cannot be had."""

    def __init__(self) -> None:
        self._session = _session()
        self._rows = Rows()
        self._resampler = Resampler(48_000, _RATE)
        self._sound = np.zeros(_CONTEXT, np.float32)
        self._state = np.zeros((2, 1, 128), np.float32)
        self._heard: list[float] = []  # the chance of speech in each window from number _first on
        self._first = 0

    @property
    def info(self) -> DetectorInfo:
        """Waits for the end of a window, and for the resampler."""
        return DetectorInfo("silero", look_ahead=_WINDOW_TICKS + ROW, model=_MODEL)

    def push(self, chunk: AudioChunk) -> None:
        """The next sound."""
        self._rows.hear(chunk)
        self._listen(self._resampler.push(chunk.samples))

    def close(self) -> None:
        """No more sound."""
        if not self._rows.closed:
            self._rows.closed = True
            rest = self._resampler.close()
            left = len(self._sound) - _CONTEXT + len(rest)
            missing = -left % _WINDOW if left or self._heard or not self._rows.ticks else _WINDOW
            self._listen(np.concatenate([rest, np.zeros(missing, np.float32)]))

    def read(self) -> Activity:
        """Each row has the value of the window that its middle lies in."""
        known = self._first + len(self._heard)
        middle = (np.arange(self._rows.given, self._rows.total) * ROW + ROW // 2) // _WINDOW_TICKS
        if self._rows.closed:
            middle = np.minimum(middle, known - 1)
        middle = middle[middle < known]
        activity = self._rows.give(np.array([self._heard[i - self._first] for i in middle], np.float32))
        if len(middle):
            del self._heard[: middle[-1] - self._first]
            self._first = int(middle[-1])
        return activity

    def _listen(self, samples: FloatArray) -> None:
        sound = np.concatenate([self._sound, samples])
        at, step = 0, _CONTEXT + _WINDOW
        rate = np.array(_RATE, np.int64)
        while at + step <= len(sound):
            window = sound[None, at : at + step]
            chance, self._state = self._session.run(None, {"input": window, "state": self._state, "sr": rate})
            self._heard.append(float(chance[0, 0]))
            at += _WINDOW
        self._sound = sound[at:]


@cache
def _session() -> Any:
    import onnxruntime

    from mien import models

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(models.path(_MODEL)), options, providers=["CPUExecutionProvider"])
