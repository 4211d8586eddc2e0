"""``mien eval turns``: how soon speech and its end are noticed, and whether our own voice is taken for a visitor.

Events under ``--json``: ``measures``, as ``mien eval film`` gives them.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mien.apps.cli import console
from mien.errors import InputError

if TYPE_CHECKING:
    from mien.types import FloatArray

_LONGEST = 8 * 48_000  # ticks of a voice that are used
_SENTENCES = (
    ("en-us", "Could you tell me what the weather will be like tomorrow in the north of the country?"),
    ("zh", "请问明天北京的天气怎么样，我需要带雨伞吗？"),
    ("en-gb", "Please wait a moment. I would like to ask you something else about the opening hours."),
)


def turns(
    voices: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="A recording of one speaker; may be repeated.", show_default=False),
    ] = None,
    noise: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="A sound in which nobody speaks; may be repeated.", show_default=False),
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with status 1 when a bound is missed.")] = False,
) -> None:
    """Judge turns: latency of beginning and end, cutting in through echo and noise. Without voices: the embedded ones.

    mien eval turns --voices a.flac --voices b.flac --noise street.mp3
    """
    if voices is not None and len(voices) < 2:
        raise InputError("One voice cannot cut in on itself.", hint="Give --voices twice or more.")
    from mien.apps.cli.eval import show_measures
    from mien.lab.evaluate import turns as judging
    from mien.lab.evaluate.measure import all_good

    speakers = [_read(file) for file in voices] if voices else _embedded()
    noises = [_read(file, whole=True) for file in noise or ()]
    found = judging.measures(judging.judge(judging.scenes(speakers, noises)))
    show_measures("turns", found)
    if strict and not all_good(found):
        raise typer.Exit(1)


def _read(file: Path, *, whole: bool = False) -> FloatArray:
    import numpy as np

    from mien.audio.read import read_audio

    sound = np.concatenate([chunk.samples for chunk in read_audio(str(file))])
    return sound if whole else sound[:_LONGEST]


def _embedded() -> list[FloatArray]:
    """Sentences of the embedded voice."""
    from contextlib import closing

    import numpy as np

    from mien.dialogue.perform import perform
    from mien.dialogue.speak.espeak import EspeakSpeaker

    console.note("No voices were given: the embedded ones are used, which pause and breathe less than people.")
    with closing(EspeakSpeaker()) as speaker:
        return [
            np.concatenate([part.audio.samples for part in perform(text, speaker, language=language)])
            for language, text in _SENTENCES
        ]
