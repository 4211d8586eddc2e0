"""``mien voice``: list languages and voices, say a sentence."""

from __future__ import annotations

import wave
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from mien.apps.cli import console
from mien.errors import UsageError
from mien.timeline import TICKS_PER_SECOND, to_seconds
from mien.types import SpeechPart

app = typer.Typer(no_args_is_help=True)


@app.command("list")
def show(
    language: Annotated[str, typer.Option("--language", "-l", help="Only this language, such as zh or pt-BR.")] = "",
) -> None:
    """The languages that can be spoken, and the voices for them."""
    from mien.dialogue.speak import espeak_voices as data

    listed = [data.describe(code) for code in ([language] if language else data.languages())]
    console.table("languages", ("Language", "Name", "Note"), listed)
    console.line()
    console.table("voices", ("Voice", "Gender", "Note"), [(v.name, v.gender, v.note) for v in data.voices()])


@app.command()
def say(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What to say; script marks work.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="A WAV file, 48 kHz, 16 bits.")] = Path("voice.wav"),
    language: Annotated[str, typer.Option("--language", "-l", help="auto, or a code such as zh, en-GB.")] = "auto",
    voice: Annotated[str, typer.Option("--voice", help="female, male, or a name from: mien voice list.")] = "",
    rate: Annotated[float, typer.Option(help="Speed, 0.5 to 2.")] = 1.0,
    pitch: Annotated[float, typer.Option(help="Pitch, -1 to 1.")] = 0.0,
    volume: Annotated[float, typer.Option(help="Loudness, 0 to 2.")] = 1.0,
    lexicon: Annotated[Path | None, typer.Option(help="Pronunciations: a TOML or TSV file.")] = None,
) -> None:
    """Say a sentence into a WAV file. With --json also the times of its words and cues."""
    from mien.dialogue.lexicon import load
    from mien.dialogue.perform import perform
    from mien.dialogue.speak.espeak import EspeakSpeaker
    from mien.transmit.atomic import Staging

    if output.suffix.lower() != ".wav":
        raise UsageError(f"'{output}' does not end in .wav.", hint="Sound is written as WAV: name it so.")
    entries = load(lexicon) if lexicon else None
    with closing(EspeakSpeaker()) as speaker:
        parts = perform(
            text, speaker, language=language, voice=voice, rate=rate, pitch=pitch, volume=volume, lexicon=entries
        )
        staging = Staging(output)
        try:
            length = _write(staging.path, parts, text)
            staging.commit()
        except BaseException:
            staging.abort()
            raise
    seconds = round(to_seconds(length), 3)
    console.event("said", plain=f"{output}: {seconds:.2f} s", path=output, seconds=seconds)


def _write(path: Path, parts: Iterable[SpeechPart], source: str) -> int:
    """Write the sound as it comes and tell its words; return the length in ticks."""
    length = 0
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(TICKS_PER_SECOND)
        for part in parts:
            file.writeframesraw((part.audio.samples * 32767).round().astype("<i2").tobytes())
            _tell_words(part, source)
            for cue in part.cues:
                console.event("cue", name=cue.name, time=round(to_seconds(cue.tick), 4))
            length = part.audio.end
    return length


def _tell_words(part: SpeechPart, source: str) -> None:
    for word in part.words or ():
        console.event(
            "word",
            text=source[word.char_start : word.char_end],
            start=round(to_seconds(word.start), 4),
            end=round(to_seconds(word.end), 4),
            char_start=word.char_start,
            char_end=word.char_end,
        )
