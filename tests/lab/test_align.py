"""Alignment as the lab measures it."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest
from tests.dialogue.align_kit import recorded

from mien.errors import InputError
from mien.lab.evaluate import truth
from mien.lab.evaluate.align import grid, read_words, run
from mien.lab.evaluate.align_lips import real_closures
from mien.types import Phone

GRID = Path(__file__).parents[3] / "shared" / "media" / "training" / "grid-s1"
SENTENCE = "bin blue by b two please"


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """A folder like GRID's, with one recording."""
    truth = recorded(SENTENCE, "en-GB")
    with wave.open(str(tmp_path / "one.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(48_000)
        file.writeframes((np.clip(truth.sound, -1, 1) * 32767).astype("<i2").tobytes())
    words = zip(truth.words, SENTENCE.split(), strict=True)
    lines = [f"{w.start * 25_000 // 48_000} {w.end * 25_000 // 48_000} {said}" for w, said in words]
    (tmp_path / "one.align").write_text("\n".join(["0 12000 sil", *lines, "90000 95000 sil"]))
    return tmp_path


def test_pauses_are_no_words(corpus: Path) -> None:
    words = read_words(corpus / "one.align")
    assert [word for _, _, word in words] == SENTENCE.split()
    (clip,) = grid(corpus)
    assert clip.text == SENTENCE


def test_measures_of_a_corpus(corpus: Path) -> None:
    found = {m.name: m for m in run(corpus)}
    assert found["align.grid.median"].value <= 20
    assert found["align.grid.closures"].value >= 0.95
    assert all(found[f"align.{language}.median"].good for language in ("grid", "en", "zh", "ja", "de"))


def test_sounds_are_held_against_the_lips_of_the_film(monkeypatch: pytest.MonkeyPatch) -> None:
    times = np.arange(50) / 25
    gaps = np.full(50, 8.0)
    gaps[20:24] = 0.3  # shown from 0.80 to 0.96 s
    gaps[30] = np.nan
    still = np.zeros(50)
    monkeypatch.setattr(truth, "lip_track", lambda film, task: truth.LipTrack(times, gaps, still, still))
    phones = [Phone(40_000, 46_000, "b"), Phone(46_000, 50_000, "a"), Phone(70_000, 74_000, "m")]
    shut, open_one = real_closures(Path("film.mp4"), phones, Path("net.task"))
    assert shut.gap == 0.3
    assert abs(shut.late) < 0.03
    assert open_one.gap == 8.0


def test_a_folder_without_alignments_and_a_damaged_one_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no \.align files"):
        list(grid(tmp_path))
    (tmp_path / "a.align").write_text("what is this")
    with pytest.raises(InputError, match="no alignment of GRID"):
        read_words(tmp_path / "a.align")


@pytest.mark.skipif(not GRID.is_dir(), reason="needs the GRID clips in ../shared/media/training, not in the repository")
def test_words_of_real_people_are_found() -> None:
    from mien.dialogue.align.forced import align

    off = []
    for clip in grid(GRID, 8):
        words = align(clip.sound, clip.text, "en-GB", lexicon={"a": "/eɪ/"}).words
        for word, (start, end, _) in zip(words, clip.words, strict=True):
            off += [abs(word.start / 48_000 - start), abs(word.end / 48_000 - end)]
    assert np.median(off) <= 0.04
