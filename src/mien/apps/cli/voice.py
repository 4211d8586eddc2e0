"""``mien voice``: list languages, back ends and voices, say a sentence."""

from __future__ import annotations

import wave
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mien import config
from mien.apps.cli import console
from mien.errors import MienError, UsageError
from mien.timeline import TICKS_PER_SECOND, to_seconds
from mien.types import SpeechPart

if TYPE_CHECKING:
    from mien.dialogue.speak.base import Speaker, Voice

app = typer.Typer(no_args_is_help=True)

_EMBEDDED = "espeak"
_LONGEST_LIST = 12  # voices of one model that a person wants to read


@app.command("list")
def show(
    language: Annotated[str, typer.Option("--language", "-l", help="Only this language, such as zh or pt-BR.")] = "",
    everything: Annotated[bool, typer.Option("--all", help="Every voice of models that have many.")] = False,
) -> None:
    """The languages that can be spoken, what speaks them, and the voices."""
    from mien.dialogue.speak import espeak_voices as data
    from mien.dialogue.speak.choose import speakers

    listed = [data.describe(code) for code in ([language] if language else data.languages())]
    console.table("languages", ("Language", "Name", "Note"), listed)
    console.line()
    ends: list[tuple[Any, ...]] = []
    voices: list[tuple[Any, ...]] = []
    for name, speaker in speakers():
        with closing(speaker):
            ends.append(_about(name, speaker))
            voices += _voices(name, speaker, language, everything or console.is_json())
    console.table("back_ends", ("Back end", "Ready", "Needs", "Languages", "Licence", "What leaves this machine"), ends)
    console.line()
    console.table("voices", ("Voice", "Gender", "Languages", "Licence", "Note"), voices)


@app.command()
def say(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What to say; script marks work.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="A WAV file, 48 kHz, 16 bits.")] = Path("voice.wav"),
    language: Annotated[
        str | None, typer.Option("--language", "-l", help="auto, or a code such as zh, en-GB.", show_default=False)
    ] = None,
    voice: Annotated[
        str | None, typer.Option("--voice", help="auto, or a name from: mien voice list.", show_default=False)
    ] = None,
    rate: Annotated[float | None, typer.Option(help="Speed, 0.5 to 2.", show_default=False)] = None,
    pitch: Annotated[float | None, typer.Option(help="Pitch, -1 to 1.", show_default=False)] = None,
    volume: Annotated[float | None, typer.Option(help="Loudness, 0 to 2.", show_default=False)] = None,
    lexicon: Annotated[Path | None, typer.Option(help="Pronunciations: a TOML or TSV file.")] = None,
    fallback: Annotated[
        bool | None, typer.Option("--fallback", help="Where that voice fails, the embedded one speaks.")
    ] = None,
) -> None:
    """Say a sentence into a WAV file. With --json also the times of its words and cues, where the voice tells them."""
    from mien.dialogue.lexicon import load
    from mien.dialogue.perform import perform
    from mien.dialogue.script import parse
    from mien.dialogue.speak.choose import open_voice
    from mien.transmit.atomic import Staging

    if output.suffix.lower() != ".wav":
        raise UsageError(f"'{output}' does not end in .wav.", hint="Sound is written as WAV: name it so.")
    settings = config.load()
    asked = config.override(
        settings.speak, language=language, voice=voice, rate=rate, pitch=pitch, volume=volume, fallback=fallback
    )
    named = lexicon or (Path(asked.lexicon) if asked.lexicon else None)
    entries = load(named) if named else None
    script = parse(text)
    chosen = open_voice(asked, script.plain.text, console.note, settings.voices)
    with closing(chosen.speaker) as speaker:
        parts = perform(
            script, speaker, language=asked.language, voice=chosen.voice, rate=asked.rate, pitch=asked.pitch,
            volume=asked.volume, lexicon=entries,
        )  # fmt: skip
        chosen.tell_what_leaves(console.note)
        staging = Staging(output)
        try:
            length = _write(staging.path, parts, text)
            staging.commit()
        except BaseException:
            staging.abort()
            raise
    seconds = round(to_seconds(length), 3)
    console.event("said", plain=f"{output}: {seconds:.2f} s", path=output, seconds=seconds, backend=chosen.backend)


def _about(name: str, speaker: Speaker) -> tuple[Any, ...]:
    """A back end's row."""
    info = speaker.info
    ready = f"no: {info.mend or info.lacks}" if info.lacks else "yes"
    if ready == "yes" and "server" in info.needs:
        ready = server_state(speaker)
    many = len(info.languages) > _LONGEST_LIST
    spoken = f"{len(info.languages)} languages" if many else " ".join(info.languages)
    return name, ready, ", ".join(info.needs) or "-", spoken, info.licence, info.leaves or "-"


def server_state(speaker: Speaker) -> str:
    """Whether the server of a back end runs; only those on this machine are asked."""
    from mien.dialogue.speak import web
    from mien.dialogue.speak.choose import answers

    address = str(getattr(speaker, "address", ""))
    if not web.is_loopback(address):
        return f"if {web.host_of(address)} answers"
    return "yes" if answers(address) else f"no: no server at {web.place_of(address)}"


def _voices(name: str, speaker: Speaker, language: str, everything: bool) -> Iterator[tuple[Any, ...]]:
    """Rows of a back end's voices, as they are typed after ``--voice``. A server that is not there has none."""
    from mien.dialogue.speak.request import primary

    try:
        offered = speaker.voices()
    except MienError:
        return
    wanted = primary(language) if language else ""
    spoken = [v for v in offered if not wanted or not v.languages or wanted in {primary(c) for c in v.languages}]
    shown = spoken if everything else spoken[:_LONGEST_LIST]
    usual = speaker.info.licence
    yield from (_row(name, voice, usual) for voice in shown)
    if len(shown) < len(spoken):
        more = f"{len(spoken) - len(shown)} more: mien voice list --all"
        yield "…" if name == _EMBEDDED else f"{name}:…", "", "", "", more


def _row(name: str, voice: Voice, usual: str) -> tuple[Any, ...]:
    """A voice's row; its licence where it is not its back end's."""
    full = voice.name if name == _EMBEDDED else f"{name}:{voice.name}"
    return full, voice.gender, " ".join(voice.languages), "" if voice.licence == usual else voice.licence, voice.note


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
