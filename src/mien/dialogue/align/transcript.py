"""Transcript files: plain text, SubRip (.srt) and WebVTT (.vtt), whose times become hints."""

from __future__ import annotations

import codecs
import html
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mien.dialogue import text as texts
from mien.errors import InputError
from mien.timeline import TICKS_PER_SECOND
from mien.types import Word

LARGEST: Final = 4_000_000
"""Bytes of a transcript file."""

_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF32_LE, "utf-32-le"), (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"),
)  # fmt: skip
_TIMING: Final = re.compile(
    r"^[ \t]*(?:(\d{1,4}):)?(\d{1,2}):(\d{1,2})[.,](\d{1,3})[ \t]*-->"
    r"[ \t]*(?:(\d{1,4}):)?(\d{1,2}):(\d{1,2})[.,](\d{1,3})"
)
_TAGS: Final = re.compile(r"</?[A-Za-z][^<>\n]*>|<[\d:.]+>|\{\\[^{}\n]*\}")


@dataclass(frozen=True, slots=True)
class Transcript:
    """text: the words; of subtitles without numbers, times and tags. hints: where subtitles say that characters of the
    text are spoken, in order; () for plain text. cut: for each subtitle, in order, where its lines begin in the text
    and, last, where it ends."""

    text: str
    hints: tuple[Word, ...] = ()
    cut: tuple[tuple[int, ...], ...] = ()


def read_transcript(path: Path) -> Transcript:
    """A transcript file: UTF-8, or UTF-16 and UTF-32 with a byte order mark. Raises InputError."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise InputError(f"The transcript {path} cannot be read: {error.strerror or error}.") from error
    if len(data) > LARGEST:
        raise InputError(f"The transcript {path} has more than {LARGEST // 1_000_000} MB.", hint="Give plain text.")
    bom, encoding = next(((b, e) for b, e in _BOMS if data.startswith(b)), (b"", "utf-8"))
    try:
        text = data[len(bom) :].decode(encoding)
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise InputError(f"The transcript {path} is not text in UTF-8.", hint="Save it as UTF-8 text.")
    return parse_transcript(text, subtitles=path.suffix.lower() in (".srt", ".vtt"))


def parse_transcript(text: str, *, subtitles: bool | None = None) -> Transcript:
    """Text that may be subtitles (None: if it looks like them). Raises InputError for those without words."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if subtitles is None:
        subtitles = lines[0].startswith("WEBVTT") or any(_TIMING.match(line) for line in lines[:3])
    return _from_subtitles(lines) if subtitles else Transcript(text)


def said(text: str, words: Iterable[Word]) -> str:
    """The text, each character in its place, with spaces for the sentences of which no word was found.

    Captions of it do not show what nobody says.
    """
    heard = sorted(word.char_start for word in words)
    shown = list(text)
    for sentence in texts.sentences(texts.clean(texts.identity(text))):
        begin, end = sentence.begin[0], sentence.end[-1]
        if bisect_left(heard, begin) == bisect_left(heard, end) and texts.is_speakable(sentence.text):
            shown[begin:end] = " " * (end - begin)
    return "".join(shown)


def _from_subtitles(lines: list[str]) -> Transcript:
    pieces: list[str] = []
    hints: list[Word] = []
    cut: list[tuple[int, ...]] = []
    size = 0
    for start, end, said in _subtitles(lines):
        places = [size]
        for line in said:
            places.append(places[-1] + len(line) + 1)
        pieces.append(" ".join(said))
        stop = size + len(pieces[-1])
        hints.append(Word(start, max(end, start), size, stop))
        cut.append((*places[:-1], stop))
        size = stop + 1
    if not pieces:
        raise InputError("The subtitles have no cues with words.", hint="Give plain text, .srt or .vtt.")
    return Transcript("\n".join(pieces), tuple(hints), tuple(cut))


def _subtitles(lines: list[str]) -> Iterator[tuple[int, int, list[str]]]:
    """First and last tick of each subtitle that has words, and its lines without tags."""
    i = 0
    while i < len(lines):
        timing = _TIMING.match(lines[i])
        i += 1
        if not timing:
            continue
        stop = i
        while stop < len(lines) and lines[stop].strip() and not _TIMING.match(lines[stop]):
            stop += 1
        if stop < len(lines) and _TIMING.match(lines[stop]) and stop > i:
            stop -= 1  # a cue's number without the empty line before it
        said = [words for line in lines[i:stop] if (words := " ".join(_plain(line).split()))]
        i = stop
        if said:
            yield _tick(timing, 1), _tick(timing, 5), said


def _plain(line: str) -> str:
    return html.unescape(_TAGS.sub("", line))


def _tick(found: re.Match[str], first: int) -> int:
    hours, minutes, seconds, fraction = found.group(first, first + 1, first + 2, first + 3)
    milliseconds = int(fraction.ljust(3, "0"))
    whole = int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds)
    return (whole * 1000 + milliseconds) * TICKS_PER_SECOND // 1000
