"""The role of thinking (entry-point group ``mien.think``): what a visitor said in, an answer out, piece by piece."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol, cast, runtime_checkable

from mien.dialogue.languages import main_language, primary_subtag
from mien.dialogue.think.tools import Tool
from mien.turn import Turn

Role = Literal["user", "assistant"]


@dataclass(frozen=True, slots=True)
class ThinkerInfo:
    """What a thinking back end can do. needs, lacks, mend, leaves: as SpeakerInfo has them.

    writes: it can write what it is told to, such as the summary of a talk, and not only look answers up. tools: it
    calls the tools of a question.
    """

    name: str
    streaming: bool
    needs: tuple[str, ...] = ()
    lacks: str = ""
    mend: str = ""
    leaves: str = ""
    writes: bool = False
    tools: bool = False


@dataclass(frozen=True, slots=True)
class Said:
    """One side's words. For the assistant only what was heard before anybody cut in."""

    role: Role
    text: str


@dataclass(frozen=True, slots=True)
class Persona:
    """Who answers. manner: how, in plain words, for a language model. greeting: what is said first, "" = nothing.

    about: what it says of itself. unknown: what it says when it does not know. voice, avatar: names, "" = the session's
    own. language: BCP 47 code, "auto" = the visitor's. by_language: primary subtag → fields that differ there.
    """

    name: str = "Mien"
    manner: str = ""
    greeting: str = ""
    voice: str = ""
    avatar: str = ""
    language: str = "auto"
    about: str = ""
    unknown: str = ""
    by_language: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def speaking(self, language: str) -> Persona:
        """The persona as it is in a language: its own texts where it has some, the same object where not."""
        differing = self.by_language.get(primary_subtag(language))
        return replace(self, **cast(dict[str, Any], differing)) if differing else self


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be answered. language: of the text, BCP 47. history: oldest first. known: facts about the visitor.

    tools: that may be called for this answer, where the back end does so.
    """

    text: str
    language: str = "auto"
    history: tuple[Said, ...] = ()
    persona: Persona = field(default_factory=Persona)
    known: tuple[str, ...] = ()
    tools: tuple[Tool, ...] = ()

    @property
    def answer_language(self) -> str:
        """Primary subtag of the language to answer in: the persona's, else the question's own, told by its letters."""
        asked = self.persona.language if self.persona.language != "auto" else main_language(self.text, self.language)
        return primary_subtag(asked)


@dataclass(frozen=True, slots=True)
class Citation:
    """Where an answer comes from. source: the document's name. place: page, heading or line. quote: its words."""

    source: str
    place: str
    quote: str


@dataclass(frozen=True, slots=True)
class Piece:
    """The next words of an answer; may hold script marks such as ``[happy]…[/happy]`` (``docs/script-marks.md``).

    Marks may be wrong and cut anywhere: :class:`mien.dialogue.think.segments.Segmenter` makes clauses of pieces whose
    marks are whole. citations: what the words so far rest on, each told once. known: False when the answer is that
    there is none: nothing in the documents.
    """

    text: str
    citations: tuple[Citation, ...] = ()
    known: bool = True


@runtime_checkable
class Thinker(Protocol):
    """A thinking back end; one may serve many sessions at once and keeps nothing of any between two answers."""

    @property
    def info(self) -> ThinkerInfo:
        """What this back end can do."""
        ...

    def answer(self, question: Question, turn: Turn) -> Iterator[Piece]:
        """The answer as it comes. Ends within 50 ms when the turn is cut, whatever it waits for, by raising Cut.

        Raises BackendError when the back end fails or is too slow, NetworkError for a server that is not there or
        breaks off, MissingError for what is not there (a key, a model), InputError for a question without words.
        Closing the iterator ends the work.
        """
        ...

    def close(self) -> None:
        """End connections and answers that are under way. Idempotent; the next answer starts anew."""
        ...
