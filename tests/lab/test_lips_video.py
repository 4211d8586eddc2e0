"""Scores of driven lips against real ones: lags, gaps in the truth, ways that cannot be run, the flap."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.errors import InputError, MissingError
from mien.lab.evaluate import lips_video
from mien.lab.evaluate.lips_drive import Lips, flap
from mien.lab.evaluate.lips_video import LAGS, Film, by_lag, correlation, follow, run

RNG = np.random.default_rng(1)


def track(rows: int = 300) -> np.ndarray:
    """Something that moves as lips do."""
    return np.convolve(RNG.standard_normal(rows + 20), np.hanning(9), "same")[10:-10]


def film(real: np.ndarray, width: np.ndarray | None = None) -> Film:
    return Film("a", np.zeros(len(real) * 960, np.float32), real, track(len(real)) if width is None else width)


@given(lag=st.sampled_from(LAGS), seed=st.integers(0, 99))
def test_the_lag_is_by_how_much_real_lips_come_later(lag: int, seed: int) -> None:
    long = np.convolve(np.random.default_rng(seed).standard_normal(360), np.hanning(9), "same")
    made, real = long[30:330], long[30 - lag : 330 - lag]
    table = by_lag(made, real)
    assert LAGS[int(np.argmax(table))] == lag
    assert max(table) == pytest.approx(1.0)


def test_tracks_of_different_length_are_compared_where_both_are() -> None:
    real = track(300)
    assert by_lag(real[:200], real)[LAGS.index(0)] == pytest.approx(1.0)
    assert by_lag(real, real[:200])[LAGS.index(0)] == pytest.approx(1.0)


def test_what_was_not_seen_does_not_count() -> None:
    real = track()
    holes = real.copy()
    holes[100:140] = np.nan
    assert correlation(real, holes) == pytest.approx(1.0)
    assert correlation(real, np.full(300, np.nan)) == 0.0
    assert correlation(np.ones(300), real) == 0.0


def test_all_films_share_one_lag_and_each_measure_has_its_own() -> None:
    films, made = [], []
    for shift in (2, 2, 2, -3):
        opened, wide = track(360), track(360)
        films.append(film(opened[30 - shift : 330 - shift], wide[29:329]))
        made.append(Lips(opened[30:330], wide[30:330]))
    scores = follow(made, films)
    assert scores["aperture"].lag == 40
    assert scores["aperture"].at_lag[:3] == pytest.approx(1.0)
    assert scores["aperture"].at_lag[3] < 0.9
    assert scores["aperture"].at_best == pytest.approx(1.0)
    assert scores["width"].lag == 20
    assert scores["aperture"].as_dict()["one_lag"] < scores["aperture"].as_dict()["best_lag"]


def test_the_flap_opens_with_loudness_and_knows_no_width() -> None:
    loud = np.repeat([0.0, 1.0, 0.2, 0.8, 0.0], 48_000 // 2)
    sound = (loud * np.sin(np.arange(len(loud)) * 0.05)).astype(np.float32)
    lips = flap(sound)
    assert lips.width is None
    assert len(lips.aperture) == len(sound) // 960 + 1
    opened = [lips.aperture[round(25 * (k + 0.5))] for k in range(5)]
    assert opened[1] > opened[3] > opened[2] > 10 * max(opened[0], opened[4], 1e-6)
    assert list(follow([lips], [film(track(len(lips.aperture)))])) == ["aperture"]


def test_a_way_that_cannot_be_run_is_left_out_and_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    real = track()
    monkeypatch.setattr(lips_video, "load_films", lambda *_: [film(real, real)])

    def broken(_: np.ndarray) -> Lips:
        raise MissingError("The recogniser is not installed.")

    result = run(tmp_path, {"good": lambda _: Lips(real, real), "broken": broken}, cache=tmp_path)
    assert list(result.scores) == ["good"]
    assert any("broken" in note and "not installed" in note for note in result.notes)
    told = result.as_dict()
    assert told["ways"]["good"]["aperture"]["films"]["a"] == [1.0, 1.0, 1.0]


def test_a_folder_without_films_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no films"):
        run(tmp_path, {}, cache=tmp_path / "cache")
    with pytest.raises(InputError, match="no films"):
        run(tmp_path / "nowhere", {}, cache=tmp_path / "cache")
