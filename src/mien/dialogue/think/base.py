"""The role of thinking (entry-point group ``mien.think``): what a visitor said in, an answer out, piece by piece."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

from mien.turn import Turn

Role = Literal["user", "assistant"]


@dataclass(frozen=True, slots=True)
class ThinkerInfo:
    """What a thinking back end can do. needs, lacks, mend, leaves: as SpeakerInfo has them."""

    name: str
    streaming: bool
    needs: tuple[str, ...] = ()
    lacks: str = ""
    mend: str = ""
    leaves: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """One side's words. For the assistant only what was heard before anybody cut in."""

    role: Role
    text: str


@dataclass(frozen=True, slots=True)
class Persona:
    """Who answers. manner: how, in plain words, for a language model. greeting: what is said first, "" = nothing.

    voice, avatar: names, "" = the session's own. language: BCP 47 code, "auto" = the visitor's.
    """

    name: str = "Mien"
    manner: str = ""
    greeting: str = ""
    voice: str = ""
    avatar: str = ""
    language: str = "auto"


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be answered. language: of the text, BCP 47. history: oldest first. known: facts about the visitor."""

    text: str
    language: str = "auto"
    history: tuple[Said, ...] = ()
    persona: Persona = field(default_factory=Persona)
    known: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Citation:
    """Where an answer comes from. source: the document's name. place: page, heading or line. quote: its words."""

    source: str
    place: str
    quote: str


@dataclass(frozen=True, slots=True)
class Piece:
    """The next words of an answer; may hold script marks such as ``[happy]…[/happy]`` (``docs/script-marks.md``)."""

    text: str
    citations: tuple[Citation, ...] = ()


@runtime_checkable
class Thinker(Protocol):
    """A thinking back end; one may serve many sessions at once and keeps nothing of any between two answers."""

    @property
    def info(self) -> ThinkerInfo:
        """What this back end can do."""
        ...

    def answer(self, question: Question, turn: Turn) -> Iterator[Piece]:
        """The answer as it comes. Ends within 50 ms when the turn is cut, whatever it waits for, by raising Cut.

        Raises BackendError when the back end fails or is too slow, MissingError for what is not there.
        """
        ...

    def close(self) -> None:
        """End connections. Idempotent."""
        ...
