"""The recording of a voice that is to be cloned: read from any sound file, bounded, mono."""

from __future__ import annotations

import io
import wave
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from mien.config import VoicesConfig
from mien.errors import InputError, MissingError
from mien.types import FloatArray

RATE: Final = 24_000
_SHORTEST, _LONGEST = 1.0, 30.0  # seconds
_MAX_BYTES: Final = 256 << 20


@dataclass(frozen=True, slots=True)
class Reference:
    """samples: float32 (n,), mono at 24 kHz. text: what is said in it, "" = unknown. language: its code or "auto"."""

    samples: FloatArray
    text: str
    language: str

    def as_wav(self) -> bytes:
        """The recording as a WAV file, 16 bits."""
        out = io.BytesIO()
        with wave.open(out, "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE)
            file.writeframes((np.clip(self.samples, -1, 1) * 32767).round().astype("<i2").tobytes())
        return out.getvalue()


def path_of(settings: VoicesConfig) -> Path | None:
    """The file named in ``[voices] reference``, None when there is none named."""
    return Path(settings.reference).expanduser() if settings.reference else None


def require(settings: VoicesConfig, what: str, *, with_text: bool = False) -> Path:
    """The recording's file. Raises MissingError when the settings name none (or lack its words), or it is not there."""
    path = path_of(settings)
    if path is None:
        raise MissingError(
            f"{what} needs a recording of the voice to clone.",
            hint="Name it in the settings: [voices] reference (or MIEN_VOICES_REFERENCE).",
            code="missing.reference",
        )
    if not path.is_file():
        raise MissingError(
            f"The recording to clone, '{path}', is not there.", hint="Check [voices] reference.",
            code="missing.reference",
        )  # fmt: skip
    if with_text and not settings.reference_text.strip():
        raise MissingError(
            f"{what} needs the words that are said in the recording.",
            hint="Write them in the settings: [voices] reference_text (or MIEN_VOICES_REFERENCE_TEXT).",
            code="missing.reference",
        )
    return path


def load(settings: VoicesConfig, what: str, *, with_text: bool = False) -> Reference:
    """Read the recording. Raises MissingError, and InputError for what is no sound of 1 to 30 seconds."""
    path = require(settings, what, with_text=with_text)
    return Reference(_samples(path), settings.reference_text.strip(), settings.reference_language)


def _samples(path: Path) -> FloatArray:
    import av
    from av.audio.resampler import AudioResampler

    if path.stat().st_size > _MAX_BYTES:
        raise InputError(f"The recording '{path.name}' is over 256 MB.", hint="Ten seconds of clear speech are enough.")
    blocks: list[FloatArray] = []
    size = 0
    try:
        options = {"protocol_whitelist": "file"}  # a playlist that names other places opens nothing
        with av.open(str(path), options=options, metadata_errors="replace") as file:
            resampler = AudioResampler(format="flt", layout="mono", rate=RATE)
            for frame in file.decode(audio=0):
                for out in resampler.resample(frame):
                    blocks.append(out.to_ndarray().reshape(-1).astype(np.float32))
                    size += len(blocks[-1])
                if size > _LONGEST * RATE:
                    break
    except (OSError, av.error.FFmpegError, IndexError, ValueError) as error:
        raise InputError(f"The recording '{path.name}' cannot be read as sound: {error}.") from None
    if not _SHORTEST * RATE <= size <= _LONGEST * RATE:
        how = "shorter than a second" if size < RATE else "longer than 30 seconds"
        raise InputError(
            f"The recording '{path.name}' is {how}.", hint="Cut out 3 to 15 seconds of clear speech of one person."
        )
    return np.concatenate(blocks)
