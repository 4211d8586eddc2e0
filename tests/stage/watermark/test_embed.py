"""Marks that are there and cannot be seen."""

from __future__ import annotations

import numpy as np
import pytest
from tests.stage.watermark.kit import busy, flat, psnr

from mien.errors import UsageError
from mien.stage.watermark.embed import Watermark


def test_the_same_picture_is_marked_alike_at_any_time_by_anybody() -> None:
    picture = busy()
    first = Watermark(5, "key")(0, picture)
    assert np.array_equal(first, Watermark(5, "key")(480_000, picture.copy()))
    assert not np.array_equal(first, Watermark(6, "key")(0, picture))
    assert not np.array_equal(first, Watermark(5, "other")(0, picture))


@pytest.mark.parametrize("seed", [1, 2])
def test_psnr_is_over_40_db_even_where_all_is_busy(seed: int) -> None:
    noise = np.random.default_rng(seed).integers(0, 256, (300, 420, 3), dtype=np.uint8)
    for picture in (busy(seed), noise):
        assert psnr(picture, Watermark(5)(0, picture)) >= 40
    assert psnr(flat(), Watermark(5)(0, flat())) >= 48


def test_flat_skies_get_less_than_busy_places_and_edges_no_more_than_skies() -> None:
    busy_change = np.abs(Watermark(5)(0, busy()).astype(int) - busy()).mean()
    flat_change = np.abs(Watermark(5)(0, flat()).astype(int) - flat()).mean()
    assert flat_change < 0.45 * busy_change
    edged = flat()
    edged[:, 200:] //= 2
    marked = np.abs(Watermark(5)(0, edged).astype(int) - edged)
    assert marked[:, 190:210].mean() < 1.3 * flat_change


def test_what_would_cost_too_much_psnr_is_taken_from_the_busiest_places() -> None:
    """The calmer half of a picture keeps the mark that it has where nothing else is busy."""
    noise = np.random.default_rng(3).integers(0, 256, (400, 200, 3), dtype=np.uint8)
    calm = np.hstack([busy(), busy()])
    crowded = calm.copy()
    for left in (400, 600):
        crowded[:, left : left + 200] = noise
    alone, beside = (np.abs(Watermark(5)(0, p)[:, :380].astype(int) - p[:, :380]).mean() for p in (calm, crowded))
    assert beside > 0.95 * alone
    assert psnr(crowded, Watermark(5)(0, crowded)) >= 40


def test_only_luma_changes_and_alpha_stays() -> None:
    picture = np.dstack([np.clip(busy(), 40, 210), np.full((400, 400), 77, np.uint8)])
    change = Watermark(5)(0, picture).astype(int) - picture
    assert not change[..., 3].any() and change[..., 0].any()
    assert np.array_equal(change[..., 0], change[..., 1]) and np.array_equal(change[..., 0], change[..., 2])


@pytest.mark.parametrize("shape", [(1, 1), (7, 300), (33, 129), (130, 8), (9, 9)])
def test_any_size_is_marked(shape: tuple[int, int]) -> None:
    picture = np.full((*shape, 3), 255, np.uint8)
    picture[::2] = 0
    assert Watermark(5)(0, picture).shape == picture.shape
    tall = np.asfortranarray(busy(1, 64, 128))
    assert np.array_equal(Watermark(5)(0, tall), Watermark(5)(0, np.ascontiguousarray(tall)))


@pytest.mark.parametrize(("payload", "key"), [(-1, "k"), (2**32, "k"), (5, "")])
def test_what_cannot_be_said_is_refused(payload: int, key: str) -> None:
    with pytest.raises(UsageError):
        Watermark(payload, key)
