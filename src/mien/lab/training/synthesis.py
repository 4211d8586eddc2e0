"""Made-up training speech: hours of it in minutes, each row with the lips that belong to it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.dialogue.speak.espeak import EspeakSpeaker
from mien.errors import MienError
from mien.face.listen.heads import HEADS, LISTENING_RATE, ROW
from mien.lab.training.corpus import lines
from mien.lab.training.labels import label_rows
from mien.types import FloatArray, Phone

SAMPLES: Final = LISTENING_RATE // 50
"""Samples of a row at the listening rate."""


@dataclass(frozen=True)
class Shard:
    """A stretch of speech. sound: int16 at 16 kHz, (320 n,). labels: float16 (n, HEADS). weight: share of batches.

    The files may be larger than memory: both arrays are mapped, not read.
    """

    name: str
    sound: NDArray[np.int16]
    labels: NDArray[np.float16]
    weight: float = 1.0

    @property
    def rows(self) -> int:
        """Rows of 20 ms."""
        return len(self.labels)


def make_shards(folder: Path, hours: float, seed: int, *, shards: int = 6, tell: Callable[[str], None]) -> list[Path]:
    """Fill the folder with shards that are not there yet. Returns their stems."""
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for i in range(shards):
        stem = folder / f"speech-{i:02d}"
        if not stem.with_suffix(".json").exists():
            sound, labels = _speech(int(hours / shards * 3600 * 50), seed * 1000 + i)
            save_shard(stem, sound, labels, {"source": "espeak-ng", "seed": seed * 1000 + i})
            tell(f"Made {len(labels) / 50 / 60:.0f} minutes of speech ({i + 1} of {shards}).")
        made.append(stem)
    return made


def save_shard(stem: Path, sound: NDArray[np.int16], labels: NDArray[np.float16], about: dict[str, object]) -> None:
    """Write a shard's files; the .json comes last and says that the others are whole."""
    np.save(stem.with_name(f"{stem.name}-sound.npy"), sound)
    np.save(stem.with_name(f"{stem.name}-labels.npy"), labels)
    stem.with_suffix(".json").write_text(json.dumps({"rows": len(labels), **about}), encoding="utf-8")


def load_shard(stem: Path, weight: float = 1.0) -> Shard:
    """A shard that :func:`save_shard` wrote."""
    sound, labels = (
        np.load(stem.with_name(f"{stem.name}-{part}.npy"), mmap_mode="r", allow_pickle=False)
        for part in ("sound", "labels")
    )
    return Shard(stem.name, sound, labels, weight)


def _speech(rows: int, seed: int) -> tuple[NDArray[np.int16], NDArray[np.float16]]:
    sound = np.zeros(rows * SAMPLES, np.int16)
    labels = np.zeros((rows, HEADS), np.float16)
    done = 0
    for samples, targets in _utterances(seed):
        count = min(len(targets), rows - done)
        sound[done * SAMPLES : (done + count) * SAMPLES] = samples[: count * SAMPLES]
        labels[done : done + count] = targets[:count]
        done += count
        if done == rows:
            break
    return sound, labels


def _utterances(seed: int) -> Iterator[tuple[NDArray[np.int16], NDArray[np.float16]]]:
    """Sound at 16 kHz and labels of utterance after utterance, each with silence before and after."""
    speaker = EspeakSpeaker()
    try:
        for line in lines(seed):
            try:
                parts = list(speaker.speak(line.request))
            except MienError:  # a voice and a language that do not go together
                continue
            pause = int(line.pause * 50) * ROW
            sound = np.concatenate([np.zeros(pause, np.float32), *(p.audio.samples for p in parts)])
            phones = [Phone(q.start + pause, q.end + pause, q.symbol) for p in parts for q in p.phones or ()]
            yield pack(sound, phones)
    finally:
        speaker.close()


def pack(sound: FloatArray, phones: list[Phone]) -> tuple[NDArray[np.int16], NDArray[np.float16]]:
    """48 kHz sound that starts at tick 0 and its phones, as a shard holds them: whole rows, speech at -26 dB."""
    import soxr

    return pack_thin(soxr.resample(sound, 48_000, LISTENING_RATE), phones)


def pack_thin(sound: FloatArray, phones: list[Phone]) -> tuple[NDArray[np.int16], NDArray[np.float16]]:
    """The same for sound at 16 kHz."""
    rows = len(sound) // SAMPLES
    sound = sound[: rows * SAMPLES]
    heard = np.abs(sound) > 1e-3
    loud = float(np.sqrt(np.mean(np.square(sound[heard])))) if heard.any() else 1.0
    whole = np.clip(sound * (0.05 / loud) * 32767, -32768, 32767).astype(np.int16)
    return whole, label_rows(phones, 0, rows).astype(np.float16)
