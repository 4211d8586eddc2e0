"""Talking films with their lips tracked and their phones placed, kept beside each other so that it is done once.

For a film NAME there is NAME.npz with ``times`` (seconds), ``aperture_mm``, ``width_mm``, ``turn`` (one value a
picture, NaN where no face is seen) and ``audio`` (float32, 16 kHz, sample 0 at time 0); and, where its words are known,
NAME.json with [start in seconds, end, ARPAbet phone or ""] of everything said.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from mien.errors import InputError
from mien.lab.evaluate.baseline_phones import RATE, Timed, align_words
from mien.timeline import TICKS_PER_SECOND
from mien.transmit.atomic import Staging
from mien.types import FloatArray

FILMS: Final = (".mp4", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".m4v")
_ALIGN_UNIT: Final = 25_000
"""Ticks a second in the word files of the GRID corpus."""
_GRID: Final = tuple(
    dict(pair.split("=") for pair in line.split())
    for line in (
        "b=bin l=lay p=place s=set",
        "b=blue g=green r=red w=white",
        "a=at b=by i=in w=with",
        "z=zero 1=one 2=two 3=three 4=four 5=five 6=six 7=seven 8=eight 9=nine",
        "a=again n=now p=please s=soon",
    )
)
"""The words that the letters of a GRID sentence's name stand for, but the fourth, which is a letter itself."""


def films_in(folder: Path) -> list[Path]:
    """Films of a folder, by name. Raises InputError when there is none."""
    found = sorted(f for f in folder.iterdir() if f.suffix.lower() in FILMS) if folder.is_dir() else []
    if not found:
        raise InputError(f"There are no films in '{folder}'.", hint=f"Films end in {', '.join(FILMS)}.")
    return found


def track_folder(
    folder: Path, cache: Path, task: Path | None = None, tell: Callable[[str], None] = lambda _: None
) -> list[Path]:
    """Track every film of a folder that is not in the cache yet; returns the .npz files, one for each film with a face.

    Words of a film are taken from NAME.align (the GRID corpus's word times), from NAME.txt (English), or from a name
    that is a sentence of the GRID corpus. task: as for :func:`mien.lab.evaluate.truth.lip_track`.
    """
    cache.mkdir(parents=True, exist_ok=True)
    kept: list[Path] = []
    for film in films_in(folder):
        into = cache / f"{film.stem}.npz"
        if not into.exists():
            try:
                _track(film, into, task)
            except InputError as error:
                tell(f"{film.name} is left out: {error.message}")
                continue
            tell(f"{film.name}: lips tracked")
        kept.append(into)
    return kept


def _track(film: Path, into: Path, task: Path | None) -> None:
    from mien.lab.evaluate.truth import lip_track

    sound = sound_16k(film)
    track = lip_track(film, task)
    phones = phones_of(film, sound)
    if phones is not None:
        told = json.dumps([[round(start, 3), round(end, 3), name] for start, end, name in phones])
        _store(into.with_suffix(".json"), told.encode())
    held = io.BytesIO()
    np.savez(
        held,
        times=track.times,
        aperture_mm=track.aperture_mm.astype(np.float32),
        width_mm=track.width_mm.astype(np.float32),
        turn=track.turn.astype(np.float32),
        audio=sound,
    )
    _store(into, held.getvalue())


def _store(target: Path, content: bytes) -> None:
    staging = Staging(target)
    staging.path.write_bytes(content)
    staging.commit()


def sound_16k(film: Path) -> FloatArray:
    """Sound of a film, one channel at 16 kHz, float32 (n,), sample 0 at time 0. Raises InputError for a silent one."""
    from scipy.signal import resample_poly

    from mien.lab.evaluate.decode import sound_of

    sound, channels = sound_of(film)
    if not channels or not len(sound):
        raise InputError(f"{film.name} has no sound.", hint="Give films in which somebody talks.")
    return np.asarray(resample_poly(sound, RATE, TICKS_PER_SECOND), np.float32)


def phones_of(film: Path, sound: FloatArray) -> list[Timed] | None:
    """Phones of a film's words, None where its words are not known or do not fit its sound."""
    placed = film.with_suffix(".align")
    if placed.exists():
        rows = [line.split() for line in placed.read_text(encoding="utf-8").splitlines() if line.strip()]
        words = [(int(start) / _ALIGN_UNIT, word) for start, _, word in rows if word not in {"sil", "sp"}]
        phones = align_words(sound, [word for _, word in words])
        return phones and _from_onset(phones, words[0][0])
    told = film.with_suffix(".txt")
    if told.exists():
        return align_words(sound, re.findall(r"[a-z']+", told.read_text(encoding="utf-8").lower()))
    words_said = grid_words(film.stem)
    return align_words(sound, words_said) if words_said else None


def grid_words(name: str) -> list[str]:
    """The six words that the name of a GRID recording stands for; none for any other name."""
    letters = [name[:1], name[1:2], name[2:3], name[4:5], name[5:]]
    if len(name) != 6 or any(c not in words for c, words in zip(letters, _GRID, strict=True)) or not name[3].isalpha():
        return []
    verb, colour, preposition, digit, adverb = (words[c] for c, words in zip(letters, _GRID, strict=True))
    return [verb, colour, preposition, name[3], digit, adverb]


def _from_onset(phones: Sequence[Timed], onset: float) -> list[Timed]:
    """The first phone begins where the first word is known to."""
    first = next(i for i, (_, _, name) in enumerate(phones) if name)
    _, end, name = phones[first]
    if onset > end - 0.03:
        return list(phones)
    return [(0.0, onset, ""), (onset, end, name), *phones[first + 1 :]]
