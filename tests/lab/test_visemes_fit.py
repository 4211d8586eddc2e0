"""The fit of the viseme table: its model is the driver's, and it finds a table that made the films."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from mien.errors import InputError
from mien.face.lips import CORNERS, CORNERS_FOLLOW, Articulation
from mien.face.visemes import CHANNELS, TRAVEL, WIDENS, gestures
from mien.lab.training import visemes
from mien.lab.training.visemes_model import SMOOTHING, Dominance, Film, Films, correlation
from mien.types import Phone

SOUNDS = ["s", "ɪ", "t", "i", "ɑ", "l", "ɛ", "k", "u", "n", "eɪ", "æ", "ɹ", "ʌ", "w"]


def phones(seed: int, count: int = 20) -> tuple[Phone, ...]:
    rng = np.random.default_rng(seed)
    at, out = 24_000, []
    for _ in range(count):
        end = at + int(rng.integers(50, 180)) * 48
        out.append(Phone(at, end, str(rng.choice(SOUNDS))))
        at = end
    return tuple(out)


def film(said: tuple[Phone, ...]) -> Film:
    rows = said[-1].end // 1920 + 12
    spoken = np.zeros(rows, bool)
    spoken[10 : said[-1].end // 1920] = True
    return Film("f", np.zeros(rows), np.zeros(rows), spoken, said)


def fitted_table() -> tuple[list[str], Dominance, NDArray[np.float64], NDArray[np.float64]]:
    """The table in use: names, dominance, width of the corners' shapes and opening of the other shapes, mm."""
    parts = {g.name: g for symbol in SOUNDS for g in gestures(symbol)}
    corners = np.isin(np.arange(len(CHANNELS)), CORNERS)
    opens, wide = (np.array([table.get(c, 0.0) for c in CHANNELS]) for table in (TRAVEL, WIDENS))
    pull = Dominance(*(np.array([getattr(g, k) for g in parts.values()]) for k in ("alpha", "ahead", "carry")))
    spread = np.array([g.target @ (wide * corners) for g in parts.values()])
    return list(parts), pull, spread, np.array([g.target @ (opens * ~corners) for g in parts.values()])


def test_the_model_blends_as_the_driver_does() -> None:
    said = phones(3)
    names, pull, spread, opened = fitted_table()
    films = Films([film(said)], names)
    articulation = Articulation(0, SMOOTHING)
    for phone in said:
        articulation.add(phone)
    target = articulation.take(2 * films.closed.shape[1])[0][::2]
    corners = np.isin(np.arange(len(CHANNELS)), CORNERS)
    opens, wide = (np.array([table.get(c, 0.0) for c in CHANNELS]) for table in (TRAVEL, WIDENS))
    made_open = np.tensordot(opened, films.shares(pull, 0.0), 1)[0]
    made_wide = np.tensordot(spread, films.shares(pull, CORNERS_FOLLOW), 1)[0]
    np.testing.assert_allclose(made_open, target @ (opens * ~corners), atol=1e-9)
    np.testing.assert_allclose(made_wide, target @ (wide * corners), atol=1e-9)


def test_a_table_that_made_the_films_is_found_again() -> None:
    """Films of a speaker who opens and rounds otherwise than the hand-written table, 20 ms late."""
    hand = visemes._hand()
    index = {name: i for i, name in enumerate(hand.names)}
    aperture, width = hand.aperture.copy(), hand.width.copy()
    for name, factor in (("tongue_tip", 0.6), ("close_front", 1.2), ("velar", 0.5), ("open", 1.15)):
        aperture[index[name]] *= factor
    width[index["close_back_round"]] += 6
    plain = Films([film(phones(seed)) for seed in range(40)], hand.names)
    plain.aperture[:] = np.tensordot(aperture, plain.openness(plain.shares(hand.dominance, 0.02))[0], 1)
    plain.width[:] = np.tensordot(width, plain.spread(plain.shares(hand.dominance, 0.04))[0], 1)
    table, lag = visemes._fitted(plain, hand, 0, lambda _: None)
    assert lag == pytest.approx(0.02)
    scale = aperture.mean() / table.aperture.mean()
    for name in ("tongue_tip", "close_front", "velar"):
        k = index[name]
        assert abs(scale * table.aperture[k] - aperture[k]) < 0.75 * abs(hand.aperture[k] - aperture[k]), name
    scores = visemes._scores(plain, hand, table, lag)
    assert scores["aperture"]["after"] > max(0.98, scores["aperture"]["before"])
    assert scores["width"]["after"] > scores["width"]["before"]
    k = index["close_back_round"]
    assert hand.width[k] + 1.5 < table.width[k] < hand.width[k] + 4  # half-way, as much as is taken over


def test_what_films_never_say_follows_its_neighbours() -> None:
    hand = visemes._hand()
    index = {name: i for i, name in enumerate(hand.names)}
    films = Films([film(phones(seed)) for seed in range(40)], hand.names)
    aperture = hand.aperture.copy()
    aperture[index["velar"]] *= 0.5
    films.aperture[:] = np.tensordot(aperture, films.openness(films.shares(hand.dominance, 0.0))[0], 1)
    table, _ = visemes._fitted(films, hand, 0, lambda _: None)
    scale = aperture.mean() / table.aperture.mean()
    assert films.heard()[index["guttural"]] == 0
    assert scale * table.aperture[index["guttural"]] < 0.92 * hand.aperture[index["guttural"]]
    assert table.aperture[index["lips"]] == pytest.approx(0, abs=1e-4)


def test_correlation_is_of_speech_alone() -> None:
    films = Films([film(phones(1))], visemes._hand().names)
    made = np.random.default_rng(0).standard_normal(films.aperture.shape)
    other = np.where(films.counts, made, -7 * made)
    assert correlation(films, made, other) == pytest.approx(1.0)


def test_the_table_that_ships_has_a_card_that_says_what_it_is_from() -> None:
    from importlib.resources import files

    held = json.loads(files("mien.face").joinpath("visemes-fitted.json").read_text(encoding="utf-8"))
    card, table = held["card"], held["visemes"]
    assert card["licence"] == "CC-BY-4.0"
    assert set(table) == set(visemes._hand().names)
    for measure in ("aperture", "width"):
        for judged in ("held_out", "other_people"):
            assert card["correlation"][judged][measure]["after"] > card["correlation"][judged][measure]["before"]


def test_too_few_films_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visemes, "track_folder", lambda *_: [])
    with pytest.raises(InputError, match="Only 0 films"):
        visemes.fit(tmp_path, tmp_path / "table.json", cache=tmp_path)
