"""Real voices and faces: what is heard or known to be said becomes labels, what is seen becomes lips."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.audio.read import read_audio
from mien.errors import MienError
from mien.face.listen.heads import APERTURE, HEADS, LISTENING_RATE, WIDTH
from mien.lab.evaluate import baseline_phones
from mien.lab.evaluate.decode import sound_of
from mien.lab.evaluate.truth import LipTrack
from mien.lab.training.clips import Clip, load_clip
from mien.lab.training.synthesis import pack_thin, save_shard
from mien.types import Phone

FILMS: Final = frozenset({".mp4", ".mpg", ".mov", ".mkv", ".webm", ".avi"})
SOUNDS: Final = frozenset({".flac", ".wav", ".ogg", ".mp3", ".m4a"})
_PACES: Final = (1.0, 0.87, 1.15)
Labels = NDArray[np.float16]
Thin = NDArray[np.float32]


def thin_sound(file: Path) -> Thin:
    """A recording's or film's sound at 16 kHz, one channel, from the film's first picture on."""
    import soxr

    heard = file.suffix.lower() in SOUNDS
    sound = np.concatenate([c.samples for c in read_audio(file)]) if heard else sound_of(file)[0]
    return np.asarray(soxr.resample(sound, 48_000, LISTENING_RATE), np.float32)


def known_words(film: Path) -> list[str]:
    """The words of the ``.align`` file beside a film (start, end, word a line), [] when there is none."""
    told = film.with_suffix(".align")
    if not told.exists():
        return []
    words = (line.split()[2] for line in told.read_text(encoding="utf-8").splitlines() if len(line.split()) == 3)
    return [word for word in words if word not in ("sil", "sp")]


def voices_shard(files: Sequence[Path], stem: Path, tell: Callable[[str], None]) -> Path | None:
    """English recordings with the lips of the phones that a recogniser hears in them, as a shard.

    Slow: a third of real time a recording. Returns the stem, None when no recording could be used.
    """
    if stem.with_suffix(".json").exists():
        return stem
    sounds, labels = [], []
    for i, file in enumerate(files):
        sound = thin_sound(file)
        for at_pace, rows in paced(sound, heard_phones(sound)):
            sounds.append(at_pace)
            labels.append(rows)
        if (i + 1) % 20 == 0:
            tell(f"Heard {i + 1} of {len(files)} recordings.")
    return _saved(stem, sounds, labels, "recognised phones")


def heard_phones(sound: Thin) -> list[Phone]:
    """Phones of English speech that nobody wrote down, at 16 kHz: those of the words that a recogniser hears.

    A wrongly heard word mostly sounds, and looks, like the right one. Where its words do not fit, phones are heard
    alone.
    """
    words = baseline_phones.words(sound)
    timed = baseline_phones.align_words(sound, words) if words else None
    return list(baseline_phones.as_phones(timed) if timed else baseline_phones.recognise(sound))


def track_films(films: Iterable[Path], folder: Path, tell: Callable[[str], None]) -> list[Clip]:
    """Lips of films, tracked once and kept in the folder; films without a face or sound are told of and left out."""
    folder.mkdir(parents=True, exist_ok=True)
    clips = []
    for film in films:
        kept = folder / f"{film.parent.name}-{film.stem}.npz"
        try:
            if not kept.exists():
                _track(film, kept)
            clips.append(load_clip(kept))
        except MienError as error:
            tell(f"{film.name} is left out: {error}")
    return clips


def phones_shard(clips: Sequence[Clip], stem: Path) -> Path | None:
    """Clips whose words are known, with the lips of their phones (not the ones seen), as a shard."""
    known = [clip for clip in clips if clip.phones]
    packed = [one for clip in known for one in paced(clip.sound, list(baseline_phones.as_phones(clip.phones)))]
    return _saved(stem, [p[0] for p in packed], [p[1] for p in packed], "known phones")


def paced(sound: Thin, phones: Sequence[Phone]) -> Iterator[tuple[NDArray[np.int16], Labels]]:
    """A recording at several paces, as a shard holds it: faster speech is higher, too, like a smaller speaker's."""
    import soxr

    for pace in _PACES:
        faster = [Phone(round(p.start / pace), round(p.end / pace), p.symbol) for p in phones]
        resampled = soxr.resample(sound, LISTENING_RATE * pace, LISTENING_RATE) if pace != 1 else sound
        yield pack_thin(np.asarray(resampled, np.float32), faster)


def lips_shard(clips: Sequence[Clip], stem: Path) -> Path | None:
    """Clips with the lips that were seen: aperture and width alone, the rest unknown (nan)."""
    sounds, labels = [], []
    for clip in clips:
        sound, rows = pack_thin(clip.sound, [])
        rows[:] = np.nan
        count = min(len(rows), len(clip.aperture))
        rows[:count, APERTURE], rows[:count, WIDTH] = clip.aperture[:count], clip.width[:count]
        sounds.append(sound)
        labels.append(rows)
    return _saved(stem, sounds, labels, "tracked lips")


def _saved(stem: Path, sounds: list[NDArray[np.int16]], labels: list[Labels], source: str) -> Path | None:
    if not labels:
        return None
    stem.parent.mkdir(parents=True, exist_ok=True)
    assert labels[0].shape[1] == HEADS
    save_shard(stem, np.concatenate(sounds), np.concatenate(labels), {"source": source})
    return stem


def _track(film: Path, kept: Path) -> None:
    """Follow the lips of a film by face_landmarker where it was pulled, else by the embedded net."""
    from mien import models
    from mien.lab.evaluate.truth import lip_track

    sound = thin_sound(film)
    lips = lip_track(film) if models.cached("face_landmarker") else _own_track(film)
    words = known_words(film)
    phones = baseline_phones.align_words(sound, words) if words else None
    if phones:
        kept.with_suffix(".json").write_text(json.dumps(phones), encoding="utf-8")
    with kept.with_suffix(".new").open("wb") as file:
        np.savez(file, times=lips.times, aperture_mm=lips.aperture_mm, width_mm=lips.width_mm, audio=sound)
    kept.with_suffix(".new").replace(kept)


def _own_track(film: Path) -> LipTrack:
    from mien.lab.evaluate.decode import pictures
    from mien.lab.evaluate.track import track
    from mien.lab.evaluate.truth import CORNERS, EYE_DISTANCE_MM

    found = track(pictures(film))
    left, right = (found.points[:, corner] for corner in CORNERS)
    width = np.linalg.norm(right - left, axis=1) / found.unit()
    still = np.zeros(len(found.times))
    return LipTrack(found.times, found.aperture() * EYE_DISTANCE_MM, width * EYE_DISTANCE_MM, still)
