"""Sound as a WAV file, whole or not at all."""

from __future__ import annotations

import contextlib
import wave
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from mien.errors import UsageError
from mien.timeline import TICKS_PER_SECOND
from mien.transmit.atomic import Staging, output_error
from mien.types import FloatArray


class WavWriter:
    """Writes mono sound at 48 kHz, 16 bits, as it comes. Use as a context manager.

    Raises UsageError where the name does not end in .wav, OutputError for a place that cannot be written.
    """

    def __init__(self, target: Path) -> None:
        if target.suffix.lower() != ".wav":
            raise UsageError(f"'{target.name}' does not end in .wav.", hint="Sound is written as WAV: name it so.")
        self._staging = Staging(target)
        try:
            self._raw = self._staging.path.open("wb")
        except OSError as error:
            self._staging.abort()
            raise output_error(error, target) from error
        self._file = wave.open(self._raw, "wb")  # noqa: SIM115, closed at the end of the context
        self._file.setnchannels(1)
        self._file.setsampwidth(2)
        self._file.setframerate(TICKS_PER_SECOND)

    def write(self, samples: FloatArray) -> None:
        """The next samples, float32 (n,), -1…1."""
        pcm = (np.clip(samples, -1, 1) * 32767).round().astype("<i2")
        try:
            self._file.writeframesraw(pcm.tobytes())
        except OSError as error:
            self.abort()
            raise output_error(error, self._staging.target) from error

    def abort(self) -> None:
        """Throw the file away. Idempotent, never raises, does nothing once the file is complete."""
        with contextlib.suppress(OSError, ValueError, wave.Error):
            self._file.close()
        with contextlib.suppress(OSError):
            self._raw.close()
        self._staging.abort()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._finish()
        finally:
            self.abort()

    def _finish(self) -> None:
        try:
            self._file.close()
            self._raw.close()
        except (OSError, wave.Error) as error:
            raise output_error(error, self._staging.target) from error
        self._staging.commit()
