"""Closures and silences against gaps and phones that are known."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from mien.lab.evaluate.lips import closures, is_bilabial, rows_at, silent_frames
from mien.timeline import to_ticks
from mien.types import FaceClip, Phone

FPS = Fraction(25)


def phone(start: float, end: float, symbol: str) -> Phone:
    return Phone(to_ticks(start), to_ticks(end), symbol)


@pytest.mark.parametrize(
    ("symbol", "lips"),
    [
        ("m", True),
        ("b", True),
        ("p", True),
        ("pʰ", True),
        ("mʲ", True),
        ("pf", False),
        ("f", False),
        ("n", False),
        ("", False),
    ],
)
def test_which_sounds_are_bilabial(symbol: str, lips: bool) -> None:
    assert is_bilabial(symbol) is lips


def test_a_closure_counts_where_one_of_its_frames_is_shut() -> None:
    gaps = np.full(50, 6.0)
    gaps[10] = 0.4  # on screen from 0.40 to 0.44 s
    phones = [phone(0.35, 0.42, "m"), phone(1.0, 1.1, "b"), phone(1.2, 1.3, "a")]
    found = closures(phones, gaps, FPS)
    assert found.gaps.tolist() == [0.4, 6.0]
    assert found.share == 0.5


def test_the_frame_before_the_closure_does_not_count() -> None:
    gaps = np.full(50, 6.0)
    gaps[9] = 0.0  # on screen from 0.36 to 0.40 s
    assert closures([phone(0.41, 0.47, "p")], gaps, FPS).share == 0.0


def test_a_doubled_consonant_is_one_closure() -> None:
    gaps = np.zeros(50)
    assert len(closures([phone(0.2, 0.3, "m"), phone(0.3, 0.4, "m")], gaps, FPS).gaps) == 1
    assert len(closures([phone(0.2, 0.3, "m"), phone(0.3, 0.4, "b")], gaps, FPS).gaps) == 2


def test_no_bilabials_no_share() -> None:
    assert np.isnan(closures([phone(0, 1, "a")], np.zeros(50), FPS).share)


def test_silence_begins_150_ms_from_speech() -> None:
    silent = silent_frames([phone(0, 1, ""), phone(1, 1.5, "a"), phone(1.5, 3, "")], 75, FPS)
    times = np.arange(75) / 25
    assert (silent == ((times < 0.85) | (times >= 1.65))).all()


def test_rows_are_read_as_the_film_reads_them() -> None:
    shapes = (np.repeat(np.arange(5)[:, None], 52, 1) / 10).astype(np.float32)
    clip = FaceClip(0, shapes, np.zeros((5, 6), np.float32), Fraction(50))
    read, _ = rows_at(clip, [0, 480, 960, 10_000])
    assert np.allclose(read[:, 0], [0.0, 0.05, 0.1, 0.4])
