"""The trace: what a film was made from, written beside it, so that the film can be judged against it.

One JSON object: ``format`` "mien.trace", ``schema_version`` 1, ``phones`` as [start, end, symbol], ``words`` as
[start, end, char_start, char_end], ``emotions`` as [start, end, name], all in ticks of 1/48000 s of the film, and
``sound``: the level of the sound in steps of 5 ms, tenths of a dB below full scale (so that a shift of the sound in the
file can be found again). The motion itself is the motion file (:mod:`mien.transmit.motion`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien.types import FloatArray, Phone, SpeechPart, Word

FORMAT: Final = "mien.trace"
SCHEMA_VERSION: Final = 1
STEP: Final = 240
"""Ticks of one step of the sound's level."""
FLOOR: Final = 1200
"""Silence: tenths of a dB below full scale."""
_LARGEST: Final = 1 << 28
_HINT: Final = "Use a trace that 'mien make --trace' wrote."


@dataclass(frozen=True)
class Trace:
    """phones, words: in film time. sound: level of each :data:`STEP` ticks, dB relative to full scale, float32 (n,)."""

    phones: tuple[Phone, ...]
    words: tuple[Word, ...] = ()
    emotions: tuple[tuple[int, int, str], ...] = ()
    sound: FloatArray | None = None


_GUESSED: Final = 0.4
"""Confidence up to which a phone is a recogniser's guess: no truth to judge a film by."""


class TraceRecorder:
    """Listens to the speech of a film as it passes; :meth:`write` makes the file."""

    def __init__(self) -> None:
        self._phones: list[list[Any]] = []
        self._words: list[list[int]] = []
        self._emotions: list[list[Any]] = []
        self._levels: list[int] = []
        self._rest = np.zeros(0, np.float32)

    def hear(self, part: SpeechPart) -> None:
        """Take a part of speech, already in film time."""
        self._phones += [
            [p.start, p.end, p.symbol] for p in part.phones or () if not p.symbol or p.confidence > _GUESSED
        ]
        self._words += [[w.start, w.end, w.char_start, w.char_end] for w in part.words or ()]
        self._emotions += [[e.start, e.end, e.emotion.name] for e in part.emotions]
        sound = np.concatenate([self._rest, part.audio.samples])
        whole = len(sound) // STEP * STEP
        self._levels += [int(v) for v in np.round(-10 * levels(sound[:whole]))]
        self._rest = sound[whole:]

    def write(self, path: Path) -> None:
        """Write the file, whole or not at all. Raises OutputError."""
        from mien.transmit.atomic import write_text

        content = {
            "format": FORMAT,
            "schema_version": SCHEMA_VERSION,
            "phones": self._phones,
            "words": self._words,
            "emotions": self._emotions,
            "sound": self._levels,
        }
        write_text(path, json.dumps(content, ensure_ascii=False))


def levels(sound: FloatArray) -> NDArray[np.float64]:
    """Level of each whole step of the sound, dB relative to full scale, not under -:data:`FLOOR` / 10. (n // 240,)."""
    steps = sound[: len(sound) // STEP * STEP].reshape(-1, STEP).astype(np.float64)
    return np.asarray(np.maximum(10 * np.log10((steps**2).mean(1) + 1e-30), -FLOOR / 10))


def read_trace(path: Path) -> Trace:
    """Read a trace. Raises InputError for a file that is none."""
    try:
        if path.stat().st_size > _LARGEST:
            raise ValueError("it is too large")
        content = json.loads(path.read_text(encoding="utf-8"))
        return _trace(content)
    except OSError as error:
        raise InputError(f"{path.name} cannot be read: {error.strerror or error}.", hint="Check the path.") from error
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError) as error:
        raise InputError(f"{path.name} is not a trace of a film.", hint=_HINT) from error


def _trace(content: Any) -> Trace:
    if content["format"] != FORMAT or content["schema_version"] != SCHEMA_VERSION:
        raise ValueError("another format")
    return Trace(
        phones=tuple(Phone(int(a), int(b), str(symbol)) for a, b, symbol in content["phones"]),
        words=tuple(Word(*(int(v) for v in word)) for word in content["words"]),
        emotions=tuple((int(a), int(b), str(name)) for a, b, name in content["emotions"]),
        sound=np.array(content["sound"], np.float32) / np.float32(-10),
    )
