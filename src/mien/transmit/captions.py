"""Caption files: SubRip, WebVTT and Advanced SubStation Alpha."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

from mien.captions import Caption, CaptionWord
from mien.errors import UsageError
from mien.timeline import TICKS_PER_SECOND
from mien.transmit.atomic import write_text

FORMATS: Final = ("srt", "vtt", "ass")
"""What ``--captions`` takes, one or several with commas; also "both" (srt and vtt) and "none"."""

ENDINGS: Final = tuple(f".{name}" for name in FORMATS)

_GROUPS: Final = {"both": ("srt", "vtt"), "none": ()}
_HD: Final = (1920, 1080)


def to_srt(captions: Iterable[Caption]) -> str:
    """SubRip."""
    return "".join(
        f"{number}\n{_clock(c.start, ',')} --> {_clock(c.end, ',')}\n{_safe(c.lines)}\n\n"
        for number, c in enumerate(captions, 1)
    )


def to_vtt(captions: Iterable[Caption]) -> str:
    """WebVTT (W3C)."""

    def escaped(text: str) -> str:
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

    return "WEBVTT\n\n" + "".join(
        f"{_clock(c.start, '.')} --> {_clock(c.end, '.')}\n{escaped(chr(10).join(c.lines))}\n\n" for c in captions
    )


def to_ass(captions: Iterable[Caption], size: tuple[int, int] = _HD) -> str:
    """Advanced SubStation Alpha v4+, with karaoke times (``\\k``) where the words have any.

    size: width and height of the film, pixels. Words are white and take the style's first colour when they are spoken.
    """
    width, height = size
    letters = round(min(0.05 * height, 0.043 * width))  # 42 columns fit across
    style = (
        f"Style: Default,sans-serif,{letters},&H0000D2FF,&H00FFFFFF,&H00141010,&H80000000,-1,0,0,0,100,100,0,0,1,"
        f"{letters / 16:.1f},0,2,{round(0.05 * width)},{round(0.05 * width)},{round(0.06 * height)},1"
    )
    return (
        f"[Script Info]\nScriptType: v4.00+\nPlayResX: {width}\nPlayResY: {height}\nWrapStyle: 0\n"
        "ScaledBorderAndShadow: yes\n\n[V4+ Styles]\n"
        "Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, "
        "Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, "
        f"MarginR, MarginV, Encoding\n{style}\n\n[Events]\n"
        "Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n"
        + "".join(
            f"Dialogue: 0,{_ass_clock(c.start)},{_ass_clock(c.end)},Default,,0,0,0,,{_karaoke(c)}\n" for c in captions
        )
    )


def caption_paths(film: Path, formats: str) -> tuple[Path, ...]:
    """The files that ``--captions`` asks for: beside the film, same stem. Raises UsageError for an unknown word."""
    names: dict[str, None] = {}
    for name in formats.split(","):
        if name not in _GROUPS and name not in FORMATS:
            raise UsageError(
                f"'{name}' is not a caption format.", hint="Use srt, vtt, ass, several with commas, both or none."
            )
        names.update(dict.fromkeys(_GROUPS.get(name, (name,))))
    stem = re.sub(r"[-_.]?%0?\d*d$", "", film.stem) or "captions"
    return tuple(film.with_name(f"{stem}.{name}") for name in names)


def write_captions(captions: Sequence[Caption], path: Path, size: tuple[int, int] = _HD) -> None:
    """Write ``path`` (.srt, .vtt or .ass), whole or not at all. size: the film's, pixels. Raises OutputError."""
    writers: dict[str, Callable[[], str]] = {
        ".vtt": lambda: to_vtt(captions),
        ".ass": lambda: to_ass(captions, size),
    }
    write_text(path, writers.get(path.suffix.lower(), lambda: to_srt(captions))())


def _clock(tick: int, mark: str) -> str:
    milliseconds = tick * 1000 // TICKS_PER_SECOND
    seconds, milliseconds = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{mark}{milliseconds:03}"


def _ass_clock(tick: int) -> str:
    seconds, hundredths = divmod(_hundredths(tick), 100)
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}.{hundredths:02}"


def _hundredths(tick: int) -> int:
    return tick * 100 // TICKS_PER_SECOND


def _karaoke(caption: Caption) -> str:
    """The words with their times: what goes before a word or between two is a beat without text."""
    if not caption.words:
        return "\\N".join(map(_ass_text, caption.lines))
    out, at, line = "", _hundredths(caption.start), caption.words[0].line
    for number, word in enumerate(caption.words):
        begin, end = (max(at, _hundredths(tick)) for tick in (word.start, word.end))
        if word.line != line:
            out, line = out.rstrip() + "\\N", word.line
        if begin > at:
            out += f"{{\\k{begin - at}}}"
        out += f"{{\\k{end - begin}}}{_ass_text(_trimmed(word, caption.words, number))}"
        at = end
    return out


def _trimmed(word: CaptionWord, words: Sequence[CaptionWord], number: int) -> str:
    """Lines begin and end without space."""
    first = number == 0 or words[number - 1].line != word.line
    last = number == len(words) - 1 or words[number + 1].line != word.line
    text = word.text.lstrip() if first else word.text
    return text.rstrip() if last else text


def _ass_text(text: str) -> str:
    """Text of which nothing is taken for a command: a backslash gets an invisible neighbour."""
    return text.replace("\\", "\\\u2060").replace("{", "\\{").replace("}", "\\}")


def _safe(lines: Sequence[str]) -> str:
    """Text that cannot be taken for SubRip's own arrow."""
    return "\n".join(line.replace("-->", "- ->") for line in lines)
