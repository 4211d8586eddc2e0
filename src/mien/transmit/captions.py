"""Caption files: SubRip, WebVTT and Advanced SubStation Alpha."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from mien.captions import Caption
from mien.errors import UsageError
from mien.timeline import TICKS_PER_SECOND
from mien.transmit.atomic import write_text

FORMATS: Final = ("srt", "vtt", "ass", "both", "all", "none")
"""What ``--captions`` takes."""

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


def caption_paths(film: Path, formats: str) -> tuple[Path, ...]:
    """The files that ``--captions`` asks for: beside the film, same stem. Raises UsageError for an unknown word."""
    if formats not in FORMATS:
        raise UsageError(f"'{formats}' is not a caption format.", hint="Use srt, vtt, both or none.")
    endings = {"srt": (".srt",), "vtt": (".vtt",), "both": (".srt", ".vtt"), "none": ()}[formats]
    stem = re.sub(r"[-_.]?%0?\d*d$", "", film.stem) or "captions"
    return tuple(film.with_name(stem + ending) for ending in endings)


def write_captions(captions: Sequence[Caption], path: Path) -> None:
    """Write ``path`` (.srt or .vtt), whole or not at all. Raises OutputError."""
    write_text(path, to_vtt(captions) if path.suffix == ".vtt" else to_srt(captions))


def _clock(tick: int, mark: str) -> str:
    milliseconds = tick * 1000 // TICKS_PER_SECOND
    seconds, milliseconds = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{mark}{milliseconds:03}"


def _safe(lines: Sequence[str]) -> str:
    """Text that cannot be taken for SubRip's own arrow."""
    return "\n".join(line.replace("-->", "- ->") for line in lines)
