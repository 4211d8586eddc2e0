"""The role of moving a face (entry-point group ``mien.face``): speech in, face clips out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from mien.types import FaceClip, SpeechPart


@dataclass(frozen=True, slots=True)
class FaceSettings:
    """How the face moves.

    style: "serious", "lively" or "cartoon". seed: repeats idle life exactly. lip_strength, head_motion, blink_rate:
    factors, 0…2, 1 = as the style has it. smoothing: 0 (crisp) … 1 (soft). voice_expression: 0…1, how much the voice's
    pitch and loudness show in brows, head and eyes. emotion: name that holds where the script says nothing.
    lip_model: file of a network that a driver which listens uses instead of its own, "" = its own. calibration: file
    that keeps what such a driver learned about the voice, read where it is there, written at the end; "" = none.
    """

    style: str = "lively"
    emotion: str = "neutral"
    seed: int = 0
    lip_strength: float = 1.0
    head_motion: float = 1.0
    blink_rate: float = 1.0
    smoothing: float = 0.35
    voice_expression: float = 1.0
    lip_model: str = ""
    calibration: str = ""


@dataclass(frozen=True, slots=True)
class FaceDriverInfo:
    """What a driver can do. needs_phones: refuses speech without phone times. look_ahead: ticks it waits for."""

    name: str
    needs_phones: bool
    look_ahead: int


@runtime_checkable
class FaceDriver(Protocol):
    """Streams: push speech, read motion. Chunked equals whole, row for row, for any chunking of the same speech."""

    @property
    def info(self) -> FaceDriverInfo:
        """What this driver can do."""
        ...

    def push(self, part: SpeechPart) -> None:
        """Take the next part of speech; parts must follow each other without a gap."""
        ...

    def close(self) -> None:
        """No more speech: everything held back for look-ahead becomes readable."""
        ...

    def read(self) -> FaceClip:
        """All motion that is final and was not read yet (may have no rows); rows follow on from the last read."""
        ...
