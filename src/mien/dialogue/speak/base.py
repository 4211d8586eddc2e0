"""The role of speaking (entry-point group ``mien.speak``): words in, sound with times out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from mien.turn import Turn
from mien.types import Emotion, SpeechPart


@dataclass(frozen=True, slots=True)
class Voice:
    """A voice that a back end offers.

    name: what the user types. languages: BCP 47 codes it speaks, () = any the back end speaks.
    gender: "female", "male" or "". licence: of the voice's data. note: one sentence for the list.
    """

    name: str
    languages: tuple[str, ...] = ()
    gender: str = ""
    licence: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class SpeakerInfo:
    """What a speaking back end can do; callers ask this, never its name.

    languages: codes, () = unknown until asked. sample_rate: native rate in Hz. gives_times: exact phones and words.
    gives_words: words with times; phones only if gives_times. streaming: first part arrives before the text is
    synthesised whole. needs: e.g. ("network", "key:OPENAI_API_KEY"). lacks: what is missing to speak now, one sentence,
    "" = nothing known of. mend: what mends that. leaves: what leaves this machine, one sentence, "" = nothing.
    """

    name: str
    languages: tuple[str, ...]
    sample_rate: int
    gives_times: bool
    streaming: bool
    needs: tuple[str, ...] = ()
    licence: str = ""
    gives_words: bool = False
    lacks: str = ""
    mend: str = ""
    leaves: str = ""


@dataclass(frozen=True, slots=True)
class SpeakRequest:
    """A stretch of plain text (marks already parsed away) to say in one voice and language.

    text: what to say. char_offset: index of text[0] in the user's source, added to all word ranges.
    language: BCP 47 code. voice: a :class:`Voice` name, "" = the best for the language.
    rate: 0.5…2 (1 = normal speed). pitch: -1…1 (0 = the voice's own). volume: 0…2.
    start: tick of the first sample. lexicon: spelling → pronunciation (respelling, or IPA between slashes).
    turn: number of the answer, given on to the parts. fence: of the answer; who cuts it wants nothing more of this.
    """

    text: str
    language: str
    voice: str = ""
    rate: float = 1.0
    pitch: float = 0.0
    volume: float = 1.0
    start: int = 0
    char_offset: int = 0
    turn: int = 0
    emotion: Emotion = field(default_factory=Emotion)
    lexicon: dict[str, str] = field(default_factory=dict)
    fence: Turn = field(default_factory=Turn, repr=False, compare=False)


@runtime_checkable
class Speaker(Protocol):
    """A speaking back end. Instances are cheap to make, own what they start, and share no state.

    One request is spoken at a time; the next may come, from another thread, as soon as the one before was cut.
    """

    @property
    def info(self) -> SpeakerInfo:
        """What this back end can do."""
        ...

    def voices(self) -> tuple[Voice, ...]:
        """The voices on offer."""
        ...

    def check(self, request: SpeakRequest) -> None:
        """Raise what :meth:`speak` would raise for what is asked, as far as it can be told without speaking.

        Quick, or cut with the fence.
        """
        ...

    def speak(self, request: SpeakRequest) -> Iterator[SpeechPart]:
        """Yield the speech in order as it is made; the last part has ``last=True``.

        Raises InputError for text that cannot be said, MissingError for an unknown language or voice,
        BackendError when the back end fails twice. Raises Cut soon after the request's fence is cut: where a server
        speaks within 50 ms, whatever is waited for, and its request is ended; on this machine after the sentence that
        is being made. What cannot be ended at once (a connection that is being made) is left behind and ends by
        itself; so much of that at once is bounded.
        """
        ...

    def close(self) -> None:
        """End processes and connections. Idempotent."""
        ...
