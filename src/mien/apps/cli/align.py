"""``mien align``: when the words of a transcript are said in a recording.

Events under ``--json``, one JSON object a line on standard output:

- ``note``: message. That the words are in another language than was asked for.
- ``progress``: stage ("Aligned"), done, total (seconds of sound), seconds, eta.
- ``aligned``: path (or null), seconds (length of the recording), confidence (0 to 1), words (how many have times),
  wall (seconds it took).
- without ``-o`` before that, for every word, ``word``: text, start, end (seconds), confidence, char_start, char_end.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mien.apps.cli import console
from mien.errors import UsageError
from mien.timeline import TICKS_PER_SECOND, to_seconds

if TYPE_CHECKING:
    from mien.dialogue.align.forced import Alignment
    from mien.dialogue.align.transcript import Transcript

_FORMATS = (".json", ".srt", ".vtt", ".ass", ".textgrid", ".csv")


def command(
    audio: Annotated[str, typer.Argument(metavar="AUDIO", help="A sound or video file; - reads standard input.")],
    transcript: Annotated[
        Path | None, typer.Argument(metavar="[TRANSCRIPT]", help="Its words: .txt, .srt or .vtt.", show_default=False)
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help=".json .srt .vtt .ass .TextGrid .csv", show_default=False),
    ] = None,
    text: Annotated[
        str | None, typer.Option("--text", "-t", metavar="TEXT", help="Or the words themselves.", show_default=False)
    ] = None,
    language: Annotated[str, typer.Option("--language", "-l", metavar="CODE", help="en, zh, de …; auto.")] = "auto",
    lexicon: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Pronunciations: TOML or TSV.", show_default=False)
    ] = None,
) -> None:
    """Find when the words of a transcript are said in a recording.

    mien align talk.mp3 talk.txt -o talk.TextGrid
    """
    if output is not None and output.suffix.lower() not in _FORMATS:
        hint = "Use .json, .srt, .vtt, .ass, .TextGrid or .csv."
        raise UsageError(f"'{output}' has no ending that is known.", hint=hint)
    from mien.dialogue.align.transcript import Transcript, read_transcript
    from mien.dialogue.languages import mismatch
    from mien.dialogue.lexicon import load
    from mien.transmit.atomic import check_target

    if (transcript is None) == (text is None):
        raise UsageError("What is said in it?", hint="Give either a transcript file or --text.")
    if output is not None:
        check_target(output)
        _keep_sources(output, audio, transcript, lexicon)
    words = read_transcript(transcript) if transcript is not None else Transcript(text or "")
    started = time.monotonic()
    alignment = _align(audio, words, language, load(lexicon) if lexicon else None)
    _write(output, alignment, words, language)
    if unlike := mismatch(words.text, language):
        console.note(unlike)
    seconds, wall = round(to_seconds(alignment.end), 3), round(time.monotonic() - started, 2)
    said = f"{output or audio}: {len(alignment.words)} words in {seconds:.2f} s, confidence {alignment.confidence:.2f}"
    console.event(
        "aligned", plain=said if output else "", path=output, seconds=seconds,
        confidence=round(alignment.confidence, 3), words=len(alignment.words), wall=wall,
    )  # fmt: skip


def _keep_sources(output: Path, *sources: str | Path | None) -> None:
    """Refuse to write over a file that is read. Raises UsageError."""
    for source in sources:
        if source is not None and output.exists() and Path(source).exists() and output.samefile(source):
            raise UsageError(
                f"The result would overwrite its own source '{source}'.", hint="Choose another name with -o."
            )


def _align(audio: str, words: Transcript, language: str, lexicon: dict[str, str] | None) -> Alignment:
    from mien.audio.read import probe_audio, read_audio
    from mien.dialogue.align.forced import align_stream

    info = probe_audio(audio)
    total = round(info.duration) if info and info.duration else 0
    with console.progress("Aligned", max(total, 1), "s") as bar:
        return align_stream(
            (chunk.samples for chunk in read_audio(audio)), words.text, language, lexicon=lexicon, hints=words.hints,
            observe=lambda ticks: bar.update(min(ticks // TICKS_PER_SECOND, total or 1)),
        )  # fmt: skip


def _write(output: Path | None, alignment: Alignment, words: Transcript, language: str) -> None:
    text = words.text
    if output is None:
        _tell(alignment, text)
        return
    from mien.captions import make_captions
    from mien.dialogue.align import formats
    from mien.dialogue.align.transcript import said
    from mien.dialogue.languages import main_language
    from mien.transmit.atomic import write_text
    from mien.transmit.captions import ENDINGS, write_captions

    ending = output.suffix.lower()
    if ending in ENDINGS:
        shown = text if words.cut else said(text, alignment.words)
        write_captions(make_captions(alignment.words, shown, cut=words.cut), output)
    elif ending == ".textgrid":
        write_text(output, formats.to_textgrid(alignment, text))
    elif ending == ".csv":
        write_text(output, formats.to_csv(alignment, text))
    else:
        write_text(output, formats.to_json(alignment, text, main_language(text, language)))


def _tell(alignment: Alignment, text: str) -> None:
    """Words on standard output."""
    from mien.dialogue.align.formats import word_confidences

    for word, sure in zip(alignment.words, word_confidences(alignment.words, alignment.phones), strict=True):
        said, start, end = text[word.char_start : word.char_end], to_seconds(word.start), to_seconds(word.end)
        console.event(
            "word", plain=f"{start:9.3f} {end:9.3f}  {said}", text=said, start=round(start, 4), end=round(end, 4),
            confidence=round(sure, 3), char_start=word.char_start, char_end=word.char_end,
        )  # fmt: skip
