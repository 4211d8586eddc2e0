"""The role of hearing (entry-point group ``mien.hear``): speech in, text out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol, runtime_checkable

from mien.timeline import TICKS_PER_SECOND
from mien.types import AudioChunk

LONGEST: Final = 120 * TICKS_PER_SECOND
"""Ticks of the longest utterance that a back end must take."""


@dataclass(frozen=True, slots=True)
class RecogniserInfo:
    """What a hearing back end can do; callers ask this, never its name.

    languages: primary subtags of BCP 47, () = unknown or any. streaming: gives text before the utterance ends. needs,
    lacks, mend, leaves: as :class:`mien.dialogue.speak.base.SpeakerInfo` has them. licence: of the model.
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
    unknown. final: nothing more comes of this utterance. confidence: 0…1, 1 where the back end does not say. emotion:
    one of :data:`mien.types.EMOTION_NAMES` where the back end hears one, "" = it does not say.
    """

    text: str
    start: int
    end: int
    language: str = ""
    final: bool = False
    confidence: float = 1.0
    emotion: str = ""


@runtime_checkable
class Recogniser(Protocol):
    """One listener's ear, made as ``backend(HearSettings())``, which never fails. Instances share nothing that changes.

    Utterances are cut elsewhere (:mod:`mien.dialogue.hear.turns`): push the sound of one, end it, push the next. One
    thread pushes and ends; what :meth:`end` gives, :meth:`finish`, :meth:`drop` and :meth:`close` may be called from
    others, and the next utterance may be pushed while the last one is being waited for.
    """

    @property
    def info(self) -> RecogniserInfo:
        """What this back end can do with what is here."""
        ...

    def check(self) -> None:
        """Raise what pushing would raise because something is not here: MissingError, UsageError."""
        ...

    def push(self, chunk: AudioChunk) -> Heard | None:
        """The utterance's next sound, 48 kHz, at most :data:`LONGEST` in all; a new utterance may start at any tick.

        Returns what is understood so far where that is new. Quick: what takes longer than the sound lasts is done
        elsewhere. Raises BackendError when the back end fails, UsageError for a gap, and as :meth:`check` does.
        """
        ...

    def end(self) -> Callable[[], Heard]:
        """The utterance is over; ready for the next one at once. What is returned waits for all of it, ``final``, once
        and in any thread; it raises BackendError, NetworkError, and :class:`mien.turn.Cut` where it was dropped
        meanwhile. Raises BackendError when the back end has died.
        """
        ...

    def finish(self) -> Heard:
        """:meth:`end`, and wait."""
        ...

    def drop(self) -> None:
        """Forget the utterance that is pushed, and those that are being finished. Idempotent."""
        ...

    def close(self) -> None:
        """End processes and connections. Idempotent; a push after it starts anew."""
        ...
