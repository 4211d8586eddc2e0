"""The role of hearing (entry-point group ``mien.hear``): speech in, text out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from mien.types import AudioChunk


@dataclass(frozen=True, slots=True)
class RecogniserInfo:
    """What a hearing back end can do; callers ask this, never its name.

    languages: BCP 47 codes, () = unknown or any. streaming: gives text before the utterance ends. needs, lacks, mend,
    leaves: as :class:`mien.dialogue.speak.base.SpeakerInfo` has them. licence: of the model.
    """

    name: str
    languages: tuple[str, ...]
    streaming: bool
    needs: tuple[str, ...] = ()
    licence: str = ""
    lacks: str = ""
    mend: str = ""
    leaves: str = ""


@dataclass(frozen=True, slots=True)
class HearSettings:
    """What to listen for. language: BCP 47 code, "auto" = whatever is spoken. model: a back end's own name or file."""

    language: str = "auto"
    model: str = ""


@dataclass(frozen=True, slots=True)
class Heard:
    """What was understood so far of one utterance.

    text: as written, "" = nothing. start, end: ticks of the sound it rests on. language: found or asked for, "" =
    unknown. final: nothing more comes of this utterance. confidence: 0…1, 1 where the back end does not say.
    """

    text: str
    start: int
    end: int
    language: str = ""
    final: bool = False
    confidence: float = 1.0


@runtime_checkable
class Recogniser(Protocol):
    """One listener's ear, made as ``backend(HearSettings())``. Instances share no state that changes.

    Utterances are cut elsewhere (:mod:`mien.dialogue.hear.turns`): push the sound of one, finish, push the next.
    """

    @property
    def info(self) -> RecogniserInfo:
        """What this back end can do."""
        ...

    def push(self, chunk: AudioChunk) -> Heard | None:
        """The utterance's next sound, 48 kHz. Returns what is understood so far where that is new. Quick: work that
        takes longer than the sound lasts is done in a thread. Raises BackendError when the back end fails."""
        ...

    def finish(self) -> Heard:
        """The utterance is over: all of it, ``final``. Ready for the next one. Raises BackendError."""
        ...

    def drop(self) -> None:
        """Forget the utterance."""
        ...

    def close(self) -> None:
        """End processes and connections. Idempotent."""
        ...
