"""Jumps, jerk and flicker where they are known."""

from __future__ import annotations

import numpy as np
import pytest

from mien.lab.evaluate.smooth import flicker, jerk, jump


def test_a_steady_glide_is_no_jump_and_one_frame_out_of_line_is() -> None:
    glide = np.repeat(np.arange(30.0)[:, None, None], 2, 2).repeat(4, 1)
    assert jump(glide) == pytest.approx(0)
    glide[12] += 0.7
    assert jump(glide) == pytest.approx(0.7 * 2**0.5)


def test_jerk_of_a_known_cubic() -> None:
    times = np.arange(0, 1, 0.04)
    points = np.zeros((len(times), 1, 2))
    points[:, 0, 0] = 2 * times**3
    assert jerk(points, 25) == pytest.approx(12)


def test_flicker_sees_only_what_should_stand_still() -> None:
    still = np.zeros((8, 8), bool)
    still[:4] = True
    pictures = [np.full((8, 8, 3), 100, np.uint8) for _ in range(5)]
    pictures[2][4:] = 255
    assert flicker(pictures, still) == float("inf")
    pictures[2][:4] += 1
    assert flicker(pictures, still) == pytest.approx(10 * np.log10(255**2 / 0.5))
