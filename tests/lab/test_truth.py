"""Lips of real films: millimetres that do not depend on the picture's size, closures where they were said."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from mien.errors import InputError
from mien.lab.evaluate.baseline_phones import ARPABET, align_words, as_phones, recognise
from mien.lab.evaluate.decode import pictures
from mien.lab.evaluate.truth import LipTrack, landmark_net, lip_track, track_lips
from mien.lab.evaluate.truth_cache import films_in, grid_words, phones_of, sound_16k, track_folder
from mien.types import ByteArray

SHARED = Path(__file__).parents[3] / "shared"
TASK = SHARED / "weights" / "mediapipe-face_landmarker.task"
FILM = SHARED / "media" / "training" / "grid" / "swwp2s.mpg"
needs_film = pytest.mark.skipif(
    not (TASK.exists() and FILM.exists()), reason="needs ../shared/weights and ../shared/media/training"
)


@cache
def watched() -> list[tuple[float, ByteArray]]:
    return list(pictures(FILM))


@cache
def tracked() -> LipTrack:
    return track_lips(watched(), landmark_net(TASK))


def changed(how: Callable[[ByteArray], ByteArray]) -> LipTrack:
    return track_lips([(t, how(p)) for t, p in watched()[::3]], landmark_net(TASK))


@needs_film
def test_lips_close_where_a_bilabial_is_said() -> None:
    """The film says "set white with p two soon"; its p is the only bilabial but for the lips' rest."""
    track = tracked()
    assert track.missing == 0
    phones = phones_of(FILM, sound_16k(FILM))
    assert phones is not None
    assert [name for *_, name in phones if name][-3:] == ["s", "uw", "n"]
    start, end = next((a, b) for a, b, name in phones if name == "p")
    near = (track.times > start - 0.08) & (track.times < end + 0.04)
    vowel = next((a + b) / 2 for a, b, name in phones if name == "ay")
    assert track.aperture_mm[near].min() < 2.5
    assert np.interp(vowel, track.times, track.aperture_mm) > 5
    assert 40 < np.median(track.width_mm) < 60


@needs_film
@pytest.mark.parametrize("size", [0.6, 2.0])
def test_millimetres_do_not_depend_on_the_size_of_the_picture(size: float) -> None:
    other = changed(lambda p: np.asarray(cv2.resize(p, None, fx=size, fy=size, interpolation=cv2.INTER_AREA)))
    assert np.corrcoef(other.aperture_mm, tracked().aperture_mm[::3])[0, 1] > 0.98
    assert np.median(other.width_mm) == pytest.approx(np.median(tracked().width_mm), rel=0.03)


@needs_film
def test_a_tilted_head_has_the_same_lips() -> None:
    turn = cv2.getRotationMatrix2D((180, 144), 15, 1.0)
    other = changed(lambda p: np.asarray(cv2.warpAffine(p, turn, (360, 288), borderMode=cv2.BORDER_REPLICATE)))
    assert np.corrcoef(other.aperture_mm, tracked().aperture_mm[::3])[0, 1] > 0.97


@needs_film
def test_pictures_without_the_face_are_missing_and_it_is_found_again() -> None:
    shown = [(t, np.zeros_like(p) if 20 <= k < 24 else p) for k, (t, p) in enumerate(watched()[:40])]
    track = track_lips(shown, landmark_net(TASK))
    assert np.flatnonzero(np.isnan(track.aperture_mm)).tolist() == [20, 21, 22, 23]
    after = slice(24, 40)
    np.testing.assert_allclose(track.aperture_mm[after], tracked().aperture_mm[after], atol=0.8)


@needs_film
def test_nothing_is_filtered() -> None:
    """One picture alone has the lips that it has among others, but for the crop."""
    k = int(np.argmax(tracked().aperture_mm))
    alone = track_lips([watched()[k]], landmark_net(TASK))
    assert alone.aperture_mm[0] == pytest.approx(tracked().aperture_mm[k], abs=0.8)


@pytest.mark.skipif(not TASK.exists(), reason="needs ../shared/weights")
def test_a_film_without_a_face_is_refused() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (120, 160, 3), np.uint8)
    with pytest.raises(InputError, match="no face"):
        track_lips([(0.0, noise), (0.04, noise)], landmark_net(TASK))


def test_another_file_is_no_landmarker(tmp_path: Path) -> None:
    wrong = tmp_path / "face.task"
    wrong.write_bytes(b"PK nonsense")
    with pytest.raises(InputError, match="not MediaPipe's"):
        lip_track(tmp_path / "film.mp4", wrong)


@needs_film
def test_a_folder_is_tracked_once(tmp_path: Path) -> None:
    films = tmp_path / "films"
    films.mkdir()
    (films / FILM.name).symlink_to(FILM)
    (films / FILM.with_suffix(".align").name).symlink_to(FILM.with_suffix(".align"))
    (films / "broken.mp4").write_bytes(b"no film")
    told: list[str] = []
    first = track_folder(films, tmp_path / "cache", TASK, told.append)
    assert [f.name for f in first] == ["swwp2s.npz"]
    assert any("broken.mp4 is left out" in line for line in told)
    stamp = first[0].stat().st_mtime_ns
    track_folder(films, tmp_path / "cache", TASK)
    assert first[0].stat().st_mtime_ns == stamp
    with np.load(first[0]) as saved:
        np.testing.assert_allclose(saved["aperture_mm"], tracked().aperture_mm, atol=1e-4)
        assert len(saved["audio"]) == pytest.approx(3 * 16_000, abs=1000)
    assert first[0].with_suffix(".json").exists()


def test_names_of_grid_recordings_are_sentences() -> None:
    assert grid_words("swwp2s") == ["set", "white", "with", "p", "two", "soon"]
    assert grid_words("bbaf9n") == ["bin", "blue", "at", "f", "nine", "now"]
    assert grid_words("interview") == grid_words("talk") == grid_words("bbaf9x") == grid_words("bba19n") == []


def test_films_are_told_by_their_endings(tmp_path: Path) -> None:
    for name in ("b.MP4", "a.mpg", "notes.txt", "c.wav"):
        (tmp_path / name).touch()
    assert [f.name for f in films_in(tmp_path)] == ["a.mpg", "b.MP4"]


def spoken(text: str) -> tuple[np.ndarray, list[tuple[float, str]]]:
    """Speech at 16 kHz and the middle of each of its phones, seconds."""
    from scipy.signal import resample_poly

    from mien.dialogue.perform import perform
    from mien.dialogue.speak.espeak import EspeakSpeaker

    speaker = EspeakSpeaker()
    try:
        parts = list(perform(text, speaker, language="en-us", voice="f5", rate=0.8))
    finally:
        speaker.close()
    sound = np.concatenate([p.audio.samples for p in parts])
    middles = [((p.start + p.end) / 96_000, p.symbol) for part in parts for p in part.phones or () if p.symbol]
    return np.asarray(resample_poly(sound, 1, 3), np.float32), middles


def test_known_words_are_placed_where_they_are_said() -> None:
    words = ["my", "mother", "made", "a", "big", "apple", "pie"]
    sound, middles = spoken(" ".join(words))
    found = align_words(sound, words)
    assert found is not None
    ms = [(a + b) / 2 for a, b, name in found if name == "m"]
    truth = [t for t, symbol in middles if symbol == "m"]
    assert len(ms) == len(truth) == 3
    assert np.abs(np.array(ms) - truth).max() < 0.08
    assert all(b > a for a, b, _ in found)
    assert all(x[1] == pytest.approx(y[0]) for x, y in pairwise(found))


def test_words_that_no_dictionary_has_are_not_placed() -> None:
    assert align_words(np.zeros(16_000, np.float32), ["qwxzzy"]) is None
    assert align_words(np.zeros(16_000, np.float32), []) is None


def test_phones_are_heard_in_ipa_and_only_while_somebody_speaks() -> None:
    sound, middles = spoken("See the sea, she sees the ships.")
    padded = np.pad(sound, 16_000)
    phones = recognise(padded)
    assert len(phones) > 0.5 * len(middles)
    assert {p.symbol for p in phones} <= set(ARPABET.values())
    hisses = [(p.start + p.end) / 96_000 - 1 for p in phones if p.symbol in {"s", "ʃ", "z"}]
    real = np.array([t for t, symbol in middles if symbol in {"s", "ʃ", "z"}])
    assert np.mean([np.abs(real - t).min() < 0.1 for t in hisses]) > 0.6
    assert as_phones([(0.0, 0.1, "sil"), (0.1, 0.2, "aa")])[0].symbol == "ɑ"
