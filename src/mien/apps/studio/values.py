"""What fields of a project are worth: lengths, times, loudness, colours, moments. Each reads its own text."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Literal

from mien.errors import UsageError
from mien.timeline import to_ticks

LONGEST_TIME: Final = 6 * 3600.0
"""Seconds of any time in a project."""

_NUMBER: Final = r"[+-]?(?:\d{1,9}(?:\.\d{0,9})?|\.\d{1,9})"
_SPAN: Final = re.compile(rf"({_NUMBER})\s?(ms|s|sec|min|m|h)")
_CLOCK: Final = re.compile(r"(?:(\d{1,3}):)?(\d{1,2}):(\d{1,2}(?:[.,]\d{1,9})?)")
_UNITS: Final = {"ms": 0.001, "s": 1.0, "sec": 1.0, "min": 60.0, "m": 60.0, "h": 3600.0}
_LENGTH: Final = re.compile(rf"({_NUMBER})\s?(%|px)")
_DECIBELS: Final = re.compile(rf"({_NUMBER})\s?dB", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Length:
    """A length on the canvas. value: pixels where unit is "px"; where it is "%", parts of 100 of the canvas's width
    (for x, width) or height (for y, height).
    """

    value: float
    unit: Literal["px", "%"]

    def pixels(self, whole: int) -> float:
        """On a side of ``whole`` pixels."""
        return self.value if self.unit == "px" else self.value * whole / 100.0


@dataclass(frozen=True, slots=True)
class Moment:
    """When something happens in its scene.

    word: a word (or several) of the scene's script that is said then, "" = none; number: which of those that are
    alike, from 1; edge: where it starts or ends. cue: name of a [cue …] mark of the script, "" = none. ticks: after
    that (before where negative), or after the scene's start where there is neither.
    """

    ticks: int = 0
    word: str = ""
    number: int = 1
    edge: Literal["start", "end"] = "start"
    cue: str = ""

    @property
    def fixed(self) -> bool:
        """Whether it is a time from the scene's start."""
        return not (self.word or self.cue)


Colour = tuple[int, int, int, int]
"""Red, green, blue, alpha, 0…255."""


def parse_time(text: str) -> int:
    """Ticks of "1.5s", "500ms", "2min", "1h", "01:02" or "00:01:02.5". Raises UsageError."""
    if text.strip() in ("0", "0.0"):
        return 0
    span, clock = _SPAN.fullmatch(text.strip()), _CLOCK.fullmatch(text.strip())
    if span:
        seconds = float(span[1]) * _UNITS[span[2]]
    elif clock and float(clock[3].replace(",", ".")) < 60 and (clock[1] is None or int(clock[2]) < 60):
        seconds = int(clock[1] or 0) * 3600 + int(clock[2]) * 60 + float(clock[3].replace(",", "."))
    else:
        raise UsageError(f"{shown(text)} is not a time; write 3s, 500ms or 00:01:02.")
    if abs(seconds) > LONGEST_TIME:
        raise UsageError(f"{shown(text)} is longer than {LONGEST_TIME / 3600:g} hours; write a shorter time.")
    return to_ticks(seconds)


def parse_length(text: str) -> Length:
    """ "60%" or "120px". Raises UsageError."""
    found = _LENGTH.fullmatch(text.strip())
    if text.strip() == "0":
        return Length(0.0, "px")
    if not found:
        raise UsageError(f"{shown(text)} is not a length; write 60% of the canvas or 120px.")
    value, unit = float(found[1]), found[2]
    if abs(value) > (1000 if unit == "%" else 100_000):
        raise UsageError(f"{shown(text)} is far outside the picture; write 60% of the canvas or 120px.")
    return Length(value, "px" if unit == "px" else "%")


def parse_decibels(text: str) -> float:
    """ "-18dB". Raises UsageError."""
    found = _DECIBELS.fullmatch(text.strip())
    if not found:
        raise UsageError(f"{shown(text)} is not a loudness; write -18dB.")
    return float(found[1])


def parse_colour(text: str) -> Colour:
    """A CSS name, "#rgb", "#rrggbb", "#rrggbbaa", "rgb(…)" or "hsl(…)". Raises UsageError."""
    from PIL import ImageColor

    parts: tuple[int, ...] = ()
    with suppress(ValueError):
        parts = ImageColor.getrgb(text.strip() if len(text) < 60 else "")
    if not parts or not all(0 <= part <= 255 for part in parts):  # Pillow takes rgb(999, 0, 0)
        raise UsageError(f"{shown(text)} is not a colour; write teal, '#20304f' or rgb(32, 48, 79).")
    red, green, blue, *alpha = parts
    return red, green, blue, alpha[0] if alpha else 255


def shown(text: str, longest: int = 40) -> str:
    """A text in quotes as an error has it: on one line, printable, not too long."""
    flat = "".join(c if c.isprintable() else " " for c in text)
    flat = " ".join(flat.split())
    return f"'{flat if len(flat) <= longest else flat[: longest - 1] + '…'}'"
