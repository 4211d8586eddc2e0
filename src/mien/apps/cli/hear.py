"""``mien hear``: who speaks when in a recording, and what is said.

Events under ``--json``: ``note``; ``heard`` for each turn, with start, end (seconds), text, language, emotion, wait
(seconds until its end was decided); ``hearing`` at the end, with backend, model, turns, seconds, wall.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Annotated

import typer

from mien import config
from mien.apps.cli import console
from mien.timeline import TICKS_PER_SECOND, to_seconds

if TYPE_CHECKING:
    from mien.dialogue.hear.base import Heard, Recogniser
    from mien.dialogue.hear.turns import SpeechEnded, TurnEvent, Turns
    from mien.types import AudioChunk

_PIECE = 960  # as a microphone gives it
_TRAILING = 2 * TICKS_PER_SECOND  # of silence behind the recording, so that its last turn ends by itself


def command(
    audio: Annotated[str, typer.Argument(metavar="AUDIO", help="A sound or video file; - reads standard input.")],
    language: Annotated[
        str | None, typer.Option("--language", "-l", metavar="CODE", help="en, zh, de …; auto.", show_default=False)
    ] = None,
    hear: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="auto, pocketsphinx, openai, sherpa, sherpa:MODEL.", show_default=False),
    ] = None,
    silence: Annotated[
        float | None, typer.Option(help="Seconds of silence that end a turn.", show_default=False)
    ] = None,
) -> None:
    """Hear a recording as a live visitor: its turns, and their words.

    mien hear talk.wav --language en
    """
    from mien.dialogue.hear.choose import open_ear
    from mien.dialogue.hear.turns import Turns, TurnSettings

    settings = config.load()
    asked = config.override_named(
        config.override(settings.hear, language=language, silence=silence), "--hear", backend=hear
    )
    begun, ticks, turns_found = time.monotonic(), 0, 0
    chosen = open_ear(asked, console.note)
    with closing(chosen.recogniser) as ear:
        turns = Turns(TurnSettings.of(asked, settings.audio.vad), console.note)
        for piece in _pieces(audio):
            ticks = max(ticks, piece.end - _TRAILING)
            turns_found += sum(_tell(ear, turns, event) for event in turns.push(piece))
        turns_found += sum(_tell(ear, turns, event) for event in turns.close())
    seconds, wall = round(to_seconds(ticks), 3), round(time.monotonic() - begun, 2)
    if not turns_found:
        console.note("Nobody seems to speak in it.")
    console.event("hearing", backend=chosen.backend, model=chosen.model, turns=turns_found, seconds=seconds, wall=wall)


def _pieces(audio: str) -> Iterator[AudioChunk]:
    """The recording as a microphone gives it, and silence behind it."""
    import numpy as np

    from mien.audio.read import read_audio
    from mien.types import AudioChunk

    end = 0
    for chunk in read_audio(audio):
        for at in range(0, len(chunk.samples), _PIECE):
            yield AudioChunk(chunk.start + at, chunk.samples[at : at + _PIECE])
        end = chunk.end
    for at in range(end, end + _TRAILING, _PIECE):
        yield AudioChunk(at, np.zeros(_PIECE, np.float32))


def _tell(ear: Recogniser, turns: Turns, event: TurnEvent) -> bool:
    """Pass an event on to the ear; whether it ended a turn, which is then printed."""
    from mien.dialogue.hear.turns import SpeechEnded

    if not isinstance(event, SpeechEnded):
        if len(event.sound.samples):
            so_far = ear.push(event.sound)
            if so_far is not None:
                turns.partial(so_far.text)
        return False
    _print(event, ear.finish())
    return True


def _print(turn: SpeechEnded, heard: Heard) -> None:
    start, end = to_seconds(turn.start), to_seconds(turn.end)
    console.event(
        "heard", plain=f"{start:9.2f} {end:9.2f}  {heard.text or '…'}", start=round(start, 3), end=round(end, 3),
        text=heard.text, language=heard.language, emotion=heard.emotion,
        wait=round(to_seconds(turn.decided - turn.end), 3),
    )  # fmt: skip
