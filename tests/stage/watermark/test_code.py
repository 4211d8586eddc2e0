"""32 bits through noise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.stage.watermark import code
from mien.stage.watermark.pattern import SIDE, tile, waves


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_every_payload_comes_back(payload: int) -> None:
    assert code.decode(code.encode(payload).astype(np.float32)) == payload


def test_a_sixth_of_wrong_bits_is_mended() -> None:
    random = np.random.default_rng(3)
    right = 0
    for payload in range(40):
        soft = code.encode(payload).astype(np.float32)
        soft[random.choice(code.CODED, code.CODED // 6, replace=False)] *= -1
        right += code.decode(soft) == payload
    assert right >= 36


def test_noise_is_no_payload() -> None:
    random = np.random.default_rng(4)
    assert sum(code.decode(random.normal(size=code.CODED).astype(np.float32)) is not None for _ in range(100)) == 0


def test_the_format_never_changes() -> None:
    """Films that are marked today are read in years: these values are the format."""
    bits = "".join("1" if bit > 0 else "0" for bit in code.encode(305419896))
    assert f"{int(bits, 2):041x}" == "001e12d1010b57e51d61f9c75c0ef31c4f9cf49c0"
    own = waves("mien")
    assert (len(own.rows), len(own.pilots)) == (1506, 602)
    assert own.pilots[:6].tolist() == [1401, 286, 551, 559, 294, 438]
    assert np.allclose(np.angle(own.phases[:4]), [1.249942, -0.809502, -2.054373, -2.48434], atol=1e-5)
    made = tile("mien", 305419896)
    assert made.shape == (SIDE, SIDE)
    assert np.allclose(made[0, :4], [0.03714, 0.13605, -0.06979, -0.42742], atol=1e-4)


@pytest.mark.parametrize("key", ["mien", "another", "鍵"])
def test_a_tile_has_mean_0_and_rms_1(key: str) -> None:
    made = tile(key, 7)
    assert abs(float(made.mean())) < 1e-4 and abs(float(made.std()) - 1) < 1e-3
