"""What a face cannot do, no driver makes it do."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mien.face.limits import HEAD_MOST, MOST, SPEED, SpeedLimit, legal, soft
from mien.types import SHAPE_INDEX

ROWS = arrays(np.float64, st.tuples(st.integers(1, 30), st.just(3)), elements=st.floats(-2, 2))
SHAPES = arrays(np.float64, st.tuples(st.integers(1, 4), st.just(52)), elements=st.floats(-1, 2))


@example(np.array([[-1e-200] * 3, [1.0, 0.0, 0.0], [-1e-200] * 3]), [2])
@given(ROWS, st.lists(st.integers(0, 30), max_size=5))
def test_speed_holds_for_any_wish_and_any_chunking(wanted: np.ndarray, places: list[int]) -> None:
    speed = np.array([1.0, 10.0, np.inf])
    whole = SpeedLimit(speed).rows(wanted)
    assert (np.abs(np.diff(whole, axis=0)) <= speed / 50 + 1e-12).all()
    assert np.array_equal(whole[:, 2], wanted[:, 2])
    assert np.array_equal(whole[0], wanted[0])
    streamed = SpeedLimit(speed)
    bounds = sorted({0, len(wanted), *(p for p in places if p < len(wanted))})
    pieces = [streamed.rows(wanted[a:b]) for a, b in pairwise(bounds)]
    assert np.array_equal(np.concatenate(pieces), whole)


def test_what_is_slow_enough_passes_to_the_bit() -> None:
    wanted = np.linspace(0, 1, 101)[:, None] ** 1.3
    assert np.array_equal(SpeedLimit(np.array([2.0])).rows(wanted), wanted)


def test_it_arrives() -> None:
    out = SpeedLimit(np.array([5.0])).rows(np.array([[0.0]] + [[1.0]] * 15))
    assert out[-1, 0] == 1


@given(SHAPES)
def test_legal_shapes_are_legal(shapes: np.ndarray) -> None:
    out = legal(shapes)
    assert out.min() >= 0
    assert (out <= MOST).all()
    assert (out[:, SHAPE_INDEX["mouthClose"]] <= out[:, SHAPE_INDEX["jawOpen"]]).all()
    for a, b in (("jawLeft", "jawRight"), ("mouthLeft", "mouthRight"), ("eyeLookUpLeft", "eyeLookDownLeft")):
        i, j = SHAPE_INDEX[a], SHAPE_INDEX[b]
        assert (np.minimum(out[:, i], out[:, j]) == 0).all()
        assert np.allclose(out[:, i] - out[:, j], np.clip(shapes[:, i], 0, 1) - np.clip(shapes[:, j], 0, 1))


@given(arrays(np.float64, (5, 6), elements=st.floats(-10, 10)))
def test_the_head_never_reaches_its_limit(head: np.ndarray) -> None:
    out = soft(head, HEAD_MOST)
    assert (np.abs(out) <= HEAD_MOST).all()
    small = np.abs(head) < HEAD_MOST / 4
    assert np.allclose(out[small], head[small], rtol=0.002)
    assert (np.sign(out) == np.sign(head)).all()


def test_a_jaw_is_a_jaw() -> None:
    jaw = SHAPE_INDEX["jawOpen"]
    assert MOST[jaw] * 25 <= 20
    assert SPEED[jaw] * 25 <= 226
