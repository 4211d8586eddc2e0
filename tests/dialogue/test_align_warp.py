"""The cheapest path through small tables, against paths made up at random and costs added up by hand."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.dialogue.align.edges import bounds, snapped
from mien.dialogue.align.warp import NO_PAUSE, warp
from mien.types import FloatArray, IntArray

STAY, SKIP, TOLL = 0.3, 0.4, 0.7


def tables(seed: int, rows: int, states: int) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """cost, silence, other, enter; there may be pauses at both ends and before each third state."""
    rng = np.random.default_rng(seed)
    enter = np.full(states + 1, NO_PAUSE, np.float32)
    enter[::3] = TOLL
    enter[0] = enter[states] = -1e-6
    cost = rng.uniform(0, 3, (rows, states)).astype(np.float32)
    silence = rng.uniform(0, 3, rows).astype(np.float32)
    return cost, silence, np.minimum(silence, 1.0).astype(np.float32), enter


def price(path: IntArray, cost: FloatArray, silence: FloatArray, other: FloatArray, enter: FloatArray) -> float:
    """What a path costs; infinite if a step of it is not allowed."""
    total, done, paused = 0.0, 0, None
    for i, at in enumerate(path.tolist()):
        if at < 0:
            gap = -1 - at
            if enter[gap] >= NO_PAUSE or gap < done or (i == 0 and gap):
                return float("inf")
            skipped = gap - done
            if paused == gap or i == 0:
                pass
            elif paused is not None or skipped > 1:
                return float("inf")
            else:
                total += abs(float(enter[gap])) + SKIP * skipped
            total += float(other[i] if enter[gap] < 0 else silence[i])
            done, paused = gap, gap
            continue
        step = at + 1 - done
        if i == 0 and at:
            return float("inf")
        if paused is not None or i == 0:
            if step not in ((1, 2) if i else (1,)):
                return float("inf")
            total += SKIP * (step - 1)
        elif step == 0:
            total += STAY
        elif step in (1, 2, 3):
            total += SKIP * (step - 1)
        else:
            return float("inf")
        total += float(cost[i, at])
        done, paused = at + 1, None
    return total


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(6, 30), st.integers(2, 12))
def test_the_path_costs_what_is_said_and_no_other_costs_less(seed: int, rows: int, states: int) -> None:
    cost, silence, other, enter = tables(seed, rows, states)
    start = np.full(states + 1, NO_PAUSE, np.float32)
    start[0] = 0
    leave = np.full(states + 1, NO_PAUSE, np.float32)
    leave[states] = 0
    path, total = warp(cost, silence, other, enter, leave, start, STAY, SKIP)
    assert len(path) == rows
    assert abs(price(path, cost, silence, other, enter) - total) < 1e-3
    rng = np.random.default_rng(seed)
    for _ in range(200):
        attempt = np.sort(rng.integers(0, states, rows)).astype(np.int32)
        attempt[0], attempt[-1] = 0, states - 1
        assert price(attempt, cost, silence, other, enter) >= total - 1e-3


def test_a_pause_is_taken_where_it_is_silent() -> None:
    spoken = [0, 0, 1, 1, 2, 2]
    sound = [*spoken[:4], -1, -1, -1, *spoken[4:]]
    cost = np.array([[0.0 if row == s else 3.0 for s in range(3)] for row in sound], np.float32)
    silence = np.array([0.1 if row < 0 else 3.0 for row in sound], np.float32)
    enter = np.array([-1e-6, NO_PAUSE, 0.5, -1e-6], np.float32)
    edge = np.full(4, NO_PAUSE, np.float32)
    start, leave = edge.copy(), edge.copy()
    start[0] = leave[3] = 0
    path, _ = warp(cost, silence, silence, enter, leave, start, 0.1, 0.1)
    assert path.tolist() == [0, 0, 1, 1, -3, -3, -3, 2, 2]
    assert bounds(path, np.array([0, 1, 2, 3], np.int32), 3, 9) == [(0, 2), (2, 4), (7, 9)]


def test_a_skipped_phone_gets_a_row_of_its_neighbour() -> None:
    path = np.array([0, 0, 0, 2, 2], np.int32)
    assert bounds(path, np.array([0, 1, 2, 3], np.int32), 3, 5) == [(0, 2), (2, 3), (3, 5)]


def test_edges_beside_silence_follow_the_loudness() -> None:
    loudness = np.array([0, 0, 0, 0, 0, 0.6, 0.8, 0.9, 0.9, 0.8, 0.7, 0.5, 0.1, 0, 0, 0, 0], np.float32)
    assert snapped([(7, 9), (9, 10)], {0}, loudness) == [(5, 9), (9, 12)]
    assert snapped([(2, 9), (9, 12)], {0}, loudness) == [(5, 9), (9, 12)]
