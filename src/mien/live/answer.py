"""One turn, from question to sound: pieces of an answer become clauses, clauses become speech on the line.

It runs in a thread of its own, ahead of what is heard by a bounded time, and ends where the turn's fence says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from mien.audio.loudness import RunningLevel
from mien.dialogue.perform import perform
from mien.dialogue.speak.base import Speaker
from mien.dialogue.think.segments import Clause
from mien.errors import InputError
from mien.timeline import TICKS_PER_SECOND
from mien.turn import Turn
from mien.types import Emotion, SpeechPart

AHEAD: Final = 10 * TICKS_PER_SECOND
"""Ticks of speech that may wait to be heard; then the voice waits."""
_LOOK: Final = 0.05
"""Seconds between two looks at whether there is room again."""


def spoken(
    clauses: Iterable[Clause],
    speaker: Speaker,
    turn: Turn,
    volume: RunningLevel,
    *,
    language: str = "auto",
    voice: str = "",
    rate: float = 1.0,
    emotion: Emotion | None = None,
) -> Iterator[tuple[SpeechPart, Clause]]:
    """Speech of clauses as they come, each part with its clause. volume: of this voice.

    What cannot be spoken (a clause of symbols) is left out. Raises Cut.
    """
    for clause in clauses:
        turn.check()
        try:
            parts = perform(
                clause.script, speaker, language=language, voice=voice, rate=rate, emotion=emotion, turn=turn.number,
                fence=turn,
            )  # fmt: skip
        except InputError as error:
            if error.code == "input.nothing_to_say":
                continue
            raise
        for part in volume.parts(_wanted(parts, turn)):
            turn.check()
            yield part, clause


def _wanted(parts: Iterable[SpeechPart], turn: Turn) -> Iterator[SpeechPart]:
    """The parts until the turn is cut: what is not wanted any more must not move the voice's level."""
    for part in parts:
        turn.check()
        yield part


def feed(
    parts: Iterable[tuple[SpeechPart, Clause | None]],
    say: Callable[[SpeechPart, Clause | None], None],
    waits: Callable[[], int],
    turn: Turn,
) -> None:
    """Bring speech to the line. say: takes a part. waits: how many ticks wait there. Raises Cut."""
    for part, clause in parts:
        turn.check()
        say(part, clause)
        while waits() > AHEAD:
            turn.wait(_LOOK)
            turn.check()
